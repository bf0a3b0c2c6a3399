"""`syncd lookup`: is it listed, by whom, and what should we do?

Exit code 0: all were answered, whatever the verdicts; 1: one was refused, or
could not be asked. `syncd vocabulary`: the codes of reports and look-ups.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from syncd.cli import api_client, grid, options, terminal
from syncd.cli.command import Command, argument, option
from syncd.cli.grid import Item
from syncd.cli.lookup_client import Question
from syncd.cli.options import (
    KindOptions,
    ListOptions,
    OutputOptions,
    ValueOptions,
)
from syncd.errors import UsageError
from syncd.indicator import vocabulary
from syncd.messages import answers, catalogue
from syncd.messages.catalogue import t

LOOKUPS = 1000  # values in one call: a token has but a share of the hour

noun = Command()


class LookupOptions(ValueOptions, KindOptions, ListOptions):
    """What is looked up, for what, and where the answers go."""

    purpose: str = option("a code: syncd vocabulary purpose", needed=True)
    reference: str = option("our own file number; it is kept")
    deadline_ms: int = option("to wait for holders", min=0, max=60_000)
    file: Path | None = option("a list as imported")
    out: Path | None = option("a new file: .csv or .xlsx")
    receipt: Path | None = option("a new file: shows later that one was asked")
    keep: list[str] = option("columns of the table to keep beside them")


@noun.verb(
    "lookup",
    "Look values up: from standard input, one a line, from a list, or asked"
    " for.",
)
def _lookup(args: LookupOptions) -> int:
    call = args.given("purpose", "reference", "deadline_ms")
    if bool(args.file) != bool(args.out) or (args.keep and not args.out):
        raise UsageError("the answers to a --file go to a file: --out")
    if not (args.file and args.out):
        return _lines(args, call)
    if args.receipt:
        raise UsageError("--receipt is of one value")
    # Only this way reads tables.
    from syncd.cli import lookup_files

    terminal.check_new(args.out)
    return lookup_files.run(args, args.file, args.out, call)


def _lines(args: LookupOptions, call: Item) -> int:
    args.check_kind()
    wanted = [{**args.named, "value": line} for line in options.values()]
    items = list[Item]()
    if file := args.receipt:
        if len(wanted) != 1:
            raise UsageError("--receipt is of one value")
        terminal.check_new(file)
        call = {**call, "receipt": True}
    with args.api() as own:
        asking = Question(own, call)
        for some in options.batches(wanted, LOOKUPS):
            items += asking.ask(some)
    if file and (made := items[0].get("receipt")):
        terminal.write_new(file, terminal.as_json(made).encode(), private=True)
    args.show({"items": items, "as_of": asking.as_of}, _shown(items))
    asking.tell()
    unknown = any(i.get("verdict", "unknown") == "unknown" for i in items)
    return 1 if unknown else 0


def _shown(items: list[Item]) -> Iterator[str]:
    for number, item in enumerate(items, 1):
        rows = [("#", str(number))] * (len(items) > 1)
        if "problem" in item:
            problem = api_client.problem(item["problem"])
            rows.append((t("refused"), catalogue.of(problem)))
            rows.append((t("hint"), catalogue.hint_of(problem)))
        else:
            parts = answers.words(item)
            parts["action"] = parts["action"] or "-"
            rows += [(t(name), text) for name, text in parts.items()]
        rests = t("rests on")
        for origin, index in item.get("positions", ()):
            rows.append((rests, f"{origin}:{index}"))
        yield from grid.pairs(rows)


# ------------------------------------------------------------------- codes
class _VocabularyOptions(OutputOptions):
    field: str = argument("label, role, …; or a word of any", needed=False)
    word: str = argument("what it is called where you are", needed=False)


@noun.verb("vocabulary", "List codes: all, of one field, near to a word.")
def _codes(args: _VocabularyOptions) -> int:
    found: tuple[vocabulary.Code, ...] = ()
    if not args.word and args.field and args.field not in vocabulary.FACETS:
        found = vocabulary.listed(word=args.field)
        if found:
            names = ", ".join(vocabulary.FACETS)
            terminal.tell("fields: {names}", names=names)
    found = found or vocabulary.listed(args.field, args.word)
    rows = msgspec.to_builtins(found)
    args.show({"codes": rows}, grid.items("codes", rows) if found else ())
    if not found:
        terminal.tell("no code is like that word")
    return 0 if found else 1
