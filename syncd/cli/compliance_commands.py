"""For compliance, reviewers: `access`, `appeal`, `screening`, `pending`, `drill`.

Who looked up what for, and what a person may hear of it; measures to look at
again, and what came of each; which of our own customers are listed. What is
shown of these has the house's references and never a value. And what one person
handed in, for a second one to look at. And how soon the others follow.
"""

import time
from collections.abc import Iterator
from functools import partial
from operator import itemgetter
from pathlib import Path

from syncd.cli import grid, options, sheet_file, terminal
from syncd.cli.api_client import pages, problem
from syncd.cli.command import Command, argument, option
from syncd.cli.grid import Item, Shown
from syncd.cli.hand_in import HandIn
from syncd.cli.options import (
    ApiOptions,
    KindOptions,
    ValueOptions,
    one_value,
)
from syncd.messages import answers, catalogue
from syncd.messages.catalogue import later, t

CHUNK = 1000  # customers in a call
PAUSE_S = 0.5  # between two looks at a drill
DRILLS = "/v1/audit/drills"
REFERENCE = "reference customer customer_no id 编号 客户号 客户编号"
TOTAL = later("kept {kept}, refused {refused}")

noun = Command()
access, appeal, screening, pending = (
    noun.noun(name, "")
    for name in ("access", "appeal", "screening", "pending")
)


class TableOptions(ApiOptions):
    """A table that the daemon gives is shown, or written to a file."""

    out: Path | None = option("a new file: .csv or .xlsx")

    def table(self, name: str, found: Item, shown: Shown = dict) -> None:
        """Write a table to the file, if one is named; else show it."""
        if not self.out:
            super().table(name, found, shown)
            return
        heads = grid.HEADS[name]
        rows = ({**one, **shown(one)} for one in found["items"])
        sheet_file.write(self.out, map(str, heads), grid.cells(heads, rows))


# -------------------------------------------------------------------- access


class _AccessReportOptions(TableOptions):
    since: str = option("first day")
    until: str = option("last day")


@access.verb("report", "Report who looked up how much, for what, by the day.")
def _report_access(args: _AccessReportOptions) -> None:
    found = args.ask("/v1/access", **args.given("since", "until"))
    args.table("access", found)


class _AccessAboutOptions(ValueOptions, KindOptions, ApiOptions):
    reference: str = option("our file number; it is kept")


@access.verb(
    "about",
    "Answer a person who asks which look-ups of ours were on a value: from"
    " standard input, or asked for.",
)
def _about_access(args: _AccessAboutOptions) -> None:
    args.check_kind()
    wanted = {**args.named, **args.given("reference")}
    wanted["value"] = one_value(args.file)
    items = args.ask("/v1/access/about", wanted)["items"]
    nothing = [t("no look-up of ours is to be told")]
    lines = grid.items("access about", items, _about_shown)
    args.show({"items": items}, lines if items else nothing)


def _about_shown(one: Item) -> Item:
    return {
        "listed": t("yes") if "listed" in one else "",
        "action": answers.name("action", one.get("action", "")),
    }


# ------------------------------------------------------------------- appeals


class _AppealListOptions(TableOptions):
    all_: bool = option("also what is done with")


@appeal.verb("list", "List measures to look at again, and appeals.")
def _list_appeal(args: _AppealListOptions) -> None:
    with args.api() as own:
        get = partial(own.get, "/v1/appeals", open=int(not args.all_))
        items, _ = pages(get, "after")
    args.table("appeals", {"items": items}, _appeal_shown)


def _appeal_shown(item: Item) -> Item:
    return {
        name: catalogue.phrase("appeal", item.get(name, ""))
        for name in ("cause", "decision")
    }


class _AppealAddOptions(ApiOptions):
    reference: str = option("our file number; it is kept")
    measure: str = option("the measure: label … hold")
    received: str = option("day on which it came; today if not")


@appeal.verb("add", "Enter an appeal that came in.")
def _add_appeal(args: _AppealAddOptions) -> None:
    draft = args.given("reference", "measure", "received")
    [made] = args.ask("/v1/appeals", draft)["items"]
    args.show(made, [t("kept as {id}", **made)])


class _AppealNoteOptions(ApiOptions):
    step: str = argument()
    ids: list[int] = argument()
    why: str = option("of a decision; it is kept")


@appeal.verb("note", "Note that it was granted, refused, told or lifted.")
def _note_appeal(args: _AppealNoteOptions) -> None:
    step = args.given("step", "why")
    done = list[Item]()
    with args.api() as own:
        for number in args.ids:
            done += own.post(f"/v1/appeals/{number}", step)["items"]
            if not args.as_json:
                terminal.say("{id}: noted", id=number)
    args.show({"items": done}, ())


# ------------------------------------------------------------- our customers


class _ScreeningAddOptions(KindOptions, options.ListOptions):
    file: Path = argument()
    kind: str = option("for rows that do not say it")
    until: str = option("for rows that do not say it: the day they end")


@screening.verb(
    "add", "Hand in customers: columns for kind, value, reference and expires."
)
def _add_screening(args: _ScreeningAddOptions) -> int:
    # Only this verb reads tables.
    from syncd.lists.columns import Extra

    done = HandIn("/v1/screening", "items", TOTAL, ("kept", "refused"), CHUNK)
    return done.load(
        args,
        {**args.named, **args.given(expires="until")},
        more={"reference": Extra(REFERENCE)},
    )


