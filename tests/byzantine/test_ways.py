"""What a dishonest member tries: docs/threat-model.md has a row for each way."""

import asyncio
import re
import secrets
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from syncd.indicator import codec, leaf
from syncd.indicator.leaf import Record
from syncd.indicator.statement import Anchor, AnchoredLog, Erase, Evidence
from syncd.node.audit import stored
from syncd.tlog import checkpoint, cosignature, merkle, note
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.note import ED25519, SigningKey
from tests.alliance import MEMBERS, Alliance, payload, police_case, shared
from tests.byzantine.lab import Act, Lab
from tests.cases import ROOT, tried, vectors
from tests.ceremonies import Dealt
from tests.commands import syncd
from tests.flows.growing import Said

pytestmark = pytest.mark.slow

SEVEN = (*MEMBERS, "insurer", "telco", "payer")
LIMITS = {"exchange": {"read_timeout_s": 5, "request_timeout_s": 5}}
PAGE = ROOT / "docs" / "threat-model.md"
ROW = r"^\| .* \| (.*) \| `byzantine/test_ways\.py::test_\w+\[(\w+)\]` \|$"
PHONE = "+12025550177"
HOSTILE = vectors("hostile")


async def reported(lab: Alliance) -> None:
    """Have all report something."""
    for member in lab.members.values():
        await member.write(payload(0, member.origin))
    await police_case(lab)


lab = shared(reported, *SEVEN, of=Lab, settings=LIMITS)


# ------------------------------------------------------------ what it tells


def signed(key: SigningKey, size: int) -> str:
    """Return a checkpoint as somebody may have signed it."""
    head = Checkpoint(key.name, size, merkle.EMPTY_ROOT)
    return bytes(checkpoint.sign(head, key)).decode()


def forged(origin: str) -> SigningKey:
    return SigningKey(origin, ED25519, b"!" * 32)


def received(lab: Lab, size: int) -> str:
    """Return the bank's line, alone, under a root that the police never had."""
    text = f"{Checkpoint(lab.police.origin, size, bytes(32))}"
    line = cosignature.cosign(text, lab.bank.keys.merged, 1)
    return bytes(note.Note(text, (line,))).decode()


def later(lab: Lab, versions: int) -> dict[str, object]:
    return {"hash": "f" * 64, "version": len(lab.notes) + versions}


TELLS: dict[str, Callable[[Lab], dict[str, Any]]] = {
    "another_key": lambda lab: {
        "notes": [signed(forged(lab.bank.origin), 99)]
    },
    "unsigned": lambda lab: {
        "notes": [f"{Checkpoint(lab.bank.origin, 9, bytes(32))}\n"]
    },
    "too_large": lambda lab: {"notes": [signed(lab.bank.keys.log, 1 << 40)]},
    "a_strangers_note": lambda lab: {
        "notes": [signed(forged(lab.police.origin), 10**9)]
    },
    "odd_notes": lambda _: {"notes": ["garbage"] * 50_000},
    "odd_receipts": lambda _: {"receipts": ["garbage"] * 50_000},
    "two_roots": lambda lab: {"receipts": [received(lab, 2)]},
    "ahead": lambda lab: {"receipts": [received(lab, 2**40)]},
    "an_older_roster": lambda lab: {
        "roster": {"hash": lab.fingerprint, "version": 1}
    },
    "a_version_skipped": lambda lab: {"roster": later(lab, 2)},
    "a_far_version": lambda lab: {"roster": later(lab, 10**12)},
}


def telling(what: Callable[[Lab], dict[str, Any]]) -> Act:
    async def act(lab: Lab) -> None:
        with lab.bank.lying_with("/heads", lab.heads(**what(lab))):
            await lab.rounds()

    return act


async def an_old_checkpoint(lab: Lab) -> None:
    """It tells an earlier checkpoint of another's log, for ever."""
    old = lab.police.own.log.released().decode()
    await lab.go_on(lab.police)
    await telling(lambda _: {"notes": [old]})(lab)


