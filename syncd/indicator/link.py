"""Links: the one URL that a cell or a line of text holds.

    http://a.example/pay                one URL: `whole`
    http://a.example/pay。              perhaps one; `cut` is before the 。
    http://a.example/ http://b.example/ refused
    积分到期http://a.example/            refused

People paste URLs out of messages, sheets and chats. What no browser would
open as one URL is refused here, before Safe Browsing's rules turn it into
one that nobody has: they delete line breaks and escape everything else. Text
that stands behind a URL is another matter, as browsers take it for its path
and linkifiers disagree about it; ADR 17 says what follows from that. What is
written in percent-escapes belongs to the URL. No message repeats the text.
"""

from re import IGNORECASE
from re import compile as regex
from typing import NamedTuple, NoReturn

from syncd.errors import MalformedError
from syncd.indicator import spelling
from syncd.indicator.host import PUNCTUATION

MAX_RAW = 8192  # characters read at all; web servers stop here too

# What copying out of a document, a sheet or a message leaves at the ends.
BLANK = " \t\n\v\f\r\u00a0\u200b\u3000\ufeff"

_DOTS = "。．｡"  # these and "." part labels in browsers
_INVISIBLE = (
    "\\s\x00-\x20\x7f-\x9f\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u2069\ufeff"
)
# What needs no look: nothing here parts, surrounds or ends a URL.
_PLAIN = r"[A-Za-z0-9_~$&+=@%/?#-]++|\.(?!\Z)|:(?![/\\]|\Z)"
_OTHER = rf"(?<![A-Za-z0-9])[^\x00-\x7f{PUNCTUATION}{_DOTS}{_INVISIBLE}]"
_CLEAN = regex(
    rf"(?i:https?|ftp|wss?):[/\\]*+(?:{_PLAIN}|{_OTHER})++|(?:{_PLAIN})*+"
)
_LINES = regex("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
_SPACE = regex(f"[{_INVISIBLE}]")
_QUOTES = regex('["<>]')
# hxxp is refused with the other schemes that are none of a web address.
_DEFANGED = regex(r"[\[({](?:\.|dot|点|:|:?//)[\])}]|^h\*+ps?:", IGNORECASE)
_URL_BEGINS = regex(
    r"https?:[/\\]|(?<![a-z])(?:ftp|wss?|hxxps?):[/\\]"
    r"|(?<=[,;|、，；｜])(?:www\.|(?:[a-z0-9-]+\.){2,}[a-z]{2,}[/\\])",
    IGNORECASE,
)
_HOST_LIKE = regex(r"[a-z0-9-]\.[a-z]{2}", IGNORECASE)
_CARRIERS = frozenset("=?#&/+:(@")  # what stands before a URL in a query
_START = regex(r"(?:(?:https?|ftp|wss?):)?[/\\]*", IGNORECASE)
_AUTHORITY = regex(r"[^/\\?#]*")
_WIDE = "\u2e80-\U0003ffff"  # scripts without spaces, and their punctuation
_BEFORE = regex(rf"[{PUNCTUATION}]|[{_WIDE}]+[0-9-]*[a-z]", IGNORECASE)
_BREAK = regex(f"[{PUNCTUATION}{_DOTS}]")
_HOST_BREAK = regex(f"[{PUNCTUATION}]")  # without the dots
# Text behind a host: no top-level domain and no port mixes scripts so, and
# a wide full stop ends a sentence where the host has plain dots before it.
_HOST_ENDS = regex(rf"[A-Za-z0-9](?=[{_WIDE}])")
_SENTENCE_ENDS = regex(rf"\.[^.{_DOTS}]+([{_DOTS}])(?![A-Za-z0-9])")
# Letters of another script behind plain ones, up to the end: perhaps prose.
_PROSE = regex(r"(?<=[A-Za-z0-9])[^\x00-\x7f][^/.?#&=%]*\Z")
_TAIL = frozenset(".,;:!?'*|)]}")
_OPENS = {")": "(", "]": "[", "}": "{"}


class Link(NamedTuple):
    """What may be the URL: as it stands, and without what is behind it."""

    whole: str  # "" if it cannot be one as it stands
    cut: str  # "" if nothing is behind it
    certain: bool  # no ASCII: what is behind it is certainly text


def read(raw: str) -> Link:
    """Return the one URL in `raw`; blanks at its ends are no part of it.

    Raises:
        MalformedError: nothing, too long, or text that holds more than one
            URL, or holds anything else in it or before it.
    """
    spelling.check_size(raw, MAX_RAW)
    text = raw.strip(BLANK)
    if _CLEAN.fullmatch(text) and text[-1:] != "?":
        return Link(text, "", certain=False)
    if _LINES.search(text):
        _refuse_several()
    start = _START.match(text)
    begin = start.end() if start else 0
    for found in _URL_BEGINS.finditer(text):
        at = found.start()
        # unless it is part of the query or fragment of the one before it
        if at and not (
            ("?" in text[:at] or "#" in text[:at])
            and (text[at - 1] in _CARRIERS or text[max(at - 3, 0)] == "%")
        ):
            if begin or _HOST_LIKE.search(text, 0, at):
                _refuse_several()
            _refuse_before()
    if _SPACE.search(text):
        raise MalformedError(
            "url: white space or an invisible character inside"
        )
    if _QUOTES.search(text):
        raise MalformedError("url: a quote or an angle bracket inside")
    authority = _AUTHORITY.match(text, begin)
    end = authority.end() if authority else begin
    if _DEFANGED.search(text[: end + 3]):
        raise MalformedError("url: is written so that nobody can open it")
    if not begin and _BEFORE.match(text):
        _refuse_before()
    return _cut(text, begin, end)


def _refuse_several() -> NoReturn:
    raise MalformedError("url: more than one URL in it, or a broken one")


def _refuse_before() -> NoReturn:
    raise MalformedError("url: text stands before it")


def _cut(text: str, begin: int, end: int) -> Link:
    """Return the link in a text whose host is between `begin` and `end`."""
    label = max(text.rfind(dot, begin, end) for dot in f".{_DOTS}") + 1
    glued = _HOST_ENDS.search(text, max(label, begin), end)
    ended = _SENTENCE_ENDS.search(text, begin, end)
    if glued or ended:
        at = glued.end() if glued else ended.start(1) if ended else end
        return Link("", _trim(text[:at]), certain=True)
    found = _HOST_BREAK.search(text, begin, end) or _BREAK.search(text, end)
    certain = bool(found)
    if found and _HOST_LIKE.search(text, found.end()):
        _refuse_several()
    found = found or _PROSE.search(text, end)
    cut = _trim(text[: found.start()] if found else text)
    return Link(text, "" if cut == text else cut, certain=certain)


def _trim(text: str) -> str:
    """Drop the punctuation that every linkifier takes for the sentence's."""
    if not text or text[-1] not in _TAIL:
        return text
    open_ = {c: text.count(c) - text.count(o) for c, o in _OPENS.items()}
    end = len(text)
    while end and text[end - 1] in _TAIL:
        last = text[end - 1]
        if last in open_:
            if open_[last] <= 0:  # it closes what the URL itself opens
                break
            open_[last] -= 1
        end -= 1
    return text[:end]
