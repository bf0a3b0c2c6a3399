"""The service behind `/v1/own`: our own lists, laid over every answer."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, repeat
from typing import Any, TypeVar

import msgspec

from syncd.errors import MalformedError, RefusedError, SyncdError
from syncd.flows import own_lists, report
from syncd.flows.entry import EXEMPT, LOCAL, Entry, Filter, NewEntry
from syncd.flows.judge import Answer, World
from syncd.flows.ports import Access, Position
from syncd.flows.report import Rules
from syncd.flows.review import Change
from syncd.indicator import active, identifier, vocabulary
from syncd.indicator.identifier import KINDS, Identifier
from syncd.node.context import Context, part
from syncd.node.serve.review_service import LISTED, Review, drafted
from syncd.node.serve.shown import day_text, label, shown, taken
from syncd.store.own_entries import OwnEntries
from syncd.web import forms
from syncd.web import own_list_forms as own_forms
from syncd.web.own_list_forms import OwnAdd, OwnLocal
from syncd.web.routes import HANDED_IN, OPERATORS, Caller, route

T = TypeVar("T", bound=msgspec.Struct)
HERE = "own"  # in access records: the id behind it is of an entry of ours


@dataclass
class Overlay:
    """What our own lists say of the items of one look-up."""

    entries: OwnEntries
    world: World
    _found: Mapping[Identifier, Sequence[Entry]] = field(default_factory=dict)

    async def read(self, tried: Iterable[Sequence[Identifier]]) -> None:
        """Read what there is on all forms that were tried."""
        wanted = {*chain.from_iterable(tried)}
        self._found = await self.entries.find(wanted, self.world.day)

    def added(self, access: Access) -> Access:
        """Return an access with what of our lists its answer rests on."""
        found = [(HERE, entry.id) for entry in self._local(access.forms)]
        doubts = self.world.distrusted
        origins = {origin for origin, _ in access.positions or ()}
        found += {(HERE, doubts[one].id) for one in origins & doubts.keys()}
        if not found:
            return access
        return msgspec.structs.replace(
            access,
            positions=[*(access.positions or ()), *found],
            handling="no_tip_off"
            if self.quiet(access.forms)
            else access.handling,
        )

    def quiet(self, tried: Sequence[Identifier]) -> list[Position]:
        """Return those entries of which nobody may be tipped off."""
        return [
            (HERE, entry.id)
            for entry in self._local(tried)
            if vocabulary.read("handling", entry.fields.handling) != "open"
        ]

    def _local(self, tried: Sequence[Identifier]) -> Iterator[Entry]:
        for form in tried:
            for entry in self._found.get(form, ()):
                if entry.type == LOCAL:
                    yield entry

    def over(self, answer: Answer) -> forms.Ours | None:
        """Return what is said beside an answer, None for nothing."""
        if not self._found or answer.verdict is None:
            return None
        ours = own_lists.over(
            answer.verdict,
            answer.level,
            answer.forms,
            self._found,
            self.world.roster.policy,
        )
        return ours and shown(
            forms.Ours,
            ours,
            exempt=ours.exempt and _mark(ours.exempt),
            notes=tuple(map(_mark, ours.notes)),
            local=tuple(map(_mark, ours.local)),
        )


@part
class OwnListService:
    """Keeps our own lists."""

    ctx: Context
    lookups: Any  # `Lookups`: ask the alliance, recorded as any is
    rules: Callable[[], Rules]  # what values are checked against just now
    review: Review  # holds what a second person is to see

    @route("POST /v1/own/entries", HANDED_IN, "add exempt entries and notes")
    async def add(self, caller: Caller, wanted: OwnAdd) -> own_forms.OwnTaken:
        """Keep exempt entries or notes; durable on return.

        An exempt entry on what an official report lists is marked. Without a
        reason it is refused, and so is one of which nobody can say just now
        whether an official report lists it.
        """
        made: list[NewEntry | SyncdError] = await self.ctx.offload(
            report.each,
            partial(own_lists.entry, wanted.type),
            wanted.entries,
            self.rules(),
        )
        body, said = drafted(wanted, "entries", made)
        await self.review.ask_of_own(
            caller, "POST /v1/own/entries", body, said
        )
        each = zip(wanted.entries, made, strict=True)
        asked = [
            shown(forms.Item, draft)
            for draft, one in each
            if wanted.type == EXEMPT and isinstance(one, NewEntry)
        ]
        if asked:
            call = forms.LookupCall(purpose="appeal", items=(*asked,))
            found = iter((await self.lookups.lookup(caller, call)).items)
            made = [
                _seen(one, next(found)) if isinstance(one, NewEntry) else one
                for one in made
            ]
        return await self._keep(made, caller, None)

    @route("POST /v1/own/local", HANDED_IN, "add rows to a local list")
    async def add_local(
        self, caller: Caller, wanted: OwnLocal
    ) -> own_forms.OwnTaken:
        """Keep rows of a list of our own; durable on return."""
        name = own_lists.list_name(wanted.list)
        # Another sector's evidence is no claim of ours here: it goes nowhere.
        context = msgspec.structs.replace(self.rules(), member="", checked={})
        prepared = await self.ctx.offload(
            report.each, report.prepare, wanted.reports, context
        )
        made = [
            one if isinstance(one, SyncdError) else own_lists.local(one, name)
            for one in prepared
        ]
        body, said = drafted(wanted, "reports", made)
        call, load = "POST /v1/own/local", wanted.load
        if body.reports and await self.review.ask_of_own(
            caller, call, body, said, load, more=True
        ):
            wait = own_forms.OwnOutcome(state="pending")
            return taken(own_forms.OwnTaken, made, repeat(wait))
        if load:
            bad = [
                draft
                for draft, one in zip(wanted.reports, made, strict=True)
                if isinstance(draft, forms.Draft)
                and isinstance(one, SyncdError)
            ]
            there = await self.ctx.offload(
                _seen_of, [*bad, *wanted.refused], context.region
            )
            await self.ctx.own.entries.touch(name, there, load)
        return await self._keep(made, caller, load or None)

    async def _keep(
        self,
        made: Sequence[NewEntry | SyncdError],
        caller: Caller,
        load: int | None,
    ) -> own_forms.OwnTaken:
        good = [one for one in made if isinstance(one, NewEntry)]
        kept = await self.ctx.own.entries.add(good, caller.name, load)
        outcomes = (
            shown(own_forms.OwnOutcome, outcome, entry.fields)
            for entry, outcome in zip(good, kept, strict=True)
        )
        return taken(own_forms.OwnTaken, made, outcomes)

    @route("POST /v1/own/loads", OPERATORS, "begin a load of a local list")
    async def begin_load(
        self, caller: Caller, wanted: own_forms.OwnLoadBegin
    ) -> own_forms.OwnLoad:
        """Begin to read a list of our own anew."""
        name = own_lists.list_name(wanted.list)
        load, there = await self.ctx.own.entries.begin_load(name)
        await self.review.book.lapse(f"{load}/{name}/{caller.id}")
        return own_forms.OwnLoad(load=load, entries=there)

    @route("POST /v1/own/removals", HANDED_IN, "remove our own entries")
    async def remove(
        self, caller: Caller, wanted: own_forms.OwnRemoval
    ) -> own_forms.OwnRemoved:
        """End entries; what they said stays as history."""
        if sum(map(bool, (wanted.ids, wanted.value, wanted.list))) != 1:
            raise MalformedError("removal: want one of ids, value, list")
        why = own_lists.plain_text("why", wanted.why)
        entries, ids = self.ctx.own.entries, list(wanted.ids)
        name, load, left = wanted.list, wanted.load, 0
        if wanted.value:
            found = wanted.read(identifier.for_retract, self.rules().region)
            there = await entries.find({*found}, 0)
            ids = [e.id for some in there.values() for e in some]
        if name:
            if not load:
                some = Filter(list=name, limit=LISTED)
                ids = [entry.id for entry in await entries.page(some)]
            _, n = await entries.begin_load(name)
            ends = Change("replaced" if load else LOCAL, "", "", -n)
        else:
            ends = Change(wanted.type, wanted.kind, "", -len(ids))
        call = "POST /v1/own/removals"
        await self.review.ask_of_own(caller, call, wanted, [ends], load, ids)
        if name:
            n, left = await entries.remove_list(
                *(name, caller.name, why or ("list_dropped" if load else "")),
                load=load or None,
                most=wanted.gone_at_most,
            )
        else:
            n = await entries.remove(ids, wanted.type, caller.name, why)
        return own_forms.OwnRemoved(removed=n, entries=left)

    @route(
        "GET /v1/own/entries",
        OPERATORS,
        "list our own entries with their values",
    )
    async def page(self, wanted: Filter) -> forms.Page[own_forms.OwnItem]:
        """Return entries, with their values."""
        found = await self.ctx.own.entries.page(wanted)
        items = (_item(entry, self.ctx.day) for entry in found)
        return forms.paged(found, wanted.limit, items)


# ------------------------------------------------------------------ pieces


def _seen(entry: NewEntry, answer: forms.LookupItem) -> NewEntry | SyncdError:
    """Return an exempt entry with what was known when it was made."""
    local = answer.ours.local if answer.ours else ()
    official = "official_report" in answer.reasons or any(
        one.evidence in active.OFFICIAL for one in local
    )
    if not entry.fields.why:
        if official:
            return RefusedError(
                "exempt: an official report lists it, so why is needed"
            )
        if answer.verdict in ("", "unknown"):
            return RefusedError(
                "exempt: whether an official report lists it cannot be said"
                " now, so why is needed"
            )
    fields = msgspec.structs.replace(entry.fields, official=official)
    return msgspec.structs.replace(entry, fields=fields)


def _seen_of(
    rows: Sequence[forms.Draft | own_forms.OwnSeen], region: str
) -> set[Identifier]:
    """Return what refused rows may be of: it is on the list still."""
    found = set[Identifier]()
    for row in rows:
        with contextlib.suppress(SyncdError):
            found.update(
                report.forms_to_find(
                    row.kind if row.kind in KINDS else "",
                    row.value,
                    region=row.region or region,
                    scheme=row.scheme,
                )
            )
    return found


def _form_of(entry: Entry, form: type[T], **more: object) -> T:
    """Return of an entry, and of what it says, what a form shows."""
    expires = day_text(entry.until)
    return shown(form, entry.fields, entry, expires=expires, **more)


def _mark(entry: Entry) -> forms.OwnMark:
    labels = {
        facet: label(facet, code) if code else None
        for facet in ("label", "role")
        for code in (getattr(entry.fields, facet),)
    }
    return _form_of(entry, forms.OwnMark, **labels)


def _item(entry: Entry, today: int) -> own_forms.OwnItem:
    state = "stands"
    if entry.removed_at is not None:
        state = "ended"
    elif entry.until is not None and entry.until <= today:
        state = "expired"
    return _form_of(entry, own_forms.OwnItem, state=state)