async def odd_forms(lab: Lab) -> None:
    """Its /heads is no JSON, of another form, or has what nobody can use."""
    long = lab.heads(cursor="9" * 100_000), lab.heads(notes=["x" * (5 << 20)])
    deep = b"[" * 100_000 + b"]" * 100_000
    for body in (*map(str.encode, HOSTILE["heads"]), deep, *long):
        await lab.go_on(lab.police)
        with lab.bank.lying_with("/heads", body):
            async with asyncio.timeout(30):
                await lab.carrier.round()
        held = await lab.carrier.head(lab.police.origin)
        assert held.merged == await lab.police.size()
        lab.carrier.node.our_clock.healthy()


def stalling(path: str, *, drips: bool) -> Act:
    """Have requests wait, or be answered a byte at a time; it costs a limit."""

    async def act(lab: Lab) -> None:
        over = asyncio.Event()

        async def stall(request: web.Request) -> web.StreamResponse:
            answer = web.StreamResponse()
            if drips:
                await answer.prepare(request)
            while not over.is_set():
                if drips:
                    await answer.write(b" ")
                await asyncio.sleep(0.2)
            return answer

        await lab.go_on(lab.bank, lab.police)
        with lab.bank.lying_at(path, stall):
            async with asyncio.timeout(20):
                await lab.rounds()
        over.set()
        for member in lab.honest:
            held = await member.head(lab.police.origin)
            assert held.merged == await lab.police.size()
            peer = member.node.peer_choice.states["bank"]
            log = member.node.logs.state(lab.bank.origin)
            assert max(peer.retry_at, log.retry_at) > time.monotonic()

    return act


async def odd_requests(lab: Lab) -> None:
    """Each gets a status, never a 500 or another's bytes."""
    long = "POST", "/oprf/v1/evaluate", "00" * (3 << 20), [413]
    for method, path, body, expected in (*HOSTILE["requests"], long):
        raw = bytes.fromhex(body)
        answer = await lab.bank.ask(lab.police, method, path, raw)
        assert answer.status in expected, path
        assert not re.search("Traceback|SQLite", answer.text)


async def odd_pokes(lab: Lab) -> None:
    """Of another's log, by another key, of no log, of nothing new."""
    police, network = lab.police, lab.network
    before = [await police.head(m.origin) for m in lab.up]
    network.asked.clear()
    for key, size in (
        (lab.carrier.keys.log, 10**6),
        (forged(lab.bank.origin), 10**6),
        (forged("x.example/log"), 1),
        (lab.bank.keys.log, 0),
    ):
        body = signed(key, size).encode()
        answer = await lab.bank.ask(police, "POST", "/poke", body)
        assert answer.status in (202, 400, 403, 422)
    await police.node.pulls.idle()
    assert [await police.head(m.origin) for m in lab.up] == before
    assert not [a for a in network.asked if a.client == "police"]


# ----------------------------------------------------- what it writes, serves


WRITES: dict[str, Callable[[Lab], Said]] = {
    "no_statement": lambda _: (1, b"nonsense"),
    "another_type": lambda lab: (2, lab.said()[1]),
    "no_type": lambda lab: (
        *(leaf.commit(lab.bank.origin, 200, b"s" * 16, b"?"), b"", b""),
    ),
    "too_much_of_it": lambda _: (1, b" " * 62_000),
    "an_unknown_key": lambda lab: lab.said(epoch=9),
    "a_day_to_come": lambda lab: lab.said(on="2190-01-01", seen="2190-01-01"),
}


def writing(what: Callable[[Lab], Said]) -> Act:
    async def act(lab: Lab) -> None:
        await lab.bank.write(what(lab))

    return act


async def erases_what_stands(lab: Lab) -> None:
    size = await lab.bank.size()
    await lab.go_on()
    await lab.rounds()
    await lab.bank.say(Erase(ranges=((size, size + 1),), reason="privacy"))


async def withheld(lab: Lab) -> str:
    """It keeps an entry's payload back from all; no receipt covers that."""
    await _serve_last(lab, leaf.close)
    for member in lab.honest:
        head = await member.head(lab.bank.origin)
        assert head.missing == (head.merged,)
        assert "withheld" in str(member.node.logs.state(lab.bank.origin).why)
        signed = await member.own.cosigned.cosigned("merged", lab.bank.origin)
        assert signed is not None
        assert signed.size <= head.merged
    return "withheld"


