"""`syncd report import --dry-run`: how a list is understood, before it is sent.

Judged here, by the roster and the rules of this member's home; nothing goes
to the daemon.
"""

import datetime
import zoneinfo
from collections.abc import Iterator
from pathlib import Path

from syncd.cli import grid, terminal
from syncd.cli.options import OutputOptions
from syncd.flows.report import Rules
from syncd.lists import preview
from syncd.lists.columns import Columns
from syncd.lists.preview import Preview
from syncd.lists.rows import Table
from syncd.messages import answers, catalogue
from syncd.messages.catalogue import t
from syncd.node import pinned

SHOWN = 20  # reasons of refused rows


def show(args: OutputOptions, rows: Table, plan: Columns) -> Preview:
    """Print what an import would do; return it."""
    settings = args.settings()
    member, roster = settings.member, pinned.trusted_roster(settings).current
    zone = zoneinfo.ZoneInfo(roster.zone)
    today = datetime.datetime.fromtimestamp(pinned.clock(), zone).date()
    rules = Rules(roster, today.isoformat(), member.region, member.id)
    found = preview.look(rows, plan, rules)
    value = {
        "columns": [{"column": n, "field": into} for n, into in found.columns],
        "rows": found.rows,
        "good": found.good,
        "twice": found.twice,
        "listed": [one._asdict() for one in found.listed],
        "unknown": [
            {"field": u.field, "word": u.shown, "near": u.near, "rows": u.rows}
            for u in found.unknown
        ],
        "reasons": [
            {"detail": str(r.why), "line": r.row, "rows": r.rows}
            for r in found.reasons
        ],
        "notices": found.notices,
    }
    args.show(value, _lines(found, plan))
    return found


def _lines(found: Preview, plan: Columns) -> Iterator[str]:
    yield t("Columns, and what they are understood as:")
    named = [(name, into or t("not stored")) for name, into in found.columns]
    yield from grid.table("columns", named)
    if plan.constants:
        constants = ", ".join(f"{k}={v}" for k, v in plan.constants.items())
        yield t("For all rows: {said}", said=constants)
    yield "\n" + t("The first rows as they would be listed:")
    first = [{"line": x.row, **x._asdict(), **x.fields} for x in found.listed]
    yield from grid.items("preview", first)
    yield "\n" + answers.previewed(found)
    for code, n in sorted(found.notices.items()):
        yield f"{n:>9,} × {answers.notices({'notices': (code,)})}"
    for (field, word), n in sorted(found.ignored.items()):
        line = t("{field}: {word} is ignored", field=field, word=word)
        yield f"{n:>9,} × {line}"
    if found.unknown:
        yield "\n" + t("Unknown words, and the nearest codes:")
        yield from grid.table(
            "unknown",
            [(f"{u.rows:,}", u.field, u.shown, u.near) for u in found.unknown],
        )
        if found.more:
            yield t("{n} rows with further unknown words", n=found.more)
    if found.reasons:
        yield "\n" + t("Other reasons:")
        for one in found.reasons[:SHOWN]:
            line = t("first in line {n}", n=one.row)
            yield f"{one.rows:>9,} × {catalogue.whole(one.why)} [{line}]"


def end(found: Preview, file: Path, *, codes: Path | None) -> int:
    """Say what to do next; return the exit code."""
    if codes is not None:
        terminal.tell(
            "mapping file: {path}; write the codes in, then import with"
            " --map {path}",
            path=codes,
        )
    elif found.unknown:
        terminal.tell(
            "--write-codes FILE.toml writes these words down, to be given"
            " their codes; --map FILE.toml gives it back"
        )
    elif found.good == found.rows:
        terminal.tell(
            "{path}: nothing was sent; without --dry-run it is imported",
            path=file,
        )
    return 1 if found.good < found.rows else 0
