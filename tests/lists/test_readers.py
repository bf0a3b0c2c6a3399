"""Any bytes give rows or one clear error, in every format and encoding."""

import codecs
import contextlib
import csv
import io
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from syncd.cli.importing import upload
from syncd.errors import MalformedError, UsageError
from syncd.lists import columns, file_kinds, lines, table, text, workbook
from syncd.lists.rows import FileOptions, Table

TEXTS = ("csv", "tsv", "txt", "hosts", "ndjson")
pieces = st.lists(
    st.sampled_from(
        [
            *b'" "" , \t ; \n \r\n \r \0 a \xff \xfe \xb5\xe7 { } :'.split(
                b" "
            ),
            *(b'{"value":"a"}\n', b"value\n", b"a,b\n", b" ", b"PK\x03\x04"),
            *(
                b"# value,b\n",
                b"#",
                b"// x\n",
                b"sep=;\n",
                b"|@|",
                b"1",
                b"||",
            ),
            *(b"0.0.0.0 a b\n", b"127.0.0.1 localhost\n", b"\x80", b"\x01"),
            *(b"\xaa\xa1", b"\r", b"\x1a", b"a b;c\n", "值\n".encode()),
            *("电话".encode(), codecs.BOM_UTF8, codecs.BOM_UTF16),
        ]
    ),
    max_size=30,
).map(b"".join)


def opened(path: Path, raw: bytes, **options: Any) -> Table:
    path.write_bytes(raw)
    return table.open_table(path, FileOptions(**options))


@given(
    st.binary(max_size=200) | pieces,
    st.sampled_from(file_kinds.FORMATS),
    st.sampled_from(["", *lines.ENCODINGS]),
    st.booleans(),
)
@example(b"PK\x03\x04" + bytes(60), "xlsx", "", True)
def test_total(
    tmp_path: Path, raw: bytes, form: str, encoding: str, header: bool
) -> None:
    """Any bytes at all: rows that end in the file, or a UsageError."""
    with contextlib.suppress(UsageError):
        found = opened(
            tmp_path / "a", raw, format=form, encoding=encoding, header=header
        )
        plan = None
        with contextlib.suppress(UsageError):
            plan = columns.plan(
                found.header,
                found.width,
                columns.ListDescription(constants={"kind": "url"}),
                where="a",
            )
        end = 0
        for row in found.rows(0, 0):
            assert end < row.end <= found.size
            end = row.end
            if plan and not row.problem:
                with contextlib.suppress(MalformedError):
                    plan.report(row)


@given(
    pieces,
    st.sampled_from(TEXTS),
    st.sampled_from(["", *lines.ENCODINGS]),
    st.fixed_dictionaries(
        {},
        optional={
            "header": st.just(False),
            "delimiter": st.sampled_from([",", ";", "|@|", "||", '\\x01"']),
            "split": st.sampled_from(["1", "value", "a"]),
            "widths": st.just("1-2,4-9"),
            "trailer": st.sampled_from(["{count}", "a{count}*"]),
            "names": st.just(("a", "b")),
        },
    ),
)
@example(b"~~~\n", "csv", "", {"delimiter": "~"})
@example(b"a,value\nx,1 2\n,3;4\nx,5\n", "csv", "", {"split": "value"})
@example(b"1 2 3\n\n4\n5;6\n", "txt", "", {"split": "1"})
@example(b'{"a":"1 2"}\n{"v":"1"}\n{\n', "ndjson", "", {"split": "a"})
@example(b"0.0.0.0 a b\n0.0.0.0 c d\n", "hosts", "", {})
@example(b"value\n1\n2\na2\n", "csv", "", {"trailer": "a{count}*"})
@example(b'# "value,a\n', "csv", "", {})
@example(b'# "value,a\n1,2\n', "csv", "", {})
def test_going_on_anywhere(
    tmp_path: Path, raw: bytes, form: str, encoding: str, more: dict[str, Any]
) -> None:
    """Begun behind the rows of any lines, the rest is as it was from the beginning."""
    path = tmp_path / "a"
    with contextlib.suppress(UsageError):
        found = opened(path, raw, format=form, encoding=encoding, **more)
        rows = list(found.rows(0, 0))
        for n, row in enumerate(rows):
            if row.end in [later.end for later in rows[n + 1 :]]:
                continue  # of a cell with several values, which go together
            again = list(found.rows(row.end, row.last))
            assert [*map(repr, again)] == [*map(repr, rows[n + 1 :])]


texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"),
    max_size=12,
)


@given(
    st.lists(st.tuples(texts, texts | st.just('say "hi"\nthere')), min_size=1),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from([",", ";", "\t"]),
)
def test_what_others_write_is_read(
    tmp_path: Path,
    rows: list[tuple[str, str]],
    code: str,
    quoting: Any,
    delimiter: str,
) -> None:
    """The standard library's writer and this reader agree on every cell."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=quoting, delimiter=delimiter)
    writer.writerow(("value", "x"))
    writer.writerows(rows)
    found = opened(
        tmp_path / "a",
        text.getvalue().encode(code),
        format="csv",
        encoding=code if code != "utf-8-sig" else "",
        delimiter=delimiter,
    )
    got = [tuple(map(str.strip, row.cells)) for row in found.rows(0, 0)]
    want = [tuple(map(str.strip, cells)) for cells in rows]
    assert [g for g in got if any(g)] == [w for w in want if any(w)]


@given(texts.filter(lambda text: '"' not in text), st.integers(0, 200))
def test_an_open_quote_costs_its_line_only(
    tmp_path: Path, text: str, rows: int
) -> None:
    """However many rows stand behind it, quoted ones too."""
    raw = 'value,x\n"' + text.replace(",", ".") + ",\n"
    raw += "".join(f"{n}.example,1\n" for n in range(rows))
    found = list(
        opened(
            tmp_path / "a", raw.encode(), format="csv", encoding="utf-8"
        ).rows(0, 0)
    )
    assert found[0].problem
    assert [next(iter(row.cells)) for row in found[1:]] == [
        f"{n}.example" for n in range(rows)
    ]


def test_limits_are_what_the_docs_say() -> None:
    """docs/cli.md names them."""
    docs = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
    for number in (lines.MAX_LINE, text.MAX_LINES, workbook.MAX_COLUMNS):
        assert f"{number:,}" in docs
    assert f"up to {upload.RESTART_S // 60} minutes" in docs
    assert upload.QUOTA_S == 3600
    assert "for an hour at most" in docs