async def another_payload(lab: Lab) -> None:
    """What it serves is not what it signed."""
    await _serve_last(lab, lambda r: (r[0], r[1], r[2].replace(b"0", b"1", 1)))


async def _serve_last(lab: Lab, change: Callable[[Record], Record]) -> None:
    """Have it append an entry, and serve another in its place."""
    await lab.go_on()
    *records, last = await lab.bank.records()
    body = codec.deflate([*records, change(last)])
    gzip = {"Content-Encoding": "gzip"}
    with lab.bank.lying_with("/log/payload/", body, headers=gzip):
        await lab.rounds()


async def an_anchor_of_nothing(lab: Lab) -> None:
    """Its log says that it merged what the police never signed."""
    line = note.sign("x\n", lab.bank.keys.log).signatures[0]
    told = f"{line}".replace(line.name, lab.police.origin)
    one = AnchoredLog(lab.police.origin, 2, "00" * 32, told)
    await lab.bank.say(Anchor(logs=(one,)))


def charge(key: SigningKey, *notes: bytes) -> Evidence:
    """Return what accuses a log by notes alone."""
    texts = tuple(raw.decode() for raw in notes)
    return Evidence(what="fork", origin=key.name, notes=texts)


async def a_false_charge(lab: Lab) -> None:
    """It accuses the police of a fork, by two notes of one history."""
    before = lab.police.own.log.released()
    await lab.go_on(lab.police)
    both = before, lab.police.own.log.released()
    await lab.bank.say(charge(lab.police.keys.log, *both))


async def never_shown(lab: Lab) -> None:
    """It signs another log for one member, who states it; nobody is shown it."""
    twin = await lab.bank.fork(await lab.bank.size() - 1, lab.said())
    lab.bank.node.twin, telco = None, lab.telco
    said = charge(lab.bank.keys.log, twin.signed, lab.bank.own.log.released())
    await telco.say(said)
    await telco.node.pulls.told(telco.origin, [said])


# --------------------------------------------------------------- as a holder


async def another_share(lab: Lab) -> None:
    """It evaluates with another share: what it signs convicts it."""
    shares, asking = lab.bank.node.home.shares, lab.platform
    right = dict(shares)
    for key, share in right.items():
        wrong = Dealt(2, 3, secrets.token_bytes)
        shares[key] = type(share)(*key, share.index, wrong.shares[share.index])
    asking.node.tokeniser.holders.clear()
    try:
        (found,) = await asking.lookup("phone", PHONE)
    finally:
        shares.update(right)
    assert found.verdict == "none"  # by another quorum
    (file,) = (asking.home / "evidence" / "bank").iterdir()
    (row,) = await asking.findings("bad_holder")
    assert f"evidence/bank/{file.name}" in str(row.finding.detail)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    held = file.read_text()
    for value in (PHONE, PHONE[1:], PHONE.encode().hex()):
        assert value not in held


def evaluating(value: str, body: bytes, **how: Any) -> Act:
    """Have all ask for a value, and be answered so; another quorum does."""

    async def act(lab: Lab) -> None:
        with lab.bank.lying_with("/oprf", body, **how):
            for member in lab.honest:
                member.node.tokeniser.holders.clear()  # it may be the quickest
                (found,) = await member.lookup("phone", value)
                assert found.verdict == "none"

    return act


# --------------------------------------------------------------------- forks


async def anchored_elsewhere(lab: Lab) -> None:
    """It showed a log to one, once, who has said so in its own."""
    await lab.fork(await lab.bank.size(), 1, "telco")
    await lab.telco.round()
    await lab.go_on()
    lab.bank.node.twin = None
    held = (await lab.telco.head(lab.bank.origin)).note
    head, made = checkpoint.open_(held, lab.bank.keys.log.verifier)
    line = f"{made.signatures[0]}"
    one = AnchoredLog(head.origin, head.size, head.root.hex(), line)
    await lab.telco.say(Anchor(logs=(one,)))


