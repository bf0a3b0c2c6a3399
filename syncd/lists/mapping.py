"""Read and write the mapping file, in which a list's owner describes it.

    [file]                          how to read it: `rows.FileOptions`
    encoding = "gb18030"
    [columns]                       field = name of a column, or its number
    value = "涉案卡号"
    [constants]                     what all rows have
    kind = "account"
    [words.label]                   word = code, or its label
    "杀猪盘" = "fake_invest"
    "其它" = ""                     not decided yet: its rows are refused

A dry run writes one (`written`), with every word that nobody knew; it is
edited, kept, and given back for the next list of the same make.
"""

import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import tomlkit
from msgspec import structs

from syncd.errors import UsageError, becoming
from syncd.flows.draft import Draft
from syncd.lists import words
from syncd.lists.column_names import FIELDS
from syncd.lists.columns import ListDescription
from syncd.lists.preview import Unknown
from syncd.lists.rows import FileOptions
from syncd.shape import line_of

MOST = 1 << 20  # bytes
_FILE_KEYS = {
    f.name: type(f.default) if f.default is not None else str
    for f in structs.fields(FileOptions)
    if f.name != "names"
}
_CONSTANTS = {
    f.name: str if f.default == () else type(f.default)
    for f in structs.fields(Draft)
    if f.name not in {"value", "basis", "urgent"}
}
_SECTIONS: Mapping[str, Mapping[str, Any]] = {  # name → its type
    "file": _FILE_KEYS,
    "columns": dict.fromkeys(FIELDS, (str, int)),
    "constants": _CONSTANTS,
    "words": dict.fromkeys(words.OWN, dict),
}


def read(text: str, where: str) -> tuple[FileOptions, ListDescription]:
    """Return how to read a file, and what is said of its columns and words.

    Raises:
        UsageError: it is no mapping file, or says what cannot be; names the
            line.
    """
    with becoming(
        "{where}: no TOML: {why}",
        UsageError,
        tomllib.TOMLDecodeError,
        where=where,
    ):
        found = tomllib.loads(text)
    check = partial(_check, text, where)
    check(found, "", dict.fromkeys(_SECTIONS, dict))
    parts = {section: found.get(section, {}) for section in _SECTIONS}
    for section, known in _SECTIONS.items():
        check(parts[section], section, known)
    file = parts["file"]
    own = dict[tuple[str, str], str]()
    for field, codes in parts["words"].items():
        section = f"words.{field}"
        check(codes, section, dict.fromkeys(codes, str))
        for word, code in codes.items():
            own[field, word] = code
            try:
                words.meaning(field, {(field, word): code})
            except words.UnknownError as e:
                raise UsageError(
                    "{where}: line {n}: {why}",
                    hint=e.way_out,
                    **{**e.params, "where": where, "why": e},
                    n=_line(text, section, word),
                ) from None
    if "control" in file:
        file["control"] = Path(file["control"])
    columns = {field: str(name) for field, name in parts["columns"].items()}
    options = structs.replace(
        FileOptions(**file), names=tuple(columns.values())
    )
    return options, ListDescription(columns, parts["constants"], own)


def _line(text: str, section: str, key: str) -> int:
    """Return the line of a key, or of the section in which it hides."""
    return line_of(text, section, key) or line_of(text, section, "") or 1


def _check(
    text: str,
    where: str,
    found: Mapping[str, Any],
    section: str,
    known: Mapping[str, Any],
) -> None:
    """Pass a table of known names, each of its type."""
    for key, value in found.items():
        want = known.get(key, ())
        if isinstance(value, want) and (
            type(value) is not bool or want is bool
        ):
            continue
        raise UsageError(
            "{where}: line {n}: {key} means nothing in [{section}], or"
            " has not its type",
            where=where,
            n=_line(text, section, key),
            key=repr(key),
            section=section,
            names=", ".join(known),
        )


# What stands behind `#` in a file that is written.
REMARKS = (
    'give each word its code; while it has none ("") its rows are refused',
    "rows: {n}",
    "rows: {n}; nearest: {near}",
)


def written(
    options: FileOptions,
    described: ListDescription,
    columns: Sequence[tuple[str, str]],
    unknown: Sequence[Unknown] = (),
    say: Callable[..., str] = str.format,
) -> str:
    """Return a mapping file: all that was said, understood, or not known.

    `columns` are names and fields, as a dry run shows them; a field that has
    several, as in objects, is not told by one. `say` puts values into a
    remark, in whatever language.
    """
    todo, rows, nearest = REMARKS
    fields = Counter(into for _, into in columns)
    named = {
        into: name
        for name, into in columns
        if into not in {"", "place"} and fields[into] == 1
    }
    asked = [one for one in unknown if one.shown != "…"]  # else a value
    own = defaultdict[str, dict[str, str]](dict)
    for (field, word), code in described.words.items():
        if code:
            own[field][word] = code
    for one in asked:
        own[one.field][one.word] = ""
    parts = {
        "file": {
            k: v if isinstance(v, str | bool) else str(v)
            for k, v in options.given.items()
            if k in _FILE_KEYS
        },
        "columns": {**named, **described.columns},
        "constants": described.constants,
        "words": own,
    }
    made: Any = tomlkit.document()
    if unknown:
        made.add(tomlkit.comment(say(todo)))
    for name, part in parts.items():
        if part:
            made[name] = part
    for one in asked:
        text = say(nearest if one.near else rows, n=one.rows, near=one.near)
        made["words"][one.field].item(one.word).comment(text)
    return tomlkit.dumps(made)
