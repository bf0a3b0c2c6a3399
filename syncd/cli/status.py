"""`syncd status`: how this member and its peers are doing, and what to do."""

import sys
import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from syncd.cli import grid, report, terminal, told
from syncd.cli.door import Door
from syncd.messages.catalogue import t

WATCH_S = 2.0


def add(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("status", help="How this member and its peers are doing.")
    def _status(
        ctx: typer.Context,
        health: Annotated[
            bool,
            typer.Option(
                "--health",
                help="only whether it serves: exit code 0 or 1; no token",
            ),
        ] = False,
        watch: Annotated[
            bool, typer.Option("--watch", help="again every two seconds")
        ] = False,
        digests: Annotated[
            bool,
            typer.Option("--digests", help="recompute from the rows"),
        ] = False,
        token_file: report.TokenFile = None,
        as_json: report.AsJson = False,
    ) -> None:
        if health:
            _health(ctx, as_json)
            return
        with Door.of(ctx, token_file) as own:
            while True:
                found = own.get("/v1/status", digests=1 if digests else None)
                if watch and sys.stdout.isatty():
                    # Home and clear; a list that scrolled would be unreadable.
                    terminal.say("\x1b[H\x1b[2J")
                if as_json:
                    terminal.show_json(found)
                else:
                    for line in lines(found):
                        terminal.say(line)
                if not watch:
                    return
                time.sleep(WATCH_S)


def _health(ctx: typer.Context, as_json: bool) -> None:
    """Say whether the daemon serves; nothing of it is secret."""
    with Door.of(ctx, None, token=False) as own:
        found = own.ready()
    if as_json:
        terminal.show_json(found)
    else:
        why = found.get("why", "")
        state = t("ready") if found["ready"] else t("not ready")
        if found["ready"] and not found["appending"]:
            state = t("ready, not appending")
        terminal.say(f"{state}: {told.said(why)}" if why else state)
    if not found["ready"]:
        raise typer.Exit(1)


def lines(found: Mapping[str, Any]) -> list[str]:
    """Return the status as lines, what to do last."""
    now = found["time"]
    log, vault, roster = found["log"], found["vault"], found["roster"]
    waiting = vault["waiting"]
    up = [h["member"] for h in found["holders"] if h["up"]]
    down = [h for h in found["holders"] if not h["up"]]
    appending = found["appending"]
    expiry = t("EXPIRED") if roster["expired"] else _ahead(roster, now)
    keys = ", ".join(
        f"{k['kind']} {k['epoch']}: {k['t']}/{k['n']}"
        + (f" ({t('dealt')})" if k["dealt"] else "")
        for k in found["keys"]
    )
    said = [
        (
            t("member"),
            t(
                "{member} of {alliance}, syncd {version}",
                member=found["member"],
                alliance=found["alliance"],
                version=found["version"],
            ),
        ),
        (
            t("log"),
            t(
                "{origin}: {size} entries, {released} released",
                origin=log["origin"],
                size=log["size"],
                released=log["released"],
            ),
        ),
        (
            t("appending"),
            t("yes") if appending["ok"] else told.said(appending["why"]),
        ),
        (
            t("vault"),
            t(
                "{waiting} waiting, {published} published, {ending} ending",
                waiting=sum(waiting.values()),
                published=vault["published"],
                ending=vault["ending"],
            )
            + (
                f" ({', '.join(f'{k} {n}' for k, n in waiting.items() if n)})"
                if any(waiting.values())
                else ""
            ),
        ),
        (
            t("holders"),
            t("{up} up", up=", ".join(up) or "0")
            + "".join(
                f"; {t('{member} down', member=h['member'])}: {told.said(h['why'])}"
                for h in down
            ),
        ),
        (t("keys"), keys or "-"),
        (
            t("roster"),
            t(
                "version {version}, {expiry}",
                version=roster["version"],
                expiry=expiry,
            ),
        ),
        (t("clock"), t("{skew} s off", skew=found["skew_s"])),
    ]
    most = max(grid.width(name) for name, _ in said)
    out = [
        name + " " * (most - grid.width(name)) + f"  {grid.clean(text)}"
        for name, text in said
    ]
    out += ["", *_logs(found, now)]
    findings = found["findings"]
    if findings:
        head = [t(n) for n in ("finding", "log", "times", "last", "detail")]
        rows = [
            [
                f["code"],
                _place(f),
                str(f["count"]),
                _ago(now - f["last_at"]),
                f["detail"],
            ]
            for f in findings
        ]
        out += ["", *grid.lines(head, rows)]
    todo = found["todo"] or [t("nothing")]
    out += [
        "",
        *(f"{t('what to do')}: {grid.clean(told.said(one))}" for one in todo),
    ]
    return out


def _logs(found: Mapping[str, Any], now: int) -> list[str]:
    ours = {r["member"]: r for r in found["receipts"]}
    digests = any(log.get("digest") for log in found["logs"])
    head = [
        t(name)
        for name in (
            *("member", "sector", "size", "merged", "lag", "receipt"),
            *("source", "pulled", "state"),
        )
    ]
    rows = []
    for log in found["logs"]:
        seen = log.get("last_receipt") or ours.get(log["member"])
        pulled = log.get("last_pull")
        row = [
            log["member"],
            log["sector"],
            str(log["known"]),
            str(log["merged"]),
            str(log["lag"]),
            f"{seen['size']} {_ago(now - seen['at'])}" if seen else "",
            log.get("source", ""),
            _ago(now - pulled) if pulled else "",
            _state(log),
        ]
        rows.append([*row, log.get("digest", "")[:16]] if digests else row)
    return grid.lines([*head, t("digest")] if digests else head, rows)


def _state(log: Mapping[str, Any]) -> str:
    if log["contested"]:
        return t("CONTESTED: it signed two things")
    if log["missing"]:
        return t("{n} payloads withheld", n=log["missing"])
    if log.get("why"):
        return told.said(str(log["why"]))
    return t("behind") if log["lag"] else t("ok")


def _place(finding: Mapping[str, Any]) -> str:
    index = finding.get("index")
    origin = str(finding.get("origin", ""))
    return origin if index is None else f"{origin}:{index}"


def _ahead(roster: Mapping[str, Any], now: int) -> str:
    days = (roster["expires"] - now) // 86_400
    return t("expires in {n} days", n=days)


def _ago(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return t("{n} {unit} ago", n=seconds // size, unit=t(unit))
    return t("{n} {unit} ago", n=max(seconds, 0), unit=t("s"))
