"""Look up: is this number, URL or account listed, and what should we do?

    question ─ identifiers ─ outputs (t holders) ─ tokens ─ claims ─ verdict
                                        every access recorded, then answered

Items are answered one by one: what does not normalise carries its own
problem, what could not be asked is `unknown` and names who is missing, and
the others are answered as usual.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import NamedTuple

from msgspec import structs

from syncd.errors import MalformedError, Message, SyncdError
from syncd.flows.basis import ClaimSource
from syncd.flows.judge import Answer, Judge, PendingQuestion, Question, World
from syncd.flows.ports import Access, Offload, Position, at_once
from syncd.flows.tokenise import Tokeniser
from syncd.indicator import (
    account,
    identifier,
    never,
    suffixes,
    token,
    verdict,
    vocabulary,
)
from syncd.indicator.national import SHOWN

FEW = 4  # values that are read without another thread
PURPOSES = vocabulary.FACETS["purpose"].keys() - {
    *("publish", "rotate", "never")  # our own work, and no look-up
}

OPEN = "url"  # what needs no holder: of the other kinds too

Spend = Callable[[Counter[str], Counter[str]], None]
"""hears, before anybody is asked, of how many items need holders of a kind or
are OPEN, and of how many further forms of them do"""


class LookupContext(NamedTuple):
    """Whom a look-up asks, and who hears of it."""

    tokeniser: Tokeniser
    claims: ClaimSource
    record: Callable[[Sequence[Access]], Awaitable[None]]  # durably
    suspect: Callable[[Collection[Position]], None]
    """hears of reports whose `know` does not fit; holds up no answer"""
    offload: Offload
    clock: Callable[[], float]
    spend: Spend = lambda *_: None  # may refuse all


async def lookup(
    questions: Sequence[Question | SyncdError],
    world: World,
    context: LookupContext,
    *,
    purpose: str,
    caller: str,
    reference: str,
    timeout_s: float,
    receipt: Callable[..., Answer] = lambda *given: given[-1],
) -> list[Answer]:
    """Answer every question, in order; recorded durably before return.

    What could not be read as a question comes in as its error, and goes out
    as that item's problem.
    """
    offload, claims, clock = context.offload, context.claims, context.clock
    deadline = clock() + timeout_s
    judge = Judge(world)
    read = at_once if len(questions) <= FEW else offload
    asked: list[PendingQuestion] = await read(
        _normalise_all, questions, world, judge
    )
    context.spend(*_needed(asked, context.tokeniser))
    kinds = {f.kind for one in asked for f in one.forms} - {"url"}
    keys = [(kind, number) for kind in kinds for number in judge.epochs[kind]]
    await asyncio.gather(
        *(_ask(key, asked, judge, purpose, deadline, context) for key in keys)
    )
    answers = await judge.answers(
        asked, claims, offload, lambda: clock() < deadline
    )
    tried = map(_with_kinds, asked, answers)
    answers = [receipt(purpose, world, answer) for answer in tried]
    await context.record(
        [
            Access(
                *(caller, purpose, one.question.kind, a.hit, a.tokens),
                *(reference, a.action, a.handling, a.forms),
                a.receipt.hash if a.receipt else "",
            )
            for one, a in zip(asked, answers, strict=True)
            if a.problem is None
        ]
    )
    if judge.bad_know:
        context.suspect(judge.bad_know)
    return answers


def _with_kinds(asked: PendingQuestion, answer: Answer) -> Answer:
    """Return the answer with what an account was tried as.

    Nothing found is `none` only if that was all that it is likely to be.
    """
    question = asked.question
    if question.kind != "account" or question.token or answer.problem:
        return answer
    names = (form.value.partition(":")[0] for form in asked.forms)
    tried = tuple(dict.fromkeys(names))
    judged = answer.verdict
    nothing = judged and judged.verdict == "none"
    if not nothing or not account.may_be_bank(question.value, question.scheme):
        return structs.replace(answer, tried=tried)
    return structs.replace(
        answer,
        verdict=verdict.unknown("kinds_untried"),
        detail=Message(
            "account: tried as {kinds}, not as a bank's",
            kinds=", ".join(tried),
        )
        if tried
        else Message("account: it may be a bank's, and none is named"),
        tried=tried,
        hint=Message(account.UNTRIED_HINT),
    )


def _normalise_all(
    questions: Sequence[Question | SyncdError], world: World, judge: Judge
) -> list[PendingQuestion]:
    """Read every question; URLs need nobody's help for their outputs."""
    asked = []
    for question in questions:
        if isinstance(question, SyncdError):
            asked.append(PendingQuestion(Question(""), problem=question))
            continue
        try:
            one = _normalise(question, world)
        except SyncdError as e:
            one = PendingQuestion(question, problem=e)
        for form in one.forms:
            for number in judge.epochs["url"] if form.kind == "url" else ():
                judge.outputs[number][form] = token.url_output(form)
        asked.append(one)
    return asked


def _normalise(question: Question, world: World) -> PendingQuestion:
    kind = question.kind
    identifier.check_kind(kind)
    if question.token:
        if world.roster.epoch(kind, question.epoch) is None:
            raise MalformedError(
                "token: the roster has no epoch {epoch} of {kind}", question
            )
        return PendingQuestion(question)
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
        return PendingQuestion(
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
    return PendingQuestion(question, forms, guard=guard, faked=faked)


def _needed(
    asked: Sequence[PendingQuestion], tokeniser: Tokeniser
) -> tuple[Counter[str], Counter[str]]:
    """Count what items need by their first forms, and by further ones."""
    first, more = Counter[str](), Counter[str]()
    for one in asked:
        kinds = [
            OPEN if f.kind == OPEN or tokeniser.knows(f) else f.kind
            for f in one.forms
        ]
        if one.question.kind:  # else it was no item
            first[kinds[0] if kinds else OPEN] += 1
        more.update(kinds[1:])
    return first, more


async def _ask(
    key: tuple[str, int],
    asked: Sequence[PendingQuestion],
    judge: Judge,
    purpose: str,
    deadline: float,
    context: LookupContext,
) -> None:
    """Get the outputs of one key, as many as can be had in time."""
    kind, number = key
    wanted = [f for a in asked for f in a.forms if f.kind == kind]
    came, failed = await context.tokeniser.came(
        wanted,
        purpose=purpose,
        timeout_s=max(deadline - context.clock(), 0.0),
        epochs={kind: number},
    )
    judge.outputs[number].update(came)
    if failed:
        judge.failed[kind] = failed
