"""The service behind certificates and disclosures: papers on one value.

One is for the person concerned, the other for a court; whoever gets them
need not ask us again to check them.
"""

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Any

from syncd import canonical
from syncd.audit.disclosure import Disclosed, Disclosure
from syncd.audit.known import Keys, cosigners
from syncd.errors import MissingError, SyncdError
from syncd.flows.draft import RawValue
from syncd.flows.ports import Position, State
from syncd.flows.review import Change
from syncd.flows.serve import LogFiles
from syncd.indicator import identifier, token
from syncd.indicator.claims import key as claim_key
from syncd.indicator.vocabulary import read
from syncd.node.context import Context, part
from syncd.node.follow.peers import Peers
from syncd.node.serve.log_service import LogService, prove
from syncd.node.serve.shown import claim_items, shown
from syncd.store.vault import Query
from syncd.tlog import checkpoint, note, proof
from syncd.tlog.merkle import BUNDLE
from syncd.web.forms import Item
from syncd.web.record_forms import Certificate, EndedListing
from syncd.web.routes import COMPLIANCE, HANDED_IN, OPERATORS, Caller, route

Ended = tuple[str, int, str]  # its log, the index of what ended it, the day


@part
class ValuePapers:
    """Says to others what was and is said of one value."""

    ctx: Context
    log_service: LogService
    peers: Peers

    # -------------------------------------------------------- a certificate

    @route("POST /v1/certificates", HANDED_IN, "certify that a listing ended")
    async def certify(self, caller: Caller, wanted: Item) -> Certificate:
        """Return what can be shown, for a day once a second person agreed.

        It goes to the person concerned: whatever is against it is refused as
        what never was listed.

        Raises:
            MissingError: nothing was listed, or it must not be told.
        """
        ended = await self._ended(caller, wanted)
        if not ended:
            raise MissingError("certificate: nothing of that was listed")
        held = await self.log_service.review.agreed(
            *(caller, "POST /v1/certificates", wanted),
            Change("certificate", wanted.kind, "", 1),
        )
        return shown(
            Certificate,
            *(held, self.ctx.roster),
            number=f"{self.ctx.day_of(held.at)}-{held.id}",
            as_of=self.ctx.now(),
            items=tuple([await self._followed(*one) for one in ended]),
        )

    async def _ended(self, caller: Caller, wanted: Item) -> list[Ended]:
        """Return where each listing was, what ended it, and on which day.

        None while a report stands, or where one asks for silence or did.
        """
        ctx, kind, lookups = self.ctx, wanted.kind, self.log_service.lookups
        # What cannot be read costs nothing.
        wanted.read(identifier.for_lookup, ctx.config.member.region)
        lookups.budgets.spend(caller, Counter([kind]), Counter())
        tried = await lookups.tokens(wanted, "audit")
        await lookups.audited(caller, [*tried], ())
        claims = [
            one
            for _, epoch, short in tried
            for one in await ctx.mirror.all_claims(
                short, claim_key(token.KIND_CODES[kind], epoch)
            )
        ]
        items = claim_items(ctx.roster, claims)
        found = [one for one in items if one.type == "report"]
        values = [(form.kind, form.value) for form in tried.values()]
        rows = await ctx.own.vault.page(Query(values=values, type=1))
        erased = (row.ended_by for row in rows if not row.position)
        said: list[Any] = [*found, *(row.fields for row in rows)]
        if (
            any(row.state < State.PUBLISHED for row in rows)
            or any(not r.ended_by and ctx.today() < r.expires for r in found)
            or any(read("handling", r.handling) != "open" for r in said)
        ):
            return []
        return [
            (r.position[0], r.ended_by, r.ended_on)
            for r in found
            if r.ended_by
        ] + [(*at, "") for at in erased if at]

    async def _followed(self, origin: str, by: int, day: str) -> EndedListing:
        """Return who has shown that it merged what ended a listing."""
        head, log, _ = await self.log_service.open_(origin, by)
        roster, ours = self.ctx.roster, origin == self.ctx.origin
        lines = [
            (line.at, line.member)
            for line in head["cosigned"]
            if line.key.endswith("/merged")
        ]
        told = () if ours else await self._told(log, by)
        had = {who: at for at, who in sorted((*lines, *told), reverse=True)}
        author = roster.known(head["member"])
        others = (one for one in roster.active() if one != author)
        rest = sorted((one.sector, had.get(one.id, 0)) for one in others)
        return EndedListing(
            sector=author.sector,
            ended=day,
            size=head["size"],
            followed=tuple(rest),
        )

    async def _told(self, log: LogFiles, by: int) -> list[tuple[int, str]]:
        """Return when who had merged an entry of another's log, as others say.

        Its author has others' first receipts, and each member its newest.
        """
        n, at = divmod(by, BUNDLE)
        entry, *_ = (await self.log_service.records(log, n))[at]
        roster = self.ctx.roster
        _, generation = Keys([roster]).log(log.origin)
        keys = dict.fromkeys([generation.log, *cosigners(roster)], "")
        keys |= {member.keys.merged: member.id for member in roster.members}
        clients = map(self.peers.get, self.ctx.others)
        asked = [one.files(log.origin, ["notes/0"]) for one in clients]
        found = []
        for answer in await asyncio.gather(*asked, return_exceptions=True):
            with suppress(SyncdError):
                if isinstance(answer, BaseException):
                    raise answer
                for text in canonical.load(answer[0], list[str]):
                    if by < checkpoint.size_of(text.encode()) <= log.size:
                        proven = await prove(log, by, text.encode())
                        signed = proof.check(proven, by, entry)
                        found += [
                            (int.from_bytes(line.body[:8]), keys[key])
                            for key, line in note.verify(signed, keys)
                            if keys[key]
                        ]
        return found

    # -------------------------------------------------------- for a court

    @route(
        "POST /v1/audit/disclosures",
        OPERATORS | COMPLIANCE,
        "disclose what is said of a value, with its proofs",
    )
    async def disclose(self, caller: Caller, wanted: RawValue) -> Disclosure:
        """Return all that is said of a value, as far as merged; recorded.

        Raises:
            HoldersError: too few holders answer to prove its token.
        """
        ctx, lookups = self.ctx, self.log_service.lookups
        roster = ctx.roster
        asking = lookups.tokeniser
        one, *_ = wanted.read(identifier.for_retract, ctx.config.member.region)
        lookups.budgets.spend(caller, Counter([one.kind]), Counter())
        evaluations, tokens, places = [], [], set[Position]()
        for epoch in roster.epochs:
            if epoch.kind != one.kind or epoch.retired:
                continue
            output = token.url_output(one)
            if one.kind != "url":
                until = asking.clock() + 10  # nobody is on the line
                its = await asking.batch(epoch, [one], "audit", until)
                output = its[0][one]
                evaluations.append(its[1])
            short = token.token(output)
            tokens.append((one.kind, short))
            key = claim_key(token.KIND_CODES[one.kind], epoch.epoch)
            for claim, by, _ in await ctx.mirror.all_claims(short, key):
                places |= {claim.position, (claim.origin, by or claim.index)}
        found = [await self._disclosed(*place) for place in sorted(places)]
        await lookups.audited(caller, tokens, sorted(places) or None)
        notes = ctx.home.rosters.notes()[: roster.version]
        return Disclosure(
            at=ctx.now(),
            by=ctx.me,
            kind=one.kind,
            value=one.value,
            rosters=tuple(raw.decode() for raw in notes),
            evaluations=tuple(evaluations),
            entries=tuple(x for x in found if x.salt and x.proofs),
        )

    async def _disclosed(self, origin: str, index: int) -> Disclosed:
        """Return an entry with a proof for each note that has it."""
        logs, (n, at) = self.log_service, divmod(index, BUNDLE)
        _, log, notes = await logs.open_(origin, index)
        record = (await logs.records(log, n))[at]
        proofs = [
            await prove(log, index, raw)
            for raw in dict.fromkeys(notes)
            if index < checkpoint.size_of(raw) <= log.size
        ]
        return Disclosed(origin, index, *record, tuple(proofs))
