"""Refusals: what passes only if something is refused, and says why."""

from functools import partial
from typing import TypeVar

from pytest import RaisesExc, raises  # noqa: PT013  this is what it is about

from syncd import errors

E = TypeVar("E", bound=errors.SyncdError)


def _fails(kind: type[E], why: str = ".") -> RaisesExc[E]:
    """Pass what fails so, with that in the message."""
    return raises(kind, match=why)


failing = partial(_fails, errors.SyncdError)  # in whichever way
misused = partial(_fails, errors.UsageError)
malformed = partial(_fails, errors.MalformedError)
refused = partial(_fails, errors.RefusedError)  # must not be done
unavailable = partial(_fails, errors.UnavailableError)
holderless = partial(_fails, errors.HoldersError)
broken = partial(_fails, errors.BrokenSourceError)
over_quota = partial(_fails, errors.QuotaError)
stale = partial(_fails, errors.StaleError)
untrusted = partial(_fails, errors.UntrustedError)  # is not proven
forked = partial(_fails, errors.ForkError)
newer = partial(_fails, errors.NewerError)
damaged = partial(_fails, errors.DamagedError)
