"""`syncd report add`, `dispute`, `answer`, `retract`, `list`: what we say.

No command repeats a value: a row is known by its number. And `import`,
`imports`: whole lists. A list has a name and comes again; an import is one
file of it. The daemon keeps what was refused, sealed, for operators.
"""

from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from syncd.cli import options, terminal
from syncd.cli.command import Command, argument, option
from syncd.cli.grid import Item
from syncd.cli.hand_in import HandIn
from syncd.cli.options import (
    ApiOptions,
    KindOptions,
    ValueOptions,
    values,
)
from syncd.errors import SyncdError, UsageError
from syncd.indicator import vocabulary
from syncd.messages import answers
from syncd.messages.catalogue import later, t

CAME_TO = ("accepted", "known", "taken_back", "refused")
STATES = ("waiting", "published", "ending", "ended")
IF_SOME = {  # said of some retractions, by their counts
    "others": later("{others} others are being retracted"),
    "already": later("{already} were retracted before"),
    "spared": later(
        "{spared} of other types stand on the same values: --type all takes"
        " them back too"
    ),
}
COUNTS = ("retracting", "reports", "disputes", *IF_SOME)
TYPES = ("report", "dispute", "reassigned", "answer", "vouch")
ONE_BY_ONE = 20  # values that are each retracted for itself

noun = Command()


class _AddOptions(ValueOptions, options.FieldOptions, ApiOptions):
    case: str = option("16 hex digits that link a case")
    basis: list[str] = option("ORIGIN:INDEX that it rests on")
    urgent: bool = option("tell the others at once")


@noun.verb(
    "add",
    "Report values: from standard input, one a line, from a file, or asked"
    " for.",
)
def _add(args: _AddOptions) -> int:
    fields = {**args.recorded(), **args.given("case", "urgent")}
    if args.basis:
        fields["basis"] = options.positions(args.basis, "--basis")
    options.check_given(fields, "kind", "label", "role", "evidence")
    again = args.given("again")
    done = HandIn("/v1/reports", "reports", "", CAME_TO, fixed=again)
    return done.values(args, values(args.file), fields)


class _DisputeOptions(ValueOptions, KindOptions, ApiOptions):
    reason: str = option("innocent_owner, spoofed_number, …")
    due: str = option("day to answer by; in 3 days, of a URL in 7, if not")
    expires: str = option("day; the roster's cap if not")
    about: list[str] = option("ORIGIN:INDEX of a report; all if none")
    file: Path | None = option("a file with the value")
    yes: bool = option("also of what nobody reports")


@noun.verb("dispute", "Say that others' reports on a value are wrong.")
def _dispute(args: _DisputeOptions) -> None:
    call = {**args.named, **args.given("reason", "due", "expires", "yes")}
    if args.about:
        call["about"] = options.positions(args.about, "--about")
    options.check_given(call, "kind", "reason")
    call["value"] = options.one_value(args.file)
    kept = later("the dispute is kept as {id}")
    done = args.send("/v1/disputes", call, kept)
    if done.get("unchecked") and not args.as_json:
        terminal.say("holders are missing: nobody knows if it is reported")


class _AnswerOptions(ApiOptions):
    dispute: str = option("ORIGIN:INDEX of a dispute against us")
    outcome: str = option("report_stands, report_withdrawn")
    reason: str = option("evidence_confirmed, evidence_insufficient, …")


@noun.verb(
    "answer",
    "Answer a dispute of reports of ours; report_withdrawn takes them back.",
)
def _answer(args: _AnswerOptions) -> None:
    call = args.given("dispute", "outcome", "reason")
    options.check_given(call, "dispute", "outcome", "reason")
    [call["dispute"]] = options.positions([args.dispute], "--dispute")
    kept = later(
        "the answer on {reports} reports is kept; {retracting} of them are"
        " being retracted"
    )
    args.send("/v1/answers", call, kept)


class _RetractOptions(ValueOptions, KindOptions, options.ListOptions):
    reason: str = option(
        ", ".join(vocabulary.FACETS["retract_reason"]), needed=True
    )
    type_: str = option(
        "report, dispute, reassigned, answer, vouch, all; if not: of a value"
        " its reports, else whatever is named"
    )
    file: Path | None = option("a list as imported")
    position: list[str] = option("ORIGIN:INDEX")
    id_: list[int] = option("in the vault")
    import_: int = option("all that an import brought")
    never: bool = option("all on what the never-list protects by now")


@noun.verb(
    "retract",
    "Take back what we said: by value, list, position, id or import.",
)
def _retract(args: _RetractOptions) -> int:
    options.among("--type", args.type_, ("", *TYPES, "all"))
    call = args.given("reason", "type_")
    calls = [{**call, **one} for one in _named(args)]
    count = dict.fromkeys(COUNTS, 0)
    ids = list[int]()
    failed = list[tuple[int, SyncdError]]()
    with args.api() as own:
        for number, one in enumerate(calls, 1):
            try:
                done = own.post("/v1/retractions", one)
            except SyncdError as e:
                # One of many that is refused does not hold up the others.
                if len(calls) == 1 or e.exit_code > UsageError.exit_code:
                    raise
                failed.append((number, e))
                continue
            ids += done["ids"]
            for name in COUNTS:
                count[name] += done[name]
    bad = [{"item": n, "detail": str(e), "hint": e.hint} for n, e in failed]
    lines = [
        *(line for one in failed for line in answers.refused(*one)),
        t(
            "{reports} reports and {disputes} disputes are being retracted",
            **count,
        ),
        *(t(IF_SOME[name], **count) for name in IF_SOME if count[name]),
    ]
    args.show({**count, "ids": ids, "refused": bad}, lines)
    return 1 if failed else 0


