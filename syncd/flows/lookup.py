"""Look up: is this number, URL or account listed, and what should we do?

    question ─ identifiers ─ outputs (t holders) ─ tokens ─ claims ─ verdict
                                        every access recorded, then answered

Items are answered one by one: what does not normalise carries its own
problem, what could not be asked is `unknown` and names who is missing, and
the others are answered as usual.
"""

import asyncio
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from syncd.errors import (
    HoldersError,
    MalformedError,
    SyncdError,
    UnavailableError,
)
from syncd.flows.basis import Basis, ClaimSource, Found, Key
from syncd.flows.ports import Offload, Position
from syncd.flows.report import check_kind
from syncd.indicator import (
    account,
    identifier,
    never,
    policy,
    suffixes,
    token,
    verdict,
    vocabulary,
)
from syncd.indicator.claims import REPORT, Claim
from syncd.indicator.identifier import Identifier
from syncd.indicator.national import SHOWN
from syncd.indicator.verdict import Verdict
from syncd.roster.roster import Roster

PURPOSES: Final = vocabulary.codes("purpose") - {
    *("publish", "rotate", "never")  # our own work, and no look-up
}
APART: Final = frozenset({"audit", "test", "appeal", "subject_access"})
HITS: Final = frozenset({"confirmed", "suspected", "disputed"})


@dataclass(frozen=True, slots=True)
class Question:
    """One item of a look-up: by value, or by token for who holds tokens."""

    kind: str
    value: str = field(default="", repr=False)
    scheme: str | None = None
    region: str = ""
    token: bytes = field(default=b"", repr=False)  # 16 bytes
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What one question came to."""

    verdict: Verdict | None = None
    problem: SyncdError | None = None  # it did not normalise
    missing: tuple[str, ...] = ()  # holders that did not answer
    detail: str = ""  # why it could not be asked
    tokens: tuple[bytes, ...] = field(default=(), repr=False)
    met: tuple[Key, ...] = field(default=(), repr=False)
    # tokens under another member's active report: a sighting
    forms: tuple[Identifier, ...] = field(default=(), repr=False)  # tried
    level: int | None = None
    # the first form that a report is on which the verdict rests on
    owner: never.Owner | None = None  # whose it is, if it is protected
    notices: tuple[str, ...] = ()  # codes: what a reader should know
    tried: tuple[str, ...] = ()  # kinds of account that a number was tried as
    hint: str = ""  # how to ask for what was not tried


@dataclass(frozen=True, slots=True)
class Access:
    """One item of one look-up, as it is recorded before the answer."""

    caller: str
    purpose: str
    kind: str
    positions: Sequence[Position] | None  # None: a miss
    tokens: Sequence[bytes]
    reference: str
    forms: Sequence[Identifier] = field(
        default=(), repr=False, compare=False
    )  # what was tried: never kept


class Tokens(Protocol):
    """Who turns identifiers into outputs: `tokenise.Tokeniser`."""

    async def collect(
        self,
        identifiers: Iterable[Identifier],
        done: dict[Identifier, bytes],
        *,
        purpose: str,
        timeout_s: float,
    ) -> None:
        """Put outputs into `done`, as many as can be had, or raise."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """What a look-up is judged by, as of one moment."""

    roster: Roster
    day: int  # days since 1970, in the roster's zone
    contested: frozenset[str]  # origins
    never_tokens: frozenset[tuple[str, bytes]]  # (kind, token)
    region: str  # for phones without a country
    own: frozenset[str] = frozenset()  # our origins: no sighting of ours


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question on its way: its forms, most specific first."""

    question: Question
    forms: tuple[Identifier, ...] = ()
    problem: SyncdError | None = None
    guard: never.Guard = never.NOBODY
    faked: bool = False  # a caller id that no service number has


@dataclass(slots=True)
class _Asking:
    """What was got so far of what the questions need."""

    outputs: dict[Identifier, bytes] = field(default_factory=dict)
    failed: dict[str, SyncdError] = field(default_factory=dict)  # by kind


