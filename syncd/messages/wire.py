"""Messages on the wire: code and parameters beside the English.

    {"detail": "roster: version 7 expires in 9 days: ask the admins …",
     "code": "roster.version_expires_in_days",
     "params": {"version": 7, "days": 9}}

A code names one English template for good, however that is reworded later:
`codes.tsv` has both. Parameters are numbers, codes, member ids, origins,
positions and days. What else a template has, such as the name of a file or a
word that somebody wrote, is `quoted`: only whoever sent it gets that back.
"""

import functools
import re
import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from syncd.errors import Message
from syncd.shape import EMPTY, Form

CODES = Path(__file__).with_name("codes.tsv")
HINTS = CODES.with_name("hints.tsv")  # codes of hints by the code they go with

# What parameters are called whose text says nothing of anybody.
SHOWN = {
    *("bank", "chain", "chains", "code", "codes", "epoch", "facet", "field"),
    *("evidence", "here", "instead", "keys", "kind", "kinds", "label", "near"),
    *("network", "reason", "region", "role", "roles", "scheme", "section"),
    *("sector", "sectors", "setting", "type", "types", "unit", "want"),
    *("caller", "head_origin", "row_origin", "log_origin", "purpose", "past"),
    *("alliance", "country", "member", "members", "missing", "names"),
    *("origin", "position", "signer", "target", "version"),
    *("day", "dispute_reason", "due", "expires", "seen"),
}
_PLAIN = re.compile(r"[\w .,:;/+=()<>*…-]{0,200}")


Params = dict[str, "int | float | str | WireMessage | list[WireMessage]"]


class WireMessage(Form, omit_defaults=True):
    """A message on the wire. One whose code is unknown is its `detail`."""

    detail: str
    code: str = ""
    params: Params = EMPTY
    quoted: dict[str, str] = EMPTY

    def __str__(self) -> str:
        return self.detail


def of(message: Message | str) -> WireMessage:
    """Return a message as it travels."""
    if isinstance(message, str):
        return WireMessage(detail=message)
    params: Params = {}
    quoted = {}
    for name, value in message.params.items():
        if isinstance(value, Message):
            params[name] = of(value)
        elif isinstance(value, tuple):
            params[name] = [*map(of, value)]
        elif isinstance(value, WireMessage | int | float):
            params[name] = value
        elif name in SHOWN and _PLAIN.fullmatch(str(value)):
            params[name] = str(value)
        else:
            quoted[name] = str(value)
    return WireMessage(
        detail=str(message), code=code(message), params=params, quoted=quoted
    )


def code(message: Message) -> str:
    """Return the code of a message's template, "" if it has none."""
    return _codes().get(message.template, "")


def read(form: Mapping[str, Any], detail: str = "detail") -> Message:
    """Return the message that a form bears; of an unknown code, its detail."""
    key = f"{detail}_code"
    if detail == "detail" and key not in form:
        key = "code"
    template = _templates().get(str(form.get(key, "")))
    if template is None:
        return Message(str(form.get(detail) or ""))
    values: dict[str, Any] = {n: "…" for _, n, *_ in _parse(template) if n}
    values |= form.get("quoted") or {}
    for name, value in (form.get("params") or {}).items():
        values[name] = _read(value)
    return Message(template, **values)


def codes(form: Mapping[str, Any]) -> Iterator[str]:
    """Yield the code of a message that came by wire, and of those in it."""
    yield str(form.get("code", ""))
    for value in (form.get("params") or {}).values():
        for inner in value if isinstance(value, list) else (value,):
            if isinstance(inner, Mapping):
                yield from codes(inner)


def _read(value: object) -> object:
    if isinstance(value, list):
        return tuple(map(_read, value))
    return read(value) if isinstance(value, Mapping) else value


_parse = string.Formatter().parse


@functools.cache
def _templates() -> Mapping[str, str]:
    return rows(CODES.read_text())


@functools.cache
def _codes() -> Mapping[str, str]:
    return {template: code_ for code_, template in _templates().items()}


def rows(text: str) -> dict[str, str]:
    """Return each template by its code: a line has both, a TAB between."""
    return dict(line.split("\t") for line in text.splitlines())
