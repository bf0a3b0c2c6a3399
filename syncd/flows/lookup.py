"""Look up: is this number, URL or account listed, and what should we do?

    question ─ identifiers ─ outputs (t holders) ─ tokens ─ claims ─ verdict
                                        every access recorded, then answered

Items are answered one by one: what does not normalise carries its own
problem, what could not be asked is `unknown` and names who is missing, and
the others are answered as usual.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from syncd.errors import MalformedError, SyncdError, UnavailableError
from syncd.flows.ports import Finding, Position
from syncd.flows.tokenise import Tokeniser
from syncd.indicator import identifier, policy, token, verdict
from syncd.indicator.claims import REPORT, Claim
from syncd.indicator.identifier import Identifier
from syncd.indicator.verdict import Verdict
from syncd.roster.roster import Roster

MAX_BASIS = 256  # claims on other tokens that one answer may rest on
HANDLING = ("open", "no_tip_off")


@dataclass(frozen=True, slots=True)
class Question:
    """One item of a look-up: by value, or by token for who holds tokens."""

    kind: str
    value: str = field(default="", repr=False)
    scheme: str | None = None
    region: str = ""
    token: bytes = b""  # 16 bytes
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What one question came to."""

    verdict: Verdict | None = None
    problem: SyncdError | None = None  # it did not normalise
    missing: str = ""  # why it could not be asked
    tokens: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Access:
    """One item of one look-up, as it is recorded before the answer."""

    caller: str
    purpose: str
    kind: str
    positions: Sequence[Position] | None  # None: a miss
    tokens: Sequence[bytes]
    reference: str


class ClaimSource(Protocol):
    """Where the claims are."""

    async def claims(
        self, tokens: Sequence[bytes], kind: int, epoch: int
    ) -> Mapping[bytes, Sequence[Claim]]:
        """Return the standing claims of each token that has any."""
        ...

    async def claims_at(
        self, positions: Sequence[Position]
    ) -> Mapping[Position, Claim]:
        """Return the standing claims at some positions."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """What a look-up is judged by, as of one moment."""

    roster: Roster
    day: int  # days since 1970, in the roster's zone
    contested: frozenset[str]  # origins
    never_tokens: frozenset[bytes]  # for questions by token
    region: str  # for phones without a country


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question on its way: its forms, most specific first."""

    question: Question
    forms: tuple[Identifier, ...] = ()
    problem: SyncdError | None = None


async def lookup(
    questions: Sequence[Question],
    *,
    purpose: str,
    caller: str,
    reference: str,
    timeout_s: float,
    world: World,
    tokeniser: Tokeniser,
    claims: ClaimSource,
    record: Callable[[Sequence[Access]], Awaitable[None]],
    report: Callable[[Finding], Awaitable[None]],
) -> list[Answer]:
    """Answer every question, in order; recorded durably before return."""
    asked = [_normalise(q, world.region) for q in questions]
    outputs, missing = await _outputs(asked, tokeniser, purpose, timeout_s)
    found = await _claims(asked, outputs, tokeniser, claims)
    resting = await _basis(found, claims)
    judge = _Judge(world, found, resting, outputs, missing)
    answers = [judge.answer(one) for one in asked]
    await record(
        [
            Access(
                caller,
                purpose,
                q.kind,
                _hit(a),
                a.tokens,
                reference,
            )
            for q, a in zip(questions, answers, strict=True)
            if a.problem is None
        ]
    )
    for position in sorted(judge.bad_know):
        await report(
            Finding(
                "bad_know",
                position[0],
                position[1],
                "the reporter did not show that it had the value",
            )
        )
    return answers


def _hit(answer: Answer) -> Sequence[Position] | None:
    positions = answer.verdict.positions if answer.verdict else ()
    return positions or None


def _normalise(question: Question, region: str) -> _Asked:
    if question.token:
        if question.kind not in identifier.KINDS:
            return _Asked(
                question, problem=MalformedError("kind: no such kind")
            )
        return _Asked(question)
    try:
        forms = identifier.for_lookup(
            question.kind,
            question.value,
            region=question.region or region,
            scheme=question.scheme,
        )
    except SyncdError as e:
        return _Asked(question, problem=e)
    return _Asked(question, forms)


async def _outputs(
    asked: Sequence[_Asked],
    tokeniser: Tokeniser,
    purpose: str,
    timeout_s: float,
) -> tuple[dict[Identifier, bytes], dict[str, str]]:
    """Return the outputs that could be had, and per kind why not all."""
    outputs: dict[Identifier, bytes] = {}
    missing: dict[str, str] = {}

    async def one(kind: str) -> None:
        wanted = [f for a in asked for f in a.forms if f.kind == kind]
        if not wanted:
            return
        try:
            await tokeniser.collect(
                wanted, outputs, purpose=purpose, timeout_s=timeout_s
            )
        except (UnavailableError, SyncdError) as e:
            missing[kind] = str(e)

    await asyncio.gather(*map(one, identifier.KINDS))
    return outputs, missing


