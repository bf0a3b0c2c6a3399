"""`syncd report`: what our own member says, and takes back.

Raw values come from standard input, a prompt or a file, never from an
argument: arguments are seen by everybody on the machine and kept in the
shell's history. No command repeats a value: a row is known by its number.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncd.cli import door, notices, terminal
from syncd.cli.door import Door
from syncd.errors import SyncdError, UsageError
from syncd.messages import catalogue
from syncd.messages.catalogue import t

if TYPE_CHECKING:
    from syncd.lists.rows import Told

NEEDED = ("kind", "label", "role", "evidence")
MOST = 10_000  # values in one call
MAX_VALUES = 16 << 20  # bytes on standard input or in a file of values

TokenFile = Annotated[
    Path | None, typer.Option(help="a file with a bearer token")
]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]
Refused = Annotated[
    list[str] | None, typer.Argument(hidden=True, metavar="< FILE")
]
Kind = Annotated[str, typer.Option(help="phone, url, account")]
Confidence = Annotated[int | None, typer.Option(help="0-100", min=0, max=100)]
Seen = Annotated[str, typer.Option(help="day; today if not")]
Expires = Annotated[str, typer.Option(help="day; the roster's cap if not")]
Channel = Annotated[str, typer.Option(help="way it came: a code")]
Technique = Annotated[
    list[str] | None, typer.Option(help="what was done: a code")
]
Handling = Annotated[str, typer.Option(help="open, no_tip_off")]
Scheme = Annotated[str, typer.Option(help="what a bare account number is")]
Region = Annotated[str, typer.Option(help="country of a phone without one")]
Spoofed = Annotated[
    bool, typer.Option("--spoofed", help="the number was faked")
]
Drill = Annotated[
    bool, typer.Option("--test", help="a drill: it counts nowhere")
]
KeepQuery = Annotated[bool, typer.Option("--keep-query", help="of a URL")]
ListName = Annotated[str, typer.Option("--list", help="name of a list")]
Limit = Annotated[int, typer.Option(help="rows at most", min=1)]
Before = Annotated[int, typer.Option(help="a smaller id only")]
Raw = Annotated[bool, typer.Option("--values", help="show the raw values")]
Personal = Annotated[
    bool,
    typer.Option(
        "--allow-personal", help="a URL whose path may name a person"
    ),
]

# What a list is, whatever is done with it.
Maps = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        help="FIELD=COLUMN, by name or number from 1; or FILE.toml",
    ),
]
Format = Annotated[
    str, typer.Option("--format", help="csv, tsv, txt, hosts, ndjson, xlsx")
]
Detected = Annotated[str, typer.Option(help="detected if not given")]
NoHeader = Annotated[
    bool, typer.Option("--no-header", help="the first row is data")
]
Sheet = Annotated[str, typer.Option(help="of a workbook with several")]


def add(noun: typer.Typer) -> None:
    """Add the verbs to the noun."""
    _add_add(noun)
    _add_retract(noun)
    _add_dispute(noun)


# ------------------------------------------------------------------ values


def refuse_arguments(values: list[str] | None) -> None:
    """Refuse raw values that stand on the command line.

    Raises:
        UsageError: there is one; it is not repeated.
    """
    if values:
        raise UsageError(
            t("a value on the command line is seen by others"),
            hint=t(
                "give it on standard input or with --file, and clear it from"
                " the shell's history"
            ),
        )


def values(file: Path | None) -> list[str]:
    """Return the raw values: one a line of a file, of standard input, or one.

    Raises:
        UsageError: there is none, or they are no UTF-8 or too many.
    """
    if file is None and sys.stdin.isatty():
        return [_ask()]
    raw = terminal.read_file(file or Path("-"), MAX_VALUES)
    where = str(file or t("standard input"))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise UsageError(
            t("{where}: not UTF-8 at byte {at}", where=where, at=e.start)
        ) from None
    found = [line.strip() for line in text.split("\n")]
    found = [line for line in found if line]
    if not found:
        raise UsageError(t("{where}: no value there", where=where))
    return found


def one_value(file: Path | None = None) -> str:
    """Return the only value of a file or of standard input.

    Raises:
        UsageError: there is none, or there are several.
    """
    found = values(file)
    if len(found) != 1:
        raise UsageError(t("{n} values there, want one", n=len(found)))
    return found[0]


def is_table(file: Path) -> bool:
    """Tell whether a file's name says that it has columns, not values."""
    from syncd.lists import kinds  # only a file is of a kind

    return kinds.named(file) not in ("", "txt", "hosts")


