"""The service behind `/v1/certificates`: that a listing has ended.

The sheet goes to the person concerned. So whatever there is against it is
refused in the words, and by the status, of a value that never was listed.
"""

from dataclasses import dataclass
from typing import Any

from syncd.errors import MissingError, UnavailableError
from syncd.flows.judge import Question, epoch_of
from syncd.flows.ports import Position, State
from syncd.flows.review import Change
from syncd.indicator import claims, token, vocabulary
from syncd.indicator.statement import Report
from syncd.node.serve.log_service import LogService
from syncd.node.serve.review_service import Review
from syncd.node.serve.shown import day_text
from syncd.store.vault import Query
from syncd.web.audit_forms import Certificate, EndedListing
from syncd.web.forms import Item
from syncd.web.routes import HANDED_IN, Caller, route


@dataclass(kw_only=True, eq=False)
class Certificates(LogService):
    """Says that a listing has ended, and which members have followed."""

    review: Review

    @route(
        *("POST", "/v1/certificates", HANDED_IN),
        "certify that a listing has ended",
    )
    async def certify(self, caller: Caller, wanted: Item) -> Certificate:
        """Return what can be shown, for a day once a second person agreed.

        Raises:
            MissingError: nothing was listed, or it cannot be certified.
        """
        ended = await self._ended(caller, wanted)
        if not ended:
            raise MissingError("certificate: nothing of that was listed")
        held = await self.review.agreed(
            *(caller, "POST /v1/certificates", wanted),
            Change("certificate", wanted.kind, "", 1),
        )
        listings = [await self._listing(a, *by) for a, by in ended.items()]
        return Certificate(
            number=f"{self.ctx.day_of(held.at)}-{held.id}",
            alliance=self.ctx.roster.alliance,
            zone=self.ctx.roster.zone,
            roster=self.ctx.roster.version,
            as_of=self.ctx.now(),
            asked=held.by.staff,
            confirmed=held.decided.staff if held.decided else "",
            listings=tuple(listings),
        )

    async def _ended(
        self, caller: Caller, wanted: Item
    ) -> dict[Position, tuple[int, str]]:
        """Return of each listing the index of what ended it, and the day.

        None while a report stands, or where one asks for silence or did.
        """
        ctx, kind = self.ctx, wanted.kind
        done = await self.lookups.answers(
            [Question(kind, wanted.value, wanted.scheme, wanted.region)],
            purpose="audit",
            caller=caller.name,
            reference="",
            timeout_s=ctx.config.lookup.deadline_ms / 1000,
        )
        [answer] = done.answers
        if answer.problem:
            raise answer.problem
        if answer.detail and not answer.tokens:
            raise UnavailableError(answer.detail)
        key = claims.key(token.KIND_CODES[kind], epoch_of(ctx.roster, kind))
        found: list[tuple[Any, Position | None, int | None, str]] = [
            (claim.statement, claim.position, by, day_text(day))
            for short in answer.tokens
            for claim, by, day in await ctx.mirror.all_claims(short, key)
            if isinstance(claim.statement, Report)
        ]
        values = [(form.kind, form.value) for form in answer.forms]
        erased = await ctx.mirror.erased(ctx.origin)
        for row in await ctx.own.vault.page(Query(values=values, type=1)):
            origin, at = row.position or ("", 0)
            ours = erased if origin == ctx.origin else []
            by = [by for a, b, by in ours if a <= at < min(b, by)]
            if by:
                found.append((row.fields, row.position, min(by), ""))
            else:
                ended = 0 if row.state == State.ENDED else None
                found.append((row.fields, None, ended, ""))
        today = ctx.today()
        if any(
            vocabulary.read("handling", said.handling) == "no_tip_off"
            or (by is None and not said.test and today < said.expires)
            for said, _, by, _ in found
        ):
            return {}
        return {
            at: (by, on)
            for said, at, by, on in found
            if at and by is not None and not said.test
        }

    async def _listing(
        self, position: Position, by: int, on: str
    ) -> EndedListing:
        """Return who has shown that it merged what ended a listing."""
        head, _ = await self._open(position[0], by)
        had = {
            line.member: line.at
            for line in reversed(head["cosigned"])  # the first one counts
            if line.key.endswith("/merged")
        }
        members = {one.id: one.sector for one in self.ctx.roster.members}
        sector = members[head["member"]]
        others = {one.id for one in self.ctx.roster.active()}
        return EndedListing(
            sector=sector,
            ended=on,
            size=head["size"],
            followed=tuple(
                sorted(
                    (members[id_], had.get(id_, 0))
                    for id_ in others - {head["member"]}
                )
            ),
        )
