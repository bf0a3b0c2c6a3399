"""The service behind `/v1/access`, `/v1/appeals` and `/v1/calls`.

Reading who asked what is itself recorded, and so is the asking of a person
concerned. What such a person is told leaves no trace of what is left out:
not in a count, an id, an order or a gap.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from syncd.errors import MalformedError
from syncd.flows import sighting
from syncd.flows.appeal import Appeal
from syncd.flows.own_lists import plain_text
from syncd.flows.ports import Access, Position
from syncd.indicator import vocabulary
from syncd.indicator.identifier import Identifier
from syncd.indicator.statement import Report
from syncd.node.context import Context, part
from syncd.node.serve.lookups import Lookups
from syncd.node.serve.own_list_service import Overlay
from syncd.node.serve.shown import label, shown
from syncd.roster import terms
from syncd.store.access import SPAN_S
from syncd.store.bearer import Bearer
from syncd.store.calls import Call
from syncd.web.forms import LONGEST_REFERENCE, Items, Page, paged
from syncd.web.record_forms import (
    AboutCall,
    AboutItem,
    AccessFilter,
    AccessSum,
    AppealDraft,
    AppealFilter,
    AppealStep,
    CallNote,
    CallSum,
)
from syncd.web.report_forms import Kept
from syncd.web.routes import COMPLIANCE, EVERYBODY, READERS, Caller, route

TOLD = sighting.CONTACT | {"subject_access", "appeal", "test"}
# purposes of which the person concerned is told: never of an investigation,
# and not of who read what the alliance holds, which names listed ones
_EVER = 2**53  # unix seconds


@part
class AccessService:
    """Counts who asked what, tells whom it was about; appeals and calls."""

    ctx: Context
    lookups: Lookups

    @route("GET /v1/access", COMPLIANCE, "count who looked up what for")
    async def sums(
        self, caller: Caller, wanted: AccessFilter
    ) -> Items[AccessSum]:
        """Return how many look-ups there were; that too is recorded."""
        access, people = self.ctx.own.access, dict[str, str]()
        tokens = defaultdict[str, list[Bearer]](list)
        for token_ in await self.ctx.own.bearers.all():
            tokens[token_.name].append(token_)
            people[token_.staff] = token_.person
        lookups = Counter[tuple[str, ...]]()
        listed = Counter[tuple[str, ...]]()
        for at, name, what, n, hits in await access.sums(*self._span(wanted)):
            # A name may have been another's before.
            its = [t.staff for t in tokens[name] if t.added_at < at + SPAN_S]
            staff = its[-1] if its else ""
            by = "" if staff else name
            key = self.ctx.day_of(at), by, staff, staff and people[staff], what
            lookups[key] += n
            listed[key] += hits
        await access.record([Access(caller.name, "audit", "", None)])
        names = AccessSum.__struct_fields__
        rows = ((*key, n, listed[key]) for key, n in sorted(lookups.items()))
        items = [dict(zip(names, row, strict=True)) for row in rows]
        return msgspec.convert({"items": items}, Items[AccessSum])

    def _span(self, wanted: AccessFilter) -> tuple[int, int]:
        """Return when the days that are meant begin, and end."""
        begins = self.ctx.begins
        until = begins("until", wanted.until, 1) or _EVER
        return begins("since", wanted.since), until

    # ------------------------------------------------- the hot line

    @route("POST /v1/calls", READERS, "note what came of a call")
    async def note_call(self, caller: Caller, wanted: CallNote) -> Kept:
        """Keep what came of a call, once for its key."""
        for name, facet in (("label", "label"), ("notice", "action")):
            if code := getattr(wanted, name):
                vocabulary.check(name, facet, code)
        call = Call(
            *(caller.name, wanted.outcome, wanted.label),
            *(wanted.amount, wanted.notice),
        )
        return Kept(kept=await self.ctx.own.calls.add(call, wanted.key))

    @route("GET /v1/calls", EVERYBODY, "count what came of calls")
    async def calls(self, wanted: AccessFilter) -> Items[CallSum]:
        """Return calls and money by month, label, outcome and notice."""
        found = await self.ctx.own.calls.sums(
            *self._span(wanted), lambda at: self.ctx.day_of(at)[:7]
        )
        return msgspec.convert({"items": found}, Items[CallSum])

    # ------------------------------------------- the person concerned

    @route(
        "POST /v1/access/about",
        COMPLIANCE,
        "answer a person which look-ups were about a value",
    )
    async def about(
        self, caller: Caller, wanted: AboutCall
    ) -> Items[AboutItem]:
        """Return what a person may be told of look-ups; recorded.

        Raises:
            HoldersError: too few holders answer to find them.
        """
        plain_text("reference", wanted.reference, LONGEST_REFERENCE)
        keys = await self.lookups.tokens(wanted, "subject_access")
        forms, tokens = [*keys.values()], [short for *_, short in keys]
        if wanted.kind == "url":  # the others are of pages of others too
            forms, tokens = forms[:1], tokens[:1]
        found = [
            row
            async for row in self.ctx.own.access.found(tokens=tokens)
            if row.purpose in TOLD
            and (not row.positions or row.handling == "open")
        ]
        quiet = await self._quiet(
            sorted({p for row in found for p in row.positions or ()}), forms
        )
        asked = Access(
            *(caller.name, "subject_access", wanted.kind, None, tokens),
            reference=wanted.reference,
            handling="open",
        )
        await self.ctx.own.access.record([asked])
        return Items(
            items=tuple(
                shown(
                    AboutItem,
                    row,
                    on=self.ctx.day_of(row.at),
                    purpose=label("purpose", row.purpose),
                    listed=bool(row.positions),
                )
                for row in found
                if quiet.isdisjoint(row.positions or ())
            )
        )

    async def _quiet(
        self, positions: Sequence[Position], forms: Sequence[Identifier]
    ) -> set[Position]:
        """Return the positions of which nobody may be tipped off by now."""
        held = await self.lookups.claims.in_force_at(positions)
        overlay = Overlay(self.ctx.own.entries, await self.ctx.world())
        await overlay.read([forms])
        return {*overlay.quiet(forms)} | {
            position
            for position, claim in held.items()
            if isinstance(claim.statement, Report)
            and vocabulary.read("handling", claim.statement.handling) != "open"
        }

    # --------------------------------------------------------- appeals

    @route("GET /v1/appeals", READERS, "list measures to look at again")
    async def appeals(
        self, caller: Caller, wanted: AppealFilter
    ) -> Page[Appeal]:
        """Return appeals: all for compliance, their own for others."""
        found = await self.ctx.own.appeals.page(
            *(wanted.after, wanted.limit),
            by=_only(caller),
            waiting=wanted.open,
        )
        return paged(found, wanted.limit, found)

    @route("POST /v1/appeals", READERS, "enter an appeal", status=201)
    async def add(self, caller: Caller, wanted: AppealDraft) -> Page[Appeal]:
        """Keep an appeal that came in."""
        plain_text("reference", wanted.reference, LONGEST_REFERENCE)
        if measure := wanted.measure:
            vocabulary.check("measure", "action", measure, terms.ACTIONS)
        now = self.ctx.now()
        at = self.ctx.begins("received", wanted.received) or now
        if at > now:
            raise MalformedError(
                "received: {day} is after today", day=wanted.received
            )
        new = shown(
            Appeal, wanted, cause="person", by=caller.name, received_at=at
        )
        [number] = await self.ctx.own.appeals.add([new])
        return Page(items=(replace(new, id=number),))

    @route("POST /v1/appeals/{id}", READERS, "note what was done on an appeal")
    async def move(
        self, caller: Caller, id_: int, wanted: AppealStep
    ) -> Page[Appeal]:
        """Note a step."""
        plain_text("why", wanted.why, LONGEST_REFERENCE)
        done = await self.ctx.own.appeals.move(
            *(id_, wanted.step),
            by=caller.name,
            why=wanted.why,
            only=_only(caller),
        )
        return Page(items=(done,))


def _only(caller: Caller) -> str:
    """Return whose entries a caller sees, "" for everybody's."""
    return "" if caller.role == "compliance" else caller.name
