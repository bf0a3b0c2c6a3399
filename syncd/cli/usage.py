"""What typer says by itself, in our words and languages: help, complaints.

An argument that nobody asked for is not repeated: it may be a raw value.
"""

import re
from collections.abc import Sequence

from typer._click.formatting import HelpFormatter

from syncd.cli.text import t

_SAID = (
    (r"No such command '(?P<name>.*?)'\.(?P<rest>.*)", "no command {name}"),
    (r"No such option: (?P<name>\S+)(?P<rest>.*)", "no option {name}"),
    (r"Missing \w+ '(?P<name>.*?)'\.(?P<rest>.*)", "{name} is missing"),
    (r"Missing command\.", "a command is missing"),
    (r"Got unexpected extra argument.*", "more arguments than are taken"),
    (
        r"Option '(?P<name>.*?)' requires an argument\.",
        "{name} needs a value",
    ),
    (r"Option '(?P<name>.*?)' does not take a value\.", "{name} takes none"),
    (
        r"Invalid value for '(?P<name>.*?)': (?P<rest>.*)",
        "{name}: not a value that it takes:",
    ),
)
_HEADINGS = ("Usage: ", "Arguments", "Options", "Commands")
_USES = ("[OPTIONS]", "COMMAND [ARGS]...")
_SHOW = "Show this message and exit."
_EXTRAS = (
    (r"required", "required"),
    (r"default: (?P<value>.*)", "default: {value}"),
)
SENTENCES = (
    *(sentence for _, sentence in _SAID),
    *(sentence for _, sentence in _EXTRAS),
    *_HEADINGS,
    *_USES,
    _SHOW,
)


class Formatter(HelpFormatter):
    """Help with typer's own words in the language that is spoken."""

    def write_usage(
        self, prog: str, args: str = "", prefix: str | None = None
    ) -> None:
        """Write the line of usage."""
        args = re.sub(r"\{(\w+)\}", lambda name: name[1].upper(), args)
        for words in _USES:
            args = args.replace(words, t(words))
        super().write_usage(prog, args, prefix or t("Usage: "))

    def write_heading(self, heading: str) -> None:
        """Write a heading."""
        super().write_heading(t(heading))

    def write_dl(
        self,
        rows: Sequence[tuple[str, str]],
        col_max: int = 30,
        col_spacing: int = 2,
    ) -> None:
        """Write a list of names and what is said of them."""
        said = [(_typed(name), _about(about)) for name, about in rows]
        super().write_dl(said, col_max, col_spacing)


def _typed(name: str) -> str:
    """Return an option with its type as people say it."""
    return re.sub(r"<(?:list\[)?(\w+)(?: range|\])>", r"<\1>", name)


def _about(text: str) -> str:
    """Return what is said of an option, typer's remarks behind it too."""
    if text == _SHOW:
        return t(text)
    bare, bracket, extras = text.rpartition("[")
    if not (bracket and extras.endswith("]")):
        return text
    return f"{bare}[{'; '.join(map(_extra, extras[:-1].split('; ')))}]"


def _extra(remark: str) -> str:
    for pattern, sentence in _EXTRAS:
        found = re.fullmatch(pattern, remark)
        if found:
            return t(sentence, **found.groupdict())
    return remark


def said(message: str) -> str:
    """Return typer's complaint as one of ours, if we know it."""
    for pattern, sentence in _SAID:
        match = re.fullmatch(pattern, message, re.DOTALL)
        if match:
            parts = match.groupdict()
            rest = (parts.pop("rest", "") or "").strip()
            if "unexpected" in pattern or not rest:
                return t(sentence, **parts)
            return f"{t(sentence, **parts)} {rest}"
    return message
