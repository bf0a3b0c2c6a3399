"""The service behind `/v1/lookups`, with its access records."""

import asyncio
import os
import time
from collections import Counter, deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from msgspec import structs

from syncd.errors import MalformedError, Message, SyncdError
from syncd.flows import lookup, sighting
from syncd.flows.basis import Key
from syncd.flows.draft import RawValue
from syncd.flows.judge import Answer, Question, World, judged_by_token
from syncd.flows.lookup import LookupContext, Spend
from syncd.flows.own_lists import plain_text
from syncd.flows.ports import Access, Finding, Position
from syncd.flows.tokenise import Tokeniser
from syncd.indicator import identifier, receipt, token, vocabulary
from syncd.indicator.claims import Claim
from syncd.messages import wire
from syncd.node.context import Aside, Reading, part
from syncd.node.serve.budgets import Budgets
from syncd.node.serve.freshness import Freshness
from syncd.node.serve.own_list_service import Overlay
from syncd.node.serve.shown import day_text, label, shown
from syncd.node.upkeep.lapse import Lapse
from syncd.store.sightings import SightedToken
from syncd.store.stored_claims import Sizes
from syncd.web import forms, problem
from syncd.web.routes import READERS, Caller, route

MOST = 4 << 20  # bytes of a call: 10,000 URLs of 400
EACH_MS = 2  # of time for each item; three forms of an account take 1 ms
UNANSWERED = 1000  # values that wait to be asked again
UNANSWERED_S = 86_400
SUSPECTS = 65_536  # positions of false reports that are remembered


@dataclass(frozen=True, slots=True)
class Claims:
    """`flows.basis.ClaimSource`: the claims that have effect."""

    ctx: Reading
    lapse: Lapse
    at: Sizes | None = None  # as of when so much was merged; None: now

    async def claims(
        self, tokens: Sequence[bytes], kind: int, epoch: int
    ) -> Mapping[bytes, Sequence[Claim]]:
        """Return the claims in force of each token that has any."""
        found = await self.ctx.mirror.claims(tokens, kind, epoch, self.at)
        if not self.lapse.now:
            return found
        return {
            short: [c for c in group if self.lapse.effective(c)]
            for short, group in found.items()
        }

    async def verdicts(
        self,
        keys: Sequence[Key],
        at: Sizes | None,
        never: frozenset[tuple[str, bytes]] = frozenset(),
        most_ms: float = 0,
    ) -> dict[Key, tuple[str, str]]:
        """Return verdict and action of tokens, when so much was merged."""
        most_ms = most_ms or self.ctx.config.lookup.deadline_ms
        end = time.monotonic() + most_ms / 1000
        answers, _ = await judged_by_token(
            [Question(kind, token=t, epoch=epoch) for kind, epoch, t in keys],
            await self.ctx.world(never),
            replace(self, at=at),
            self.ctx.bulk,
            lambda: time.monotonic() < end,
        )
        return {
            key: (one.verdict, one.action)
            for key, answer in zip(keys, answers, strict=True)
            if (one := answer.verdict)
        }

    async def claims_at(
        self, positions: Sequence[Position]
    ) -> Mapping[Position, Claim]:
        """Return the claims in force at some positions that have effect."""
        found = await self.in_force_at(positions)
        effective = self.lapse.effective
        return {at: claim for at, claim in found.items() if effective(claim)}

    async def in_force_at(
        self, positions: Sequence[Position]
    ) -> Mapping[Position, Claim]:
        """Return the claims in force at some positions."""
        return await self.ctx.mirror.claims_at(positions, self.at)


class Answered(NamedTuple):
    """What came of questions, and by what."""

    answers: list[Answer]
    own_lists: Overlay
    world: World
    records: list[int]  # ids of those that could be read, in order


class Unanswered(NamedTuple):
    """What holders could not answer: it is asked again."""

    question: Question
    how: Mapping[str, str]  # purpose, caller, reference
    record: int  # id of its access record
    until: int  # unix seconds