async def lookup(
    questions: Sequence[Question | SyncdError],
    *,
    purpose: str,
    caller: str,
    reference: str,
    timeout_s: float,
    world: World,
    tokeniser: Tokens,
    claims: ClaimSource,
    record: Callable[[Sequence[Access]], Awaitable[None]],
    suspect: Callable[[Collection[Position]], None],
    current: Callable[[], Roster],
    offload: Offload,
    clock: Callable[[], float],
) -> list[Answer]:
    """Answer every question, in order; recorded durably before return.

    What could not be read as a question comes in as its error, and goes out
    as that item's problem. `suspect` hears of reports whose `know` does not
    fit, and must not hold up the answer; `current` is the roster by which
    `tokeniser` works just now.
    """
    deadline = clock() + timeout_s
    asking = _Asking()
    asked: list[_Asked] = await offload(
        _normalise_all, questions, world, asking.outputs
    )
    await asyncio.gather(
        *(
            _ask(kind, asked, asking, tokeniser, purpose, deadline, clock)
            for kind in ("phone", "account")
        )
    )
    _same_keys(world.roster, current(), asking)
    found = await _claims(asked, asking.outputs, world.roster, claims)
    basis = Basis(found, world.day)
    await basis.read(claims, lambda: clock() < deadline)
    judge = _Judge(world, found, basis, asking)
    answers: list[Answer] = await offload(judge.answer_all, asked)
    answers = [*map(_with_kinds, asked, answers)]
    await record(
        [
            Access(
                caller,
                purpose,
                one.question.kind,
                _hit(a),
                a.tokens,
                reference,
                a.forms,
            )
            for one, a in zip(asked, answers, strict=True)
            if a.problem is None
        ]
    )
    if judge.bad_know:
        suspect(judge.bad_know)
    return answers


def _with_kinds(asked: _Asked, answer: Answer) -> Answer:
    """Return the answer with what an account was tried as.

    Nothing found is `none` only if that was all that it is likely to be.
    """
    question = asked.question
    if question.kind != "account" or question.token or answer.problem:
        return answer
    names = (form.value.partition(":")[0] for form in asked.forms)
    tried = tuple(dict.fromkeys(names))
    judged = answer.verdict
    nothing = judged is not None and judged.verdict == "none"
    if not nothing or not account.may_be_bank(question.value, question.scheme):
        return replace(answer, tried=tried)
    return replace(
        answer,
        verdict=verdict.unknown("kinds_untried"),
        detail=f"account: tried as {', '.join(tried)}, not as a bank's"
        if tried
        else "account: it may be a bank's, and none is named",
        tried=tried,
        hint=account.UNTRIED,
    )


def _hit(answer: Answer) -> Sequence[Position] | None:
    positions = answer.verdict.positions if answer.verdict else ()
    return positions or None


def _normalise_all(
    questions: Sequence[Question | SyncdError],
    world: World,
    outputs: dict[Identifier, bytes],
) -> list[_Asked]:
    """Read every question; URLs need nobody's help for their outputs."""
    asked = []
    for question in questions:
        if isinstance(question, SyncdError):
            asked.append(_Asked(Question(""), problem=question))
            continue
        try:
            one = _normalise(question, world)
        except SyncdError as e:
            one = _Asked(question, problem=e)
        for form in one.forms:
            if form.kind == "url" and form not in outputs:
                outputs[form] = token.url_output(form)
        asked.append(one)
    return asked


