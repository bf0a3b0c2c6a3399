"""What was handed in, as the vault takes it and as callers get it back."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import asdict

from syncd.indicator import token
from syncd.store.imports import ImportState
from syncd.store.vault import Accepted, Held, Known, VaultRow
from syncd.web import forms, import_forms

TYPES = {1: "report", 3: "dispute", 5: "reassigned", 6: "answer", 7: "vouch"}

Outcome = Accepted | Known | Held


def outcome(
    came: Outcome, notices: tuple[str, ...], told: Mapping[int, str]
) -> forms.ReportOutcome:
    """Return what became of a report; `told`: who else took it back, by id."""
    match came:
        case Accepted(id_):
            return forms.ReportOutcome(
                state="accepted",
                id=id_,
                elsewhere=told.get(id_, ""),
                notices=notices,
            )
        case Known(id_):
            return forms.ReportOutcome(state="known", id=id_, notices=notices)
        case Held(id_, reason, on):
            return forms.ReportOutcome(
                state="taken_back", id=id_, reason=reason, on=on
            )


def all_of(
    items: tuple[forms.ReportOutcome, ...], count: Mapping[str, int]
) -> forms.ReportsTaken:
    """Return what became of all, with the count of each state."""
    return forms.ReportsTaken(
        items=items,
        accepted=count.get("accepted", 0),
        known=count.get("known", 0),
        taken_back=count.get("taken_back", 0),
        refused=count.get("refused", 0),
    )


def status(state: ImportState) -> import_forms.ImportStatus:
    """Return an import as callers get it."""
    return import_forms.ImportStatus(
        **{
            name: getattr(state, name)
            for name in (
                *("id", "list", "name", "began_at", "finished_at", "size"),
                *("offset", "row", "accepted", "known", "taken_back"),
                *("refused", "elsewhere", "gone", "due", "dropped"),
            )
        },
        finished=state.finished_at is not None,
        by=state.caller,
        prefix=state.prefix.hex(),
    )


def vault_item(row: VaultRow) -> forms.VaultItem:
    """Return a row as callers get it."""
    by_token = not row.value and row.token is not None
    said = asdict(row.said)
    return forms.VaultItem(
        **{**said, "reason": row.reason or said.get("reason", "")},
        id=row.id,
        type=TYPES[row.type],
        kind=row.kind,
        value=row.value,
        token=token.encode(row.token or b"") if by_token else "",
        epoch=(row.epoch or 0) if by_token else 0,
        state=row.state.name.lower(),
        position=None if row.index is None else (row.origin, row.index),
        ended_by=None
        if row.ended_index is None
        else (row.origin, row.ended_index),
        accepted_at=row.accepted_at,
        import_id=row.import_id,
        by=row.caller,
        again=_again(row.extras),
        elsewhere=row.elsewhere,
        urgent=row.urgent,
    )


def _again(extras: bytes) -> str:
    """Return why a row was reported though it was taken back, or ""."""
    said: Any = None
    if extras.startswith(b'{"again":'):
        said = msgspec.json.decode(extras)
    return str(said["again"]) if isinstance(said, Mapping) else ""


def cells(raw: bytes) -> tuple[str, ...]:
    """Return the cells of a refused row, if they were told."""
    return msgspec.json.decode(raw, type=tuple[str, ...]) if raw else ()
