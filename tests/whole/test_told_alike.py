"""Status, webhook and doctor tell one true story, within three rounds.

Two of five members are killed, a third is cut off, and a dispute is open: who
looks for the first time sees just that, whichever of the three is asked.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from syncd.flows.draft import DisputeDraft
from syncd.web import routes, status_forms
from tests import postgres
from tests.alliance import SECRET, Alliance, Member, until
from tests.cases import once
from tests.commands import syncd
from tests.node.receiver import Receiver, hook, listening

FIVE = ("police", "bank", "carrier", "platform", "payer")
DEAD = ("bank", "payer")
NUMBER = "+12025550123"
DESK = """
[[notify.targets]]
name = "desk"
roles = ["duty", "compliance"]
url = "{url}"
secret = "{secret}"
"""


async def rounds(alliance: Alliance) -> None:
    """Let three rounds pass, and what follows each."""
    for _ in range(3):
        await asyncio.gather(*(m.node.rounds.round() for m in alliance.up))
        await asyncio.gather(
            *(m.node.event_writer.look() for m in alliance.up)
        )


async def as_it_happened(alliance: Alliance) -> None:
    """Have a dispute open, two members dead and one cut off."""
    police, carrier = alliance.police, alliance.carrier
    await police.tell("phone", NUMBER)
    draft = DisputeDraft(kind="phone", value=NUMBER, reason="innocent_owner")
    service = carrier.node.claim_intake
    await service.dispute(routes.Caller("operator", "operator"), draft)
    await alliance.settle()
    await alliance.stop(*DEAD)
    for other in FIVE:
        alliance.cut("platform", other)
    await rounds(alliance)


@once
async def receiver() -> AsyncIterator[Receiver]:
    async with listening() as found:
        yield found


@once
async def alliance(root: Path, receiver: Receiver) -> AsyncIterator[Alliance]:
    """Police and the platform tell a webhook everything."""
    target = hook(root, receiver.url)

    def tell(member: Member) -> None:
        if member.id in ("police", "platform"):
            with (member.home / "config.toml").open("a") as config:
                config.write(DESK.format(url=target.url, secret=target.secret))

    async with Alliance.found(
        root, FIVE, local_apis=True, prepare=tell
    ) as found:
        await as_it_happened(found)
        yield found


def states(seen: status_forms.Status) -> dict[str, str]:
    return {row.member: row.state for row in seen.members}


async def test_status_of_who_is_left(alliance: Alliance) -> None:
    """Rows, holders, to-dos and metrics, without any look-up."""
    for member, other in (
        (alliance.police, "carrier"),
        (alliance.carrier, "police"),
    ):
        seen = await member.status()
        assert states(seen) == {
            member.id: "self",
            other: "ok",
            "bank": "silent",
            "payer": "silent",
            "platform": "silent",
        }
        assert [h.member for h in seen.holders if not h.up] == ["bank"]
        said = [str(line) for line in seen.todo]
        assert len(said) == 2 + (member is alliance.police)
        assert member.id != "police" or "syncd report answer" in said[2]
        assert said[0].startswith("holders: bank down: syncd doctor")
        assert "; 2 still answer, 2 are needed" in said[0]
        assert "2 members do not answer (payer, platform)" in said[1]
        assert seen.cut_off is None
        rows = {row.member: row for row in seen.members}
        assert rows[other].lacks == 0
        assert abs(rows[other].offset_s or 0) <= 2
        assert rows[other].heard_at
        assert rows[other].asked_at
        assert rows["bank"].silent_since
        assert rows["bank"].why
        assert (rows["bank"].heard_at or 0) <= rows["bank"].silent_since
        assert all((r.certificate_days or 0) > 300 for r in seen.members)
        text = (await member.node.status_reader.scrape()).decode()
        assert 'syncd_holder_up{member="bank"} 0.0' in text
        assert 'syncd_peer_failures{member="payer"} 3.0' in text
        assert "syncd_cut_off 0.0" in text


async def test_status_of_who_is_cut_off(alliance: Alliance) -> None:
    """It is we, not all the others; and look-ups go on from what is here."""
    platform = alliance.platform
    seen = await platform.status()
    assert seen.cut_off is not None
    assert "none of the 4 members" in str(seen.todo[0])
    assert not [x for x in seen.todo if str(x).startswith("silent")]
    assert (await platform.node.status_reader.ready()).cut_off
    assert await platform.events("cut_off") == [{"state": "cut_off"}]
    status_, body = await platform.call("GET", "/readyz")
    assert (status_, body["cut_off"]) == (200, True)


def texts(receiver: Receiver, member: str, name: str) -> list[str]:
    """Return what the webhook was told of one kind of event, in order."""
    return [
        one["text"]
        for one in map(msgspec.json.decode, receiver.bodies)
        if (one["member"], one["type"]) == (member, f"syncd.{name}")
    ]


async def test_the_webhook_tells_the_same(
    alliance: Alliance, receiver: Receiver
) -> None:
    """Who is silent, the dispute; at the next look each thing to do."""
    await asyncio.gather(*(m.node.event_writer.look() for m in alliance.up))
    lines = {
        member.id: [f"to do: {line}" for line in (await member.status()).todo]
        for member in (alliance.police, alliance.platform)
    }
    await until(
        lambda: all(
            {*texts(receiver, member, "todo")} >= {*found}
            for member, found in lines.items()
        )
    )
    assert sorted(texts(receiver, "police", "peer")) == [
        f"member {member}: silent" for member in ("bank", "payer", "platform")
    ]
    [dispute] = texts(receiver, "police", "dispute")
    assert dispute.startswith(f"dispute {alliance.carrier.origin}:1: to be")
    assert texts(receiver, "platform", "cut_off") == [
        "cut off from the other members: cut_off"
    ]
    assert not texts(receiver, "police", "cut_off")
    [target] = (await alliance.police.status()).notify
    assert (target.target, target.failures) == ("desk", 0)


async def test_the_command_tells_the_same(
    alliance: Alliance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It opens the home beside the daemon, and asks that too."""
    police = alliance.police
    for name, text in (("secret", SECRET.decode()), ("token", police.token)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    monkeypatch.setenv("SYNCD_SECRET_FILE", str(tmp_path / "secret"))
    words = ("--home", police.home, "doctor", "--json", "--token-file")
    code = await asyncio.to_thread(syncd, *words, tmp_path / "token")
    found: dict[str, list[Any]] = {}
    for step in json.loads(capsys.readouterr().out)["steps"]:
        found.setdefault(step["member"], []).append(step)
    assert code == 1
    seen = {"": "ok", **states(await police.status())}
    for member, steps in found.items():
        red = [step for step in steps if not step["ok"]]
        assert (not red) == (seen[member] in ("ok", "self"))
        assert all(step["remedy"]["code"] for step in red)
    assert [s["step"] for s in found[""][:5]] == [
        *("libsodium", "disk space", "database", "roster", "daemon")
    ]
    assert [s["step"] for s in found["bank"] if not s["ok"]] == [
        *("address", "rounds", "holder")
    ]
    assert [s["step"] for s in found["platform"] if not s["ok"]] == ["rounds"]
    assert [s["step"] for s in found["carrier"]] == [
        *("quota", "name", "address", "TLS", "pin"),
        *("rounds", "roster version", "clock", "holder"),
    ]


async def test_what_can_wait_is_muted(alliance: Alliance) -> None:
    """Until a day, by whom and why; and shown again."""
    police = alliance.police
    holders, silent, dispute = (await police.status()).todo
    wanted = {"code": silent.code, "until": "2199-01-01", "why": "they move"}
    muting, one = ("POST", "/v1/status/mutes"), (200, {"count": 1})
    assert await police.call(*muting, wanted) == one
    other = {**wanted, "code": "no.such_code"}
    assert (await police.call(*muting, other))[0] == 422
    seen = await police.status()
    assert seen.todo == (holders, dispute)
    [muted] = seen.muted
    assert (muted.what, muted.by, muted.why) == (
        silent,
        "operator",
        "they move",
    )
    raw = b"".join(p.read_bytes() for p in police.home.glob("own.db*"))
    assert not any(
        b"they move" in kept
        for _, kept in [("", raw), *postgres.cells(police.home)]
    )
    wanted["until"] = police.node.ctx.today()
    assert await police.call(*muting, wanted) == one
    assert (await police.status()).todo == (holders, silent, dispute)


async def test_who_comes_back_is_heard_again(
    alliance: Alliance, receiver: Receiver
) -> None:
    """The last test: all is green in the next round, and events say so."""
    red = len(texts(receiver, "police", "todo"))
    alliance.heal()
    await alliance.start(*DEAD)
    await rounds(alliance)
    seen = await alliance.police.status()
    assert set(states(seen).values()) == {"self", "ok"}
    [dispute] = seen.todo
    assert "syncd report answer" in str(dispute)
    found = await alliance.police.events("peer")
    assert [e["state"] for e in found[3:]] == ["heard"] * 3
    assert await alliance.platform.events("cut_off") == [
        {"state": "cut_off"},
        {"state": "heard"},
    ]
    # All but the dispute.
    await until(lambda: len(texts(receiver, "police", "done")) == red - 1)
