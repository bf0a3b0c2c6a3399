"""Every item is answered by itself, in order, and recorded before that."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from syncd.errors import HoldersError, MalformedError, QuotaError, SyncdError
from syncd.flows import basis, lookup
from syncd.flows.judge import Answer, Question, World, judged_by_token
from syncd.flows.lookup import LookupContext
from syncd.flows.ports import Access, Position, at_once
from syncd.flows.tokenise import Came, Tokeniser
from syncd.indicator import identifier, statement, token, verdict
from syncd.indicator.claims import Claim
from syncd.indicator.identifier import Identifier
from syncd.indicator.notation import day_text
from syncd.indicator.statement import ClaimStatement, Reassigned, Vouch
from syncd.roster.terms import Never
from tests.cases import tried
from tests.cost import calls
from tests.flows.founders import FOUNDED
from tests.refusals import failing, over_quota
from tests.sample_statements import ABOUT, dispute, report

DAY = statement.day("2026-11-20")
BANK = "bank.example/syncd/txwz/1"
CARRIER = "carrier.example/syncd/txwz/1"
POLICE = "police.example/syncd/txwz/1"
NUMBER = "+12025550123"
ASKED = Question("phone", NUMBER)


ROSTER = replace(
    FOUNDED.roster,
    never=(
        Never("phone", "+12025550911", "emergency"),
        Never("phone", "cn:110", "emergency"),
        Never("url", "bank.example/", "bank"),
    ),
)
WORLD = World(ROSTER, DAY, frozenset(), frozenset(), "US", frozenset({BANK}))


def output(one: Identifier, epoch: int = 1) -> bytes:
    """Return what the holders would make of an identifier."""
    if one.kind == "url":
        return token.url_output(one)
    key = b"" if epoch == 1 else b"2"
    return hashlib.sha512(token.oprf_input(one) + key).digest()


class Holders(Tokeniser):
    """Tokens without holders; some kinds cannot be asked."""

    def __init__(self, clock: "Clock") -> None:
        self.clock = clock
        self.down: dict[str, SyncdError] = {}
        self.in_time = 10_000  # what they manage of one call
        self.asked: list[tuple[int, str, float]] = []
        self.known: set[Identifier] = set()

    def knows(self, one: Identifier) -> bool:
        return one in self.known

    async def came(
        self,
        identifiers: Iterable[Identifier],
        *,
        purpose: str,
        timeout_s: float,
        epochs: Mapping[str, int] = {},
    ) -> Came:
        done: dict[Identifier, bytes] = {}
        wanted = dict.fromkeys(identifiers)
        self.asked.append((len(wanted), purpose, timeout_s))
        for at, one in enumerate(wanted):
            epoch = epochs.get(one.kind, 1)
            for down in (one.kind, f"{one.kind}/{epoch}"):
                if down in self.down:
                    return done, self.down[down]
            if at == self.in_time:
                return done, HoldersError("no time left", missing=("slow",))
            done[one] = output(one, epoch)
        return done, None


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Book:
    """Claims by token, and what is recorded, in one place."""

    def __init__(self) -> None:
        self.rows: list[Claim] = []
        self.accesses: list[Access] = []
        self.suspects: set[Position] = set()
        self.clock: Clock | None = None  # moves as positions are read
        self.read: list[Position] = []

    def report(
        self,
        one: Identifier,
        origin: str = POLICE,
        know: bytes | None = None,
        **fields: Any,
    ) -> Claim:
        made = output(one, fields.get("epoch", 1))
        fits = token.know(made, origin) if know is None else know
        content = report(
            **{
                "kind": one.kind,
                "token": token.encode(token.token(made)),
                "on": day_text(DAY),
                "seen": day_text(DAY),
                "expires": day_text(DAY + 100),
                "label": "fake_invest",
                "evidence": "user_tag",
                "confidence": 50,
                "know": fits.hex(),
                **fields,
            }
        )
        return self.add(origin, content)

    def add(self, origin: str, content: ClaimStatement) -> Claim:
        claim = Claim(origin, len(self.rows), content)
        self.rows.append(claim)
        return claim

    async def claims(
        self, tokens: Sequence[bytes], kind: int, epoch: int
    ) -> Mapping[bytes, Sequence[Claim]]:
        found: dict[bytes, list[Claim]] = {}
        for c in self.rows:
            about = token.KIND_CODES[c.statement.kind], c.statement.epoch
            if c.token in set(tokens) and about == (kind, epoch):
                found.setdefault(c.token, []).append(c)
        return found

    async def claims_at(
        self, positions: Sequence[Position]
    ) -> Mapping[Position, Claim]:
        self.read += positions
        if self.clock is not None:
            self.clock.now += 0.001 * len(positions)
        wanted = set(positions)
        return {c.position: c for c in self.rows if c.position in wanted}

    async def record(self, accesses: Sequence[Access]) -> None:
        await asyncio.sleep(0)
        self.accesses += accesses


class User:
    def __init__(self) -> None:
        self.clock = Clock()
        self.holders = Holders(self.clock)
        self.book = Book()
        self.report = self.book.report
        self.world = WORLD
        self.offloaded = 0
        self.spent: list[tuple[dict[str, int], dict[str, int]]] = []

    def spend(self, items: Counter[str], more: Counter[str]) -> None:
        self.spent.append(({**items}, {**more}))

    async def offload(self, work: Any, *args: Any) -> Any:
        self.offloaded += 1
        return work(*args)

    async def ask(
        self, *questions: Question | SyncdError, timeout_s: float = 3.0
    ) -> list[Answer]:
        return await lookup.lookup(
            questions,
            self.world,
            LookupContext(
                tokeniser=self.holders,
                claims=self.book,
                record=self.book.record,
                suspect=self.book.suspects.update,
                offload=self.offload,
                clock=self.clock,
                spend=self.spend,
            ),
            purpose="call_check",
            caller="teller",
            reference="A-17",
            timeout_s=timeout_s,
        )

    async def word(self) -> str:
        """Return the verdict on the number that most is asked about."""
        [found] = verdicts(await self.ask(ASKED))
        return found


@pytest.fixture
def user() -> User:
    return User()


def phone(value: str = NUMBER) -> Identifier:
    return identifier.parse_normal("phone", value)


def short(one: Identifier) -> bytes:
    return token.token(output(one))


SHORT = short(phone())


def about(*forms: Identifier) -> list[Question]:
    return [Question(form.kind, form.value) for form in forms]


def verdicts(answers: Sequence[Answer]) -> list[str]:
    return [a.verdict.verdict if a.verdict else "problem" for a in answers]


def reasons(answer: Answer) -> tuple[str, ...]:
    assert answer.verdict is not None
    return answer.verdict.reasons


async def test_a_reported_number_is_found_however_it_is_written(
    user: User,
) -> None:
    claim = user.report(phone())
    answers = await user.ask(
        Question("phone", "(202) 555-0123"), Question("phone", "2025550199")
    )
    assert verdicts(answers) == ["suspected", "none"]
    assert answers[0].verdict is not None
    assert answers[0].verdict.positions == (claim.position,)
    assert NUMBER[-7:] not in repr(answers)  # as a log may show it


async def test_a_url_is_found_with_text_behind_it_and_says_so(
    user: User,
) -> None:
    user.report(Identifier("url", "px1.hunt.example/pay"))
    asked = [
        "http://px1.hunt.example/pay",
        "http://px1.hunt.example/pay。",
        "http://px1.hunt.example/pay,",
        "http://px2.hunt.example/pay，请",
        "“http://px1.hunt.example/pay”",
    ]
    answers = await user.ask(*(Question("url", one) for one in asked))
    assert verdicts(answers) == [*(["suspected"] * 3), "none", "problem"]
    notices = ("tried_cut",)
    assert [a.notices for a in answers] == [(), notices, notices, notices, ()]


async def test_each_item_has_its_own_problem_in_its_own_place(
    user: User,
) -> None:
    error = MalformedError("items[1]: unknown field")
    answers = await user.ask(
        Question("phone", "nobody"),
        error,
        ASKED,
        Question("13800138000", "x"),
        Question("url", "http://x.notatld/"),  # a host that cannot be
    )
    problems = ["problem"] * 2
    assert verdicts(answers) == [*problems, "none", *problems]
    assert answers[1].problem is error
    assert "13800138000" not in str(answers[3].problem)


async def test_an_access_is_recorded_with_its_positions_and_tokens(
    user: User,
) -> None:
    claim = user.report(phone())
    await user.ask(
        ASKED, Question("phone", "none"), Question("phone", "2025550199")
    )
    hit, miss = user.book.accesses  # the one that did not read is no access
    assert replace(hit, forms=()) == Access(
        *("teller", "call_check", "phone", (claim.position,), (SHORT,)),
        *("A-17", "warn", "open"),
    )
    assert miss.positions is None
    assert len(miss.tokens) == 1


async def test_no_answer_without_its_record(user: User) -> None:
    full = patch.object(
        user.book, "record", side_effect=SyncdError("disk full")
    )
    with full, failing("disk full"):
        await user.ask(ASKED)


async def test_without_holders_phones_are_unknown_and_urls_are_not(
    user: User,
) -> None:
    user.report(Identifier("url", "evil.example/a"))
    user.holders.down["phone"] = HoldersError(
        "oprf: 1 of 2", missing=("bank", "carrier")
    )
    answers = await user.ask(
        ASKED,
        Question("url", "http://evil.example/a"),
        Question("account", "bank:102:1001244109000012345"),
    )
    assert verdicts(answers) == ["unknown", "suspected", "none"]
    assert answers[0].missing == ("bank", "carrier")
    assert str(answers[0].detail) == "oprf: 1 of 2"


async def test_a_bare_number_says_what_it_was_tried_as(user: User) -> None:
    """It is no clearance if nobody said whose bank account it is."""
    answers = await user.ask(
        Question("account", "13800138000"),
        Question("account", "6222021234567890127"),
        Question("account", "13800138000", scheme="微信"),
        Question("account", "20000012345678", scheme="工行"),
        Question("account", "6222021234567890128"),
        ASKED,
    )
    assert verdicts(answers) == ["unknown"] * 2 + ["none"] * 4
    assert [a.tried for a in answers] == [
        ("alipay", "wechat", "qq"),
        (),
        ("wechat",),
        ("bank",),
        ("card",),
        (),
    ]
    assert reasons(answers[0]) == ("kinds_untried",)
    hint = str(answers[0].hint)
    assert hint.startswith("if it is a bank account, name the bank")
    assert str(answers[1].detail).startswith("account: it may be a bank's")
    assert not any(a.hint for a in answers[2:])
    user.report(Identifier("account", "qq:13800138000"))
    [answer] = await user.ask(Question("account", "13800138000"))
    assert verdicts([answer]) == ["suspected"]


async def test_what_came_in_time_is_answered(user: User) -> None:
    """Slow holders: some numbers are answered, the rest is unknown."""
    user.holders.in_time = 7
    answers = await user.ask(*about(*map(numbers, range(10))), timeout_s=2.5)
    assert verdicts(answers) == ["none"] * 7 + ["unknown"] * 3
    assert answers[-1].missing == ("slow",)
    assert user.holders.asked == [(10, "call_check", 2.5)]


async def test_a_token_copied_from_another_log_confirms_nothing(
    user: User,
) -> None:
    liar = user.report(phone(), know=bytes(8))
    [answer] = await user.ask(ASKED)
    assert (verdicts([answer]), reasons(answer)) == (["none"], ("bad_know",))
    assert user.book.suspects == {liar.position}


TOMORROW = day_text(DAY + 1)


@tried(
    "content, word",
    [
        (dispute(), "disputed"),
        (Reassigned(**ABOUT, since=day_text(DAY), know=""), "none"),
        (
            Vouch(**ABOUT, role="hotline", expires=TOMORROW, know=""),
            "disputed",
        ),
    ],
)
async def test_a_copied_token_lifts_nothing(
    user: User, content: ClaimStatement, word: str
) -> None:
    """Types 3, 5 and 7 do what they do only with the value in hand."""
    content = replace(content, token=token.encode(SHORT), know="00" * 8)
    user.report(phone(), seen=day_text(DAY - 1))
    copied = user.book.add(CARRIER, content)
    assert await user.word() == "suspected"
    assert user.book.suspects == {copied.position}

    know = token.know(output(phone()), CARRIER).hex()
    user.book.add(CARRIER, replace(content, know=know))
    assert await user.word() == word


async def test_whoever_names_reports_need_not_have_the_value(
    user: User,
) -> None:
    """And is no liar; without positions and knowledge it says nothing."""
    listed = user.report(phone())
    blind = replace(dispute(), token=token.encode(SHORT), know="")
    user.book.add(CARRIER, blind)
    assert await user.word() == "suspected"
    user.book.add(CARRIER, replace(blind, about=(listed.position,)))
    assert await user.word() == "disputed"
    assert user.book.suspects == set()


async def test_what_is_remembered_needs_no_evaluation(user: User) -> None:
    """It is spent as what needs no holder, as URLs and tokens are."""
    questions: list[Question | SyncdError] = [
        ASKED,
        Question("phone", token=SHORT, epoch=1),
        Question("url", "http://a.example/b"),
        Question("account", "13800138000"),
        Question("bogus", "1"),
        MalformedError("no item"),
    ]
    user.holders.known = {phone()}
    await user.ask(*questions)
    assert user.spent[0] == (
        {"url": 4, "account": 1},  # and by further forms
        {"url": 1, "account": 2},
    )
    user.holders.known.clear()
    await user.ask(questions[0])
    assert user.spent[1] == ({"phone": 1}, {})


async def test_who_may_not_spend_asks_nobody(user: User) -> None:
    """Refused, a call costs no holder anything and leaves no record."""
    refusal = QuotaError("no more", retry_after_s=1)
    with patch.object(user, "spend", side_effect=refusal), over_quota():
        await user.ask(ASKED)
    assert not user.holders.asked
    assert not user.book.accesses


async def test_a_caller_with_tokens_asks_without_holders(user: User) -> None:
    user.report(phone())
    answers = await user.ask(
        Question("phone", token=SHORT, epoch=1),
        Question("phone", token=SHORT, epoch=2),
        Question("url", token=SHORT, epoch=1),
    )
    assert verdicts(answers) == ["suspected", "problem", "none"]
    assert user.holders.asked == []
    [answer], _ = await judged_by_token(
        [Question("phone", token=SHORT, epoch=1)],
        *(user.world, user.book, at_once),
    )
    assert answer == answers[0]


async def test_the_never_list_protects_by_value_by_token_and_unasked(
    user: User,
) -> None:
    guarded = phone("+12025550911")
    user.report(guarded)
    named = short(guarded)
    user.world = replace(WORLD, never_tokens=frozenset({("phone", named)}))
    ask = (
        Question("phone", "202 555 0911"),
        Question("phone", token=named, epoch=1),
        Question("url", "http://bank.example/"),
    )
    assert verdicts(await user.ask(*ask)) == ["protected"] * 3
    user.holders.down["phone"] = HoldersError("down")
    assert verdicts(await user.ask(*ask)) == ["protected"] * 3


async def test_a_number_that_only_looks_official_has_a_notice(
    user: User,
) -> None:
    """`protected` is no proof, and + or 00 before such a number is a sign."""
    asked = [
        "110",
        "0755-110",
        "+86 110",
        "+110",
        "00110",
        "+86 138 0013 8000",
        "++110",  # no caller id at all, and shown all the same
    ]
    answers = await user.ask(
        *(Question("phone", one, region="CN") for one in asked)
    )
    assert [a.notices for a in answers] == [
        ("not_proof",),
        ("not_proof",),
        ("not_proof", "faked_caller_id"),
        ("faked_caller_id",),
        ("faked_caller_id",),
        (),
        ("not_proof", "faked_caller_id"),
    ]
    owned = [a.owner.category if a.owner else "" for a in answers]
    assert owned == ["emergency"] * 3 + [""] * 3 + ["emergency"]


async def test_met_is_what_others_list_firmly(user: User) -> None:
    """Each by itself: a page below a listed site may be of one person."""
    user.report(phone(), origin=BANK)  # our own
    weak, firm = phone("+12025550150"), phone("+12025550160")
    user.report(weak)
    user.report(firm, evidence="police_case")
    quiet = phone("+12025550180")
    user.report(quiet, evidence="police_case", handling="no_tip_off")
    copied = phone("+12025550190")  # its token, by who has not the number
    user.report(copied, evidence="police_case", know=bytes(8))
    host = identifier.parse_normal("url", "evil.example/")
    page = identifier.parse_normal("url", "evil.example/a/b")
    user.report(host, evidence="police_case")
    user.report(page)
    answers = await user.ask(*about(phone(), weak, firm, quiet, copied, page))
    met = [(one.kind, 1, short(one)) for one in (firm, host)]
    assert [a.met for a in answers] == [(), (), (met[0],), (), (), (met[1],)]
    assert verdicts(answers)[5] == "confirmed"


def numbers(n: int) -> Identifier:
    """Return the n-th number of an unassigned block."""
    return phone(f"+1202555{n:04}")


async def test_what_is_asked_beside_it_changes_no_answer(user: User) -> None:
    """A report and what it rests on may be asked for in one call."""
    user.report(phone(), basis=(user.report(phone("+12025550150")).position,))
    both = ASKED, Question("phone", "+12025550150")
    assert verdicts(await user.ask(*both)) == ["suspected"] * 2
    user.report(numbers(1), basis=(("elsewhere/x", 1),))
    more = verdicts(await user.ask(*both, *about(numbers(1))))
    assert more[:2] == ["suspected"] * 2


async def test_much_said_of_one_value_is_judged_elsewhere(user: User) -> None:
    """Little is judged at once: a thread's turn would take longer."""
    for said in range(66):
        user.offloaded = 0
        await user.ask(ASKED)
        assert user.offloaded == (said > 63)
        user.report(phone(), confidence=said)


