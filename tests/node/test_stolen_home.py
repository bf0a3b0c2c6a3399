"""A home without its secret: no number of it can be confirmed.

A number has eleven digits, so whatever is computed from it without a key is
as good as the number: who has the disk tries them all. A member imports a
file with a number, looks up and meets another, and writes it into its file
number. Then all that lies in its home is searched for what the true numbers
give: in clear, hashed as a file, a line or a cell, and under every key that
lies there open.
"""

import base64
import gzip
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from syncd import canonical
from syncd.flows import sighting
from syncd.indicator import statement
from syncd.store import sealing, vault
from syncd.store.sealing import VaultCipher
from syncd.web.routes import Caller
from syncd.web.screening_forms import ScreeningCall, ScreeningItem
from tests import postgres
from tests.alliance import Alliance, Member
from tests.cases import tried

OURS, THEIRS = "13912345670", "13812345679"  # imported; looked up
FILE = f"{OURS}\n".encode()
WHOLE = hashlib.sha256(FILE).hexdigest()
REFERENCE = f"customer {THEIRS}"
NAME, LIST = f"{OURS} 开户.txt", f"daily {OURS}"
LEAST = 8  # bytes of a hash that confirm something
Listed = tuple[bytes, tuple[str, int], int]  # token, report, week of today
real_mac = VaultCipher.mac


@dataclass(frozen=True, slots=True)
class Cell:
    """What lies in one place: a column of a row, or a file."""

    place: str
    raw: bytes


def cells(home: Path) -> Iterator[Cell]:
    """Yield all columns of all rows, and all files, WAL and freed pages."""
    for path in sorted(home.rglob("*")):
        if path.is_file():
            yield Cell(str(path.relative_to(home)), path.read_bytes())
    for place, raw in postgres.cells(home):
        yield Cell(place, raw)
        if raw.startswith(b"\x1f\x8b"):
            yield Cell(place, gzip.decompress(raw))


class Messages(VaultCipher):
    """Hears what the store would hash under the vault's key."""

    def __init__(self) -> None:
        super().__init__(bytes(32))
        self.heard: list[bytes] = []

    def mac(self, message: bytes) -> bytes:
        self.heard.append(message)
        return bytes(16)


def messages(short: bytes, week: int) -> list[bytes]:
    """Return what may have been hashed, with or without a key."""
    store = Messages()
    for digits in (OURS, THEIRS):
        store.hash_of("value", "phone", f"+86{digits}")
        store.cell_hash(digits)
        store.mac(b"own\0phone\0+86" + digits.encode())
    for name in (NAME, LIST):
        store.hash_of("list", name)
    store.hash_of("sighting", week, short)
    store.hash_of("screen", "phone", 1, short)
    store.mac(b"screening-ref\0" + REFERENCE.encode())
    store.mac(b"import-file\0" + canonical.dumps([WHOLE, len(FILE), LIST, {}]))
    plain = [
        form.encode()
        for digits in (OURS, THEIRS)
        for form in (digits, f"{digits}\n", f"+86{digits}", f"86{digits}")
    ]
    return [*store.heard, *plain, FILE, NAME.encode(), short]


def written(raw: bytes) -> Iterator[bytes]:
    """Yield the ways in which bytes are written down."""
    yield raw
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    yield base64.b64encode(raw).rstrip(b"=")
    yield base64.urlsafe_b64encode(raw).rstrip(b"=")


def unkeyed(tried: Sequence[bytes], short: bytes) -> Iterator[bytes]:
    """Yield what tells a number without any key."""
    yield from (OURS.encode(), THEIRS.encode(), NAME.encode())
    yield from (d.encode("utf-16-le") for d in (OURS, THEIRS))
    yield from written(short)
    for message in tried:
        for name in ("sha256", "sha1", "md5", "sha512", "blake2b"):
            made = hashlib.new(name, message).digest()
            yield from written(made[:LEAST])
            yield from written(made)


def keyed(tried: Sequence[bytes], found: Sequence[Cell]) -> Iterator[bytes]:
    """Yield the same under every key that lies in the clear."""
    for key in {c.raw for c in found if 16 <= len(c.raw) <= 64}:
        made = [hmac.digest(key, m, "sha256")[:LEAST] for m in tried]
        if len(key) == sealing.KEY_SIZE:
            cipher = VaultCipher(key)
            made += [real_mac(cipher, m)[:LEAST] for m in tried]
        yield from made


