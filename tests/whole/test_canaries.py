"""No raw identifier is anywhere but in the vault, and there it is sealed.

Values that nobody else has are reported, imported, looked up, refused and
retracted. Then every file of every home, the log files, the processes'
arguments and environment, and all that passed between members is searched
for them, in every form in which a value is likely to hide.
"""

import base64
import gzip
import hashlib
import os
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from syncd.flows.draft import Draft
from syncd.web import own_list_forms, report_forms, routes
from tests import postgres
from tests.alliance import ROLES, Alliance, Member, Process, until
from tests.cases import tried, vectors

pytestmark = pytest.mark.slow

FULL_WIDTH = {ord("0") + i: ord("０") + i for i in range(10)}
# What is reported, and what of it must be found nowhere.
CANARIES = vectors("canaries")["canaries"]
NEEDLES = sorted({n for _, found in CANARIES.values() for n in found})


def forms(value: str) -> dict[str, bytes]:
    """Return the bytes by which a value may be found, by form."""
    raw = value.encode()
    wide = value.translate(FULL_WIDTH)
    found = {
        "plain": raw,
        "full-width": wide.encode(),
        "full-width, GB18030": wide.encode("gb18030"),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "UTF-16LE": value.encode("utf-16-le"),
        "UTF-16BE": value.encode("utf-16-be"),
        "URL-encoded": quote(value, safe="").encode(),
        "all URL-encoded": "".join(f"%{b:02X}" for b in raw).encode(),
        "digits apart": b"-".join(bytes((b,)) for b in raw),
        "reversed": raw[::-1],
        "SHA-256": hashlib.sha256(raw).digest(),
        "SHA-256 in hex": hashlib.sha256(raw).hexdigest().encode(),
        "MD5 in hex": hashlib.md5(raw).hexdigest().encode(),
    }
    for shift in range(3):  # base64 of it, wherever it begins
        coded = base64.b64encode(bytes(shift) + raw)
        inner = coded[(shift * 8 + 5) // 6 : len(raw) * 4 // 3 - 2]
        found[f"base64 at {shift}"] = inner
        found[f"base64url at {shift}"] = inner.replace(b"+", b"-").replace(
            b"/", b"_"
        )
    return found


PATTERNS = [
    (value, form, pattern)
    for value in NEEDLES
    for form, pattern in forms(value).items()
]


def layers(raw: bytes, depth: int = 2) -> Iterator[bytes]:
    """Yield bytes, and whatever in them can be inflated."""
    yield raw
    if not depth:
        return
    for magic, bits in ((b"\x1f\x8b\x08", 31), (b"\x78", 15)):
        at = raw.find(magic)
        while at >= 0:
            try:
                inner = zlib.decompressobj(bits).decompress(
                    raw[at : at + (1 << 22)], 1 << 22
                )
            except zlib.error:
                inner = b""
            if inner:
                yield from layers(inner, depth - 1)
            at = raw.find(magic, at + 1)


def search(places: Iterable[tuple[str, bytes]]) -> set[tuple[str, str, str]]:
    """Return (place, value, form) of all that is found."""
    return {
        (place, value, form)
        for place, raw in places
        for layer in layers(raw)
        for value, form, pattern in PATTERNS
        if pattern in layer
    }


def files(alliance: Alliance) -> Iterator[tuple[str, bytes]]:
    """Yield all files of all homes, and what a server has of them."""
    for path in sorted(alliance.root.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(alliance.root)), path.read_bytes()
    for member in alliance.members.values():
        if postgres.of(member.home) is not None:
            yield from postgres.cells(member.home)


@tried("form", sorted(forms("2025550187")))
@tried("wrap", ["as it is", "gzip", "zlib", "twice"])
def test_the_search_sees(form: str, wrap: str) -> None:
    """Every form is found, also in compressed bytes amid others."""
    hidden = b"before" + forms("2025550187")[form] + b"after"
    raw = {
        "as it is": hidden,
        "gzip": gzip.compress(hidden),
        "zlib": zlib.compress(hidden),
        "twice": zlib.compress(gzip.compress(hidden)),
    }[wrap]
    found = search([("here", os.urandom(300) + raw + os.urandom(300))])
    assert ("here", "2025550187", form) in found


def test_the_search_sees_no_ghosts() -> None:
    """Random bytes hold none of it."""
    assert not search([("here", os.urandom(1 << 20))])


REPORTED = [
    *(("phone", "phone"), ("phone", "refused"), ("phone", "retracted")),
    *(("account", "card"), ("account", "wechat"), ("url", "url")),
]


def listed(name: str, kind: str = "phone", **more: object) -> Any:
    """Return a report of a canary."""
    fixed = {"label": "other", "role": ROLES[kind], "evidence": "user_tag"}
    return {"kind": kind, "value": CANARIES[name][0], **fixed, **more}


async def ask(member: Member, *names: str) -> int:
    """Have a member look canaries up; return the status."""
    items = [{"kind": "phone", "value": CANARIES[name][0]} for name in names]
    asking = {"purpose": "transaction_check", "items": items}
    return (await member.call("POST", "/v1/lookups", asking))[0]


async def report(member: Member) -> None:
    """Have a member report canaries, one of which it refuses, and ask."""
    reports = [
        listed(name, kind, urgent=kind == "url") for kind, name in REPORTED
    ]
    wanted = {"reports": reports}
    status, body = await member.call("POST", "/v1/reports", wanted)
    assert (status, body["accepted"], body["refused"]) == (202, 5, 1)
    assert await ask(member, "only looked up", "refused", "phone") == 200


async def retract(member: Member) -> None:
    what = {"kind": "phone", "value": CANARIES["retracted"][0]}
    wanted = {**what, "reason": "false_positive"}
    status, _ = await member.call("POST", "/v1/retractions", wanted)
    assert status == 202


async def work(alliance: Alliance, member: Member) -> None:
    """Have a member handle all canaries, and the others ask for some."""
    await report(member)
    for other in alliance.up:
        for name in ("only looked up", "refused", "phone"):
            await other.lookup("phone", CANARIES[name][0])
    gone = own_list_forms.OwnRemoval(
        ids=await own_lists(member), why="no canary's cousin after all"
    )
    who = routes.Caller("chen", "operator")
    assert (await member.node.own_lists.remove(who, gone)).removed == 1
    await lists(member)
    intake = member.node.intake
    await member.retract("phone", CANARIES["in a list"][0])
    draft = msgspec.convert(listed("in a list"), Draft)
    reports = report_forms.ReportsCall(reports=(draft,))
    taken = await intake.take_reports(who, reports)
    assert taken.taken_back == 1
    again = CANARIES["again"][0]
    reports = report_forms.ReportsCall(reports=(draft,), again=again)
    taken = await intake.take_reports(who, reports)
    assert taken.accepted == 1
    wanted = report_forms.ReportSearch(value=draft.value, kind="phone")
    assert (await intake.reports(wanted)).items[0].again == again
    await alliance.settle()
    await retract(member)
    await alliance.settle()
    (found,) = await alliance.up[-1].lookup("account", "wechat:canary_bird_77")
    assert found.verdict == "suspected"


LIST = {
    "name": CANARIES["file"][0],
    "list": CANARIES["in a list"][1][1],
    "size": 99,
    "file": bytes(32).hex(),
}


def step(id_: int) -> Any:
    """A list's one step, with a row that the client refuses."""
    raw = CANARIES["refused in a list"][0]
    why = {"type": "x", "title": "", "status": 400, "detail": "no"}
    mark: Any = {"id": id_, "old_offset": 0, "offset": 99, "row": 3}
    mark |= {"prefix": bytes(32).hex(), "rows": [1, 2]}
    mark |= {"refused": [{"row": 3, "value": raw, "problem": why}]}
    rows = [listed("in a list"), listed("refused in a list")]
    return {"reports": rows, "import": mark}


async def own_lists(member: Member) -> tuple[int, ...]:
    """Have canaries kept on its own lists and asked for; return exempt ones."""
    row = listed("on a local list", evidence="official_list")
    wanted = {"list": "canary list 5", "reports": [row]}
    _, body = await member.call("POST", "/v1/own/local", wanted)
    assert (body["added"], body["refused"]) == (1, 0)
    why = {"value": CANARIES["exempt"][0], "why": "canary's cousin"}
    wanted = {"type": "exempt", "entries": [{"kind": "account", **why}]}
    _, exempt = await member.call("POST", "/v1/own/entries", wanted)
    assert exempt["added"] == 1
    await member.call("GET", "/v1/own/entries?list=canary%20list%205")
    await ask(member, "on a local list")
    return tuple(item["id"] for item in exempt["items"])


async def lists(member: Member) -> None:
    """Have a member take a list in, and be asked for it."""
    _, begun = await member.call("POST", "/v1/imports", LIST)
    path = f"/v1/imports/{begun['id']}"
    status, body = await member.call("POST", "/v1/reports", step(begun["id"]))
    assert (status, body["accepted"], body["refused"]) == (202, 1, 1)
    cell = {"canary cell 7": CANARIES["refused in a list"][0]}
    rows = {"rows": [(2, cell), (3, cell)]}
    await member.call("POST", f"{path}/refused", rows)
    status, body = await member.call("POST", f"{path}/finish", {})
    assert (status, body["list"]) == (200, LIST["list"])
    _, body = await member.call("GET", f"{path}/refused")
    assert len(body["items"]) == 2
    wanted = {"value": CANARIES["in a list"][0], "kind": "phone"}
    _, body = await member.call("POST", "/v1/reports/search", wanted)
    assert len(body["items"]) == 1


async def test_homes_and_wires(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is found, WAL and all."""
    async with Alliance.found(tmp_path, local_apis=True) as alliance:
        tap: list[bytes] = []
        alliance.network.tap = tap
        await work(alliance, alliance.bank)
        found = search(files(alliance))
        out, err = capsys.readouterr()
        passed = ((f"wire {i}", raw) for i, raw in enumerate(tap))
        printed = ("stdout", out.encode()), ("stderr", err.encode())
        found |= search([*printed, *passed, ("wires", b"".join(tap))])
    assert len(tap) > 100
    assert found == set()
    assert search(files(alliance)) == set()


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[tuple[Process, Alliance]]:
    """The bank in a process of its own, which logs all that it can."""
    async with Alliance.found(
        tmp_path,
        ("police", "carrier", "bank"),
        start=False,
        settings={
            "exchange": {"interval_s": 1},
            "log": {"level": "debug", "format": "json"},
        },
    ) as alliance:
        await alliance.police.start()
        await alliance.carrier.start()
        running = await Process.start(alliance.bank)
        assert await running.ready()
        yield running, alliance
        await running.stop()


async def test_a_process(process: tuple[Process, Alliance]) -> None:
    """Nor in its log, its arguments, its environment or its memory maps."""
    running, alliance = process
    tap: list[bytes] = []
    alliance.network.tap = tap
    await report(alliance.bank)
    await own_lists(alliance.bank)
    await lists(alliance.bank)
    bad = {"reports": [{"kind": CANARIES["phone"][0], "value": 5}]}
    await running.member.call("POST", "/v1/reports", bad)
    await running.member.call(
        "GET", f"/v1/{CANARIES['phone'][0]}?q=+12025550187"
    )

    async def published() -> bool:
        _, seen = await running.member.call("GET", "/v1/status")
        await alliance.police.round()
        return bool(
            seen and not seen["vault"]["waiting"] and "pulled" in running.text
        )

    await until(published)
    await retract(alliance.bank)
    proc = Path("/proc") / str(running.child.pid)
    places = [
        (name, (proc / name).read_bytes()) for name in ("cmdline", "environ")
    ]
    assert b"syncd" in places[0][1]
    places += [*files(alliance), ("wires", b"".join(tap))]
    assert search(places) == set()
    assert await running.stop() == 0
    assert "listening" in running.text
    assert "Traceback" not in running.text
    log = "log", b"".join(running.errors)
    assert search([log, *files(alliance)]) == set()