async def test_alike_reports_answer_as_each_alone(user: User) -> None:
    """What is judged once for all of them has each one's position."""
    for n in range(4):
        user.report(numbers(n), know=bytes(8) if n == 2 else None)
    user.report(numbers(4), origin=BANK)
    user.report(numbers(5), evidence="police_case")
    asked = about(*map(numbers, range(6)))
    alone = [answer for one in asked for answer in await user.ask(one)]
    assert await user.ask(*asked) == alone
    assert [a.verdict and a.verdict.positions for a in alone] == [
        () if n == 2 else (claim.position,)
        for n, claim in enumerate(user.book.rows)
    ]


async def test_a_lone_report_is_judged_once_while_nothing_changes(
    user: User,
) -> None:
    """Another call gets the same; another day, or a fork, its own verdict."""
    user.report(phone(), evidence="judgment")
    with patch.object(verdict, "verdict", wraps=verdict.verdict) as judged:
        first = await user.ask(ASKED)
        judged.assert_called()
        judged.reset_mock()
        assert await user.ask(ASKED) == first
        judged.assert_not_called()
    for world, found in (
        (WORLD, "confirmed"),
        (replace(WORLD, day=DAY + 101), "none"),
        (WORLD, "confirmed"),
        (replace(WORLD, contested=frozenset({POLICE})), "suspected"),
    ):
        user.world = world
        assert await user.word() == found


