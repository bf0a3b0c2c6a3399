"""`syncd doctor`: where it ends, step by step, and what to do about it.

It works without the daemon, and says what that knows where it runs. Exit
codes: 0 all is green, 1 something is red.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from syncd import config
from syncd.cli import grid, terminal
from syncd.cli.api_client import ApiClient
from syncd.cli.command import Noun, argument
from syncd.cli.options import ApiOptions
from syncd.config import Config
from syncd.errors import Message, SyncdError, UsageError
from syncd.messages import catalogue, wire
from syncd.messages.catalogue import later, t
from syncd.node.audit import checkup
from syncd.node.audit.checkup import PeerCheckup, Step
from syncd.node.home import pending_tls
from syncd.node.pinned import trusted_roster
from syncd.roster.members import Member
from syncd.roster.roster import Roster
from syncd.store.keyring import Keyring

noun = Noun()


class _DoctorOptions(ApiOptions):
    member: str = argument("another member; else all", needed=False)


@noun.verb("doctor", "Look where it ends: this machine, and each member.")
def _doctor(args: _DoctorOptions) -> int:
    settings = args.settings()
    steps = asyncio.run(_steps(args, settings))
    ok = all(step.ok for step in steps)
    value = {"ok": ok, "steps": [_form(step) for step in steps]}
    args.show(value, lines(steps))
    return 0 if ok else 1


async def _steps(args: _DoctorOptions, settings: Config) -> list[Step]:
    """Return what was looked at, what is ours first."""
    steps = [step async for step in checkup.here(settings)]
    daemon, members = _daemon(args, settings)
    steps += daemon
    try:
        roster = trusted_roster(settings).current
    except SyncdError:
        return steps  # a step said so
    wanted = _wanted(roster, settings.member.id, args.member)
    try:
        peers = _peers(settings, roster)
    except SyncdError as e:
        steps.append(Step(later("keys"), "", False, e.text, e.way_out))
        found: Iterable[list[Step]] = [[] for _ in wanted]
    else:
        found = await asyncio.gather(*map(peers.run, wanted))
    for member, way in zip(wanted, found, strict=True):
        steps += way
        if member.id in members:
            steps.append(_heard(members[member.id]))
    return steps


def _wanted(roster: Roster, me: str, wanted: str) -> list[Member]:
    """Return the members to look at.

    Raises:
        UsageError: there is none of that name, or it is we.
    """
    others = [m for m in roster.active() if m.id != me]
    if not wanted:
        return others
    found = [m for m in others if m.id == wanted]
    if not found:
        raise UsageError(
            "doctor: {member} is no other active member",
            hint="syncd roster show lists them",
            member=wanted,
        )
    return found


def _peers(settings: Config, roster: Roster) -> PeerCheckup:
    """Return what asks the other members, as we.

    Raises:
        SyncdError: our keys cannot be opened.
    """
    secret = terminal.secret(settings, config.environment())
    ring = Keyring.open(settings.home, secret)
    us, pending = roster.member(settings.member.id), pending_tls(ring)
    listed = us.certificate if us else ring.need("certificate")
    if pending is None or pending[0] != listed:
        pending = listed, ring.need("tls")
    return PeerCheckup(config=settings, roster=roster, tls=pending)


def _daemon(
    args: _DoctorOptions, settings: Config
) -> tuple[list[Step], Mapping[str, Any]]:
    """Return what our daemon says of itself, and its row of each member."""
    try:
        with ApiClient.of(settings, None, token=False) as own:
            ready = own.ready()
        why = wire.read(ready["why"]) if ready["why"] else Message("it serves")
        steps = [Step(later("daemon"), "", ready["ready"], why)]
    except SyncdError as e:
        hint = e.way_out or Message("syncd run")
        return [Step("daemon", "", False, e.text, hint)], {}
    try:
        with args.api() as own:
            found = own.get("/v1/status")
    except SyncdError as e:
        steps.append(Step(later("status"), "", False, e.text, e.way_out))
        return steps, {}
    steps += _quotas(found.get("quotas", ()))
    if found["cut_off"]:
        why = wire.read(found["cut_off"]["why"])
        steps.append(Step(later("members"), "", False, why))
    return steps, {row["member"]: row for row in found["members"]}


def _quotas(quotas: Iterable[Mapping[str, Any]]) -> Iterator[Step]:
    """Yield what is left to us at the holders."""
    for left in quotas:
        least = min(left["hour_left"], left["day_left"])
        what = Message(
            "{key}, {purpose}: {n} evaluations are left",
            key=left["key"],
            purpose=left["purpose"],
            n=least,
        )
        more = Message(
            "it fills again; more is the admins' to give: syncd roster set"
        )
        yield Step(later("quota"), "", least > 0, what, more)


def _heard(row: Mapping[str, Any]) -> Step:
    """Return what the daemon's rounds have seen of a member."""
    failures = row.get("failures", 0)
    if not failures:
        what = (
            Message("our daemon's rounds reach it")
            if row.get("heard_at")
            else Message("our daemon has not asked it yet")
        )
        return Step(later("rounds"), row["member"], True, what)
    what = Message(
        "silent for {n} rounds: {why}",
        n=failures,
        why=wire.read(row["why"]) if row.get("why") else "",
    )
    return Step(later("rounds"), row["member"], False, what)


def lines(steps: Iterable[Step]) -> Iterator[str]:
    """Yield each step with its remedy, what is red marked."""
    rows = [
        (
            t("ok") if step.ok else t("RED"),
            *(step.member, t(step.step)),
            catalogue.say(step.found),
        )
        for step in steps
    ]
    table = grid.table(("", "member", "step", "found"), rows)
    yield table[0]
    for step, line in zip(steps, table[1:], strict=True):
        yield line
        if not step.ok and step.remedy:
            yield f"      {t('what to do')}: {catalogue.say(step.remedy)}"


def _form(step: Step) -> dict[str, Any]:
    remedy = wire.of(step.remedy) if step.remedy and not step.ok else None
    return {
        "step": step.step,
        "member": step.member,
        "ok": step.ok,
        "found": msgspec.to_builtins(wire.of(step.found)),
        "remedy": msgspec.to_builtins(remedy),
    }