@part
class Lookups:
    """Answers look-ups, and keeps what has to be kept of each."""

    ctx: Reading
    claims: Claims  # what the alliance says of a token
    tokeniser: Tokeniser
    never: Any  # whose `tokens` are those that are never listed
    freshness: Freshness  # of what an answer rests on
    metrics: Any  # as of `Budgets`
    budgets: Budgets  # of each token
    aside: Aside

    def __post_init__(self) -> None:
        self._suspected = set[Position]()  # reported already
        self.unanswered: deque[Unanswered] = deque(maxlen=UNANSWERED)

    @route("POST /v1/lookups", READERS, "look up", most=MOST)
    async def lookup(
        self, caller: Caller, wanted: forms.LookupCall
    ) -> forms.LookupAnswers:
        """Answer every item, in order; recorded durably before return."""
        began = time.monotonic()
        purpose = wanted.purpose
        vocabulary.check("purpose", "purpose", purpose, lookup.PURPOSES)
        outcome = wanted.outcome or "unknown"
        vocabulary.check("outcome", "sighting_outcome", outcome)
        plain_text("reference", wanted.reference, forms.LONGEST_REFERENCE)
        deadline_ms = wanted.deadline_ms or min(
            self.ctx.config.lookup.deadline_ms + EACH_MS * len(wanted.items),
            forms.MAX_DEADLINE_MS,
        )
        questions = [_question(item) for item in wanted.items]
        how: dict[str, Any] = {"purpose": purpose, "caller": caller.name}
        how["reference"] = wanted.reference
        more = {"receipt": self._receipt} if wanted.receipt else {}
        answers, overlay, world, _ = done = await self.answers(
            questions,
            timeout_s=deadline_ms / 1000,
            spend=partial(self.budgets.spend, caller),
            **(how | more),
        )
        self._wait(how, questions, done)
        await self._sight(answers, purpose, outcome, world.day)
        items = tuple(lookup_item(a, overlay.over(a)) for a in answers)
        came = Counter(item.verdict or "problem" for item in items)
        self.budgets.tally(caller, came)
        self.metrics.looked_up(came, purpose, time.monotonic() - began)
        return forms.LookupAnswers(
            items=items,
            roster=self.freshness.roster_state(),
            as_of=await self.freshness.as_of(),
            missing=tuple(sorted({m for a in answers for m in a.missing})),
            contested=tuple(sorted(world.contested)),
            distrusted={
                one.fields.text: one.at for one in world.distrusted.values()
            },
        )

    async def tokens(
        self, wanted: RawValue, purpose: str
    ) -> dict[Key, identifier.Identifier]:
        """Return each key that a look-up would ask for, and of which form.

        Raises:
            HoldersError: too few holders answer to find them.
        """
        ours = self.ctx.config
        tried = wanted.read(identifier.for_lookup, ours.member.region)
        epochs = self.ctx.roster.in_use(wanted.kind)
        found = await asyncio.gather(
            *(
                self.tokeniser.outputs(
                    tried,
                    purpose=purpose,
                    timeout_s=ours.lookup.deadline_ms / 1000,
                    epochs={wanted.kind: n},
                )
                for n in epochs
            )
        )
        return {
            (form.kind, n, token.token(outputs[form])): form
            for form in tried
            for n, outputs in zip(epochs, found, strict=True)
        }

    async def answers(
        self,
        questions: Sequence[Question | SyncdError],
        *,
        answered_only: bool = False,
        spend: Spend = lambda *_: None,
        **how: Any,
    ) -> Answered:
        """Answer questions, in order; recorded durably before return.

        With `answered_only` what stays unknown is not recorded again.
        """
        world = await self.ctx.world(self.never.tokens)
        overlay = Overlay(self.ctx.own.entries, world)
        records = list[int]()
        context = LookupContext(
            tokeniser=self.tokeniser,
            claims=self.claims,
            record=partial(self._record, overlay, records, answered_only),
            suspect=self.suspect,
            offload=self.ctx.offload,
            clock=time.monotonic,
            spend=spend,
        )
        found = await lookup.lookup(questions, world, context, **how)
        return Answered(found, overlay, world, records)

    def _receipt(self, purpose: str, world: World, answer: Answer) -> Answer:
        """Return an answer with what shows later that it was asked for."""
        if answer.verdict is None or not answer.forms:
            return answer
        salt = os.urandom(16).hex()
        made = shown(
            *(receipt.Receipt, answer.verdict),
            origin=self.ctx.origin,
            at=self.ctx.now(),
            purpose=purpose,
            roster=world.roster.version,
            commitment=receipt.commitment(salt, answer.forms[0]),
            salt=salt,
        )
        return structs.replace(answer, receipt=made)

    def _wait(
        self,
        how: Mapping[str, str],
        questions: Sequence[Question | SyncdError],
        done: Answered,
    ) -> None:
        """Have asked again, in memory, what holders could not answer."""
        until = self.ctx.now() + UNANSWERED_S
        records = iter(done.records)
        for question, answer in zip(questions, done.answers, strict=True):
            record = 0 if answer.problem else next(records)
            if (
                isinstance(question, Question)
                and answer.verdict
                and "holders_missing" in answer.verdict.reasons
                and how["purpose"] != "test"
            ):
                one = Unanswered(question, how, record, until)
                self.unanswered.append(one)

    def suspect(self, positions: Collection[Position]) -> None:
        """Have it told, each once, who reports values that it had not."""
        fresh = sorted(set(positions) - self._suspected)
        if fresh:
            if len(self._suspected) > SUSPECTS:  # the database knows them too
                self._suspected.clear()
            self._suspected.update(fresh)
            self.aside(self._tell_of(fresh))

    async def _tell_of(self, suspects: Sequence[Position]) -> None:
        why = Message("its author did not show that it had the value")
        found = [Finding("bad_know", *at, why) for at in suspects]
        try:
            await self.ctx.report(*found, once=True)
        except SyncdError:
            self._suspected.difference_update(suspects)
            raise

    async def audited(
        self,
        caller: Caller,
        tokens: Sequence[tuple[Any, ...]],
        positions: Sequence[Position] | None,
    ) -> None:
        """Record that tokens, each behind its kind, are shown; durable."""
        kinds = dict.fromkeys(kind for kind, *_ in tokens)
        await self.ctx.own.access.record(
            [
                Access(
                    *(caller.name, "audit", kind, positions),
                    tokens=[short for of, *_, short in tokens if of == kind],
                )
                for kind in kinds
            ]
        )

    async def _record(
        self,
        overlay: Overlay,
        records: list[int],
        answered_only: bool,
        accesses: Sequence[Access],
    ) -> None:
        if answered_only:
            accesses = [a for a in accesses if a.tokens]
        await overlay.read([a.forms for a in accesses])
        records += await self.ctx.own.access.record(
            [overlay.added(a) for a in accesses]
        )

    async def _sight(
        self, answers: Sequence[Answer], purpose: str, outcome: str, day: int
    ) -> None:
        """Count what was met in our business and may be told."""
        if purpose not in sighting.CONTACT or not self.ctx.sights:
            return
        week = sighting.monday(day)
        await self.ctx.own.sightings.add(
            [
                SightedToken(week, kind, epoch, short, outcome)
                for answer in answers
                for kind, epoch, short in answer.met
            ]
        )