async def test_a_basis_is_followed_to_its_ground(user: User) -> None:
    """Through as many reports as one may rest on, and no further."""
    last = user.report(numbers(0))
    for n in range(1, basis.MOST + 2):
        last = user.report(numbers(n), basis=(last.position,))
    deep, deeper = numbers(basis.MOST), numbers(basis.MOST + 1)
    answers = await user.ask(*about(deep, deeper))
    assert verdicts(answers) == ["suspected", "none"]
    assert reasons(answers[1]) == ("basis_ended",)


async def test_a_circle_of_reports_ends(user: User) -> None:
    a, b = (POLICE, 0), (POLICE, 1)
    user.report(numbers(0), basis=(b,))
    user.report(numbers(1), basis=(a,))
    assert verdicts(await user.ask(*about(numbers(0)))) == ["none"]


async def test_a_basis_that_takes_too_long_is_unknown_and_no_clearance(
    user: User,
) -> None:
    """The others are answered; what is confirmed, more would only confirm."""
    user.book.clock = user.clock
    nowhere = tuple((BANK, 1000 + n) for n in range(200))
    user.report(numbers(0), basis=nowhere)
    user.report(numbers(1), basis=nowhere)
    user.report(numbers(1), evidence="police_case")
    user.report(numbers(2))
    user.report(phone("+12025550911"), basis=nowhere)
    answers = await user.ask(
        *about(*map(numbers, range(3))),
        Question("phone", "+12025550911"),
        timeout_s=0.05,
    )
    want = ["unknown", "confirmed", "suspected", "protected"]
    assert verdicts(answers) == want
    assert len(user.book.read) == basis.STEP
    assert reasons(answers[0]) == ("basis_unread",)
    assert "no time left" in str(answers[0].detail)
    # It was asked, so it is recorded with its token like the others.
    assert [len(a.tokens) for a in user.book.accesses] == [1, 1, 1, 1]


