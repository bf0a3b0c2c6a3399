"""Refusals: what passes only if something is refused, and says why."""

from pytest import RaisesExc, raises  # noqa: PT013  this is what it is about

from syncd.errors import MalformedError, RefusedError, UntrustedError


def malformed(why: str = ".") -> RaisesExc[MalformedError]:
    """Pass what is refused as malformed, with that in the message."""
    return raises(MalformedError, match=why)


def untrusted(why: str = ".") -> RaisesExc[UntrustedError]:
    """Pass what is refused as not proven, with that in the message."""
    return raises(UntrustedError, match=why)


def refused(why: str = ".") -> RaisesExc[RefusedError]:
    """Pass what must not be done, with that in the message."""
    return raises(RefusedError, match=why)
