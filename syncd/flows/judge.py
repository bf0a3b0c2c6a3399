"""Answer a look-up from what is known of its tokens."""

import functools
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec import structs

from syncd.errors import NOTHING, Message, SyncdError
from syncd.flows import basis, sighting
from syncd.flows.basis import Basis, ClaimSource, Key, claims_on
from syncd.flows.entry import Entry
from syncd.flows.ports import Offload, Position, at_once
from syncd.indicator import active, identifier, never, token, verdict
from syncd.indicator.claims import Claim
from syncd.indicator.identifier import Identifier
from syncd.indicator.joined import joined
from syncd.indicator.receipt import Receipt
from syncd.indicator.statement import Report
from syncd.indicator.verdict import Verdict
from syncd.roster.roster import Roster
from syncd.shape import Secret

LIGHT = 64  # questions and claims judged without another thread
HITS = frozenset({"confirmed", "suspected", "disputed"})
_UNREAD = Message("basis: no time left to read what reports rest on")


class Question(Secret, frozen=True):
    """One item of a look-up: by value, or by token for who holds tokens."""

    kind: str
    value: str = ""
    scheme: str = ""
    region: str = ""
    token: bytes = b""  # 16 bytes
    epoch: int = 0
    output: bytes = b""
    # behind a token: 64 bytes, of which the last 16 do not matter; with it
    # `know` is checked


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What one question came to."""

    verdict: Verdict | None = None
    problem: SyncdError | None = None  # it did not normalise
    missing: tuple[str, ...] = ()  # holders that did not answer
    detail: Message = NOTHING  # why it could not be asked
    tokens: tuple[bytes, ...] = ()
    met: tuple[Key, ...] = ()
    # tokens of which the alliance may hear that we met them
    forms: tuple[Identifier, ...] = ()  # tried
    level: int | None = None
    # the first form that a report is on which the verdict rests on
    owner: never.Owner | None = None  # whose it is, if it is protected
    notices: tuple[str, ...] = ()  # codes: what a reader should know
    tried: tuple[str, ...] = ()  # kinds of account that a number was tried as
    hint: Message = NOTHING  # how to ask for what was not tried
    evidence: tuple[str, ...] = ()  # codes of the reports it rests on, sorted
    outputs: tuple[bytes, ...] = ()  # of its forms
    receipt: Receipt | None = None  # shows later that it was asked

    def __repr__(self) -> str:
        """Tell nothing of the value."""
        return f"Answer({self.verdict!r}, {self.problem!r})"

    @property
    def action(self) -> str:
        """What the alliance advises, as a code."""
        return self.verdict.action if self.verdict else ""

    @property
    def handling(self) -> str:
        """Whether the person concerned may be told of it, as a code."""
        return self.verdict.handling if self.verdict else ""

    @property
    def hit(self) -> Sequence[Position] | None:
        """What it rests on, None if there is nothing."""
        return (self.verdict and self.verdict.positions) or None


_Lone = tuple[str, Report]  # origin; what it says, but of which value
Judged = tuple[Verdict, bool]  # and whether it may be told that we met it
ALIKE = 8192  # lone reports whose verdicts are remembered


class Alike:
    """Remembers verdicts on lone reports, while nothing else changes.

    Lists say the same of thousands of values, and callers ask again.
    """

    def __init__(self) -> None:
        """Remember nothing."""
        self._under: tuple[object, ...] = ()
        self._found = dict[_Lone, Judged]()

    def under(self, *what: object) -> dict[_Lone, Judged]:
        """Return what was judged by the same roster, day and so on."""
        if what != self._under or len(self._found) >= ALIKE:
            self._under, self._found = what, {}
        return self._found


class World(msgspec.Struct, frozen=True):
    """What a look-up is judged by, as of one moment."""

    roster: Roster
    day: int  # days since 1970, in the roster's zone
    contested: frozenset[str]  # origins
    never_tokens: frozenset[tuple[str, bytes]]  # (kind, token)
    region: str  # for phones without a country
    own: frozenset[str] = frozenset()  # our origins: no sighting of ours
    distrusted: Mapping[str, Entry] = {}
    # by origin, why we ourselves believe a log no more than a forked one
    alike: Alike = msgspec.field(default_factory=Alike)


class PendingQuestion(NamedTuple):
    """A question on its way: its forms, most specific first."""

    question: Question
    forms: tuple[Identifier, ...] = ()
    problem: SyncdError | None = None
    guard: never.Guard = never.NOBODY
    faked: bool = False  # a caller id that no service number has


_On = Mapping[Key, bytes]
"""what a form is found by, the newest key first, and its outputs or b"" each"""


async def judged_by_token(
    questions: Iterable[Question],
    world: World,
    claims: ClaimSource,
    offload: Offload,
    in_time: Callable[[], bool] = lambda: True,
) -> "tuple[list[Answer], Judge]":
    """Return the answers to questions by token, and who judged them."""
    judge = Judge(world)
    asked = [*map(PendingQuestion, questions)]
    return await judge.answers(asked, claims, offload, in_time), judge


class Judge:
    """Judges question by question in one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        # Got so far, by the number of their epoch.
        self.outputs = defaultdict[int, dict[Identifier, bytes]](dict)
        self.failed = dict[str, SyncdError]()  # by kind: why none was got
        self.epochs = {
            kind: world.roster.in_use(kind) for kind in identifier.KINDS
        }
        less = world.contested | world.distrusted.keys()
        self._seen = active.World(world.roster, world.day, less)
        self.bad_know = set[Position]()
        self._alike = world.alike.under(self._seen, world.own)

    @functools.cached_property
    def _nothing(self) -> Verdict:
        return verdict.verdict([()], self._seen)

    async def answers(
        self,
        asked: Sequence[PendingQuestion],
        claims: ClaimSource,
        offload: Offload,
        in_time: Callable[[], bool],
    ) -> list[Answer]:
        """Return the answers to all questions, in order.

        `in_time` tells whether there is time to read what reports rest on.
        """
        questions = (one.question for one in asked if one.problem is None)
        keys = [(q.kind, q.epoch, q.token) for q in questions if q.token]
        forms = (form for one in asked for form in one.forms)
        keys += itertools.chain.from_iterable(map(self._keys, forms))
        self._found = await claims_on(keys, claims)
        self._basis = Basis(self._found, self._world.day)
        await self._basis.read(claims, in_time)
        # A member says as much of one token as it likes.
        light = len(asked) + sum(map(len, self._found.values())) <= LIGHT
        judge = at_once if light else offload
        found: list[Answer] = await judge(lambda: [*map(self._answer, asked)])
        return found

    def _keys(self, form: Identifier) -> _On:
        """Return what a form is found by, as far as outputs came."""
        return {
            (form.kind, n, token.token(output)): output
            for n in self.epochs[form.kind]
            if (output := self.outputs[n].get(form))
        }

    def _answer(self, asked: PendingQuestion) -> Answer:
        """Return an answer with its forms, and what a reader should know."""
        if asked.problem:
            return Answer(problem=asked.problem)
        question, guard = asked.question, asked.guard
        on = [*map(self._keys, asked.forms)]
        outputs = tuple(
            next(iter(keys.values()))
            if len(keys) == len(self.epochs[form.kind])
            else b""
            for form, keys in zip(asked.forms, on, strict=True)
        )
        if question.token:
            named = (question.kind, question.token)
            listed = named in self._world.never_tokens
            key = (question.kind, question.epoch, question.token)
            answer = self._judged(
                [{key: question.output}], _LISTED if listed else never.NOBODY
            )
        elif all(outputs):
            answer = self._judged(on, guard)
        elif 0 in guard.levels:  # whatever the claims are
            answer = self._judged([], _LISTED)
        else:
            failed = self.failed.get(question.kind)
            missing = getattr(failed, "missing", ())
            why = Message("oprf: {kind}: not asked", question)
            # What one key of two finds stands; more may be under the other.
            answer = self._judged(on, guard)
            if not (answer.verdict and answer.verdict.verdict in HITS):
                answer = Answer(verdict=verdict.unknown("holders_missing"))
            answer = structs.replace(
                answer,
                missing=missing,
                detail=failed.text if failed else why,
            )
        judged = answer.verdict
        owned = judged and judged.verdict == "protected"
        owner = guard.owner if owned else None
        return structs.replace(
            answer,
            forms=asked.forms,
            outputs=outputs,
            owner=owner,  # and that this proves nothing about a call
            notices=(
                *(("not_proof",) if owner else ()),
                *(("faked_caller_id",) if asked.faked else ()),
                *(asked.forms[0].notices if asked.forms else ()),
            ),
        )

    def _said(self, keys: _On) -> Sequence[Claim]:
        """Return what is said of a form under any of its keys, as of one."""
        groups = (self._found.get(key, ()) for key in [*keys][::-1])
        return functools.reduce(joined, groups, ())

    def _judged(self, forms: Sequence[_On], guard: never.Guard) -> Answer:
        """Judge the claims on the tokens of each form of a value."""
        on = {key: output for keys in forms for key, output in keys.items()}
        groups = [*map(self._said, forms)]
        tokens = tuple(short for _, _, short in on)
        protected = 0 in guard.levels
        if not (protected or any(groups)):  # nearly all of a long list
            return Answer(verdict=self._nothing, tokens=tokens)
        lying, world = self._lying(on), self._seen
        if lying:
            world = structs.replace(world, bad_know=lying)
        behind, whole = self._basis.of(groups)
        alone = whole and not (lying or behind or guard.levels)
        if alone and (lone := self._lone(on, groups)):
            return lone
        judged = verdict.verdict(
            groups or [()], world, never=guard, in_force=behind
        )
        # More reports would confirm no less, and are nothing to a guard,
        # unless they may be of a page planted there.
        firm = protected and 0 not in guard.pages
        if not (whole or firm or judged.verdict == "confirmed"):
            return Answer(
                verdict=verdict.unknown("basis_unread"),
                detail=_UNREAD,
                tokens=tokens,
            )
        if judged.verdict not in HITS:
            return Answer(verdict=judged, tokens=tokens)
        positions = frozenset(judged.positions)
        by = [
            [
                c.statement
                for c in group
                if isinstance(c.statement, Report) and c.position in positions
            ]
            for group in groups
        ]
        return Answer(
            verdict=judged,
            tokens=tokens,
            met=tuple(
                basis.key(group[0])
                for who, group in zip(by, groups, strict=True)
                if who
                and sighting.may_tell(group, world, self._world.own, behind)
            ),
            level=next((at for at, who in enumerate(by) if who), None),
            evidence=tuple(sorted({r.evidence for who in by for r in who})),
        )

    def _lone(
        self, on: Mapping[Key, bytes], groups: Sequence[Sequence[Claim]]
    ) -> Answer | None:
        """Judge a report that stands alone, as one like it was if one was."""
        first, *more = itertools.chain.from_iterable(groups)
        report = first.statement
        if more or not isinstance(report, Report):
            return None
        alike = first.origin, structs.replace(report, token="", know="")
        found = self._alike.get(alike)
        if found is None:
            judged = verdict.verdict([[first]], self._seen)
            may_tell = judged.verdict in HITS and sighting.may_tell(
                [first], self._seen, self._world.own
            )
            found = self._alike[alike] = judged, may_tell
        judged, may_tell = found
        rests_on = tuple(first.position for _ in judged.positions)
        if rests_on != judged.positions:
            judged = structs.replace(judged, positions=rests_on)
        level = next(at for at, group in enumerate(groups) if group)
        hit = judged.verdict in HITS
        return Answer(
            verdict=judged,
            tokens=tuple(short for _, _, short in on),
            met=(basis.key(first),) if may_tell else (),
            level=level if hit else None,
            evidence=(report.evidence,) if hit else (),
        )

    def _lying(self, on: Mapping[Key, bytes]) -> set[Position]:
        """Return the claims whose `know` does not fit the token's output."""
        bad = {
            claim.position
            for key, output in on.items()
            for claim in (self._found.get(key, ()) if output else ())
            if _lies(claim, output)
        }
        self.bad_know |= bad
        return bad


_LISTED = never.Guard(frozenset({0}))


def _lies(claim: Claim, output: bytes) -> bool:
    """Tell whether what a claim shows to know does not fit the value."""
    know = getattr(claim.statement, "know", "")
    return know != "" and know != token.know(output, claim.origin).hex()