def in_hand(book: Book) -> basis.Found:
    """Return all claims of a book, as if all their tokens were asked for."""
    found: dict[basis.Key, list[Claim]] = {}
    for claim in book.rows:
        found.setdefault(("phone", 1, claim.token), []).append(claim)
    return {**found}


async def test_a_basis_in_hand_takes_no_longer_than_there_is_time() -> None:
    """Where nothing is read, the clock counts all the same."""
    book = Book()
    for n in range(5):
        book.report(numbers(n), basis=((POLICE, n + 1),))
    book.report(numbers(5))
    found = in_hand(book)
    for in_time in (True, False):
        rests = basis.Basis(found, DAY)
        await rests.read(book, lambda: in_time)  # noqa: B023
        behind, whole = rests.of([found["phone", 1, book.rows[0].token]])
        assert whole == in_time
        assert (book.rows[5] in behind) == in_time
    assert book.read == []


def test_nobody_can_make_a_basis_dear() -> None:
    """Twice as many reports on a token cost twice as much, not eight times."""

    def cost(count: int) -> int:
        book = Book()
        for n in range(count):
            book.report(phone(), basis=((POLICE, n + 1),))
        book.report(phone())
        found = in_hand(book)

        def work() -> None:
            rests = basis.Basis(found, DAY)
            asyncio.run(rests.read(book, lambda: True))
            rests.of([*found.values()])

        return calls(work)

    assert cost(160) < 3 * cost(80)