def confirmed(home: Path, listed: Listed) -> set[str]:
    """Return the places from which a number, or a look-up, is confirmed.

    What others' logs say stands open in mirror.db, and what we say there and
    in our own: that is what they are for.
    """
    short, position, week = listed
    found = list(cells(home))
    own = [c for c in found if not c.place.startswith("mirror")]
    at = msgspec.json.encode(position)
    tried = [*messages(short, week), at]
    needles = {n for n in unkeyed(tried, short) if len(n) >= LEAST}
    needles |= {at, *keyed(tried, found)}
    heads: dict[bytes, list[bytes]] = {}
    for needle in needles:
        heads.setdefault(needle[:LEAST], []).append(needle)
    return {
        c.place
        for c in own
        for i in range(len(c.raw) - LEAST + 1)
        if c.raw[i : i + LEAST] in heads
        and any(c.raw.startswith(n, i) for n in heads[c.raw[i : i + LEAST]])
    }


async def take_in(member: Member) -> None:
    """Import a file of one number, and exempt another."""
    begin = {"name": NAME, "list": LIST, "file": WHOLE}
    _, begun = await member.call(
        "POST", "/v1/imports", {**begin, "size": len(FILE)}
    )
    row = {"kind": "phone", "label": "other", "role": "caller"}
    row |= {"value": OURS, "evidence": "user_tag"}
    why = {"type": "x", "title": "", "status": 400, "detail": "no"}
    mark = {"id": begun["id"], "old_offset": 0, "row": 2}
    mark |= {"offset": len(FILE), "prefix": WHOLE, "rows": [1]}
    mark["refused"] = [{"row": 2, "value": THEIRS, "problem": why}]
    status, taken = await member.call(
        "POST", "/v1/reports", {"reports": [row], "import": mark}
    )
    assert (status, taken["accepted"]) == (202, 1)
    exempt = {"kind": "phone", "value": THEIRS, "why": f"not {THEIRS}"}
    entries = {"type": "exempt", "entries": [exempt]}
    status, _ = await member.call("POST", "/v1/own/entries", entries)
    assert status == 200


async def look_up(member: Member) -> None:
    """Look the other number up, and meet it."""
    how = {"purpose": "account_opening", "reference": f"card of {THEIRS}"}
    [item] = await member.lookup("phone", THEIRS, **how)
    assert item.verdict == "confirmed"


async def screen(member: Member, day: int) -> None:
    """Screen for the other number, which is listed."""
    item = ScreeningItem(
        kind="phone",
        value=THEIRS,
        reference=REFERENCE,
        expires=statement.day_text(day + 90),
    )
    who = Caller("lin", "compliance")
    taken = await member.node.screening.add(who, ScreeningCall(items=(item,)))
    assert taken.kept == 1


def unseal(patch: pytest.MonkeyPatch) -> None:
    """Have everything kept as it is, and hashed without a key."""

    def seal(_self: object, plain: bytes, _context: bytes) -> bytes:
        return plain

    def mac(_self: object, message: bytes) -> bytes:
        return hashlib.sha256(message).digest()[:16]

    patch.setattr(VaultCipher, "seal", seal)
    patch.setattr(VaultCipher, "open", seal)
    patch.setattr(VaultCipher, "mac", mac)


OPEN = {
    *("own.import_job.file", "own.import_job.prefix", "own.import_job.sealed"),
    *("own.import_list.mac", "own.import_list.sealed"),
    *("own.list_value.mac", "own.list_value.raw", "own.import_refused.raw"),
    *("own.vault.sealed", "own.vault.value_mac"),
    *("own.access.sealed", "own.access.tag", "own.access_position.mac"),
    *("own.sighting.sealed", "own.sighting.mac"),
    *("own.own_entry.sealed", "own.own_entry.mac"),
    *("own.screened.mac", "own.screened.ref", "own.screened.sealed"),
    "own.screened.state",
}  # what the search finds when nothing is sealed


@pytest.mark.slow
@tried("sealed", [True, False])
async def test_no_number_is_confirmed_by_a_home_without_its_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, sealed: bool
) -> None:
    """And the search would see it: without the sealing it finds all of it."""
    if not sealed:
        unseal(monkeypatch)
    async with Alliance.found(
        tmp_path,
        ("bank", "carrier", "police"),
        local_apis=True,
        settings={"member": {"region": "CN"}, "screening": {"enabled": True}},
    ) as alliance:
        bank, police = alliance.bank, alliance.police
        firm = {"evidence": "police_case", "handling": "open"}
        await police.report("phone", THEIRS, **firm)
        await take_in(bank)
        await alliance.settle()
        await look_up(bank)
        today = statement.day(bank.node.ctx.today())
        await screen(bank, today)
        [row] = await police.own.vault.page(vault.Query())
        assert row.position is not None
        listed = row.token, row.position, sighting.monday(today)
        running = confirmed(bank.home, listed)
    stopped = confirmed(bank.home, listed)
    if sealed:
        assert running == stopped == set()
        return
    assert {place for place in stopped if place.startswith("own.")} >= OPEN
    if postgres.of(bank.home) is None:
        assert "own.db" in stopped
        assert running & {"own.db", "own.db-wal"}
