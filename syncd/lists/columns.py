"""Columns: which cell is which field of a report, and what it says.

A field comes from a column that bears its name (in English or Chinese), from
one that `--map` names, or from an option, which also stands where a column
is empty. Nothing is guessed: what is needed and comes from nowhere is named
all at once. Columns that mean nothing here never leave this module.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import Any, Final

from syncd.errors import MalformedError, SyncdError, UsageError, joined
from syncd.indicator import vocabulary
from syncd.lists import days
from syncd.lists.rows import Flawed, Row
from syncd.lists.safe import plain

NEEDED: Final = ("kind", "value", "label", "role", "evidence")

# Names of columns, folded by `_fold`: lower case, without spaces, bars and
# what stands in brackets behind.
NAMES: Final[Mapping[str, str]] = {
    "kind": "kind 种类 标识种类 标识类型 指标类型",
    "value": (
        "value raw indicator number phone phonenumber url domain account"
        " accountnumber 值 标识 指标 号码 电话 电话号码 手机 手机号 手机号码"
        " 主叫号码 涉诈号码 涉案号码 诈骗号码 网址 域名 链接 涉诈网址"
        " 诈骗网址 账号 账户 卡号 银行卡号 收款账号 收款账户 涉诈账号"
        " 涉案账号 涉案账户 帐号"
    ),
    "scheme": "scheme bic chain 账号方案 银行代码 联行号 行号 链",
    "region": "region country 地区 国家 国别 国家地区",
    "label": "label fraudtype 标签 诈骗类型 涉诈类型 案件类别 诈骗类别",
    "role": "role 角色 作用",
    "evidence": "evidence 证据 证据类型 证据类别 依据",
    "confidence": "confidence 置信度 可信度",
    "seen": "seen seenon 发现日期 发现时间 发现日",
    "expires": "expires 到期日 到期日期 失效日期 有效期至",
    "channel": "channel 渠道 接触渠道",
    "technique": "technique techniques 手法 诈骗手法",
    "case": "case 串案标识 案件标识",
    "handling": "handling 处理要求 保密要求",
    "spoofed": "spoofed 改号 是否改号",
    "test": "test 演练 测试",
}
FIELDS: Final = tuple(NAMES)
_FACETS: Final = frozenset(
    {"label", "role", "evidence", "channel", "technique", "handling"}
)
_KINDS: Final = {
    "phone": "电话 手机 手机号 手机号码 电话号码 固话 座机 号码 phonenumber",
    "url": "网址 网站 域名 链接 domain",
    "account": "账号 账户 帐号 卡号 银行卡 银行账户 收款账号 收款账户",
}
_TRUE: Final = frozenset({"true", "yes", "y", "1", "是", "真"})
_FALSE: Final = frozenset({"false", "no", "n", "0", "否", "假"})


def _fold(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).casefold()
    text = re.sub(r"\([^()]*\)\s*$", "", text)
    return re.sub(r"[\s_\-*:/]+", "", text)


_BY_NAME: Final = {
    name: f for f, names in NAMES.items() for name in names.split()
}
_BY_KIND: Final = {
    name: kind for kind, names in _KINDS.items() for name in names.split()
}


def known(name: str) -> bool:
    """Tell whether a column of this name means a field."""
    return _fold(name) in _BY_NAME


def _codes(facet: str) -> dict[str, str]:
    """Return what a code may be written as: itself, its zh or en label."""
    known = vocabulary.FACETS[facet].values()
    found = {_word(c.en): c.code for c in known}
    found |= {_word(c.zh): c.code for c in known}
    return found | {c.code: c.code for c in known}


def _word(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


Convert = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Columns:
    """How a row becomes a report."""

    at: tuple[tuple[int | str, str, Convert], ...]  # column, field, meaning
    constants: Mapping[str, Any]
    unused: tuple[str, ...]  # columns that are not stored

    def report(self, row: Row) -> dict[str, Any]:
        """Return the report that a row is.

        Raises:
            MalformedError: cells do not say what they must; names them all.
        """
        found = dict(self.constants)
        cells = row.cells
        if isinstance(cells, Mapping):
            at: Sequence[tuple[int | str, str, Convert]] = self._by_name(cells)
        else:
            at = self.at
        faults: list[SyncdError] = []
        for column, into, convert in at:
            said = cells[column]  # type: ignore[index]
            if type(said) is Flawed:
                faults.append(_at(into, said.why))
            elif cell := plain(said):
                try:
                    found[into] = convert(cell)
                except MalformedError as e:
                    faults.append(_at(into, e))
        if faults:
            raise joined(faults)
        return found

    def _by_name(
        self, cells: Mapping[str, str]
    ) -> list[tuple[int | str, str, Convert]]:
        """Return the cells of an object that mean a field, each its own."""
        told = {c: (f, m) for c, f, m in self.at}
        used: dict[str, str] = {}
        found: list[tuple[int | str, str, Convert]] = []
        for name in cells:
            into, convert = (
                told.get(name) or told.get(_fold(name)) or ("", None)
            )
            if convert is None:
                continue
            if into in used and cells[name].strip():
                raise MalformedError("{field}: is there twice", field=into)
            used[into] = name
            found.append((name, into, convert))
        return found


def _at(into: str, why: MalformedError) -> MalformedError:
    if "field" in why.params:
        return why
    return MalformedError(
        "{field}: {why}",
        hint=why.advice,
        **{**why.params, "field": into, "why": why},
    )


def plan(
    header: Sequence[str] | None,
    width: int,
    *,
    maps: Sequence[str],
    constants: Mapping[str, Any],
    words: Mapping[tuple[str, str], str],
    where: str,
    fields: Sequence[str] = FIELDS,
    zone: tzinfo = days.ZONE,
) -> Columns:
    """Return how the rows of a table become reports, or `fields` of them.

    `header` is () for a table without one, None where each row names its
    own cells; `words` are codes by (field, what stands in a cell); `zone` is
    where the days of instants are.

    Raises:
        UsageError: a column that is named is not there, two mean the same,
            or something that is needed comes from nowhere.
    """
    if header is not None:
        _no_data(header, maps, where)
        _no_twins(header, where)
    told = _told(maps, header, width, where)
    found = {into: at for into, at in told.items() if into in fields}
    for column, name in enumerate(header or ()):
        into = _BY_NAME.get(_fold(name))
        if (
            into is None
            or into not in fields
            or into in told
            or column in told.values()
        ):
            continue
        if into in found:
            raise UsageError(
                "{where}: columns {one} and {two} both mean {field}",
                where=where,
                one=repr((header or ())[int(found[into])]),
                two=repr(name),
                field=into,
                hint="--map {field}=…",
            )
        found[into] = column
    at: list[tuple[int | str, str, Convert]] = [
        (column, into, _meaning(into, words, zone))
        for into, column in found.items()
    ]
    if header is None:
        named = {into for _, into, _ in at}
        at += [
            (name, into, _meaning(into, words, zone))
            for name, into in _BY_NAME.items()
            if into in fields and into not in named
        ]
    else:
        needed = [name for name in NEEDED if name in fields]
        _all_there(needed, found, constants, header, where)
    unused = tuple(
        name
        for column, name in enumerate(header or ())
        if column not in found.values() and name
    )
    kept = {
        name: _constant(name, value, words, zone)
        for name, value in constants.items()
    }
    return Columns(tuple(at), kept, unused)


def _told(
    maps: Sequence[str],
    header: Sequence[str] | None,
    width: int,
    where: str,
) -> dict[str, int | str]:
    """Read --map FIELD=COLUMN, a name or a number from 1."""
    found: dict[str, int | str] = {}
    for text in maps:
        into, equals, column = text.partition("=")
        if not equals or into not in FIELDS:
            raise UsageError(
                "--map {text}: want FIELD=COLUMN",
                text=repr(text),
                hint="fields: {names}",
                names=", ".join(FIELDS),
            )
        if into in found:
            raise UsageError("--map names {field} twice", field=into)
        if header is None:
            found[into] = column
        elif column in header:
            found[into] = list(header).index(column)
        elif column.isascii() and column.isdecimal() and len(column) < 6:
            number = int(column)
            if not 1 <= number <= width:
                raise UsageError(
                    "{where}: no column {n}, there are {width}",
                    where=where,
                    n=number,
                    width=width,
                )
            found[into] = number - 1
        else:
            raise UsageError(
                "{where}: no column {name}",
                where=where,
                name=repr(column),
                hint="columns: {names}",
                names=", ".join(header) or "1, 2 …",
            )
    if len(set(found.values())) != len(found):
        raise UsageError("--map names a column twice")
    return found


# What the name of a column never is; and what one that is named by its
# number may not look like, for then there may be no header at all.
_DATA = re.compile(r"(?:\d[ -]?){7}|://", re.ASCII)
_DOMAIN = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?:/.*)?", re.ASCII)


def _no_data(header: Sequence[str], maps: Sequence[str], where: str) -> None:
    by_number = {said.partition("=")[2] for said in maps}
    for column, name in enumerate(header, 1):
        text = unicodedata.normalize("NFKC", name).casefold()
        if _DATA.search(text) or (
            str(column) in by_number and _DOMAIN.fullmatch(text)
        ):
            raise UsageError(
                "{where}: column {n} of the header looks like a value",
                where=where,
                n=column,
                hint="if the first row is data: --no-header and --map"
                " value={n}; else give the column a name",
            )


def _no_twins(header: Sequence[str], where: str) -> None:
    there: dict[str, int] = {}
    for column, name in enumerate(header, 1):
        if name and name in there:
            raise UsageError(
                "{where}: columns {one} and {two} are both named {name}",
                where=where,
                one=there[name],
                two=column,
                name=repr(name),
                hint="rename one of them",
            )
        there[name] = column


def _all_there(
    needed: Sequence[str],
    found: Mapping[str, object],
    constants: Mapping[str, object],
    header: Sequence[str],
    where: str,
) -> None:
    missing = [
        name for name in needed if name not in found and name not in constants
    ]
    if not missing:
        return
    ways = " ".join(
        f"--map {m}=COLUMN" if m == "value" else f"--{m} CODE" for m in missing
    )
    raise UsageError(
        "{where}: no column and no option for {names}",
        where=where,
        names=", ".join(missing),
        hint="nothing is guessed: say {ways}, or --map FIELD=COLUMN;"
        " columns here: {columns}",
        ways=ways,
        columns=", ".join(header) or MalformedError("no header"),
    )


def words(path: Path) -> dict[tuple[str, str], str]:
    """Read a table of a member's own words: lines of FIELD TAB text TAB code.

    Raises:
        UsageError: a line is none, or its field has no codes.
    """
    found = {}
    try:
        with path.open("rb") as file:
            raw = file.read(1 << 20)
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise UsageError(
            "{where}: not UTF-8 at byte {at}", where=path, at=e.start
        ) from None
    except OSError as e:
        raise UsageError("{path}: {why}", path=path, why=e.strerror) from e
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match [part.strip() for part in line.split("\t")]:
            case [into, word, code] if into in (*_FACETS, "kind") and word:
                found[into, word] = code
            case _:
                raise UsageError(
                    "{path}: line {n}: want FIELD TAB text TAB code",
                    path=path,
                    n=number,
                    hint="fields: {names}",
                    names=", ".join(sorted((*_FACETS, "kind"))),
                )
    return found


# ------------------------------------------------------- what a cell means


def _meaning(
    into: str, words: Mapping[tuple[str, str], str], zone: tzinfo
) -> Convert:
    own = {_word(text): code for (f, text), code in words.items() if f == into}
    if into == "kind":
        known = {**_BY_KIND, **own}
        return lambda cell: known.get(_word(cell), _word(cell))
    if into == "technique":
        codes = {**_codes(into), **own}
        return lambda cell: [
            _code(codes, one, into)
            for one in re.split(r"[;；、|]", cell)
            if one.strip()
        ]
    if into in _FACETS:
        codes = {**_codes(into), **own}
        # Most rows of a file say the same: the exact text first.
        return lambda cell: codes.get(cell) or _code(codes, cell, into)
    if into in {"seen", "expires"}:
        return partial(days.day, zone=zone)
    return _PLAIN.get(into, str)


def _constant(
    into: str,
    value: Any,
    words: Mapping[tuple[str, str], str],
    zone: tzinfo,
) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return _meaning(into, words, zone)(value)
    except MalformedError as e:
        raise UsageError(
            "--{name}: {why}",
            name=into.replace("_", "-"),
            why=e,
        ) from None


def _code(codes: Mapping[str, str], cell: str, into: str) -> str:
    found = codes.get(_word(cell))
    if found is None:
        raise vocabulary.refused(into, into, cell.strip())
    return found


_ROUNDED = re.compile(
    r"[+-]?\d+(?:\.\d+)?E\+?\d{1,3}", re.ASCII | re.IGNORECASE
)


def _value(cell: str) -> str:
    if cell[-1].isdecimal() and _ROUNDED.fullmatch(cell):
        raise MalformedError(
            "a spreadsheet rounded it to a number: format the column as"
            " text and fill it again"
        )
    return cell


def _whole(cell: str) -> int:
    text = unicodedata.normalize("NFKC", cell)
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise MalformedError("no whole number")
    return int(text)


def _flag(cell: str) -> bool:
    text = _word(cell)
    if text not in _TRUE | _FALSE:
        raise MalformedError("neither yes nor no")
    return text in _TRUE


_PLAIN: Final[Mapping[str, Convert]] = {
    "value": _value,
    "confidence": _whole,
    "spoofed": _flag,
    "test": _flag,
    "region": str.upper,
}