async def test_one_reports_long_basis_does_not_use_up_anothers_time(
    user: User,
) -> None:
    """Each report's first positions are read before any one's second."""
    user.book.clock = user.clock
    ground = user.report(numbers(9))
    long = tuple((BANK, 1000 + n) for n in range(90))
    user.report(numbers(0), origin=BANK, basis=long)
    user.report(numbers(1), basis=(ground.position,))
    answers = await user.ask(*about(*map(numbers, range(2))), timeout_s=0.05)
    assert verdicts(answers) == ["unknown", "suspected"]


async def test_what_cannot_count_is_not_followed(user: User) -> None:
    """An old report's basis costs nothing."""
    rests = ((BANK, 7),)
    user.report(phone(), basis=rests, expires=day_text(DAY))
    user.report(phone(), basis=rests, test=True)
    user.report(phone(), basis=rests, seen=day_text(DAY + 1))
    await user.ask(ASKED)
    assert user.book.read == []


@given(
    st.lists(
        st.builds(
            Question,
            st.sampled_from(["phone", "url", "account"]) | st.text(),
            st.text(max_size=20) | st.sampled_from([NUMBER, "evil.example"]),
            scheme=st.text(max_size=5),
            region=st.just("") | st.text(max_size=3),
        ),
        max_size=5,
    )
)
def test_whatever_is_asked_there_are_as_many_answers(
    questions: list[Question],
) -> None:
    answers = asyncio.run(User().ask(*questions))
    assert len(answers) == len(questions)
    for answer in answers:
        assert (answer.verdict is None) == (answer.problem is not None)