def _normalise(question: Question, world: World) -> _Asked:
    kind = question.kind
    check_kind(kind)
    if question.token:
        if world.roster.epoch(kind, question.epoch) is None:
            raise MalformedError(
                "token: the roster has no epoch {epoch} of {kind}",
                epoch=question.epoch,
                kind=kind,
            )
        return _Asked(question)
    rule = never.of(world.roster)
    try:
        forms = identifier.for_lookup(
            kind,
            question.value,
            region=question.region or world.region,
            scheme=question.scheme,
        )
    except MalformedError:
        shown = rule.imitated(question.value) if kind == "phone" else None
        if shown is None:
            raise
        return _Asked(
            question, (shown,), guard=rule.guard([shown]), faked=True
        )
    if kind == "url":  # or it would be `none`, which reads as a clearance
        suffixes.check(forms[0].value.partition("/")[0])
    guard = rule.guard(forms)
    first = forms[0].value if forms else ""
    if first.startswith(SHOWN):  # no number, which looks like one
        faked = rule.imitated(question.value) is not None
    else:
        service = guard.owner is not None and first.startswith("cn:")
        faked = service and never.faked(question.value)
    return _Asked(question, forms, guard=guard, faked=faked)


async def _ask(
    kind: str,
    asked: Sequence[_Asked],
    asking: _Asking,
    tokeniser: Tokens,
    purpose: str,
    deadline: float,
    clock: Callable[[], float],
) -> None:
    """Get the outputs of one kind, as many as can be had in time."""
    wanted = [f for a in asked for f in a.forms if f.kind == kind]
    if not wanted:
        return
    try:
        await tokeniser.collect(
            wanted,
            asking.outputs,
            purpose=purpose,
            timeout_s=max(deadline - clock(), 0.0),
        )
    except SyncdError as e:
        asking.failed[kind] = e


def _same_keys(old: Roster, new: Roster, asking: _Asking) -> None:
    """Drop outputs where a new key came meanwhile.

    Nobody can say of which of the two they are, and under the wrong one a
    listed number is not found.
    """
    for kind in identifier.KINDS:
        if _epoch(old, kind) != _epoch(new, kind):
            asking.failed[kind] = UnavailableError(
                "oprf: {kind}: the token key has changed meanwhile", kind=kind
            )
            for form in [f for f in asking.outputs if f.kind == kind]:
                del asking.outputs[form]


async def _claims(
    asked: Sequence[_Asked],
    outputs: Mapping[Identifier, bytes],
    roster: Roster,
    claims: ClaimSource,
) -> Found:
    """Return all claims on all tokens asked for, by kind, epoch, token."""
    wanted: dict[tuple[str, int], dict[bytes, None]] = {}
    for one in asked:
        question = one.question
        if question.token and one.problem is None:
            key = (question.kind, question.epoch)
            wanted.setdefault(key, {})[question.token] = None
    numbers = {kind: _epoch(roster, kind) for kind in identifier.KINDS}
    for form, output in outputs.items():
        key = (form.kind, numbers[form.kind])
        wanted.setdefault(key, {})[token.token(output)] = None
    found: Found = {}
    for (kind, epoch), tokens in wanted.items():
        code = token.KIND_CODES[kind]
        rows = await claims.claims([*tokens], code, epoch)
        for short, group in rows.items():
            found[kind, epoch, short] = group
    return found


def _epoch(roster: Roster, kind: str) -> int:
    epoch = roster.epoch(kind)
    return epoch.epoch if epoch else 0


