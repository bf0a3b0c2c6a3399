"""The error tree: a class exists where someone acts differently on it.

    SyncdError                 every error that syncd raises on purpose
    ├── UsageError             the operator's own input or setting   exit 2
    ├── MalformedError         bytes or text that do not parse       400
    ├── RefusedError           understood, and not allowed by rule   422
    ├── UnavailableError       no usable answer; try again           503, exit 3
    │   ├── AbsentError        it says that there is no such thing: an answer
    │   ├── HoldersError       fewer than t holders answered right; names them
    │   └── BrokenSourceError  bytes that are not what was signed: try another
    ├── QuotaError             too many; says when to come back      429
    ├── StaleError             a compare-and-swap lost               409
    ├── UntrustedError         nobody we trust signed or said this   403, exit 4
    │   └── ForkError          an origin contradicts what it signed  exit 4
    ├── NewerError             written by a newer syncd              exit 5
    └── DamagedError           our own files or rows do not hold     exit 5

Messages read `subject: fact with the value`, in lower case and without a full
stop. `hint` says the way out where we know one. Keys and raw identifiers
never enter a message. A message or hint with parameters is kept as both, so
that an edge can say it in another language. What is wrong in several ways is
one error that bears each of them: see `joined`.
"""

from collections.abc import Sequence
from typing import Final

FIELD: Final = "{field}: "  # begins what is said of one field


class SyncdError(Exception):
    """Every error that syncd raises on purpose."""

    exit_code = 1
    status = 500

    def __init__(
        self, message: str, *, hint: str = "", **params: object
    ) -> None:
        super().__init__(message.format(**params) if params else message)
        self.message = message  # what `params` are put into
        self.params = params  # numbers, codes, places: never a raw value
        self.hint = hint.format(**params) if params else hint
        self.advice = hint  # what `params` are put into
        self.faults: tuple[SyncdError, ...] = ()  # if it is several in one


class UsageError(SyncdError):
    """The operator asked for something that cannot be: say what and where."""

    exit_code = 2
    status = 400


class MalformedError(SyncdError):
    """Bytes or text that do not parse."""

    exit_code = 2
    status = 400


class RefusedError(SyncdError):
    """Understood, and not allowed by a rule."""

    exit_code = 1
    status = 422


class UnavailableError(SyncdError):
    """No usable answer from elsewhere; worth trying again."""

    exit_code = 3
    status = 503


class AbsentError(UnavailableError):
    """A source says that it has no such thing, which is an answer."""


class HoldersError(UnavailableError):
    """Fewer holders than are needed gave a right answer in time."""

    def __init__(
        self,
        message: str,
        *,
        missing: tuple[str, ...] = (),
        hint: str = "",
        **params: object,
    ) -> None:
        super().__init__(message, hint=hint, **params)
        self.missing = missing  # member ids of those that did not


class BrokenSourceError(UnavailableError):
    """A source gave bytes that are not what was signed: ask another."""


class QuotaError(SyncdError):
    """Too many requests; `retry_after_s` says when to come back."""

    exit_code = 3
    status = 429

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: int,
        hint: str = "",
        **params: object,
    ) -> None:
        super().__init__(message, hint=hint, **params)
        self.retry_after_s = retry_after_s


class StaleError(SyncdError):
    """A compare-and-swap lost: what we believed is no longer so."""

    exit_code = 3
    status = 409


class UntrustedError(SyncdError):
    """Nobody whom we trust signed or said this."""

    exit_code = 4
    status = 403


class ForkError(UntrustedError):
    """An origin signed two things that contradict each other."""


class NewerError(SyncdError):
    """Written by a newer syncd than this one."""

    exit_code = 5
    status = 500


class DamagedError(SyncdError):
    """Our own files or rows do not hold what they must."""

    exit_code = 5
    status = 500


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
