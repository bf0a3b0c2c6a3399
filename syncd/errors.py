"""The error tree: a class exists where someone acts differently on it.

    SyncdError                 every error that syncd raises on purpose
    ├── UsageError             the operator's own input or setting   exit 2
    ├── MalformedError         bytes or text that do not parse       400
    ├── RefusedError           understood, and not allowed by rule   422
    ├── MissingError           there is no such thing here           404
    ├── UnavailableError       no usable answer; try again           503, exit 3
    │   ├── AbsentError        it says that there is no such thing: an answer
    │   ├── HoldersError       fewer than t holders answered right; names them
    │   ├── NotAdmittedError   a peer that does not know us (any more)
    │   └── BrokenSourceError  bytes that are not what was signed: try another
    ├── QuotaError             too many; says when to come back      429
    ├── PendingError           it waits for a second person          202, exit 6
    ├── StaleError             a compare-and-swap lost               409
    ├── UntrustedError         nobody we trust signed or said this   403, exit 4
    │   └── ForkError          an origin contradicts what it signed  exit 4
    ├── NewerError             written by a newer syncd              exit 5
    └── DamagedError           our own files or rows do not hold     exit 5

Messages read `subject: fact with the value`, in lower case and without a full
stop. The way out, where we know one, stands by a message's template in
ways.tsv; `hint` says it where it depends. Keys and raw identifiers
never enter a message. A message is kept apart from what is put into it, so
that an edge can say it by a code or in another language: `messages/` has both.
What is wrong in several ways is one error that bears each of them: see
`joined`.
"""

import contextlib
import functools
from collections.abc import Iterator, Mapping, Sequence
from string import Formatter
from typing import Any

from syncd import tsv


class Message:
    """What a person reads: an English template, and what is put into it.

    Parameters are numbers, codes, member ids, origins and positions; never a
    raw value. One may be a message itself, or several: why something is so.
    What is named and not given is an attribute of what it is `of`.
    """

    __slots__ = ("params", "template")

    def __init__(
        self, template: str, of: object = None, /, **params: object
    ) -> None:
        self.template = template
        if of is not None:
            for _, name, *_ in Formatter().parse(template):
                if name and name not in params:
                    params[name] = getattr(of, name)
        self.params = {
            name: value.text if isinstance(value, SyncdError) else value
            for name, value in params.items()
        }

    def __str__(self) -> str:
        if not self.params:
            return self.template
        shown = {
            name: ", ".join(map(str, value))
            if isinstance(value, tuple)
            else value
            for name, value in self.params.items()
        }
        return self.template.format(**shown)

    def __repr__(self) -> str:
        return f"Message({str(self)!r})"

    def __bool__(self) -> bool:
        return bool(self.template)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


NOTHING = Message("")


@functools.cache
def ways() -> Mapping[str, str]:
    """Return the way out by the template of what it is the way out of."""
    return {row[0]: row[1] for row in tsv.rows("ways.tsv")}


def _message(
    text: str | Message, params: dict[str, object], of: object = None
) -> Message:
    return text if isinstance(text, Message) else Message(text, of, **params)


class SyncdError(Exception):
    """Every error that syncd raises on purpose."""

    kind = "error"  # how a problem names it: urn:syncd:problem:error
    exit_code = 1
    status = 500

    def __init__(
        self,
        message: str | Message,
        of: object = None,
        /,
        *,
        hint: str | Message = "",
        **params: object,
    ) -> None:
        self.text = _message(message, params, of)
        way = hint or ways().get(self.text.template, "")
        self.way_out = _message(way, self.text.params | params, of)
        self.faults: tuple[SyncdError, ...] = ()  # if it is several in one
        super().__init__(str(self.text))

    def __init_subclass__(cls, **its: Any) -> None:  # kind, codes
        for name, value in its.items():
            setattr(cls, name, value)

    def __reduce__(self) -> tuple[object, ...]:
        """Let another process of ours raise it, with all that it has."""
        return type(self).__new__, (type(self), *self.args), vars(self)

    @property
    def params(self) -> dict[str, object]:
        """Numbers, codes, places: never a raw value."""
        return self.text.params

    @property
    def hint(self) -> str:
        """The way out in English, or ""."""
        return str(self.way_out)


class UsageError(SyncdError, kind="usage", exit_code=2, status=400):
    """The operator asked for something that cannot be: say what and where."""


