"""Fetched bundles are what was signed, as far as they go."""

import gzip

import pytest

from syncd.flows import publish, stretch
from syncd.indicator import codec
from syncd.tlog.merkle import BUNDLE, Frontier
from tests.refusals import forked

ORIGIN = "bank.example/syncd/txwz/1"
PAYLOADS = [(19, b'{"n":%d,"type":19}' % i) for i in range(2 * BUNDLE)]
BUNDLES = publish.grow(
    ORIGIN, Frontier.EMPTY, [], PAYLOADS, bytes(16 * len(PAYLOADS))
)[1]
FETCHED = [bundle.gz for bundle in BUNDLES]
RUN = stretch.Run(
    origin=ORIGIN,
    first=0,
    widths=(BUNDLE, BUNDLE),
    roots=tuple(bundle.root for bundle in BUNDLES),
    have=0,
    mine=(),
    merge=True,
    erased=(),
)


def test_a_stretch_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends before it is too much, but a bundle at least is always taken."""
    size = len(codec.raw_of(BUNDLES[0]))
    monkeypatch.setattr(stretch, "MAX_OCTETS", 2 * size - 1)
    assert len(stretch.check(RUN, FETCHED, {}).bundles) == 1
    monkeypatch.setattr(stretch, "MAX_OCTETS", 1)
    done = stretch.check(RUN, FETCHED, {})
    assert (len(done.bundles), done.why) == (1, "")


def test_a_signed_bundle_that_is_not_what_we_had_is_a_fork() -> None:
    other = RUN._replace(have=1, mine=(bytes(32),))
    with forked("does not extend size 1"):
        stretch.check(other, FETCHED, {})


def test_a_bundle_that_grows_too_large_is_refused() -> None:
    """Before it fills our memory."""
    bomb = gzip.compress(bytes(codec.MAX_RAW + 1))
    assert "inflates to over" in stretch.check(RUN, [bomb], {}).why
