"""Where PostgreSQL is, if the databases of a member lie there."""

import hashlib
import socket
from pathlib import Path
from typing import NamedTuple

_LONGEST = 52  # bytes of a node's name


class Server(NamedTuple):
    """One database of a server: `own` and `mirror` are schemas of it."""

    url: str  # postgresql://…, never with a password
    password_file: Path | None = None  # read at each connection: may change

    def password(self) -> dict[str, str]:
        """Return what a connection wants besides the URL, if anything."""
        if self.password_file is None:
            return {}
        return {"password": self.password_file.read_text().rstrip("\r\n")}


def node(home: Path) -> str:
    """Return what the daemon of a home is known by, of several: HOST:HOME.

    A long one begins with its hash, for sessions have names of 63 bytes.
    """
    name = ascii(f"{socket.gethostname()}:{home}")[1:-1]
    if len(name) <= _LONGEST:
        return name
    return hashlib.sha256(name.encode()).hexdigest()[:8] + "..." + name[-40:]


def writer_of(home: Path, name: str, server: Server | None) -> str:
    """Return who keeps access records, by a name that nobody else has."""
    return f"{node(home)}/{name}" if server else name
