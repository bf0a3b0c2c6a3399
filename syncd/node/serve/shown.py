"""Fill the forms of the local API from what is kept."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, get_args

import msgspec
from msgspec.structs import asdict

from syncd.errors import SyncdError
from syncd.indicator import statement, token, vocabulary
from syncd.store.imports import ImportState
from syncd.store.vault import Accepted, HeldBack, Known, VaultRow
from syncd.web import forms, report_forms
from syncd.web import problem as problems

TYPES = {
    1: "report",
    2: "retract",
    3: "dispute",
    5: "reassigned",
    6: "answer",
    7: "vouch",
}
NUMBERS = {name: number for number, name in TYPES.items()}

T = TypeVar("T", bound=msgspec.Struct)
Outcome = Accepted | Known | HeldBack


def shown(form: type[T], *sources: object, **more: object) -> T:
    """Return a form with `more`, else what the first source has by a name."""
    given = dict(more)
    for source in sources:
        for field in msgspec.structs.fields(form):
            if field.name not in given and hasattr(source, field.name):
                given[field.name] = getattr(source, field.name)
    return form(**given)


def taken(form: type[T], made: Iterable[object], kept: Iterable[Any]) -> T:
    """Return what became of all, in order, with the count of each state.

    `made` has an error where one is refused; `kept` shows the others.
    """
    fields = {f.name: f.type for f in msgspec.structs.fields(form)}
    item, came = get_args(fields["items"])[0], iter(kept)
    items = tuple(
        item(state="refused", problem=problems.of(one))
        if isinstance(one, SyncdError)
        else next(came)
        for one in made
    )
    count = Counter(one.state for one in items)
    return form(**{name: count[name] for name in fields} | {"items": items})


def label(facet: str, code: str) -> forms.Label:
    """Return a code with its names."""
    zh, en = (vocabulary.label(facet, code, words) for words in ("zh", "en"))
    return forms.Label(code=code, zh=zh, en=en)


def day_text(number: int | None) -> str:
    """Return a day as it is shown, "" for none."""
    return "" if number is None else statement.day_text(number)


def outcome(
    came: Outcome, notices: tuple[str, ...], before: Mapping[int, str]
) -> report_forms.ReportOutcome:
    """Return what became of a report; `before`: who else took it back, by id."""
    match came:
        case Accepted(id_):
            return report_forms.ReportOutcome(
                state="accepted",
                id=id_,
                elsewhere=before.get(id_, ""),
                notices=notices,
            )
        case Known(id_):
            return report_forms.ReportOutcome(
                state="known", id=id_, notices=notices
            )
        case HeldBack(id_, reason, on):
            return report_forms.ReportOutcome(
                state="taken_back", id=id_, reason=reason, on=on
            )


def status(state: ImportState) -> report_forms.ImportStatus:
    """Return an import as callers get it."""
    return shown(
        report_forms.ImportStatus,
        state,
        by=state.caller,
        prefix=state.prefix.hex(),
        finished=state.finished_at is not None,
    )


def vault_item(row: VaultRow) -> report_forms.VaultItem:
    """Return a row as callers get it."""
    by_token = not row.value and row.token is not None
    fields = asdict(row.fields)
    return report_forms.VaultItem(
        **{**fields, "reason": row.reason or fields.get("reason", "")},
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
    details: Any = None
    if extras.startswith(b'{"again":'):
        details = msgspec.json.decode(extras)
    return str(details["again"]) if isinstance(details, Mapping) else ""


def cells(raw: bytes) -> tuple[str, ...]:
    """Return the cells of a refused row, if they were sent."""
    return msgspec.json.decode(raw, type=tuple[str, ...]) if raw else ()


def problem(raw: bytes) -> forms.Problem:
    """Return why a row was refused.

    One kept before messages had codes has its words alone.
    """
    stored: Any = msgspec.json.decode(raw)
    for one in (stored, *stored.get("errors", ())):
        if "template" in one or "advice" in one:
            for name in ("template", "advice", "params"):
                one.pop(name, None)
    return msgspec.convert(stored, forms.Problem)
