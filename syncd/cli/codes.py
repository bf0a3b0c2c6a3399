"""`syncd vocabulary`: the codes that reports and look-ups are written in."""

import msgspec

from syncd.cli import grid, terminal
from syncd.cli.command import Command, argument
from syncd.cli.options import OutputOptions
from syncd.indicator import vocabulary

noun = Command()


class _VocabularyOptions(OutputOptions):
    field: str = argument(
        "label, role, evidence, …; or a word of any", needed=False
    )
    word: str = argument("what it is called where you are", needed=False)


@noun.verb("vocabulary", "List codes: all, of one field, near to a word.")
def _codes(args: _VocabularyOptions) -> int:
    found: tuple[vocabulary.Code, ...] = ()
    if not args.word and args.field and args.field not in vocabulary.FACETS:
        found = vocabulary.listed(word=args.field)
        if found:
            terminal.tell(
                "fields: {names}", names=", ".join(vocabulary.FACETS)
            )
    found = found or vocabulary.listed(args.field, args.word)
    rows = msgspec.to_builtins(found)
    args.show(
        {"codes": rows},
        grid.items("codes", rows) if found else (),
    )
    if not found:
        terminal.tell("no code is like that word")
    return 0 if found else 1
