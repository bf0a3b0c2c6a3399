"""Findings: kept once each, with when first and last and how often."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from syncd.flows.ports import Finding
from syncd.messages import wire

_NO_INDEX = -1


@dataclass(frozen=True, slots=True)
class Row:
    """A finding as the database has it."""

    finding: Finding
    first_at: int  # unix seconds
    last_at: int  # unix seconds
    count: int


def record(
    connection: sa.Connection, findings: Iterable[Finding], now: int
) -> None:
    """Keep each finding; one that is known is counted, its detail renewed."""
    rows = [(f.code, f.origin, _index(f), _detail(f)) for f in findings]
    if rows:
        connection.exec_driver_sql(
            "INSERT INTO finding"
            " (code, origin, idx, detail, first_at, last_at, count)"
            " VALUES (?, ?, ?, ?, ?, ?, 1)"
            " ON CONFLICT (code, origin, idx) DO UPDATE SET"
            " detail = excluded.detail, last_at = excluded.last_at,"
            " count = finding.count + 1",
            [(*row, now, now) for row in rows],
        )


def news(
    connection: sa.Connection, findings: Iterable[Finding], since: int
) -> list[Finding]:
    """Return those, each once, that were not met since a time."""
    return [
        f
        for f in dict.fromkeys(findings)
        if connection.exec_driver_sql(
            "SELECT 1 FROM finding WHERE code = ? AND origin = ? AND idx = ?"
            " AND last_at >= ?",
            (f.code, f.origin, _index(f), since),
        ).fetchone()
        is None
    ]


def after(
    connection: sa.Connection, number: int, limit: int
) -> list[tuple[int, Finding]]:
    """Return findings above a row number, with theirs, in its order."""
    rows = connection.exec_driver_sql(
        "SELECT id, code, origin, idx, detail FROM finding WHERE id > ?"
        " ORDER BY id LIMIT ?",
        (number, limit),
    )
    return [(id_, _finding(*row)) for id_, *row in rows]


def newest(connection: sa.Connection, limit: int) -> list[Row]:
    """Return up to `limit` findings, the one met last first."""
    rows = connection.exec_driver_sql(
        "SELECT code, origin, idx, detail, first_at, last_at, count"
        " FROM finding ORDER BY last_at DESC, id DESC LIMIT ?",
        (limit,),
    )
    return [
        Row(_finding(*row), first_at, last_at, count)
        for *row, first_at, last_at, count in rows
    ]


def _index(finding: Finding) -> int:
    return _NO_INDEX if finding.index is None else finding.index


def _detail(finding: Finding) -> str:
    return msgspec.json.encode(wire.of(finding.detail)).decode()


def _finding(code: str, origin: str, idx: int, detail: str) -> Finding:
    index = None if idx == _NO_INDEX else idx
    return Finding(code, origin, index, wire.read(msgspec.json.decode(detail)))