def _ask() -> str:
    """Ask for one value; what is typed is shown, for it must be right."""
    terminal.tell(t("Value, then Enter:"))
    found = sys.stdin.readline().strip()
    if not found:
        raise UsageError(t("no value given"))
    return found


def batches(items: list[Any], size: int = MOST) -> Iterator[list[Any]]:
    """Yield lists of at most `size`."""
    for at in range(0, len(items), size):
        yield items[at : at + size]


def positions(texts: Iterable[str], option: str) -> list[tuple[str, int]]:
    """Read positions as ORIGIN:INDEX.

    Raises:
        UsageError: one is none.
    """
    found = []
    for said in texts:
        origin, colon, index = said.rpartition(":")
        if not colon or not index.isdecimal() or len(index) > 15:
            raise UsageError(f"{option} {said!r}: {t('want ORIGIN:INDEX')}")
        found.append((origin, int(index)))
    return found


def given(**fields: Any) -> dict[str, Any]:
    """Return what was said of some fields."""
    return {k: v for k, v in fields.items() if v not in ("", None, [], False)}


def check_given(fields: Mapping[str, Any], needed: Iterable[str]) -> None:
    """Pass if all that is needed was said.

    Raises:
        UsageError: something was not; names all of it.
    """
    if missing := [name for name in needed if name not in fields]:
        ways = " ".join(f"--{name} …" for name in missing)
        raise UsageError(
            t("not given: {names}", names=", ".join(missing)),
            hint=t("nothing is guessed: say {ways}", ways=ways),
        )


# --------------------------------------------------------------------- add


def _add_add(noun: typer.Typer) -> None:
    @noun.command(
        "add",
        help=(
            "Report values: from standard input, one a line, from a file, or"
            " asked for."
        ),
    )
    def _add(
        ctx: typer.Context,
        on_line: Refused = None,
        kind: Kind = "",
        label: Annotated[str, typer.Option(help="kind of fraud")] = "",
        role: Annotated[str, typer.Option(help="what it was used as")] = "",
        evidence: Annotated[
            str, typer.Option(help="what the report rests on")
        ] = "",
        confidence: Confidence = None,
        seen: Seen = "",
        expires: Expires = "",
        channel: Channel = "",
        technique: Technique = None,
        case: Annotated[
            str, typer.Option(help="16 hex digits that link a case")
        ] = "",
        handling: Handling = "",
        scheme: Scheme = "",
        region: Region = "",
        basis: Annotated[
            list[str] | None,
            typer.Option(help="ORIGIN:INDEX that it rests on"),
        ] = None,
        spoofed: Spoofed = False,
        test: Drill = False,
        urgent: Annotated[
            bool, typer.Option("--urgent", help="tell the others at once")
        ] = False,
        keep_query: KeepQuery = False,
        allow_personal: Personal = False,
        again: Annotated[
            str, typer.Option(help="why, though we took it back")
        ] = "",
        file: Annotated[
            Path | None, typer.Option(help="values, one a line")
        ] = None,
        token_file: TokenFile = None,
        as_json: AsJson = False,
    ) -> None:
        refuse_arguments(on_line)
        fields = given(
            kind=kind,
            label=label,
            role=role,
            evidence=evidence,
            confidence=confidence,
            seen=seen,
            expires=expires,
            channel=channel,
            technique=technique,
            case=case,
            handling=handling,
            scheme=scheme,
            region=region,
            basis=positions(basis or [], "--basis"),
            spoofed=spoofed,
            test=test,
            urgent=urgent,
            keep_query=keep_query,
            allow_personal=allow_personal,
        )
        if confidence is not None:
            fields["confidence"] = confidence
        check_given(fields, NEEDED)
        raws = values(file)
        items: list[Mapping[str, Any]] = []
        with Door.of(ctx, token_file) as own:
            for some in batches(raws):
                reports = [{**fields, "value": raw} for raw in some]
                call = {"reports": reports, **given(again=again)}
                items += own.post("/v1/reports", call)["items"]
        _show_taken(items, as_json)


def _show_taken(items: list[Mapping[str, Any]], as_json: bool) -> None:
    counts = {
        state: sum(i["state"] == state for i in items)
        for state in ("accepted", "known", "taken_back", "refused")
    }
    if as_json:
        terminal.show_json({"items": items, **counts})
    else:
        for number, item in enumerate(items, 1):
            if item["state"] == "refused":
                problem = door.problem(item["problem"])
                _show_refused(number, problem)
                continue
            line = _line(number, item)
            told = notices.of(item)
            terminal.say(f"{line} ({told})" if told else line)
    if counts["refused"] or counts["taken_back"]:
        raise typer.Exit(1)


