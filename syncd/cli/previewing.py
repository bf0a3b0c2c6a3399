"""`syncd report import --dry-run`: how a list is understood, before it is sent.

Judged here, by the roster and the rules of this member's home; nothing goes
to the daemon.
"""

import datetime
import zoneinfo
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from syncd.cli import door, grid, notices, terminal
from syncd.messages import catalogue
from syncd.messages.catalogue import t

if TYPE_CHECKING:
    from syncd.flows.report import Desk
    from syncd.lists.columns import Columns
    from syncd.lists.preview import Preview
    from syncd.lists.rows import Table

SHOWN = 20  # reasons of refused rows
FIELDS = ("label", "role", "evidence", "confidence", "seen", "expires")


def show(
    ctx: typer.Context, rows: "Table", plan: "Columns", *, as_json: bool
) -> "Preview":
    """Print what an import would do; return it."""
    from syncd.cli.importing.refused import OURS
    from syncd.lists import preview

    found = preview.look(rows, plan, _desk(ctx))
    columns = [one for one in found.columns if one[0] not in OURS]
    if as_json:
        terminal.show_json(_as_json(found, columns))
        return found
    terminal.say(t("Columns, and what they are understood as:"))
    head = (t("column"), t("field"))
    grid.show(head, [(n, into or t("not stored")) for n, into in columns])
    if plan.constants:
        said = ", ".join(f"{k}={v}" for k, v in plan.constants.items())
        terminal.say(t("For all rows: {said}", said=said))
    terminal.say("\n" + t("The first rows as they would be listed:"))
    grid.show(
        (t("line"), "kind", "value", *FIELDS),
        [
            (
                *(str(one.row), one.kind, one.value),
                *(str(one.fields.get(name, "")) for name in FIELDS),
            )
            for one in found.listed
        ],
    )
    _show_counts(found)
    if found.unknown:
        terminal.say("\n" + t("Unknown words, and the nearest codes:"))
        grid.show(
            (t("rows"), t("field"), t("word"), t("nearest")),
            [(f"{u.rows:,}", u.field, u.shown, u.near) for u in found.unknown],
        )
        if found.more:
            more = t("{n} rows with further unknown words", n=found.more)
            terminal.say(more)
    if found.reasons:
        terminal.say("\n" + t("Other reasons:"))
        for one in found.reasons[:SHOWN]:
            line = t("first in line {n}", n=one.row)
            terminal.say(
                f"{one.rows:>9,} × {catalogue.whole(one.why)} [{line}]"
            )
    return found


def end(found: "Preview", file: Path, *, codes: Path | None) -> None:
    """Say what to do next.

    Raises:
        Exit: rows would be refused.
    """
    if codes is not None:
        terminal.tell(
            t(
                "mapping file: {path}; write the codes in, then import with"
                " --map {path}",
                path=codes,
            )
        )
    elif found.unknown:
        terminal.tell(
            t(
                "--write-codes FILE.toml writes these words down, to be given"
                " their codes; --map FILE.toml gives it back"
            )
        )
    elif found.good == found.rows:
        terminal.tell(
            t(
                "{path}: nothing was sent; without --dry-run it is imported",
                path=file,
            )
        )
    if found.good < found.rows:
        raise typer.Exit(1)


def _desk(ctx: typer.Context) -> "Desk":
    """Return what our daemon judges reports by."""
    from syncd.flows.report import Desk
    from syncd.node import pinned

    settings = door.settings_of(ctx)
    roster = pinned.trusted_roster(settings).current
    zone = zoneinfo.ZoneInfo(roster.zone)
    today = datetime.datetime.fromtimestamp(pinned.clock(), zone).date()
    member = settings.member
    return Desk(roster, today.isoformat(), member.region, member.id)


def _show_counts(found: "Preview") -> None:
    terminal.say("")
    terminal.say(
        t(
            "{rows} rows: {good} would be reported, {refused} refused; {twice}"
            " stand in another row too",
            rows=f"{found.rows:,}",
            good=f"{found.good:,}",
            refused=f"{found.rows - found.good:,}",
            twice=f"{found.twice:,}",
        )
    )
    for code, n in sorted(found.notices.items()):
        terminal.say(f"{n:>9,} × {notices.of({'notices': (code,)})}")
    for (field, word), n in sorted(found.ignored.items()):
        line = t("{field}: {word} is ignored", field=field, word=word)
        terminal.say(f"{n:>9,} × {line}")


def _as_json(
    found: "Preview", columns: list[tuple[str, str]]
) -> Mapping[str, Any]:
    return {
        "columns": [{"column": n, "field": into} for n, into in columns],
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
        "notices": dict(found.notices),
    }
