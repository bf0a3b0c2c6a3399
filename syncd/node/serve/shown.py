"""Fill the forms of the local API from what is kept."""

import functools
from collections import Counter
from collections.abc import Iterable
from typing import Any, TypeVar, get_args

import msgspec
from msgspec.structs import asdict

from syncd.errors import SyncdError
from syncd.flows.lookup import PURPOSES
from syncd.flows.own_lists import plain_text
from syncd.flows.ports import Access, VaultRow
from syncd.indicator import statement, vocabulary
from syncd.indicator.claims import Claim
from syncd.node.context import Context
from syncd.roster.roster import Roster
from syncd.web import forms, report_forms
from syncd.web import problem as problems
from syncd.web.routes import Caller

NUMBERS = {name: number for number, name in statement.NAMES.items()}

T = TypeVar("T", bound=msgspec.Struct)


def shown(form: type[T], *sources: object, **more: object) -> T:
    """Return a form with `more`, else what the first source has by a name."""
    given = dict(more)
    for source in sources:
        for name in form.__struct_fields__:
            if name not in given and hasattr(source, name):
                given[name] = getattr(source, name)
    return form(**given)


def taken(
    form: type[T], made: Iterable[object], kept: Iterable[msgspec.Struct]
) -> T:
    """Return what became of all, in order, with the count of each state.

    `made` has an error where one is refused; `kept` is what became of the
    others.
    """
    fields = {f.name: f.type for f in msgspec.structs.fields(form)}
    item, came = get_args(fields["items"])[0], iter(kept)
    items = tuple(
        item(state="refused", problem=problems.of(one))
        if isinstance(one, SyncdError)
        else item(**asdict(next(came)))
        for one in made
    )
    count = Counter(one.state for one in items)
    return form(**{name: count[name] for name in fields} | {"items": items})


@functools.lru_cache(4096)
def label(facet: str, code: str) -> forms.Label:
    """Return a code with its names."""
    zh, en = (vocabulary.label(facet, code, words) for words in ("zh", "en"))
    return forms.Label(code=code, zh=zh, en=en)


def day_text(number: int | None) -> str:
    """Return a day as it is shown, "" for none."""
    return "" if number is None else statement.day_text(number)


def claim_items(
    roster: Roster, claims: Iterable[tuple[Claim, int | None, int | None]]
) -> tuple[forms.ClaimItem, ...]:
    """Return claims as callers get them, by their positions.

    Each with the index of the retract that ended it, and its day.
    """
    return tuple(
        shown(
            forms.ClaimItem,
            claim.statement,
            position=claim.position,
            type=statement.NAMES[statement.type_of(claim.statement)],
            member=roster.owner(claim.origin),
            ended_by=by,
            ended_on=day_text(day),
        )
        for claim, by, day in sorted(claims, key=lambda c: c[0].position)
    )


async def unmasked(
    ctx: Context, caller: Caller, wanted: report_forms.ValueCall, row: Any
) -> report_forms.VaultValue:
    """Return the value of a row, entry or draft; recorded like a look-up.

    Raises:
        MalformedError: a purpose or reference that cannot be.
    """
    vocabulary.check("purpose", "purpose", wanted.purpose, PURPOSES)
    plain_text("reference", wanted.reference, forms.LONGEST_REFERENCE)
    position, short = (getattr(row, n, None) for n in ("position", "token"))
    seen = Access(
        *(caller.name, wanted.purpose, getattr(row, "kind", "phone")),
        [position] if position else (),
        [short] if short else (),
        wanted.reference,
        handling=getattr(getattr(row, "fields", row), "handling", "")
        or "open",
    )
    await ctx.own.access.record([seen])
    return report_forms.VaultValue(value=row.value)


def vault_item(row: VaultRow) -> report_forms.VaultItem:
    """Return a row as callers get it."""
    reason = row.reason or getattr(row.fields, "reason", "")
    return shown(
        report_forms.VaultItem,
        row.fields,
        row,
        type=statement.NAMES[row.type],
        state=row.state.name.lower(),
        reason=reason,
    )