class MalformedError(SyncdError, kind="malformed", exit_code=2, status=400):
    """Bytes or text that do not parse."""


class RefusedError(SyncdError, kind="refused", status=422):
    """Understood, and not allowed by a rule."""


class MissingError(SyncdError, kind="absent", status=404):
    """There is no such thing here, which is an answer: no."""


class UnavailableError(
    SyncdError, kind="unavailable", exit_code=3, status=503
):
    """No usable answer from elsewhere; worth trying again."""


class AbsentError(UnavailableError):
    """A source says that it has no such thing, which is an answer."""


class NotAdmittedError(UnavailableError):
    """A peer does not admit our certificate: its roster has another, or none.

    So a member that was removed knows it by the first such answer.
    """


class HoldersError(UnavailableError, kind="holders"):
    """Fewer holders than are needed gave a right answer in time."""

    def __init__(
        self, *said: Any, missing: tuple[str, ...] = (), **params: Any
    ) -> None:
        super().__init__(*said, **params)
        self.missing = missing  # member ids of those that did not


class BrokenSourceError(UnavailableError):
    """A source gave bytes that are not what was signed: ask another."""


class QuotaError(SyncdError, kind="quota", exit_code=3, status=429):
    """Too many; `retry_after_s` says when to come back, `left` with how many."""

    def __init__(
        self, *said: Any, retry_after_s: int, left: int = 0, **params: Any
    ) -> None:
        super().__init__(*said, left=left, **params)
        self.retry_after_s = retry_after_s
        self.left = left  # what would be given now


class PendingError(SyncdError, kind="pending", exit_code=6, status=202):
    """Nothing is done yet: it waits for a second person, as `id`."""

    @classmethod
    def of(cls, id_: int) -> "PendingError":
        """Return that something waits."""
        return cls(
            "review: waits for a second person, as {id}",
            hint="syncd pending show {id}",
            id=id_,
        )

    @property
    def id(self) -> int:
        """As what it waits."""
        return int(str(self.params["id"]))


class StaleError(SyncdError, kind="stale", exit_code=3, status=409):
    """A compare-and-swap lost: what we believed is no longer so."""


class UntrustedError(SyncdError, kind="untrusted", exit_code=4, status=403):
    """Nobody whom we trust signed or said this."""


class ForkError(UntrustedError):
    """An origin signed two things that contradict each other."""

    proof: Sequence[bytes] = ()  # the nodes that show it to anybody


class NewerError(SyncdError, kind="newer", exit_code=5):
    """Written by a newer syncd than this one."""


class DamagedError(SyncdError, kind="damaged", exit_code=5):
    """Our own files or rows do not hold what they must."""


KINDS: dict[str, type[SyncdError]] = {
    error.kind: error
    for error in (
        *(UsageError, MalformedError, RefusedError, UnavailableError),
        *(HoldersError, StaleError, UntrustedError, NewerError),
        *(MissingError, DamagedError),
    )
}  # those that a message is enough for


def joined(
    faults: Sequence[SyncdError], kind: type[SyncdError] | None = None
) -> SyncdError:
    """Return the one error that says all of some faults of one input.

    If no kind is given, it is refused by rule only if nothing in it is
    malformed.
    """
    if len(faults) == 1:
        return faults[0]
    rule = all(isinstance(fault, RefusedError) for fault in faults)
    hints = dict.fromkeys(fault.hint for fault in faults if fault.hint)
    error = (kind or (RefusedError if rule else MalformedError))(
        "; ".join(map(str, faults)), hint="; ".join(hints)
    )
    error.faults = tuple(faults)
    return error


@contextlib.contextmanager
def at_path(
    path: object, kind: type[SyncdError] = UsageError
) -> Iterator[None]:
    """Let what the system refuses of a file be an error of ours."""
    try:
        yield
    except OSError as e:
        raise kind("{path}: {why}", path=path, why=e.strerror) from e


@contextlib.contextmanager
def becoming(
    template: str,
    kind: type[SyncdError],
    *caught: type[Exception],
    **params: Any,
) -> Iterator[None]:
    """Let an error that is caught be another: MalformedError, unless told.

    The template may name the first one as `why`.
    """
    its = caught or (MalformedError,)
    try:
        yield
    except its as e:
        if "{why}" in template:
            params["why"] = e
        raise kind(template, **params) from e
