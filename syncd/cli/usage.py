"""What typer says of a wrong command line, in our words and languages.

An argument that nobody asked for is not repeated: it may be a raw value.
"""

import re

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
SENTENCES = tuple(sentence for _, sentence in _SAID)


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
