"""Find what other members took back, and why, by token."""

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa

from syncd.errors import MalformedError
from syncd.indicator import claims, codec, statement
from syncd.indicator.statement import Retract
from syncd.store import bundles
from syncd.store.database import select_in
from syncd.tlog.merkle import BUNDLE


def find(
    c: sa.Connection,
    tokens: Sequence[bytes],
    key: tuple[int, int],
    reasons: Collection[str],
    ours: Collection[str],
) -> Mapping[bytes, tuple[str, str]]:
    """Return origin and reason for each token that somebody took back.

    Args:
        c: of mirror.db.
        tokens: 16 bytes each.
        key: kind and epoch that they are of.
        reasons: of a retract, that matter.
        ours: origins of our own logs, which do not.
    """
    rows = select_in(
        c,
        "SELECT token, origin, log_id, ended_by"
        " FROM claim JOIN log ON id = log_id"
        " WHERE kind_epoch = ? AND ended_by IS NOT NULL"
        " AND substr(record, 1, 1) = x'01' AND token IN (?*)",
        list(dict.fromkeys(tokens)),
        claims.key(*key),
    )
    found: dict[bytes, tuple[str, str]] = {}
    read: dict[tuple[int, int], str] = {}  # one retract names many
    for token, origin, log_id, by in sorted(rows, key=lambda row: row[2:]):
        if origin in ours:
            continue
        if (log_id, by) not in read:
            read[log_id, by] = _reason(c, log_id, by)
        if read[log_id, by] in reasons:
            found[token] = (origin, read[log_id, by])
    return found


def _reason(c: sa.Connection, log_id: int, index: int) -> str:
    """Return why a retract says it was written, "" if it does not any more."""
    bundle = bundles.get(c, log_id, index // BUNDLE)
    if bundle is None or index % BUNDLE >= bundle.width:
        return ""
    try:
        content = statement.decode(codec.payload_at(bundle, index % BUNDLE), 2)
    except MalformedError:  # erased
        return ""
    return content.reason if isinstance(content, Retract) else ""