def _line(number: int, item: Mapping[str, Any]) -> str:
    """Say what became of a value that was not refused."""
    match item["state"]:
        case "known":
            return t("{n}: known as {id}", n=number, id=item["id"])
        case "taken_back":
            return t(
                "{n}: not accepted: we took it back as {reason} on {day}"
                " (--again REASON reports it all the same)",
                n=number,
                reason=item["reason"],
                day=item["on"],
            )
    line = t("{n}: accepted as {id}", n=number, id=item["id"])
    if elsewhere := item.get("elsewhere", ""):
        member, _, reason = elsewhere.rpartition(" ")
        line += t(
            "; {member} took it back as {reason}", member=member, reason=reason
        )
    return line


def _show_refused(number: int, error: SyncdError) -> None:
    for line in notices.refused(number, error):
        terminal.say(line)


# ----------------------------------------------------------------- retract


def _add_retract(noun: typer.Typer) -> None:
    @noun.command(
        "retract",
        help=(
            "Take reports or disputes of ours back: by value, file of"
            " values, token, position, id or import."
        ),
    )
    def _retract(
        ctx: typer.Context,
        on_line: Refused = None,
        reason: Annotated[
            str, typer.Option(help="false_positive, appeal_upheld, …")
        ] = "",
        type_: Annotated[
            str,
            typer.Option(
                "--type",
                help=(
                    "report, dispute, all; if not: of a value its reports,"
                    " else whatever is named"
                ),
            ),
        ] = "",
        kind: Annotated[
            str, typer.Option(help="of values on standard input")
        ] = "",
        scheme: Scheme = "",
        region: Region = "",
        file: Annotated[
            Path | None,
            typer.Option(help="values one a line, or a list as imported"),
        ] = None,
        map_: Maps = None,
        format_: Format = "",
        encoding: Detected = "",
        delimiter: Detected = "",
        no_header: NoHeader = False,
        sheet: Sheet = "",
        token: Annotated[
            str, typer.Option(help="22 characters: what we said by token")
        ] = "",
        epoch: Annotated[int, typer.Option(help="of the token")] = 0,
        position: Annotated[
            list[str] | None, typer.Option(help="ORIGIN:INDEX")
        ] = None,
        id_: Annotated[
            list[int] | None, typer.Option("--id", help="in the vault")
        ] = None,
        import_: Annotated[
            int,
            typer.Option("--import", help="all that an import brought"),
        ] = 0,
        never: Annotated[
            bool,
            typer.Option(
                "--never", help="all on what the never-list protects by now"
            ),
        ] = False,
        token_file: TokenFile = None,
        as_json: AsJson = False,
    ) -> None:
        # Only a list is read as a table.
        from syncd.lists import kinds
        from syncd.lists.rows import Told

        refuse_arguments(on_line)
        if not reason:
            raise UsageError(
                t("not given: {names}", names="reason"),
                hint=t("say {ways}", ways=f"--reason {_reasons()}"),
            )
        said = Told(format_, encoding, delimiter, not no_header, sheet)
        ways = [*map(bool, (token, position, id_, import_)), never]
        other = file or (kind and not token)
        if sum(ways) > 1 or (any(ways) and other):
            raise UsageError(
                t("name values, or a token, positions, ids, or an import")
            )
        if type_ not in ("", "report", "dispute", "all"):
            raise UsageError(t("--type: want report, dispute or all"))
        call: dict[str, Any] = given(reason=reason, type=type_)
        if position:
            calls = [{**call, "positions": positions(position, "--position")}]
        elif id_:
            calls = [{**call, "ids": id_}]
        elif import_:
            calls = [{**call, "import": import_}]
        elif never:
            calls = [{**call, "never": True}]
        elif file is not None and (said != Told() or kinds.named(file)):
            more = given(kind=kind, scheme=scheme, region=region)
            calls = [
                {**call, **one}
                for one in _listed(file, said, map_ or [], more)
            ]
        elif not kind:
            raise UsageError(
                t("not given: {names}", names="kind"),
                hint=t("say {ways}", ways="--kind phone, url, account"),
            )
        else:
            more = given(kind=kind, scheme=scheme, region=region)
            named = [{"token": token, "epoch": epoch}]
            if not token:
                named = [{"value": v} for v in values(file)]
            calls = [{**call, **more, **one} for one in named]
        _retract_all(ctx, token_file, calls, as_json)


