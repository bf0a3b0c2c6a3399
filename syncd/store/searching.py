"""Search the vault.

The database judges what it has columns for; labels and days stand in the
public fields, which many rows share.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import msgspec

from syncd.store import sealing
from syncd.store.sealing import Cipher
from syncd.store.vault_state import State


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows of the vault are meant; what is empty does not matter."""

    before: int = 0  # smaller ids only
    limit: int = 100
    states: Collection[State] = ()
    kind: str = ""
    values: Sequence[tuple[str, str]] = field(default=(), repr=False)
    label: str = ""
    caller: str = ""
    import_id: int = 0
    list_id: int = 0
    seen: tuple[str, str] = ("", "")  # days, from and to
    accepted: tuple[int, int] = (0, 0)  # unix seconds, from and before
    type: int = 0  # of the statement


def where(cipher: Cipher, wanted: Query) -> tuple[str, list[object]]:
    """Return what of a query the database judges."""
    macs = [sealing.value_mac(cipher, k, v) for k, v in wanted.values]
    states = [int(state) for state in wanted.states]
    first, last = wanted.accepted
    parts: list[tuple[str, Sequence[object]]] = [
        ("vault.id < ?", [wanted.before] if wanted.before else []),
        (f"state IN ({_marks(states)})", states),
        ("vault.type = ?", [wanted.type] if wanted.type else []),
        ("vault.kind = ?", [wanted.kind] if wanted.kind else []),
        ("caller = ?", [wanted.caller] if wanted.caller else []),
        ("import_id = ?", [wanted.import_id] if wanted.import_id else []),
        (
            "EXISTS (SELECT 1 FROM list_value WHERE list_id = ?"
            " AND mac = vault.value_mac)",
            [wanted.list_id] if wanted.list_id else [],
        ),
        ("accepted_at >= ?", [first] if first else []),
        ("accepted_at < ?", [last] if last else []),
        (
            "vault.id IN (SELECT vault_id FROM vault_value"  # noqa: S608
            f" WHERE mac IN ({_marks(macs)}))",
            [mac[:8] for mac in macs],
        ),
        (f"value_mac IN ({_marks(macs)})", macs),
    ]
    asked = [(sql, values) for sql, values in parts if values]
    text = " AND ".join(sql for sql, _ in asked) or "vault.id > 0"
    return text, [v for _, values in asked for v in values]


def matches(fields: bytes, wanted: Query) -> bool:
    """Tell whether the public fields of a row are what is asked for."""
    first, last = wanted.seen
    if not (wanted.label or first or last):
        return True
    found = msgspec.json.decode(fields)
    seen = found.get("seen", "")
    return (
        (not wanted.label or wanted.label == found.get("label"))
        and (not first or first <= seen)
        and (not last or "" < seen <= last)
    )


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values)) or "NULL"
