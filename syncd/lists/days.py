"""Read a day from a cell, in any usual spelling.

    2026-11-27  2026/11/27 20:00:05  2026年11月27日 下午8时  20261127200005
    27-Nov-2026  Fri, 27 Nov 2026 20:00:00 +0000

The year stands first, with four digits, or the month has its name: else day
and month may be either. A time without an offset is the list's own, and the
day is the one that stands there. With an offset or Z it is an instant, and
the day is the one in the roster's zone. A number that is a day by the count
of a spreadsheet or a computer is refused with the day that it would be.
"""

import unicodedata
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from re import ASCII
from re import compile as regex
from typing import NoReturn
from zoneinfo import ZoneInfo

from syncd.errors import MalformedError

ZONE = ZoneInfo("Asia/Shanghai")  # where an alliance names no other

_HALF = r"(上午|早上|凌晨|中午|下午|傍晚|晚上|[ap]\.?m\.?)"
_TIME = regex(
    r"(?: ?\(?(?:星期|周|礼拜)[一二三四五六日天]\)?)?"
    rf"(?:(?:t|[ :_-]+)?(?:{_HALF}? ?(?:"
    r"(\d\d?)(?:[:.时点] ?(\d\d?)(?:[:.分] ?(\d\d?)(?:[.,]\d+)?秒?|分)?|[时点])"
    r"|(\d\d)(\d\d)(\d\d)?(?:[.,]\d+)?)"
    rf" ?{_HALF}?(?: ?(?:(z|utc|gmt)"
    r"|(?:utc|gmt)?([+-])(\d\d?)(?::?(\d\d))?(?: ?\[?[a-z/_]+\]?)?))?"
    r"|[上下]午))?",
    ASCII,
)
_YEAR_FIRST = regex(
    r"(\d{4})(?:([-/.])(\d\d?)\2(\d\d?)(?!\d)"
    r"| ?年 ?(\d\d?) ?月 ?(\d\d?) ?[日号]?|(\d\d)(\d\d))",
    ASCII,
)
_NAMED = regex(
    r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6},? )?(?:(\d\d?)[ -])?"
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?"
    r"|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
    r"\.?,?[ -](?:(\d\d?),? )?(\d{4})(?!\d)",
    ASCII,
)
_MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"
_YEAR_LAST = regex(
    r"\d\d?([-/. ])(?:\d\d?|[a-z]+)\1(?:\d\d|\d{4})(?:\D.*)?", ASCII
)
_SERIAL = regex(r"([2-7]\d{4})(?:\.\d+)?", ASCII)
_UNIX = regex(r"(1\d{9})(?:\d{3}|\.\d+)?", ASCII)


@lru_cache(4096)  # a list has few, each in many rows
def day(cell: str, zone: tzinfo = ZONE) -> str:
    """Return the day that a cell names, as YYYY-MM-DD.

    Raises:
        MalformedError: it is none, or may be several; says how to mend it.
    """
    text = " ".join(unicodedata.normalize("NFKC", cell).casefold().split())
    parts = list[int]()
    if found := _YEAR_FIRST.match(text):
        parts = [int(p) for p in found.groups() if p and p.isdigit()]
    elif found := _NAMED.match(text):
        one, name, other, year = found.groups()
        month = _MONTHS.index(name[:3]) // 3 + 1
        parts = [int(year), month, int(one or other or 0)]
    time = _TIME.fullmatch(text, found.end()) if found else None
    if not time:
        _refuse(text, zone)
    try:
        on = datetime(parts[0], parts[1], parts[2], tzinfo=UTC)
    except ValueError:
        raise MalformedError("no day of the calendar") from None
    if not 1970 <= on.year <= 2199:
        raise MalformedError("no day from 1970 to 2199")
    return _moved(on, time.groups(), zone).isoformat()


def _moved(on: datetime, time: tuple[str | None, ...], zone: tzinfo) -> date:
    """Return the day on which a time is: in a zone, if it has an offset."""
    first, h, m, s, hh, mm, ss, last, utc, sign, away, more = time
    hour, minute, second = int(h or hh or 0), int(m or mm or 0), s or ss or 0
    half = first or last or ""
    if hour < 12 and half[:1] in {*"下傍晚p"}:
        hour += 12
    elif hour == 12 and half[:1] in {*"凌a"}:
        hour = 0
    at = on + timedelta(hours=hour, minutes=minute, seconds=int(second))
    east = timedelta(hours=int(away or 0), minutes=int(more or 0))
    over = at - on > timedelta(days=1)
    if over or minute > 59 or int(second) > 60 or east > timedelta(hours=14):
        raise MalformedError("no time of a day")
    if utc or sign:
        at = (at + east if sign == "-" else at - east).astimezone(zone)
    return at.date()


def _refuse(text: str, zone: tzinfo) -> NoReturn:
    if serial := _SERIAL.fullmatch(text):
        n = int(serial[1])
        raise MalformedError(
            "looks like a date that lost its format: {n} would be {one}, or"
            " {other} in a workbook that counts from 1904",
            n=n,
            one=date(1899, 12, 30) + timedelta(days=n),
            other=date(1904, 1, 1) + timedelta(days=n),
        )
    if unix := _UNIX.fullmatch(text):
        raise MalformedError(
            "looks like seconds since 1970: it would be {day}",
            day=datetime.fromtimestamp(int(unix[1]), zone).date(),
        )
    if _YEAR_LAST.fullmatch(text):
        raise MalformedError(
            "the year does not stand first with four digits: day and month"
            " may be either"
        )
    raise MalformedError("no day as YYYY-MM-DD")
