"""The `syncd` command: `syncd <noun> <verb>`.

`--lang` is read first of all, so that a complaint is in that language too;
`--home` before the noun says whose member's command it is.
"""

import argparse
import importlib
import io
import sys
from pathlib import Path

from syncd import tsv
from syncd.cli import terminal, usage
from syncd.cli.command import Command, Options, option, parameters
from syncd.errors import SyncdError, UsageError
from syncd.messages import catalogue

NOUNS = {
    noun: (modules.split(), about)
    for noun, modules, about in tsv.rows("cli/nouns.tsv")
}


class _Leading(Options):
    """What stands before the noun."""

    home: Path | None = option("the member's home; else SYNCD_HOME")
    lang: str = option("en or zh", default="en")


def build(wanted: str = "") -> Command:
    """Return the command, with the noun `wanted` whole and others by name."""
    app = Command("Signed exchange of hashed fraud indicators.")
    app.options = _Leading
    for name, (_, about) in NOUNS.items():
        app.noun(name, about)
    if wanted in NOUNS:
        modules, about = NOUNS[wanted]
        found, *_ = [
            importlib.import_module(f".{module}", "syncd.cli")
            for module in modules
        ]
        noun = found.noun.below.get(wanted, found.noun)
        noun.about = noun.about or about
        app.below[wanted] = noun
    return app


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its code."""
    given = sys.argv[1:] if arguments is None else arguments
    taken = parameters(_Leading)
    reader = usage.parser(taken)
    reader.add_argument("words", nargs=argparse.REMAINDER)
    if isinstance(sys.stdout, io.TextIOWrapper):  # whatever it can show
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        leading, rest = usage.parsed(reader.parse_known_args, given, taken)
        words = [*rest, *leading.get("words", ())]
        lang = leading.get("lang", "en")
        if lang not in catalogue.LANGUAGES:
            raise UsageError("--lang {lang}: en or zh", lang=repr(lang))
        if not catalogue.choose(lang):
            terminal.tell(
                f"syncd: no {lang} catalogue is compiled: make messages"
            )
        app = build(words[0] if words else "")
        code = usage.call(app, words, leading.get("home"))
        print(end="", flush=True)  # somebody can still be told if not
    except SyncdError as e:
        raise SystemExit(terminal.complain(e)) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        terminal.hang_up()
        raise SystemExit(0) from None
    except OSError as e:  # a full disk, a file of somebody else's
        terminal.hang_up()
        raise SystemExit(terminal.complain(terminal.of_system(e))) from None
    raise SystemExit(code or 0)