async def test_an_answer_says_what_was_tried_and_where_the_reports_are(
    user: User,
) -> None:
    """Most specific first: by it, what our own lists say is laid over."""
    host = identifier.parse_normal("url", "evil.example/")
    user.report(host)
    asked = [Question("url", f"evil.example/{path}") for path in ("a/b", "")]
    page, root, bad, unasked = await user.ask(
        *asked, Question("phone", "nobody"), Question("url", "fine.example/")
    )
    assert [f.value for f in page.forms][-1] == "evil.example/"
    assert page.forms[page.level or 0] == host
    assert (root.level, len(root.forms)) == (0, 1)
    assert (bad.level, bad.forms) == (None, ())
    assert (unasked.level, len(unasked.forms)) == (None, 1)
    assert [tuple(a.forms) for a in user.book.accesses] == [
        a.forms for a in (page, root, unasked)
    ]


NEWER = [replace(e, epoch=2) for e in ROSTER.epochs if e.kind == "phone"]
REPLACED = replace(ROSTER, epochs=(*ROSTER.epochs, *NEWER))


async def test_a_key_that_is_replaced_is_asked_beside_the_new_one(
    user: User,
) -> None:
    """What is said under both, or either, counts once, and bears both names.

    It counts where it was said first. Another report, or another's, is
    another; what names one where it is said again means that.
    """
    user.world = replace(WORLD, roster=REPLACED)
    new, old = (output(phone(), n) for n in (2, 1))
    first = user.report(phone(), origin=BANK)
    again = user.report(phone(), origin=BANK, epoch=2)
    others = (
        user.report(phone(), origin=BANK, epoch=2, confidence=1),
        user.report(phone(), epoch=2),
    )
    user.report(numbers(1), epoch=2)
    known, other = await user.ask(ASKED, *about(numbers(1)))
    assert [n for n, *_ in user.holders.asked] == [2, 2]
    assert verdicts([known, other]) == ["suspected", "suspected"]
    assert known.hit == tuple(sorted(c.position for c in (first, *others)))
    assert known.tokens == (token.token(new), token.token(old))
    assert known.outputs == (new,)
    user.book.rows = [first, again]
    on = {"epoch": 2, "token": again.statement.token, "know": ""}
    user.book.add(CARRIER, replace(dispute(), **on, about=(again.position,)))
    assert await user.word() == "disputed"
    assert not user.book.suspects
    # What one key finds stands, as while the holders of a new one hear of it.
    for key, word in (("phone/1", "disputed"), ("phone/2", "suspected")):
        user.holders.down = {key: HoldersError("down", missing=("police",))}
        answers = await user.ask(ASKED, *about(numbers(2)))
        assert verdicts(answers) == [word, "unknown"]
        assert {one.missing for one in answers} == {("police",)}
