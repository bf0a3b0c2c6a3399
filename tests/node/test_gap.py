"""Files that go over a gap: an inbox may hold anything."""

import hashlib
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from msgspec.structs import replace

from syncd import canonical
from syncd.errors import UnavailableError
from syncd.flows.quorums import SAME_S
from syncd.node.serve import gap
from syncd.tlog import document, note
from syncd.tlog.note import SigningKey
from tests.cases import tried
from tests.flows.founders import CLUB, FOUNDED
from tests.flows.holders import World
from tests.flows.test_tokenise import asked
from tests.node.stand_in import Home
from tests.refusals import failing, unavailable

ROSTER, KEYS = FOUNDED.roster, CLUB.keys
BODY = bytes(asked())
OF = f"{hashlib.sha256(BODY).hexdigest()}.bank"


UNTIL = SAME_S


def signed(
    key: SigningKey = KEYS["platform"].member, to: Any = "bank"
) -> bytes:
    said = {"holder": to, "request": BODY.decode(), "until": UNTIL}
    return bytes(document.sign(gap.WHAT, ROSTER.id, said, key))


GOOD = signed()
REFUSED = {
    "no signature": b"syncd/",
    "half": GOOD[:300],
    "altered": GOOD.replace(b"publish", b"rotate"),
    "a stranger's": signed(SigningKey("x.example", note.ED25519, bytes(32))),
    "said to be another's": GOOD.replace(b"platform.", b"police."),
    "for another holder": signed(to="police"),
    "of another form": signed(to=7),
}


@tried("raw", REFUSED.values(), ids=REFUSED)
def test_what_is_no_request_to_us(raw: bytes) -> None:
    """Only an active member asks, by its own key, and one holder."""
    assert gap.read(GOOD, ROSTER, "bank", 0) == ("platform", BODY)
    with failing():
        gap.read(GOOD, ROSTER, "bank", UNTIL)
    with failing():
        gap.read(raw, ROSTER, "bank", 0)
    out = [replace(m, status="suspended") for m in ROSTER.members]
    with failing():
        gap.read(GOOD, replace(ROSTER, members=(*out,)), "bank", 0)


class Files(Home):
    """A platform whose files lie under a directory."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, ROSTER, keys=KEYS["platform"])
        self.config.exchange = SimpleNamespace(outbox=path)
        self.out, self.inbox = path / gap.FOLDER, path / "inbox" / gap.FOLDER
        self.out.mkdir()
        self.inbox.mkdir(parents=True)


async def test_nothing_in_the_inbox_holds_up_the_rest(tmp_path: Path) -> None:
    """One request is answered, once; what is old goes."""
    home, came = Files(tmp_path), list[bytes]()
    names = [home.inbox / f"{n}.bank.request" for n in range(7)]
    for path, raw in zip(
        names[:4], (GOOD, GOOD[:99], BODY, b"x" * 9**6), strict=True
    ):
        path.write_bytes(raw)
    names[4].mkdir()
    names[5].symlink_to(names[5])
    os.mkfifo(names[6])

    class Bank:
        async def evaluate(self, raw: bytes, _: float) -> bytes:
            came.append(raw)
            if raw != GOOD:
                raise UnavailableError("half")
            return b"reply"

    for late_s in 0, 0, SAME_S + 9:
        home.now = int(names[0].stat().st_mtime) + late_s
        await gap.answer(home.context, lambda _: Bank())
        assert [p.name for p in home.out.iterdir()] == ["0.bank.answer"][
            late_s:
        ]
    assert sorted(came) == [GOOD[:99], GOOD[:99], GOOD]
    assert [*home.inbox.iterdir()] == [names[4]]


async def test_an_answer_counts_when_it_is_whole(tmp_path: Path) -> None:
    """Half of it, or another holder's, is none yet, and accuses nobody."""
    home, world = Files(tmp_path), World()
    police = world.holders["police"]
    police.down = True
    right = await world.holders["bank"].answer(BODY)
    other = police.sign(BODY, canonical.loads(right)["reply"])
    holder = gap.Holder(home.context, lambda _: police, "bank")
    for raw in b"", right[:-9], other:
        (home.inbox / f"{OF}.answer").write_bytes(raw)
        with unavailable("asked by files"):
            await holder.evaluate(BODY, 1)
    assert (home.out / f"{OF}.request").read_bytes() == GOOD
    (home.inbox / f"{OF}.answer").write_bytes(right)
    assert await holder.evaluate(BODY, 1) == right