# ---------------------------------------------------------------- to forms


def _question(item: forms.Item | SyncdError) -> Question | SyncdError:
    if isinstance(item, SyncdError):
        return item
    if bool(item.value) == bool(item.token):
        return MalformedError("item: want a value, or a token and its epoch")
    if not item.token:
        return Question(
            item.kind, item.value, scheme=item.scheme, region=item.region
        )
    try:
        short = token.decode(item.token)
    except MalformedError as e:
        return e
    return Question(item.kind, token=short, epoch=item.epoch)


def lookup_item(answer: Answer, ours: forms.Ours | None) -> forms.LookupItem:
    """Return an answer as callers get it."""
    if answer.problem is not None:
        return forms.LookupItem(problem=problem.of(answer.problem))
    found = answer.verdict
    if found is None:
        raise AssertionError("an answer is a verdict or a problem")
    rest = dict[str, Any]()
    if answer.detail:
        rest["params"] = wire.of(answer.detail).params
        rest["detail"] = str(answer.detail)
        rest["detail_code"] = wire.code(answer.detail)
    if answer.hint:
        rest["hint"] = str(answer.hint)
        rest["hint_code"] = wire.code(answer.hint)
    return forms.LookupItem(  # by names: a thousand at once
        verdict=found.verdict,
        action=found.action,
        unattended=found.unattended,
        reasons=found.reasons,
        labels=tuple([label("label", code) for code in found.labels]),
        roles=tuple([label("role", code) for code in found.roles]),
        sectors=found.sectors,
        first_seen=day_text(found.first_seen),
        last_seen=day_text(found.last_seen),
        expires=day_text(found.expires),
        positions=found.positions,
        spoofed="spoofed" in found.reasons,
        handling=found.handling,
        missing=answer.missing,
        ours=ours,
        owner=answer.owner,
        notices=answer.notices,
        tried=answer.tried,
        receipt=answer.receipt,
        **rest,
    )
