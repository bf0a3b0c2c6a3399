"""Killed at any moment, a member loses, doubles and contradicts nothing."""

import base64
import hashlib
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from syncd.flows.ports import Bundle
from syncd.indicator import claims, codec, folding, statement
from syncd.indicator.leaf import Record
from syncd.store.failpoint import POINTS
from syncd.tlog import checkpoint
from syncd.tlog.checkpoint import Checkpoint
from tests import postgres
from tests.alliance import digest_of, records_of
from tests.cases import ROOT, slow, tried
from tests.flows.growing import in_force
from tests.whole import kill_driver
from tests.whole.kill_driver import OTHER, OWN

pytestmark = slow


@dataclass
class Seen:
    """All that an observer outside was told, in order."""

    acks: set[int] = field(default_factory=set)  # rows of the file
    ending: set[int] = field(default_factory=set)  # ids in the vault
    released: list[Checkpoint] = field(default_factory=list)
    receipts: list[Checkpoint] = field(default_factory=list)
    killed_at: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def take(self, text: str) -> None:
        word, _, rest = text.rstrip("\n").partition(" ")
        match word:
            case "ack":
                first, last = map(int, rest.split(" "))
                self.acks |= set(range(first, last))
            case "ending":
                self.ending |= set(map(int, rest.split(" ")))
            case "released":
                raw = base64.b64decode(rest)
                head, _ = checkpoint.open_(raw, OWN.verifier)
                self.released.append(head)
            case "receipt":
                raw = base64.b64decode(rest)
                head, _ = checkpoint.open_(raw, OTHER.verifier)
                self.receipts.append(head)
            case "failpoint:":
                self.killed_at[rest] += 1
            case "end":
                self.ends.append(int(rest))
            case _:  # refused, failed, a finding, a traceback
                self.refused.append(text)


def live(home: Path, plans: Iterable[str], swap: str = "") -> Seen:
    """Live one life for each plan; return what was seen from outside."""
    there = postgres.of(home)
    if there is not None:
        home.with_name("server").write_text(there.url)
    done = subprocess.run(
        [sys.executable, "-m", "tests.whole.kill_driver", home, swap],
        input="".join(f"{plan}\n" for plan in plans).encode(),
        capture_output=True,
        check=True,
        timeout=400,
        cwd=ROOT,
    )
    seen = Seen()
    for text in done.stdout.decode().splitlines():
        seen.take(text)
    return seen


def plans(hits: int, seed: int, randoms: int) -> list[str]:
    """Return plans that meet every point at its first, second, … hit."""
    found = [f"{point}:{n}" for point in POINTS for n in range(1, hits + 1)]
    dice = random.Random(seed)
    found += [f"random {dice.randrange(5, 250)}" for _ in range(randoms)]
    dice.shuffle(found)
    return [*found, "finish"]


def root(hashes: list[bytes]) -> bytes:
    """RFC 6962, 2.1, in its own words: no code of syncd's."""
    if not hashes:
        return hashlib.sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1 << ((len(hashes) - 1).bit_length() - 1)
    left, right = root(hashes[:k]), root(hashes[k:])
    return hashlib.sha256(b"\1" + left + right).digest()


def selected(connection: Connection, query: str) -> Any:
    return connection.exec_driver_sql(query).fetchall()


def broken_promises(home: Path, seen: Seen) -> list[str]:
    """Return everything that the member did and must not have done."""
    wrong = list(seen.refused)
    sizes = [head.size for head in seen.released]
    if sizes != sorted(sizes):
        wrong.append("a smaller checkpoint after a larger one")
    try:
        own = kill_driver.open_own(home)
    except Exception as e:  # noqa: BLE001  whatever: the home is lost
        return [*wrong, f"the home does not open: {e}"]
    try:
        rows, bundles, imported = (
            own.database.read_now(partial(selected, query=f"SELECT {query}"))
            for query in (
                "id, state, idx, ended_idx FROM vault ORDER BY id",
                "n, width, gz, root FROM bundle ORDER BY n",
                "row, accepted, known, refused FROM import_job",
            )
        )
    finally:
        own.close()
    records: list[Record] = []
    for n, width, gz, hashed in bundles:
        records += codec.records(OWN.name, Bundle(n, width, gz, hashed))
    hashes = [hashlib.sha256(b"\0" + r[0]).digest() for r in records]
    for head in seen.released:
        if head.size > len(hashes):
            wrong.append(f"released {head.size}, has {len(hashes)}")
        elif head.root != root(hashes[: head.size]):
            wrong.append(f"released another root at {head.size}")
    wrong += broken_rows(seen, rows, records, imported)
    return wrong


