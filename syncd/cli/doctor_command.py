"""`syncd doctor`: where it ends, step by step, and what to do about it.

It works without the daemon, and says what that knows where it runs. Exit
codes: 0 all is green, 1 something is red.
"""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from syncd.cli import grid, terminal
from syncd.cli.api_client import ApiClient
from syncd.cli.command import Command, argument
from syncd.cli.grid import Item
from syncd.cli.options import ApiOptions
from syncd.config import Config
from syncd.errors import Message, SyncdError, UsageError
from syncd.messages import catalogue, wire
from syncd.messages.catalogue import later, t
from syncd.node.audit import checkup
from syncd.node.audit.checkup import Step
from syncd.node.home import pending_tls
from syncd.node.pinned import trusted_roster
from syncd.roster.roster import Roster
from syncd.store.keyring import Keyring

noun = Command()


class _DoctorOptions(ApiOptions):
    member: str = argument("another member; else all", needed=False)


@noun.verb("doctor", "Look where it ends: this machine, and each member.")
def _doctor(args: _DoctorOptions) -> int:
    steps = asyncio.run(_steps(args, args.settings()))
    ok = all(step.ok for step in steps)
    args.show({"ok": ok, "steps": [*map(_form, steps)]}, lines(steps))
    return 0 if ok else 1


async def _steps(args: _DoctorOptions, settings: Config) -> list[Step]:
    """Return what was looked at, what is ours first.

    Raises:
        UsageError: there is no other member of the name that is given.
    """
    steps = await checkup.here(settings)
    daemon, status = _daemon(args, settings)
    steps += daemon
    if status:
        steps += checkup.quotas(status)
    try:
        roster = trusted_roster(settings).current
    except SyncdError:
        return steps  # a step said so
    wanted = [
        m
        for m in roster.active()
        if m.id != settings.member.id and args.member in ("", m.id)
    ]
    if args.member and not wanted:
        raise UsageError("doctor: {member} is no other active member", args)
    ways: Iterable[list[Step]] = [[] for _ in wanted]
    try:
        tls = _tls(settings, roster)
        ways = await asyncio.gather(
            *(checkup.way(member, tls) for member in wanted)
        )
    except SyncdError as e:
        steps.append(Step(later("keys"), "", False, e.text, e.way_out))
    rows = {row["member"]: row for row in status.get("members", ())}
    for member, way in zip(wanted, ways, strict=True):
        steps += way
        if member.id in rows:
            steps += checkup.theirs(rows[member.id], status)
    return steps


def _tls(settings: Config, roster: Roster) -> tuple[bytes, bytes]:
    """Return our certificate (DER) that the roster lists, and its key.

    Raises:
        SyncdError: our keys cannot be opened.
    """
    ring = Keyring.open(settings.home, terminal.secret(settings))
    us, pending = roster.member(settings.member.id), pending_tls(ring)
    if us and pending and pending[0] == us.certificate:
        return pending
    return ring.need("certificate"), ring.need("tls")


def _daemon(args: _DoctorOptions, settings: Config) -> tuple[list[Step], Item]:
    """Return whether our daemon serves, and its status if it tells us."""
    steps, name = [], later("daemon")
    try:
        with ApiClient.of(settings, None, token=False) as own:
            ready = own.get("/readyz")
        why = wire.read(ready["why"]) if ready["why"] else Message("it serves")
        steps.append(Step(name, "", not ready["cut_off"], why))
        name = later("status")
        return steps, args.ask("/v1/status")
    except SyncdError as e:
        way = e.way_out or Message("syncd run")
        return [*steps, Step(name, "", False, e.text, way)], {}


def lines(steps: Iterable[Step]) -> Iterator[str]:
    """Yield each step, what is red marked and with its remedy below."""
    first, *rest = grid.table(
        "doctor",
        (
            (
                t("ok") if ok else t("RED"),
                member,
                t(step),
                catalogue.say(found),
            )
            for step, member, ok, found, _ in steps
        ),
    )
    yield first
    for step, line in zip(steps, rest, strict=True):
        yield line
        if not step.ok and step.remedy:
            yield f"      {t('what to do')}: {catalogue.say(step.remedy)}"


def _form(step: Step) -> Any:
    """Return a step for programs; what is green needs no remedy."""
    remedy = wire.of(step.remedy) if step.remedy and not step.ok else None
    said = {"found": wire.of(step.found), "remedy": remedy}
    return msgspec.to_builtins({**step._asdict(), **said})