Found = dict[tuple[str, int, bytes], Sequence[Claim]]


async def _claims(
    asked: Sequence[_Asked],
    outputs: Mapping[Identifier, bytes],
    tokeniser: Tokeniser,
    claims: ClaimSource,
) -> Found:
    """Return all claims on all tokens asked for, by kind, epoch, token."""
    wanted: dict[tuple[str, int], dict[bytes, None]] = {}
    for one in asked:
        question = one.question
        if question.token and one.problem is None:
            key = (question.kind, question.epoch)
            wanted.setdefault(key, {})[question.token] = None
        for form in one.forms:
            if form in outputs:
                key = (form.kind, tokeniser.epoch(form.kind).epoch)
                short = token.token(outputs[form])
                wanted.setdefault(key, {})[short] = None
    found: Found = {}
    for (kind, epoch), tokens in wanted.items():
        code = token.KIND_CODES[kind]
        rows = await claims.claims([*tokens], code, epoch)
        for short, group in rows.items():
            found[kind, epoch, short] = group
    return found


async def _basis(found: Found, claims: ClaimSource) -> list[Claim]:
    """Return the claims that those found rest on, and on in turn."""
    have = [claim for group in found.values() for claim in group]
    resting: dict[Position, Claim] = {}
    asked: set[Position] = set()
    while True:
        wanted = [
            p
            for p in verdict.unresolved([*have, *resting.values()])
            if p not in asked
        ][: MAX_BASIS - len(asked)]
        if not wanted:
            break
        asked.update(wanted)
        resting.update(await claims.claims_at(wanted))
    # Whatever ends those is on their own tokens.
    by_key: dict[tuple[int, int], dict[bytes, None]] = {}
    for claim in resting.values():
        key = (claim.kind, claim.epoch)
        by_key.setdefault(key, {})[claim.token] = None
    for (kind, epoch), tokens in by_key.items():
        beside = await claims.claims([*tokens], kind, epoch)
        for group in beside.values():
            resting.update({c.position: c for c in group})
    return [*resting.values()]


class _Judge:
    """Judges question by question in one world."""

    def __init__(
        self,
        world: World,
        found: Found,
        resting: Sequence[Claim],
        outputs: Mapping[Identifier, bytes],
        missing: Mapping[str, str],
    ) -> None:
        self._world = world
        self._found = found
        self._resting = resting
        self._outputs = outputs
        self._missing = missing
        self._policy = policy.of(world.roster)
        self._reporters = policy.reporters(world.roster)
        self._never = {(n.kind, n.value) for n in world.roster.never}
        self.bad_know: set[Position] = set()

    def answer(self, asked: _Asked) -> Answer:
        """Return the answer to one question."""
        if asked.problem is not None:
            return Answer(problem=asked.problem)
        question = asked.question
        if question.token:
            key = (question.kind, question.epoch, question.token)
            groups = [self._found.get(key, ())]
            never = {0} & {
                0 for _ in {question.token} & self._world.never_tokens
            }
            judged = self._verdict(groups, never, set())
            return Answer(judged, tokens=(question.token,))
        never = {
            level
            for level, form in enumerate(asked.forms)
            if (form.kind, form.value) in self._never
        }
        if any(form not in self._outputs for form in asked.forms):
            why = self._missing.get(question.kind, "")
            if 0 in never:  # guarded whatever the claims are
                return Answer(self._verdict([[]], {0}, set()))
            return Answer(verdict.unknown("holders_missing"), missing=why)
        groups, tokens, bad = [], [], set()
        for form in asked.forms:
            output = self._outputs[form]
            short = token.token(output)
            tokens.append(short)
            epoch = self._world.roster.epoch(form.kind)
            number = epoch.epoch if epoch else 0
            group = self._found.get((form.kind, number, short), ())
            groups.append(group)
            bad |= {c.position for c in group if _lies(c, output)}
        self.bad_know |= bad
        judged = self._verdict(groups, never, bad)
        return Answer(judged, tokens=tuple(tokens))

    def _verdict(
        self,
        groups: Sequence[Sequence[Claim]],
        never: set[int],
        bad: set[Position],
    ) -> Verdict:
        rests = any(c.basis for group in groups for c in group)
        return verdict.verdict(
            groups,
            self._policy,
            self._reporters,
            self._world.day,
            contested=self._world.contested,
            bad_know=bad,
            never=never,
            standing=self._resting if rests else (),
        )


def _lies(claim: Claim, output: bytes) -> bool:
    """Tell whether a report's `know` does not fit the value."""
    return claim.type == REPORT and claim.know != token.know(
        output, claim.origin
    )
