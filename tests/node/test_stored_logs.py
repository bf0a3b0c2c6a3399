"""A log that lies in two databases is read as one."""

from syncd.flows.ports import Bundle
from syncd.node.audit import stored


def bundles(where: bytes, *numbers: int) -> list[Bundle]:
    return [Bundle(n, 256, b"", where) for n in numbers]


def test_two_databases_are_read_as_one_log() -> None:
    """The newest first, each bundle once, the mirror's where both have it."""
    own, mirrored = bundles(b"own", 1, 0), bundles(b"mirror", 2, 1)
    found = [(b.n, b.root) for b in stored.joined(iter(own), iter(mirrored))]
    assert found == [(2, b"mirror"), (1, b"mirror"), (0, b"own")]
