"""The forms that fields of statements have, as msgspec constraints.

A field's annotation names its form, and with it all that is known of it:

    seen: Day                              2026-11-21
    label: Annotated[str, Code("label")]   a code, and the facet it is of

`forms` lists those of a struct. What reads statements, writes rows, judges
drafts and makes options goes by that list, so none of them names a field.
"""

import datetime
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Annotated, Any, NamedTuple, get_args, get_type_hints

from msgspec import Meta, Struct

from syncd.errors import MalformedError
from syncd.tlog.key import is_ours

MAX_INTEGER = 2**53 - 1
CODE = re.compile(r"[a-z0-9_]{1,32}", re.ASCII)

Natural = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
Counting = Annotated[int, Meta(ge=1, le=MAX_INTEGER)]
Position = tuple[str, int]  # (origin, index)
Positions = tuple[tuple[str, Natural], ...]


# -------------------------------------------------------------------- days


class _Days(dict[str, int]):
    """Day text → days since 1970-01-01; holds at most the 84,006 that are."""

    def __missing__(self, text: str) -> int:
        if not LIKE_DAY.fullmatch(text):
            raise MalformedError(
                "day: {n} characters that are not YYYY-MM-DD", n=len(text)
            )
        if not "1970" <= text[:4] <= "2199":
            raise MalformedError(
                "day: {text} is not in 1970 to 2199", text=text
            )
        try:
            day = datetime.date.fromisoformat(text).toordinal() - _EPOCH
        except ValueError:
            raise MalformedError(
                "day: {text} is in no calendar", text=text
            ) from None
        self[text] = day
        return day


LIKE_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_EPOCH = datetime.date(1970, 1, 1).toordinal()
DAYS = _Days()
day = DAYS.__getitem__
"""days since 1970-01-01 that `YYYY-MM-DD` stands for; or MalformedError"""
MAX_DAY = datetime.date(2199, 12, 31).toordinal() - _EPOCH


@cache
def day_text(number: int) -> str:
    """Return the `YYYY-MM-DD` of a number of days since 1970-01-01."""
    if not 0 <= number <= MAX_DAY:
        raise MalformedError(
            "day: number {number} is not in 1970 to 2199", number=number
        )
    return datetime.date.fromordinal(number + _EPOCH).isoformat()


# ------------------------------------------------------------------- forms


class Form(NamedTuple):
    """How a field is spelled."""

    name: str  # day, code, codes, positions, hex, percent, flag, …
    says: str  # what a value of this form is, for messages
    fits: Callable[[Any], Any]  # true or false
    facet: str = ""  # of codes: the vocabulary's list of them
    optional: bool = False  # empty means absent


def optional(form: Form) -> Form:
    """Return the form of a field that may be absent."""
    return form._replace(optional=True)


def code(facet: str) -> Form:
    """Return the form of one code of a facet."""
    return Form("code", "a code", is_code, facet)


def codes(facet: str) -> Form:
    """Return the form of a set of codes of a facet."""

    def fits(value: Any) -> bool:
        return is_set(value) and all(map(is_code, value))

    return Form("codes", "a sorted set of codes", fits, facet)


def hexadecimal(size: int) -> Form:
    """Return the form of bytes in lower-case hex."""
    return matching("hex", f"{size} bytes in hex", f"[0-9a-f]{{{2 * size}}}")


def matching(name: str, says: str, pattern: str) -> Form:
    """Return the form of a text that an expression matches as a whole."""
    return Form(name, says, re.compile(pattern, re.ASCII).fullmatch)


@lru_cache(4096)
def is_day(value: str) -> bool:
    """Tell whether a text is a day of 1970 to 2199."""
    try:
        return DAYS[value] >= 0
    except MalformedError:
        return False


@lru_cache(4096)  # a log has few of them, each again and again
def is_code(value: str) -> bool:
    """Tell whether a text can be a code, known or not."""
    return CODE.fullmatch(value) is not None


def is_set(items: Sequence[Any]) -> bool:
    """Tell whether a non-empty list is sorted and has no repeats."""
    if len(items) < 2:
        return bool(items)
    return all(map(operator.lt, items, items[1:]))


DAY = Form("day", "a day as YYYY-MM-DD, 1970 to 2199", is_day)
ORIGINS = Form("origin", "an origin", is_ours)
SET = Form("set", "a sorted set", is_set)
POSITIONS = Form(
    *("positions", "a sorted set of positions"),
    lambda items: (
        is_set(items) and all(is_ours(origin) for origin, _ in items)
    ),
)
TOKEN = matching(
    "token", "22 characters of a token", "[A-Za-z0-9_-]{21}[AQgw]"
)
PERCENT = Form("percent", "0 to 100", range(101).__contains__)
FLAG = Form("flag", "true", lambda _: True, optional=True)

Day = Annotated[str, DAY]
Token = Annotated[str, TOKEN]


@cache
def forms(struct: type[Struct]) -> Mapping[str, Form]:
    """Return the form of each field of a struct that has one, in order."""
    hints = get_type_hints(struct, include_extras=True)
    found = {}
    for name in struct.__struct_fields__:
        hint = hints[name]
        marks = [m for m in get_args(hint)[1:] if isinstance(m, Form)]
        if marks or hint is bool:
            found[name] = marks[0] if marks else FLAG
    return found
