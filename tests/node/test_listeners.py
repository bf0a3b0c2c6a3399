"""Sockets for several processes at one address."""

import socket
from pathlib import Path

from syncd.config import Address
from syncd.node.listeners import listening
from tests.cases import tried
from tests.refusals import misused


def test_each_process_has_a_socket_of_its_own_at_one_address() -> None:
    """Who connects is shared out between them."""
    made = [sock for (sock,) in listening(Address("127.0.0.1", 0), "own", n=3)]
    try:
        [port] = {sock.getsockname()[1] for sock in made}
        for _ in range(64):
            socket.create_connection(("127.0.0.1", port)).close()
        for sock in made:
            sock.setblocking(False)
            sock.accept()[0].close()
    finally:
        for sock in made:
            sock.close()


@tried("shared", [False, True])
def test_an_address_that_another_has_is_refused(shared: bool) -> None:
    """Though it would share it with us: callers would be ours or theirs."""
    with socket.create_server(("127.0.0.1", 0), reuse_port=shared) as other:
        at = Address("127.0.0.1", other.getsockname()[1])
        with misused("cannot listen"):
            listening(at, "own", n=2)


def test_a_path_is_one_socket_for_all(tmp_path: Path) -> None:
    """Its owner's alone; one that was left there is replaced, a file is not."""
    at = Address(path=tmp_path / "sock")
    for _ in range(2):
        (first,), (second,) = listening(at, "own", n=2)
        assert first is second
        assert (tmp_path / "sock").stat().st_mode & 0o777 == 0o600
        first.close()
    (tmp_path / "kept").write_bytes(b"precious")
    with misused("cannot listen"):
        listening(Address(path=tmp_path / "kept"), "own")
    assert (tmp_path / "kept").read_bytes() == b"precious"
