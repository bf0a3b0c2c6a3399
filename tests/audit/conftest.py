"""Homes of an alliance that has stopped, and the bundles that they give."""

import asyncio
import hashlib
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from syncd import config
from syncd.audit import bundle as bundles
from syncd.audit.bundle import MANIFEST, Bundle
from syncd.audit.result import Audit
from syncd.audit.verify import verify
from syncd.flows import draft, log_files, publish, serve
from syncd.flows.ports import at_once
from syncd.indicator import codec, leaf, statement
from syncd.indicator.statement import Anchor, AnchoredLog, Erase, Statement
from syncd.node.audit import stored
from syncd.roster.keys import MemberKeys
from syncd.tlog import checkpoint, cosignature, merkle, note, tiles
from syncd.tlog.checkpoint import Checkpoint
from syncd.web.routes import Caller
from tests.alliance import Alliance, payload
from tests.cases import schema
from tests.cli.conftest import run as run

IDS = ("police", "bank", "carrier")
POLICE, BANK, CARRIER = (f"{id_}.example/syncd/txwz/1" for id_ in IDS)
NOW = 2**32  # of the collector's clock: whatever was signed was before


@dataclass
class Made:
    """An alliance's homes, and what a test needs to know of it."""

    root: Path
    fingerprint: str = ""
    keys: dict[str, MemberKeys] = field(default_factory=dict)
    disclosed: bytes = b""  # at the bank, of what all reported

    def bundle(self, member: str, out: Path, reason: str = "") -> Bundle:
        """Return the bundle of a member's home."""
        settings = config.load(self.root / member)
        asyncio.run(stored.write(settings, out, NOW, reason=reason))
        return Bundle(out)

    def audit(self, given: Bundle, *earlier: Bundle) -> Audit:
        """Return what there is to say of a bundle that may be changed."""
        fresh = [Bundle(one.root) for one in earlier]
        return verify(Bundle(given.root), self.fingerprint, fresh)

    def codes(self, given: Bundle, *earlier: Bundle) -> set[str]:
        """Return the codes of all that is found."""
        return {found.code for found in self.audit(given, *earlier).found}


async def _make(made: Made) -> None:
    async with Alliance.found(made.root, IDS) as alliance:
        made.fingerprint = alliance.fingerprint
        for n, member in enumerate(alliance.members.values()):
            await member.report("phone", f"+1202555{1000 + n}", "+12025550123")
            made.keys[member.id] = member.keys
        await alliance.settle()
        await alliance.police.retract("phone", "+12025550123")
        await alliance.settle()
        await alliance.bank.write(*[payload(n, BANK) for n in range(300)])
        await alliance.bank.say(Erase(ranges=((20, 23),), reason="privacy"))
        await alliance.settle()
        about = draft.RawValue(kind="phone", value="+1 202 555 0123")
        caller = Caller("desk", "operator")
        found = await alliance.bank.node.papers.disclose(caller, about)
        made.disclosed = msgspec.json.encode(found)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Three homes with reports, a retraction and an erasure."""
    made = Made(tmp_path_factory.mktemp("audit"))
    asyncio.run(_make(made))
    return made


@pytest.fixture(scope="session")
def police(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The bundle of the police's home; nobody may change it."""
    return made.bundle("police", tmp_path_factory.mktemp("police"))


@pytest.fixture
def mine(police: Bundle, tmp_path: Path) -> Bundle:
    """A copy of it, to be changed."""
    shutil.copytree(police.root, tmp_path / "mine")
    return Bundle(tmp_path / "mine")


def check_form(name: str, found: Any) -> None:
    """Pass what is as a schema of ours says."""
    Draft202012Validator(schema(name)).validate(found)


def put(into: Bundle, path: str, raw: bytes | None) -> None:
    """Change, add or take a file, as somebody who can make manifests."""
    file = into.root / path
    files = dict(Bundle(into.root).files)
    if raw is None:
        file.unlink()
        del files[path]
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(raw)
        files[path] = hashlib.sha256(raw).hexdigest()
    lines = (f"{hash_}  {path}\n" for path, hash_ in sorted(files.items()))
    (into.root / MANIFEST).write_text("".join(lines))


def put_note(
    into: Bundle,
    head: Checkpoint,
    *by: tuple[note.SigningKey, int],
    log: note.SigningKey | None = None,
) -> str:
    """Add a note: cosigned by keys at their times, signed by the log, if any."""
    text = f"{head}"
    lines = [cosignature.cosign(text, key, at) for key, at in by]
    made = note.Note(text, tuple(lines))
    if log is not None:
        made = note.add(checkpoint.sign(head, log), *lines)
    path = bundles.note_path(head.origin, head.size, bytes(made))
    put(into, path, bytes(made))
    return path


def drop(into: Bundle, *directories: str) -> None:
    """Take whatever is below some directories."""
    for path in Bundle(into.root).files:
        if path.startswith(directories):
            put(into, path, None)


def fork(
    into: Bundle,
    made: Made,
    *by: tuple[note.SigningKey, int],
    size: int = 2,
    root: bytes = bytes(32),
) -> None:
    """Add a note by which the bank's log signs another history."""
    head = Checkpoint(BANK, size, root)
    put_note(into, head, *by, log=made.keys["bank"].log)


def grow(
    into: Bundle, made: Made, *said: Statement, who: str = "carrier"
) -> int:
    """Let a log of one partial bundle say more; return the first index."""
    into, key = Bundle(into.root), made.keys[who].log  # as it is by now
    where = bundles.log_directory(key.name)
    size = checkpoint.size_of(into.read(f"{where}/checkpoint"))
    tail = tiles.path(0, size)
    leaves = tiles.split_bundle(
        into.read(f"{where}/tile/entries/{tail}"), size
    )
    body = "audit"
    if f"{where}/audit/{tail}" not in into.files:
        body = "payload"
    raw = into.read(f"{where}/{body}/{tail}")
    records = leaf.open_bundle(key.name, raw, size, leaves)
    start = merkle.Frontier.EMPTY.extend(codec.leaf_hashes(records))
    payloads = [(statement.type_of(s), statement.spell(s)) for s in said]
    salts = bytes(16 * len(said))
    grown, (last,) = publish.grow(key.name, start, records, payloads, salts)
    head = Checkpoint(key.name, grown.size, grown.root())
    served = serve.LogFiles(
        key.name,
        grown.size,
        bytes(checkpoint.sign(head, key)),
        lambda _: at_once(lambda: last),
        lambda *_: at_once(list),
    )
    drop(into, f"{where}/tile/", f"{where}/{body}/")

    async def write() -> None:
        async for path, raw in log_files.files(served, audit=body == "audit"):
            put(into, f"{where}/{path}", raw)

    asyncio.run(write())
    return size


def anchor(into: Bundle, made: Made, head: Checkpoint, line: object) -> None:
    """Let the carrier's log anchor a head, by a line of a note."""
    one = AnchoredLog(head.origin, head.size, head.root.hex(), f"{line}")
    grow(into, made, Anchor(logs=(one,)))


def head_of(given: Bundle, origin: str) -> Checkpoint:
    """Return the head of a log in a bundle."""
    given = Bundle(given.root)  # as it is by now
    raw = given.read(f"{bundles.log_directory(origin)}/checkpoint")
    return checkpoint.parse(note.parse(raw).text)
