"""Findings: kept once each, with when first and last and how often."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, select

from syncd.flows.ports import Finding
from syncd.messages import wire
from syncd.store.portable import upsert
from syncd.store.tables import finding

_NO_INDEX = -1
_KEY = finding.c.code, finding.c.origin, finding.c.idx
_ONCE = ("code", "origin", "idx")
_RECORD = upsert(finding, "detail", "last_at", added=("count",), once=_ONCE)


class Row(msgspec.Struct, frozen=True):
    """A finding as the database has it."""

    finding: Finding
    first_at: int  # unix seconds
    last_at: int  # unix seconds
    count: int


def record(c: Connection, findings: Iterable[Finding], now: int) -> None:
    """Keep each finding; one that is known is counted, its detail renewed."""
    for f in findings:
        detail = msgspec.json.encode(wire.of(f.detail)).decode()
        row = {**_key(f), "detail": detail, "count": 1}
        c.execute(_RECORD, {**row, "first_at": now, "last_at": now})


def news(c: Connection, some: Iterable[Finding], since: int) -> list[Finding]:
    """Return those, each once, that were not met since a time."""
    lately = select(finding.c.id).where(finding.c.last_at >= since)
    return [
        f
        for f in dict.fromkeys(some)
        if c.scalar(lately.filter_by(**_key(f))) is None
    ]


def after(c: Connection, number: int, limit: int) -> list[tuple[int, Finding]]:
    """Return findings above a row number, with theirs, in its order."""
    rows = c.execute(
        select(finding.c.id, *_KEY, finding.c.detail)
        .where(finding.c.id > number)
        .order_by("id")
        .limit(limit)
    )
    return [(id_, _finding(*row)) for id_, *row in rows]


def newest(c: Connection, limit: int = 1000) -> list[Row]:
    """Return up to `limit` findings, the one met last first."""
    at = finding.c
    rows = c.execute(
        select(*_KEY, at.detail, at.first_at, at.last_at, at.count)
        .order_by(at.last_at.desc(), at.id.desc())
        .limit(limit)
    )
    return [Row(_finding(*row[:4]), *row[4:]) for row in rows]


def _key(f: Finding) -> dict[str, str | int]:
    idx = _NO_INDEX if f.index is None else f.index
    return {"code": f.code, "origin": f.origin, "idx": idx}


def _finding(code: str, origin: str, idx: int, detail: str) -> Finding:
    index = None if idx == _NO_INDEX else idx
    return Finding(code, origin, index, wire.read(msgspec.json.decode(detail)))
