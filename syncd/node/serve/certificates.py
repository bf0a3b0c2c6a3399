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
from syncd.node.serve.shown import day_text, shown
from syncd.store.vault import Query
from syncd.web.audit_forms import Certificate, EndedListing
from syncd.web.forms import Item
from syncd.web.routes import HANDED_IN, Caller, route

CALL = "POST", "/v1/certificates"


@dataclass(kw_only=True, eq=False)
class Certificates(LogService):
    """Says that a listing has ended, and which members have followed."""

    review: Review

    @route(*CALL, HANDED_IN, "certify that a listing has ended")
    async def certify(self, caller: Caller, wanted: Item) -> Certificate:
        """Return what can be shown, for a day once a second person agreed.

        Raises:
            MissingError: nothing was listed, or it cannot be certified.
        """
        ended = await self._ended(caller, wanted)
        if not ended:
            raise MissingError("certificate: nothing of that was listed")
        said = Change("certificate", wanted.kind, "", 1)
        held = await self.review.agreed(caller, " ".join(CALL), wanted, said)
        listings = [await self._listing(*one) for one in ended.items()]
        return shown(
            Certificate,
            *(held, self.ctx.roster),
            number=f"{self.ctx.day_of(held.at)}-{held.id}",
            as_of=self.ctx.now(),
            listings=tuple(listings),
        )

    async def _ended(
        self, caller: Caller, wanted: Item
    ) -> dict[Position, tuple[int, str]]:
        """Return of each listing the index of what ended it, and the day.

        None while a report stands, or where one asks for silence or did.
        """
        ctx, kind = self.ctx, wanted.kind
        one = Question(kind, wanted.value, wanted.scheme, wanted.region)
        [answer] = (await self._audited(caller, one)).answers
        if answer.problem:
            raise answer.problem
        if answer.detail and not answer.tokens:
            raise UnavailableError(answer.detail)
        key = claims.key(token.KIND_CODES[kind], epoch_of(ctx.roster, kind))
        found = [
            (claim.statement, claim.position, by, day)
            for short in answer.tokens
            for claim, by, day in await ctx.mirror.all_claims(short, key)
            if isinstance(claim.statement, Report)
        ]
        values = [(form.kind, form.value) for form in answer.forms]
        rows = await ctx.own.vault.page(Query(values=values, type=1))
        gone = {
            row.position: (by, "")
            for start, end, by in await ctx.mirror.erased(ctx.origin)
            for row in rows
            if row.position
            and row.position[0] == ctx.origin
            and start <= row.position[1] < min(end, by)
        }
        said: list[Any] = [one for one, *_ in found]
        said += [row.fields for row in rows]
        today = ctx.today()
        if (
            any(row.state < State.PUBLISHED for row in rows)
            or any(by is None and today < c.expires for c, _, by, _ in found)
            or "no_tip_off"
            in {vocabulary.read("handling", one.handling) for one in said}
        ):
            return {}
        ends = ((at, by, day) for _, at, by, day in found if by is not None)
        return {at: (by, day_text(day)) for at, by, day in ends} | gone

    async def _listing(
        self, position: Position, end: tuple[int, str]
    ) -> EndedListing:
        """Return who has shown that it merged what ended a listing."""
        head, _ = await self._open(position[0], end[0])
        had = {
            line.member: line.at
            for line in reversed(head["cosigned"])  # the first one counts
            if line.key.endswith("/merged")
        }
        sectors = {one.id: one.sector for one in self.ctx.roster.active()}
        sector = sectors.pop(head["member"], "")
        rest = ((code, had.get(id_, 0)) for id_, code in sectors.items())
        return EndedListing(
            sector=sector,
            ended=end[1],
            size=head["size"],
            followed=tuple(sorted(rest)),
        )