class _Judge:
    """Judges question by question in one world."""

    def __init__(
        self,
        world: World,
        found: Found,
        basis: Basis,
        asking: _Asking,
    ) -> None:
        self._world = world
        self._found = found
        self._basis = basis
        self._outputs = asking.outputs
        self._failed = asking.failed
        self._policy = policy.of(world.roster)
        self._reporters = policy.reporters(world.roster)
        self._epochs = {
            kind: _epoch(world.roster, kind) for kind in identifier.KINDS
        }
        self._nothing = self._verdict([()], never.NOBODY, set(), ())
        self.bad_know: set[Position] = set()

    def answer_all(self, asked: Sequence[_Asked]) -> list[Answer]:
        """Return the answers to all questions, in order."""
        return [self._told(one) for one in asked]

    def _told(self, asked: _Asked) -> Answer:
        """Return an answer with its forms, and what a reader should know."""
        answer = self.answer(asked)
        read = asked.forms[0].notices if asked.forms else ()
        return replace(
            answer, forms=asked.forms, notices=(*answer.notices, *read)
        )

    def answer(self, asked: _Asked) -> Answer:
        """Return the answer to one question."""
        if asked.problem is not None:
            return Answer(problem=asked.problem)
        question = asked.question
        if question.token:
            named = (question.kind, question.token)
            listed = named in self._world.never_tokens
            keys = [(question.kind, question.epoch, question.token)]
            return self._answer(
                keys, _LISTED if listed else never.NOBODY, set()
            )
        if any(form not in self._outputs for form in asked.forms):
            if 0 in asked.guard.levels:  # whatever the claims are
                return _owned(self._answer([], _LISTED, set()), asked)
            return self._unknown(question.kind)
        keys, bad = [], set()
        for form in asked.forms:
            output = self._outputs[form]
            key = (form.kind, self._epochs[form.kind], token.token(output))
            keys.append(key)
            for claim in self._found.get(key, ()):
                if _lies(claim, output):
                    bad.add(claim.position)
        self.bad_know |= bad
        return _owned(self._answer(keys, asked.guard, bad), asked)

    def _unknown(self, kind: str) -> Answer:
        failed = self._failed.get(kind)
        missing = failed.missing if isinstance(failed, HoldersError) else ()
        return Answer(
            verdict.unknown("holders_missing"),
            missing=missing,
            detail=str(failed or f"oprf: {kind}: not asked"),
        )

    def _answer(
        self, keys: Sequence[Key], guard: never.Guard, bad: set[Position]
    ) -> Answer:
        groups = [self._found.get(key, ()) for key in keys]
        tokens = tuple(short for _, _, short in keys)
        protected = 0 in guard.levels
        if not (protected or any(groups)):  # nearly all of a long list
            return Answer(self._nothing, tokens=tokens)
        behind, whole = self._basis.of(groups)
        judged = self._verdict(groups or [()], guard, bad, behind)
        # More reports would confirm no less, and are nothing to a guard,
        # unless they may be of a page planted there.
        firm = protected and 0 not in guard.pages
        if not (whole or firm or judged.verdict == "confirmed"):
            return Answer(
                verdict.unknown("basis_unread"),
                detail="basis: no time left to read what reports rest on",
                tokens=tokens,
            )
        met: tuple[Key, ...] = ()
        level = None
        if judged.verdict in HITS:
            on = frozenset(judged.positions)
            by = [
                {c.origin for c in g if c.type == REPORT and c.position in on}
                for g in groups
            ]
            level = next((at for at, who in enumerate(by) if who), None)
            met = tuple(
                key
                for key, who in zip(keys, by, strict=True)
                if who - self._world.own
            )
        return Answer(judged, tokens=tokens, met=met, level=level)

    def _verdict(
        self,
        groups: Sequence[Sequence[Claim]],
        guard: never.Guard,
        bad: set[Position],
        behind: Sequence[Claim],
    ) -> Verdict:
        return verdict.verdict(
            groups,
            self._policy,
            self._reporters,
            self._world.day,
            contested=self._world.contested,
            bad_know=bad,
            never=guard,
            standing=behind,
        )


_LISTED: Final = never.Guard(frozenset({0}))


def _owned(answer: Answer, asked: _Asked) -> Answer:
    """Say whose it is, and that this proves nothing about a call."""
    owner, judged = asked.guard.owner, answer.verdict
    faked = ("faked_caller_id",) if asked.faked else ()
    if owner is None or judged is None or judged.verdict != "protected":
        return replace(answer, notices=faked) if faked else answer
    return replace(answer, owner=owner, notices=("not_proof", *faked))


def _lies(claim: Claim, output: bytes) -> bool:
    """Tell whether a report's `know` does not fit the value."""
    return claim.type == REPORT and claim.know != token.know(
        output, claim.origin
    )
