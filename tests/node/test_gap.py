"""Files that go over a gap: an inbox may hold anything."""

import hashlib
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from syncd import canonical
from syncd.errors import UnavailableError
from syncd.node.serve import gap
from syncd.roster.roster import Roster
from syncd.tlog import document, note
from syncd.tlog.note import SigningKey
from tests.flows.founders import CLUB, FOUNDED
from tests.flows.holders import World
from tests.flows.test_tokenise import asked
from tests.node.stand_in import Home
from tests.refusals import failing, unavailable

ROSTER, KEYS = FOUNDED.roster, CLUB.keys
STRANGER = SigningKey("stranger.example/x", note.ED25519, bytes(32))
BODY = bytes(asked())
OF = hashlib.sha256(BODY).hexdigest()


def signed(
    key: SigningKey = KEYS["platform"].member, to: Any = "bank", **more: str
) -> bytes:
    said = {"holder": to, "request": BODY.decode(), **more}
    return bytes(document.sign(gap.WHAT, ROSTER.id, said, key))


def suspended() -> Roster:
    return replace(
        ROSTER,
        members=tuple(replace(m, status="suspended") for m in ROSTER.members),
    )


GOOD = signed()
REFUSED = {
    "nothing": b"",
    "no signature": b"syncd/",
    "half": GOOD[:300],
    "altered": GOOD.replace(b"publish", b"rotate"),
    "a stranger's": signed(STRANGER),
    "said to be another's": GOOD.replace(b"platform.", b"police."),
    "for another holder": signed(to="police"),
    "of another form": signed(to=7),
    "of another kind": GOOD.replace(b"oprf-request", b"oprf-reply"),
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED)
def test_what_is_no_request_to_us(raw: bytes) -> None:
    """Only an active member asks, by its own key, and one holder."""
    assert gap.read(GOOD, ROSTER, "bank") == ("platform", BODY)
    with failing():
        gap.read(raw, ROSTER, "bank")
    with failing():
        gap.read(GOOD, suspended(), "bank")


def lying(path: Path) -> Any:
    """Return the context of a platform whose files lie there."""
    exchange = SimpleNamespace(outbox=path / "out")
    member = SimpleNamespace(id="platform")
    home = Home(path, ROSTER, keys=KEYS["platform"])
    home.config = SimpleNamespace(exchange=exchange, member=member)
    for name in "inbox", "out":
        (path / name / "evaluations").mkdir(parents=True)
    return home


async def test_nothing_in_the_inbox_holds_up_the_rest(tmp_path: Path) -> None:
    """One request is answered, once; what is old goes."""
    home = lying(tmp_path)
    inbox, out = (tmp_path / n / "evaluations" for n in ("inbox", "out"))
    stems = [f"{n:064}.bank" for n in range(9)]
    for stem, raw in zip(stems, (GOOD, b"", BODY, b"x" * 9**6), strict=False):
        (inbox / f"{stem}.request").write_bytes(raw)
    (inbox / f"{stems[4]}.request").mkdir()
    (inbox / f"{stems[5]}.request").symlink_to(inbox / f"{stems[5]}.request")
    os.mkfifo(inbox / f"{stems[6]}.request")
    (inbox / "notes.txt").write_bytes(GOOD)
    (inbox / f"{stems[7]}.request").write_bytes(GOOD[:99])
    came = list[bytes]()

    class Bank:
        async def evaluate(self, raw: bytes, _: float) -> bytes:
            came.append(raw)
            if raw != GOOD:
                raise UnavailableError("half")
            return b"reply"

    for _ in range(2):
        home.now = int((inbox / "notes.txt").stat().st_mtime)
        await gap.answer(home.context, lambda _: Bank())
    assert sorted(came) == [GOOD[:99], GOOD[:99], GOOD]
    assert [p.name for p in out.iterdir()] == [f"{stems[0]}.answer"]
    home.now += gap.SAME_S + 9
    await gap.answer(home.context, lambda _: Bank())
    assert [p.name for p in inbox.iterdir()] == [f"{stems[4]}.request"]
    assert not [*out.iterdir()]


async def test_an_answer_counts_when_it_is_whole(tmp_path: Path) -> None:
    """Half of it, or another holder's, is none yet, and accuses nobody."""
    home, world = lying(tmp_path), World()
    inbox, out = (tmp_path / n / "evaluations" for n in ("inbox", "out"))
    police, bank = world.holders["police"], world.holders["bank"]
    police.down = True
    right = await bank.answer(BODY)
    other = police.sign(BODY, canonical.loads(right)["reply"])
    holder = gap.Holder("bank", home.context, police)
    for raw in b"", right[:-9], other:
        (inbox / f"{OF}.bank.answer").write_bytes(raw)
        with unavailable("asked by files"):
            await holder.evaluate(BODY, 1)
    [request] = out.iterdir()
    assert (request.name, request.read_bytes()) == (f"{OF}.bank.request", GOOD)
    (inbox / f"{OF}.bank.answer").write_bytes(right)
    assert await holder.evaluate(BODY, 1) == right
