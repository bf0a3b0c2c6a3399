"""A bundle holds its records, and one that does not is damage of ours."""

import gzip
import tracemalloc

from msgspec.structs import replace

from syncd.indicator import codec, leaf
from tests.cases import tried
from tests.refusals import damaged, malformed

ORIGIN = "bank.example/syncd/txwz/1"
SALT = bytes(16)


def record(type_: int, payload: bytes) -> leaf.Record:
    return leaf.commit(ORIGIN, type_, SALT, payload), SALT, payload


RECORDS = [record(1, b'{"n":0,"type":1}'), record(1, b'{"n":1,"type":1}')]
GZ = codec.bundled(0, RECORDS).gz


def test_records_come_back() -> None:
    """Also where a leaf has another type than its payload says."""
    for found in RECORDS, [*RECORDS, record(2, b'{"type":1}')]:
        assert codec.records(ORIGIN, codec.bundled(0, found)) == found


def test_a_closed_record_has_no_payload() -> None:
    """It is read as empty, like what was erased before it was ever here."""
    held = codec.bundled(0, [leaf.close(RECORDS[0]), RECORDS[1]])
    assert codec.payload_at(held, 0) == b""
    assert codec.payload_at(held, 1) == RECORDS[1][2]
    with damaged("bundle 0: bundle: 72 bytes"):
        codec.payload_at(replace(held, width=3), 0)


@tried("gz", [b"no gzip", GZ[:-9]])
def test_a_bundle_that_is_not_gzip_any_more_is_damage(gz: bytes) -> None:
    """Ours to mend, and not for a peer to puzzle over."""
    with damaged("log: bundle 0 is not gzip"):
        codec.raw_of(replace(codec.bundled(0, RECORDS), gz=gz))


@tried("gz", [b"", b"no gzip", GZ[:-1], GZ + b"\0"])
def test_what_others_compressed_is_one_whole_gzip_member(gz: bytes) -> None:
    with malformed(r"^gzip: "):
        codec.inflate(gz)


def test_what_inflates_too_far_is_refused() -> None:
    """Before it fills our memory."""
    size = len(codec.inflate(GZ))
    assert codec.inflate(GZ, size)
    with malformed("inflates to over"):
        codec.inflate(GZ, size - 1)


def test_a_bomb_takes_no_memory() -> None:
    """What it would inflate to is never there, not even for a moment."""
    bomb = gzip.compress(bytes(64 << 20))
    tracemalloc.start()
    try:
        with malformed("inflates to over"):
            codec.inflate(bomb, 1 << 20)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