def broken_rows(
    seen: Seen, rows: Any, records: list[Record], imported: Any
) -> list[str]:
    """Return what is lost or doubled in vault and log."""
    wrong = []
    ((row, accepted, known, refused),) = imported
    if (accepted, known, refused) != (row, 0, 0) or len(rows) != row:
        wrong.append(f"{row} rows imported, {len(rows)} in the vault")
    if not seen.acks <= set(range(row)):
        wrong.append("acknowledged rows are lost")
    reports: Counter[str] = Counter()
    ended: Counter[int] = Counter()
    for type_, _, text in ((r[0][1], r[1], r[2]) for r in records):
        content = statement.decode(text, type_)
        if isinstance(content, statement.Report):
            reports[content.token] += 1
        elif isinstance(content, statement.Retract):
            ended.update(content.ends)
    wanted = {kill_driver.report(OWN.name, n).token for n in range(row)}
    if set(reports) != wanted:
        wrong.append(f"{len(wanted ^ set(reports))} reports lost or strange")
    if reports and max(reports.values()) > 1:
        wrong.append("a statement was published twice")
    if ended and max(ended.values()) > 1:
        wrong.append("a report was retracted twice")
    index = {r[0]: r[2] for r in rows}
    if not seen.ending <= {r[0] for r in rows if r[1] == 3}:
        wrong.append("acknowledged retractions are lost")
    if {index[i] for i in seen.ending} - set(ended):
        wrong.append("a retraction has no statement")
    if any(r[1] not in (1, 3) for r in rows):
        wrong.append("rows are left behind")
    return wrong


async def test_killed_everywhere(tmp_path: Path) -> None:
    """At every failpoint, at many hits, and at random."""
    home = tmp_path / "home"
    seen = live(home, plans(hits=6, seed=2026, randoms=30))
    assert broken_promises(home, seen) == []
    after = (".committed", ".marked", ".written", ".renamed")
    inside = [point for point in POINTS if not point.endswith(after)]
    assert len(inside) == 10
    assert sum(seen.killed_at[point] for point in inside) >= 50
    assert set(seen.killed_at) == set(POINTS)
    assert seen.ends[-1] == 0
    assert set(seen.ends[:-1]) == {-9}
    assert len(seen.released) > 100
    # What is merged is what the other wrote, and what we wrote.
    life = kill_driver.Life(home, kill_driver.Observed, kill_driver.Other())
    try:
        merged = (await life.mirror.head(OTHER.name)).merged
        assert await digest_of(life.mirror, OTHER.name) == folded(
            OTHER.name, life.other.records[:merged]
        )
        assert (await life.mirror.head(OWN.name)).merged == (
            await life.log.head()
        ).frontier.size
        ours = await records_of(life.log)
        assert await digest_of(life.mirror, OWN.name) == folded(OWN.name, ours)
        # And receipts never shrank, and name what the other signed.
        sizes = [head.size for head in seen.receipts]
        assert sizes == sorted(set(sizes))
        for head in seen.receipts:
            assert head.root == root(life.other.hashes[: head.size])
    finally:
        life.close()


def folded(origin: str, records: list[Record]) -> int:
    """Return the digest of an uninterrupted fold."""
    return claims.digest(origin, in_force(folding.fold(origin, 0, records)))


@tried(
    "swap, why",
    [("mark", "rolled back"), ("release", "released another root")],
)
def test_a_build_that_releases_before_it_commits_is_caught(
    tmp_path: Path, swap: str, why: str
) -> None:
    """The same checks fail for a build with the two swapped."""
    home = tmp_path / "home"
    points = ("append.head", "append.bundles", "append.vault")
    seen = live(
        home, [*(f"{p}:{n}" for p in points for n in (2, 3)), "finish"], swap
    )
    assert sum(seen.killed_at.values()) >= 1
    assert any(why in promise for promise in broken_promises(home, seen))
