"""The `syncd` command: `syncd <noun> <verb>`, and what can stand on its line.

`--lang` is read first of all, so that a complaint is in that language too;
`--home` before the noun says whose member's command it is.

Help texts are plain English where a command is declared: what is shown is
looked up when somebody asks, so a module can be imported before the language
is known. An argument that nobody asked for is not repeated: it may be a raw
value.
"""

import argparse
import importlib
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

from syncd import tsv
from syncd.cli import terminal
from syncd.cli.command import Command, Options, Parameter, option, parameters
from syncd.errors import Message, SyncdError, UsageError
from syncd.messages import catalogue
from syncd.messages.catalogue import t
from syncd.node import hardening

WIDTH = 80  # columns of a page of help
NOUNS = {
    noun: (modules.split(), about)
    for noun, modules, about in tsv.rows("cli/nouns.tsv")
}


class _Leading(Options):
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
    hardening.no_core_dumps()
    taken = parameters(_Leading)
    reader = parser(taken)
    reader.add_argument("words", nargs=argparse.REMAINDER)
    if isinstance(sys.stdout, io.TextIOWrapper):  # whatever it can show
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        leading, rest = parsed(reader.parse_known_args, arguments, taken)
        words = [*rest, *leading.get("words", ())]
        words += ["--help"] * leading.get("help", 0)
        lang = leading.get("lang", "en")
        if lang not in catalogue.LANGUAGES:
            raise UsageError("--lang {lang}: en or zh", lang=repr(lang))
        if not catalogue.choose(lang):
            terminal.tell(
                f"syncd: no {lang} catalogue is compiled: make messages"
            )
        app = build(words[0] if words else "")
        code = call(app, words, leading.get("home"))
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


# ------------------------------------------------------------------- words


def call(app: Command, words: Sequence[str], home: Path | None) -> int | None:
    """Do what a command line says; return the exit code.

    Raises:
        UsageError: no command is like that.
    """
    command, at = app, 0
    while at < len(words) and words[at] in command.below:
        command, at = command.below[words[at]], at + 1
    name, rest = " ".join(["syncd", *words[:at]]), words[at:]
    if "--help" in rest:
        print(page(command, name))
        return 0
    try:
        given = read(command, rest)
    except UsageError as e:
        if not e.hint:
            e.way_out = Message("{command} --help", command=name)
        raise
    if not command.run:  # a noun alone asks for help
        terminal.tell(page(command, name))
        return UsageError.exit_code
    return command.run(command.options(home=home, **given))


def parser(taken: Mapping[str, Parameter]) -> argparse.ArgumentParser:
    """Return what reads the words of a command, none of which must be there."""
    made = argparse.ArgumentParser(
        add_help=False,
        allow_abbrev=False,
        exit_on_error=False,
        usage=argparse.SUPPRESS,
        formatter_class=partial(argparse.HelpFormatter, width=WIDTH + 2),
    )
    places = made.add_argument_group(t("Arguments"))
    options = made.add_argument_group(t("Options"))
    yes: Any = {"action": "store_const", "const": True}
    for name, one in taken.items():
        about = _about(one).replace("%", "%%") or argparse.SUPPRESS
        read: Any = {"help": about, "type": _value(one)}
        if not one.flags:
            read["nargs"] = "*" if one.many else "?"
            places.add_argument(name, metavar=_label(one), **read)
        elif one.type is bool:
            options.add_argument(*one.flags, dest=name, **yes, help=about)
        else:
            read |= {"dest": name, "metavar": _type(one)}
            read["action"] = "append" if one.many else "store"
            options.add_argument(*one.flags, **read)
    about = t("Show this message and exit.")
    options.add_argument("--help", help=about, **yes)
    return made


def parsed(
    reader: Callable[..., Any],
    words: Sequence[str] | None,
    taken: Mapping[str, Parameter],
) -> tuple[dict[str, Any], list[str]]:
    """Return what a parser read, and what it knows nothing of."""
    try:
        found, rest = reader(words)
    except argparse.ArgumentError as e:
        name, each = e.argument_name, taken.values()
        flag = any(name in one.flags for one in each if one.type is bool)
        raise UsageError(
            "{name} takes none" if flag else "{name} needs a value", name=name
        ) from None
    return {k: v for k, v in vars(found).items() if v not in (None, [])}, rest


def read(command: Command, words: Sequence[str]) -> dict[str, Any]:
    """Return the values of all that a command takes, by its names."""
    taken = parameters(command.options)
    reader = parser(taken).parse_known_intermixed_args
    given, rest = parsed(reader, words, taken)
    if rest:  # a word that means nothing there
        word = rest[0].partition("=")[0]
        if word.startswith("--"):
            raise UsageError("no option {name}", name=word)
        if command.run:
            raise UsageError("more arguments than are taken")
        raise UsageError("no command {name}", name=word)
    for name, one in taken.items():
        if one.needed and name not in given:
            raise UsageError("{name} is missing", name=_label(one))
    return {name: one.default for name, one in taken.items()} | given


def _value(one: Parameter) -> Callable[[str], Any]:
    def value(text: str) -> Any:
        with suppress(ValueError):
            found = one.type(text)
            if one.type is not int or one.min <= found <= one.max:
                return found
        raise UsageError(
            "{name}: not a value that it takes: {type}",
            name=_label(one),
            type=f"{_type(one)} {_range(one)}".rstrip(),
        )

    return value


# -------------------------------------------------------------------- help


def page(command: Command, name: str) -> str:
    """Return what a command is for and what it takes, in lines."""
    taken = parameters(command.options)
    words = [name, t("[OPTIONS]")]
    for one in taken.values():
        if not one.flags:
            place = one.place or _label(one)
            place = place.upper() if one.needed else f"[{place}]"
            words.append(place + "..." * one.many)
    made = parser(taken)
    made.description = t(command.about)
    if command.below:
        words.append(t("COMMAND [ARGS]..."))
        commands = made.add_argument_group(t("Commands"))
        for word, below in command.below.items():
            commands.add_argument(word, help=t(below.about))
    return f"{t('Usage: ')}{' '.join(words)}\n\n{made.format_help()}".rstrip()


def _label(one: Parameter) -> str:
    return one.flags[0] if one.flags else one.name.strip("_")


def _type(one: Parameter) -> str:
    return f"<{'path' if one.type is Path else one.type.__name__}>"


def _about(one: Parameter) -> str:
    """Return what is said of it, with what it takes behind that."""
    extras = [_range(one)]
    if one.default not in (None, False, "", []) and one.type is not Path:
        extras.insert(0, t("default: {value}", value=one.default))
    if one.needed and one.flags:
        extras.append(t("required"))
    bracket = "; ".join(filter(None, extras))
    return f"{t(one.about)}  [{bracket}]" if bracket else t(one.about)


def _range(one: Parameter) -> str:
    least = f"{one.min}<=" if one.min > -inf else ""
    most = f"<={one.max}" if one.max < inf else ""
    return f"{least}x{most}" if least or most else ""
