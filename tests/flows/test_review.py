"""Who may decide what another handed in, and what becomes of it."""

from typing import Any

from msgspec.structs import replace

from syncd.flows.review import Change, Held, Person, decided, merged
from tests.cases import each, tried
from tests.refusals import malformed, refused

FIRST = Person("desk", "operator", 1, "0042", "张三")
SECOND = Person("rev", "reviewer", 2, "0043", "王五")
SOME = Change("report", "phone", "fake_invest", 4)
HELD = Held(
    id=7, state="waiting", call="x", by=FIRST, at=0, until=9, changes=(SOME,)
)


@each("flows", "a_second_person_decides_once", "state, right, then")
def test_a_second_person_decides_once(
    state: str, right: bool, then: str
) -> None:
    done = decided(replace(HELD, state=state), SECOND, 5, "why", right=right)
    assert (done.state, done.decided, done.decided_at) == (then, SECOND, 5)
    assert decided(done, SECOND, 6, "why", right=right) is done
    with refused("waits for nobody"):
        decided(done, SECOND, 6, "why", right=not right)


@tried(
    "other", [{"staff": ""}, {"staff": "0042"}, {"staff": " 0042 "}, {"id": 1}]
)
def test_one_person_or_token_is_no_second(other: Any) -> None:
    with refused("person"):
        decided(HELD, replace(SECOND, **other), 5, "", right=True)


def test_what_waited_too_long_has_lapsed_and_a_refusal_says_why() -> None:
    with refused("7 waits for nobody"):
        decided(HELD, SECOND, 9, "", right=True)
    with malformed("say why"):
        decided(HELD, SECOND, 5, "", right=False)


def test_parts_add_up() -> None:
    more = Change("replaced", "", "", -2)
    new = replace(HELD, id=0, state="waiting", changes=(SOME, more))
    both = merged(replace(HELD, state="open"), new)
    assert both.changes == (replace(SOME, n=8), more)
    assert (both.state, both.news) == ("waiting", {"id": 7, "n": 10})