class _ScreeningReportOptions(ApiOptions):
    verdict: list[str] = option(
        "confirmed, suspected, disputed; none: cleared"
    )
    evidence: list[str] = option("what a report rests on")
    role: list[str] = option("what it was used as")


@screening.verb(
    "report", "Report which of our customers are listed; it is filed."
)
def _report_screening(args: _ScreeningReportOptions) -> int:
    wanted = args.given("evidence", verdicts="verdict", roles="role")
    found = args.ask("/v1/screening/reports", wanted)
    args.table("screening", found)
    if found["stale"]:
        terminal.tell(
            "not complete: {n} entries are of an old token key and not compared"
            " with what is reported now; hand the list in anew",
            n=found["stale"],
        )
    return 1 if found["stale"] else 0


# ------------------------------------------------------- for a second person


class _PendingOptions(ApiOptions):
    state: str = option("waiting, after, decided; all if not")


@pending.verb("list", "List what waits for a second person, and what went.")
def _list_pending(args: _PendingOptions) -> None:
    found = args.ask("/v1/pending", limit=1000, state=args.state)
    args.table("pending", found, _pending_row)


def _pending_row(one: Item) -> Item:
    return {
        "state": catalogue.phrase("review", one["state"]),
        "by": who(one["by"]),
        "changes": f"{sum(c['n'] for c in one.get('changes', ())):+,}",
    }


class _ShowOptions(ApiOptions):
    id_: int = argument()


class _DecideOptions(_ShowOptions):
    why: str = option("our reason; it is kept")


@pending.verb("show", "Show what would change.")
def _show(args: _ShowOptions) -> None:
    found = args.ask(f"/v1/pending/{args.id_}")
    rows = found["rows"]
    table = grid.items("pending row", rows) if rows else ()
    args.show(found, [*_pending_shown(found["item"]), *table])


@pending.verb("confirm", "Confirm it as a second person: then it is done.")
def _confirm(args: _DecideOptions) -> int:
    return _do(args, "confirm")


@pending.verb("refuse", "Refuse it as a second person, and say why.")
def _refuse(args: _DecideOptions) -> int:
    return _do(args, "refuse")


def _do(args: _DecideOptions, what: str) -> int:
    found = args.ask(f"/v1/pending/{args.id_}/{what}", args.given("why"))
    [item] = found["items"]
    args.show(found, _pending_shown(item))
    return int(item["state"] == "failed")


def who(by: Item) -> str:
    """Return whose token that is, with staff number and name."""
    return " ".join(filter(None, map(by.get, ("name", "staff", "person"))))


def _pending_shown(item: Item) -> Iterator[str]:
    yield f"{item['id']}: {catalogue.phrase('review', item['state'])}: {item['call']}"
    yield t("handed in by {who}", who=who(item["by"]))
    for one in item.get("changes", ()):
        label = answers.name("label", one["label"])
        yield f"{one['n']:+9,} {one['what']} {one['kind']} {label}".rstrip()
    if by := item.get("decided"):
        said = {"why": "", **item, "who": who(by)}
        yield t("decided by {who}: {why}", **said)
    if item.get("problem"):
        yield catalogue.of(problem(item["problem"]))


# -------------------------------------------------------------------- drills


class _DrillOptions(ApiOptions):
    """An urgent and a normal report of values that nobody has.

    Each is received by all, retracted, and that received. The daemon takes
    the steps, and keeps them.
    """

    wait: int = option("seconds for each step", default=300, min=1, max=3600)

    def followed(self) -> None:
        """Wait until all have the newest step, or it took too long."""
        until = time.monotonic() + self.wait
        while None in self.ask(DRILLS)["items"][0]["followed"].values():
            if time.monotonic() > until:
                return
            time.sleep(PAUSE_S)


@noun.verb("drill", "")
def _drill(args: _DrillOptions) -> int:
    found = args.ask("/v1/status")
    of = {name: found[name] for name in ("member", "alliance", "time")}
    for _ in ("urgent", "normal"):
        while args.ask(DRILLS, {})["items"][0]["type"] != "report":
            pass  # one that was interrupted is taken back first
        try:
            args.followed()
        finally:
            args.ask(DRILLS, {})
        args.followed()
    steps = args.ask(DRILLS)["items"][3::-1]
    steps.sort(key=itemgetter("speed"), reverse=True)
    took = [step["followed"] for step in steps]
    had = {m: [s.get(m) for s in took] for m in sorted(set().union(*took))}
    late = [m for m, s in had.items() if None in s or max(s) > args.wait]
    rows = [[m, *("" if n is None else n for n in s)] for m, s in had.items()]
    when, names = grid.moment(of["time"]), ", ".join(late) or "-"
    lines = [
        t("drill of {member} of {alliance}, {moment}", moment=when, **of),
        t("seconds until each member's receipt:"),
        *grid.table("drill", rows),
        t("not within {n} s: {names}", n=args.wait, names=names),
        t("carried out by ____________  checked by ____________"),
    ]
    args.show({**of, "wait": args.wait, "late": late, "steps": steps}, lines)
    return 1 if late else 0