def _named(args: _RetractOptions) -> list[Item]:
    """Return what a call each names: values, or one way alone."""
    way = args.given("import_", "never", ids="id_")
    if args.position:
        way["positions"] = options.positions(args.position, "--position")
    if len(way) + bool(args.file or args.kind) > 1:
        raise UsageError("name values, positions, ids, or an import")
    if way:
        return [way]
    if args.file:
        return _listed(args, args.file)
    args.check_kind()
    return _bulk([{**args.named, "value": v} for v in values()])


def _bulk(values: list[Item]) -> list[Item]:
    """Return many values as few calls: they are one piece of work."""
    if len(values) <= ONE_BY_ONE:
        return values
    return [{"values": some} for some in options.batches(values, options.MOST)]


def _listed(args: _RetractOptions, file: Path) -> list[Item]:
    """Return kind and value of every row of a list, each once."""
    from syncd.cli import table_input

    rows, plan = table_input.understood(file, args, args.named)
    found = {}
    for one in chain.from_iterable(table_input.steps(rows, plan.report)):
        if one.problem:
            raise UsageError(
                "{where}: line {n}: {why}",
                where=file,
                n=one.row.number,
                why=one.problem,
            )
        found[one.json] = one.fields
    return _bulk([*found.values()])


class _ListOptions(KindOptions, options.PageOptions):
    label: str = option("kind of fraud")
    type_: str = option("report, dispute, reassigned, answer, vouch")
    from_: str = option("day of acceptance")
    to: str = option("likewise; included")
    list_: str = option("name of a list")
    import_: int = option("all that an import brought")
    state: str = option("waiting, published, ending, ended")
    by: str = option("whose token")
    value: bool = option("of one value: on standard input, or asked for")


@noun.verb("list", "List what is in our vault.")
def _list_vault(args: _ListOptions) -> None:
    from syncd.lists import words  # no other verb of these reads them

    options.among("--state", args.state, ("", *STATES))
    options.among("--type", args.type_, ("", *TYPES))
    wanted = {
        **args.given(
            *("list_", "import_", "state", "by", "scheme", "region", "type_"),
            accepted_from="from_",
            accepted_to="to",
        ),
        **{
            name: words.meaning(name)(word)
            for name, word in args.given("kind", "label").items()
        },
    }
    if args.value:
        args.check_kind()
        wanted["value"] = options.one_value()

    def page(**asked: int) -> Any:
        return own.post("/v1/reports/search", wanted | asked)  # in no address

    with args.api() as own:
        args.show_pages(page, "before", "vault", _shown)


def _shown(item: Item) -> Item:
    if item["type"] == "report":
        return {}
    return {"label": item.get("reason", item.get("role", ""))}


# ------------------------------------------------------------------- lists
class ImportOptions(options.FieldOptions, options.ListOptions):
    """How a list is read, and what becomes of it."""

    file: Path = argument()
    dry_run: bool = option("read and show, send nothing")
    kind: str = option("for rows that do not say it: phone, url, account")
    split: str = option("a column of several values a cell")
    widths: str = option("columns of fixed width: 1-19,20-60")
    trailer: str = option("the last line: TRAILER|{count}|*")
    control: Path | None = option("a file that says the count")
    write_codes: Path | None = option("write a mapping file after a dry run")
    list_: str = option("the list's name; else the file's")
    local: bool = option("for our own answers: not sent")
    refresh: bool = option("rows with no day: seen today")
    gone: str = option("retract: what the list lacks twice running")
    gone_at_most: int | None = option("rows, if that many may go")
    refused: Path | None = option("write refused rows there, to be mended")
    anew: bool = option("do not go on, begin again")


@noun.verb(
    "import",
    "Report all rows of a CSV, TSV, TXT, NDJSON or XLSX file; run it again to"
    " go on where it stopped.",
)
def _import_list(args: ImportOptions) -> int:
    # Only this verb reads tables.
    from syncd.cli.importing import run

    return run.import_list(args)


class _ImportsOptions(ApiOptions):
    list_: str = option("name of a list")
    refused: int = option("id: write its refused rows to --out")
    out: Path | None = option("a new CSV file, to be mended")
    limit: int = option("rows at most", default=20, min=1, max=1000)


@noun.verb("imports", "List what was imported; write down what was refused.")
def _imports(args: _ImportsOptions) -> None:
    if bool(args.refused) != bool(args.out):
        raise UsageError("--refused ID and --out FILE go together")
    with args.api() as own:
        if args.out:
            from syncd.cli.importing import targets

            terminal.check_new(args.out)
            state = own.get(f"/v1/imports/{args.refused}")
            kept = partial(targets.kept, own, args.refused)
            n = sum(1 for _ in kept())
            if not n:
                raise UsageError(
                    "import {id}: no refused rows are kept", id=args.refused
                )
            targets.write(args.out, kept)
            terminal.tell("{n} refused rows: {path}", n=n, path=args.out)
            if n < state["refused"]:
                terminal.tell(
                    "{n} of them are not kept any more", n=state["refused"] - n
                )
            return
        asked = {"limit": args.limit, **args.given("list_")}
        page = own.get("/v1/imports", **asked)
    args.table("imports", page, _imported)
    if page.get("next") and not args.as_json:
        terminal.tell(options.MORE)


def _imported(one: Item) -> Item:
    state = later("finished") if one["finished"] else later("at row {n}")
    return {"state": t(state, n=one["row"])}