async def two_groups(lab: Lab) -> None:
    """Three see one log, three another; they meet afterwards."""
    await _split(lab, "police", "carrier", "payer")
    lab.heal()


async def a_random_third(lab: Lab) -> None:
    """One alone has the other log, and hears of the first from one alone."""
    await _split(lab, "carrier")
    lab.heal()
    for one in ("carrier", "telco"):
        lab.cut(*(m for m in SEVEN if m != one))
    await lab.carrier.round()
    assert (await lab.carrier.head(lab.bank.origin)).contested
    lab.heal()


async def _split(lab: Lab, *group: str) -> None:
    await lab.fork(await lab.bank.size(), 1, *group)
    await lab.go_on(lab.bank, lab.bank)
    lab.cut(*(m.id for m in lab.honest))
    await lab.rounds()
    for member in lab.honest:
        assert not (await member.head(lab.bank.origin)).contested


async def after_a_restart(lab: Lab) -> None:
    """Set back, it goes on otherwise, to one that has started anew."""
    size = await lab.bank.size()
    await lab.go_on()
    await lab.rounds()
    await lab.restart("payer")
    await lab.fork(size, 2)


async def an_old_entry(lab: Lab) -> None:
    """All of its log as it was, but for the second entry."""
    await lab.fork(1, await lab.bank.size())


async def shrunk(lab: Lab) -> None:
    """It shows an earlier log of its own, and nobody forgets."""
    size = await lab.bank.size()
    await lab.fork(size - 2, 0)
    await lab.rounds()
    for member in lab.honest:
        assert (await member.head(lab.bank.origin)).merged == size
    lab.bank.node.twin = None


async def a_stolen_key(lab: Lab) -> None:
    """Of a log that has ended: whoever has it freezes nobody."""
    await lab.decided(ended=True)
    key, size = lab.bank.keys.log, await lab.bank.size()
    await lab.fork(1, size)
    told = [signed(key, n) for n in (1, size - 1, size, size + 9)]
    await telling(lambda _: {"notes": told})(lab)
    for one in told:
        await lab.bank.ask(lab.police, "POST", "/poke", one.encode())
    await lab.telco.say(
        charge(key, told[1].encode(), lab.bank.signed(size - 1))
    )
    lab.bank.node.twin = None
    assert "ended" in str(lab.bank.node.publisher.why_not())


WAYS: dict[str, Act] = {
    **{name: telling(what) for name, what in TELLS.items()},
    **{name: writing(what) for name, what in WRITES.items()},
    "a_stretched_bundle": stalling("/payload/", drips=True),
    "never_answers": stalling("", drips=False),
    "drips": stalling("", drips=True),
    "garbage_evaluated": evaluating("+12025550178", b"\7" * 99),
    "no_answer": evaluating("+12025550179", b"", status=503),
    "no_quota": evaluating("+12025550180", b"", status=429),
}
FOUND = {
    name: {*re.findall("`([^`]+)`", found)}
    for found, name in re.findall(ROW, PAGE.read_text("utf-8"), re.MULTILINE)
}


@tried("name", FOUND)
async def test_the_others_go_on(lab: Lab, name: str, tmp_path: Path) -> None:
    """What its row says is found, and nothing else."""
    await lab.held(WAYS.get(name) or globals()[name], FOUND[name], tmp_path)


async def test_anybody_convicts_it(
    lab: Lab, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """By the rosters of a bundle alone; and nobody who is not to blame."""
    (file,) = (lab.platform.home / "evidence" / "bank").iterdir()
    await stored.write(lab.platform.config, tmp_path, 1)
    bundle = "--bundle", tmp_path

    def judged(home: object, *more: object) -> int:
        return syncd("--home", home, "audit", "evidence", file, *more)

    trusted = *bundle, "--fingerprint", lab.fingerprint
    for home, more in ((lab.police.home, ()), ("/nowhere", trusted)):
        assert judged(home, *more) == 0
        assert "bank: it signed a wrong answer" in capsys.readouterr().out
    held = file.read_text()
    file.write_text(held.replace('"accused":"bank"', '"accused":"police"'))
    assert judged(lab.platform.home) != 0
    assert judged("/nowhere", *bundle) == 2  # whose rosters are they?
