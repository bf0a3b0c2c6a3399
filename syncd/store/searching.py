"""Search the vault.

Labels and days stand in the public fields, which many rows share: so each
distinct one is judged once.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from syncd.flows.ports import State
from syncd.store import sealing
from syncd.store.sealing import Cipher


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
    """Return the conditions of a query, and their values."""
    macs = [sealing.mac(cipher, "value", k, v) for k, v in wanted.values]
    states = [int(state) for state in wanted.states]
    first, last = wanted.accepted
    seen_from, seen_to = wanted.seen
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
        (_said("label", "= ?"), [wanted.label] if wanted.label else []),
        (_said("seen", ">= ?"), [seen_from] if seen_from else []),
        (_said("seen", "BETWEEN '0' AND ?"), [seen_to] if seen_to else []),
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


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values)) or "NULL"


def _said(name: str, test: str) -> str:
    """Return the condition that a public field passes a test."""
    return (
        "fields_id IN (SELECT id FROM vault_fields"  # noqa: S608
        f" WHERE json_extract(CAST(fields AS TEXT), '$.{name}') {test})"
    )
