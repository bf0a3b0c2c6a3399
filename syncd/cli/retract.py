"""`syncd report retract`: what we take back."""

from itertools import chain
from pathlib import Path
from typing import Any

from syncd.cli.command import option
from syncd.cli.options import (
    MOST,
    ApiOptions,
    FormatOptions,
    KindOptions,
    ValueOptions,
    among,
    batches,
    not_given,
    positions,
    values,
)
from syncd.cli.report_commands import noun
from syncd.errors import SyncdError, UsageError
from syncd.messages import answers
from syncd.messages.catalogue import later, t

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
Call = dict[str, Any]


class _RetractOptions(ValueOptions, KindOptions, FormatOptions, ApiOptions):
    reason: str = option("false_positive, appeal_upheld, …")
    type_: str = option(
        "report, dispute, reassigned, answer, vouch, all; if not: of a value"
        " its reports, else whatever is named"
    )
    file: Path | None = option("values one a line, or a list as imported")
    token: str = option("22 characters: what we said by token")
    epoch: int = option("of the token")
    position: list[str] = option("ORIGIN:INDEX")
    id_: list[int] = option("in the vault")
    import_: int = option("all that an import brought")
    never: bool = option("all on what the never-list protects by now")


@noun.verb(
    "retract",
    "Take back what we said: by value, file of values, token, position, id or"
    " import.",
)
def _retract(args: _RetractOptions) -> int:
    if not args.reason:
        from syncd.indicator import vocabulary

        codes = ", ".join(vocabulary.FACETS["retract_reason"])
        raise not_given("reason", f"--reason {codes}")
    among("--type", args.type_, ("", *TYPES, "all"))
    call = args.given("reason", "type_")
    calls = [{**call, **one} for one in _named(args)]
    count = dict.fromkeys(COUNTS, 0)
    ids: list[int] = []
    failed: list[tuple[int, SyncdError]] = []
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
    lines = [x for one in failed for x in answers.refused(*one)]
    lines.append(
        t(
            "{reports} reports and {disputes} disputes are being retracted",
            **count,
        )
    )
    lines += [t(IF_SOME[name], **count) for name in IF_SOME if count[name]]
    args.show({**count, "ids": ids, "refused": bad}, lines)
    return 1 if failed else 0


def _named(args: _RetractOptions) -> list[Call]:
    """Return what a call each names: values, or one way alone."""
    way = args.given("token", "import_", "never", ids="id_")
    if args.position:
        way["positions"] = positions(args.position, "--position")
    by_value = args.file or (args.kind and not args.token)
    if len(way) + bool(by_value) > 1:
        raise UsageError(
            "name values, or a token, positions, ids, or an import"
        )
    if args.token:
        args.check_kind()
        return [{**way, **args.named, "epoch": args.epoch}]
    if way:
        return [way]
    if args.file is not None and args.is_list(args.file):
        return _listed(args, args.file)
    args.check_kind()
    return _bulk([{**args.named, "value": v} for v in values(args.file)])


def _bulk(values: list[Call]) -> list[Call]:
    """Return many values as few calls: they are one piece of work."""
    if len(values) <= ONE_BY_ONE:
        return values
    return [{"values": some} for some in batches(values, MOST)]


def _listed(args: _RetractOptions, file: Path) -> list[Call]:
    """Return kind and value of every row of a list, each once."""
    from syncd.cli import table_input

    rows, plan = table_input.understood(file, args, args.named)
    found = {}
    for one in chain.from_iterable(table_input.steps(rows, plan.report)):
        if one.problem is not None:
            line = t("line {n}", n=one.row.number)
            raise UsageError(
                "{file}: {line}: {why}", file=file, line=line, why=one.problem
            )
        found[one.json] = one.fields
    return _bulk([*found.values()])
