"""`syncd log`: export and verify logs, with no daemon; show one, and erase.

What is exported and verified is read from the home's files as they are at one
moment, so a daemon may run meanwhile; the rest is asked of it. Exit codes of `verify`: 0 all holds, 1 somebody
evaluated too much, 4 no roster that we trust, 5 damaged.
"""

import asyncio
import getpass
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from syncd.cli import grid, meter, terminal
from syncd.cli.command import Command, Options, argument, option
from syncd.cli.grid import Item
from syncd.cli.options import MOST, ApiOptions, OutputOptions
from syncd.errors import DamagedError, UsageError
from syncd.indicator import claims, token, vocabulary
from syncd.messages import answers
from syncd.messages.catalogue import t
from syncd.node.audit import stored
from syncd.node.pinned import clock
from syncd.tlog import strict

LAST = 10  # entries that `show` lists
LOOKED = ("origin", "size", "merged", "rows", "contested", "ok", "problems")

noun = Command()


class LogOptions(Options):
    """Our log, or one that we mirror."""

    mirror: str | None = option("another's log; else our own")


class _ShowOptions(LogOptions, ApiOptions):
    """One that the daemon has."""


@noun.verb("show", "Show our log, or one that we mirror.")
def _show(args: _ShowOptions) -> None:
    origin = quote(args.mirror or args.settings().origin, safe="")
    found = args.ask(f"/v1/logs/{origin}", limit=LAST)
    args.show(found, _shown(found))


def _shown(found: Item) -> Iterator[str]:
    yield from map(answers.clean, found["checkpoint"].splitlines())
    yield from grid.items("cosigned", found["cosigned"])
    yield from grid.items(
        *("entries", found["items"]),
        lambda one: {"state": one.get("closed") or one.get("void")},
    )


class _ExportOptions(LogOptions):
    out: Path = argument("a new directory; or a new file NAME.tar")
    complete: bool = option("all logs, for auditors")
    with_payloads: str = option("why a complete one shows contents")


@noun.verb("export", "Write logs as static C2SP files.")
def _export(args: _ExportOptions) -> None:
    settings = args.settings()
    origin, reason = args.mirror or settings.origin, args.with_payloads
    if not args.complete:
        reason = reason or f"log export of {origin}"
    with (
        terminal.new_directory(args.out) as made,
        meter.meter(args.out.name, 1) as progress,
    ):
        name = asyncio.run(
            stored.write(
                *(settings, made, clock()),
                origin=None if args.complete else origin,
                reason=reason,
                progress=progress,
            )
        )
    if reason:  # what left the house cannot be erased: that is kept here
        with (settings.home / "exports").open("a") as kept:
            kept.write(f"{clock()} {getpass.getuser()} {name} {reason!r}\n")
    terminal.say("bundle {name}", name=name)


class _EraseOptions(ApiOptions):
    index: list[str] = argument("INDEX[-INDEX] of our log")
    reason: str = option(
        ", ".join(vocabulary.FACETS["erase_reason"]), needed=True
    )
    yes: bool = option("erase it; else what would go is shown")


@noun.verb("erase", "Erase entries of our log for good, at every member.")
def _erase(args: _EraseOptions) -> None:
    entries = list[int]()
    for text in args.index:
        found = re.fullmatch("([0-9]{1,15})(?:-([0-9]{1,15}))?", text)
        first, last = found.groups(found[1]) if found else (1, 0)
        if not (named := range(int(first), int(last) + 1)[:MOST]):
            raise UsageError("{said}: want INDEX[-INDEX]", said=repr(text))
        entries += named
    call = {"entries": entries, **args.given("reason", "yes")}
    effect = args.ask("/v1/log/erasures", call)
    args.show(effect, _erased(effect, done=args.yes))


def _erased(found: Item, *, done: bool) -> Iterator[str]:
    """Yield what is erased, or would be, and what stays."""
    yield t(
        "erased for good, at every member: {types}"
        if done
        else "to be erased for good, at every member: {types}; nobody can undo"
        " that: if it is right, add --yes",
        types=", ".join(f"{n} {name}" for name, n in found["types"].items()),
    )
    for origin, n in found["ours"]:
        yield t("about the same values ours stays: {at}", at=f"{origin}:{n}")
    for member, n in found["stays"].items():
        yield t("{n} of the values count on, by {member}", n=n, member=member)


# ----------------------------------------------------------------- verify


@noun.verb("verify", "Verify all logs and claims of a home.")
def _verify(args: OutputOptions) -> int:
    reports = stored.verify_home(args.settings())
    found = [
        {
            **{name: getattr(r, name) for name in LOOKED},
            "root": strict.encode(r.root),
            "digest": {
                _key_name(key): value.to_bytes(32).hex()
                for key, value in sorted(r.digest.items())
            },
        }
        for r in reports
    ]
    args.show(found, _proven(found))
    return 0 if all(r.ok for r in reports) else DamagedError.exit_code


def _proven(found: Iterable[Item]) -> Iterator[str]:
    for log in found:
        state = t("ok") if log["ok"] else t("DAMAGED")
        if log["contested"]:
            state += t(", contested")
        yield t(
            "{origin}: {size} entries, {merged} merged, {rows} claims stand:"
            " {state}",
            **log,
            state=state,
        )
        for name, value in log["digest"].items():
            yield f"  {name:12} {value}"
        for problem in log["problems"]:
            terminal.tell(f"syncd: {t('error')}: {log['origin']}: {problem}")


def _key_name(key: int) -> str:
    kind, epoch = claims.kind_epoch(key)
    return f"{token.KIND_NAMES.get(kind, kind)}/{epoch}"