def _listed(
    file: Path,
    told: "Told",
    maps: list[str],
    constants: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Return kind and value of every row of a list.

    Raises:
        UsageError: it cannot be read, or a row of it cannot.
    """
    from syncd.cli import tables

    rows, plan = tables.understood(file, told, maps=maps, constants=constants)
    found = []
    for one in chain.from_iterable(tables.steps(rows, plan.report)):
        if one.problem is not None:
            line = t("line {n}", n=one.row.number)
            raise UsageError(f"{file}: {line}: {catalogue.of(one.problem)}")
        found.append(one.fields)
    # One value may stand in many rows, and is retracted once.
    return [
        dict(one) for one in dict.fromkeys(tuple(f.items()) for f in found)
    ]


def _reasons() -> str:
    from syncd.indicator import vocabulary

    return ", ".join(vocabulary.FACETS["retract_reason"])


def _retract_all(
    ctx: typer.Context,
    token_file: Path | None,
    calls: list[dict[str, Any]],
    as_json: bool,
) -> None:
    ids: list[int] = []
    names = ("retracting", "reports", "disputes", "already", "spared")
    count = dict.fromkeys(names, 0)
    failed: list[tuple[int, SyncdError]] = []
    with Door.of(ctx, token_file) as own:
        for number, call in enumerate(calls, 1):
            try:
                done = own.post("/v1/retractions", call)
            except SyncdError as e:
                # One of many that is refused does not hold up the others.
                if len(calls) == 1 or not _about_one(e):
                    raise
                failed.append((number, e))
                continue
            ids += done["ids"]
            for name in names:
                count[name] += done[name]
    if as_json:
        terminal.show_json(
            {
                **count,
                "ids": ids,
                "refused": [
                    {"item": n, "detail": str(e), "hint": e.hint}
                    for n, e in failed
                ],
            }
        )
    else:
        for number, error in failed:
            _show_refused(number, error)
        terminal.say(
            t(
                "{reports} reports and {disputes} disputes are being"
                " retracted",
                reports=count["reports"],
                disputes=count["disputes"],
            )
        )
        if count["already"]:
            terminal.say(t("{n} were retracted before", n=count["already"]))
        if count["spared"]:
            terminal.say(
                t(
                    "{n} of the other type stand on the same values: --type"
                    " report, dispute or all",
                    n=count["spared"],
                )
            )
    if failed:
        raise typer.Exit(1)


def _about_one(error: SyncdError) -> bool:
    return error.status in (400, 422) and error.exit_code in (1, 2)


# ----------------------------------------------------------------- dispute


def _add_dispute(noun: typer.Typer) -> None:
    @noun.command(
        "dispute",
        help="Say that others' reports on a value are wrong.",
    )
    def _dispute(
        ctx: typer.Context,
        on_line: Refused = None,
        kind: Kind = "",
        reason: Annotated[
            str, typer.Option(help="innocent_owner, spoofed_number, …")
        ] = "",
        due: Annotated[
            str, typer.Option(help="day to answer by; in 30 days if not")
        ] = "",
        expires: Expires = "",
        about: Annotated[
            list[str] | None,
            typer.Option(help="ORIGIN:INDEX of a report; all if none"),
        ] = None,
        scheme: Scheme = "",
        region: Region = "",
        token: Annotated[
            str, typer.Option(help="22 characters, instead of a value")
        ] = "",
        epoch: Annotated[int, typer.Option(help="of the token")] = 0,
        file: Annotated[
            Path | None, typer.Option(help="a file with the value")
        ] = None,
        yes: Annotated[
            bool, typer.Option("--yes", help="also of what nobody reports")
        ] = False,
        token_file: TokenFile = None,
        as_json: AsJson = False,
    ) -> None:
        refuse_arguments(on_line)
        call = given(
            kind=kind,
            reason=reason,
            due=due,
            expires=expires,
            about=positions(about or [], "--about"),
            scheme=scheme,
            region=region,
            token=token,
            epoch=epoch,
            yes=yes,
        )
        check_given(call, ("kind", "reason"))
        if not token:
            call["value"] = one_value(file)
        with Door.of(ctx, token_file) as own:
            done = own.post("/v1/disputes", call)
        if as_json:
            terminal.show_json(done)
        else:
            terminal.say(t("the dispute is kept as {id}", id=done["id"]))
            if done.get("unchecked"):
                terminal.say(
                    t(
                        "holders are missing: nobody knows whether it is reported"
                    )
                )
