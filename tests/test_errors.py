"""The tree at the top of errors.py is the tree that the code has."""

import pickle
import re

from syncd import errors
from syncd.errors import Message, PendingError, QuotaError, SyncdError
from tests.cases import tried
from tests.refusals import misused, stale

CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, SyncdError)
}
LINES = re.findall(
    r"^    ([│├└─ ]*)(\w+Error) +(.*)$", errors.__doc__ or "", re.MULTILINE
)


def test_the_drawing_names_every_class_once() -> None:
    assert sorted(name for _, name, _ in LINES) == sorted(CLASSES)


def test_the_drawing_shows_each_parent() -> None:
    above: list[str] = []
    for branch, name, _ in LINES:
        del above[len(branch) // 4 :]
        parents = [base.__name__ for base in CLASSES[name].__bases__]
        assert parents == [above[-1] if above else "Exception"]
        above.append(name)


@tried("name, says", [(name, says) for _, name, says in LINES])
def test_the_drawing_says_each_status_and_exit_code(
    name: str, says: str
) -> None:
    for status in re.findall(r"\b[45]\d\d\b", says):
        assert CLASSES[name].status == int(status)
    for code in re.findall(r"exit (\d)", says):
        assert CLASSES[name].exit_code == int(code)


@tried("kind", [k for k in CLASSES.values() if k is not QuotaError])
def test_a_hint_is_carried_beside_the_message(kind: type[SyncdError]) -> None:
    error = kind("log: size is 3", hint="try another")
    assert (str(error), error.hint) == ("log: size is 3", "try another")
    assert kind("log: size is 3").hint == ""


def test_a_quota_says_when_to_come_back() -> None:
    error = QuotaError("oprf: 10000 an hour", retry_after_s=90, hint="wait")
    assert (str(error), error.retry_after_s) == ("oprf: 10000 an hour", 90)
    assert error.hint == "wait"


def test_a_hint_has_the_parameters_too() -> None:
    error = SyncdError("url: {n} bytes", hint="at most {most}", n=9, most=8)
    assert (str(error), error.hint) == ("url: 9 bytes", "at most 8")
    assert error.text.template == "url: {n} bytes"
    assert error.way_out.template == "at most {most}"


def test_an_error_is_the_same_in_another_process() -> None:
    error = pickle.loads(pickle.dumps(PendingError.of(7)))
    assert (error.id, error.hint) == (7, "syncd pending show 7")


def test_one_fault_is_itself() -> None:
    error = errors.MalformedError("label: not given")
    assert errors.joined([error]) is error


def test_several_faults_are_one_error_that_bears_each() -> None:
    """By rule only if nothing is malformed; one hint is said once."""
    rule = errors.RefusedError("never-list", hint="look")
    form = errors.MalformedError("label: x", hint="look")
    both = errors.joined([rule, form])
    assert str(both) == "never-list; label: x"
    assert both.hint == "look"
    assert both.faults == (rule, form)
    assert type(both) is errors.MalformedError
    assert type(errors.joined([rule, rule])) is errors.RefusedError


def test_what_is_not_given_is_of_what_it_is_about() -> None:
    """Of an error's hint too; what is given counts."""
    error = SyncdError("{real} {n}", 3, n=9, hint="{imag}")
    assert (str(error), error.hint, error.params) == (
        *("3 9", "0"),
        {"real": 3, "n": 9},
    )


def test_messages_are_equal_if_they_read_the_same() -> None:
    one, same = Message("{n} bytes", n=9), Message("9 bytes")
    assert {one, same} == {same}
    assert one != "9 bytes"


def test_what_the_system_refuses_is_ours() -> None:
    """Under the path, as the system says it; our own errors are as they are."""
    with misused(r"^/x: Is a directory$"), errors.at_path("/x"):
        raise IsADirectoryError(21, "Is a directory")
    with stale(), errors.at_path("/x"):
        raise errors.StaleError("roster: is here already")


def test_a_message_shows_what_it_says() -> None:
    assert repr(Message("{n} bytes", n=3)) == "Message('3 bytes')"
