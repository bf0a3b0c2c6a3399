"""The passphrase, the database's password and webhooks' keys."""

import base64
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from syncd.config.environment import Environment, environment
from syncd.config.settings import Address, Config, Exchange, LocalApi
from syncd.errors import Message, UsageError, at_path
from syncd.store.server import Server

CREDENTIAL = "syncd-secret"  # LoadCredential=syncd-secret:/path
DATABASE = "syncd-database"  # likewise: the database's password
SECRET_LEAST = 12  # bytes of a passphrase
INSIDE = "lies inside the home that it protects"
ELSEWHERE = "move it elsewhere, e.g. to /etc/syncd/secret"


def passphrase(
    config: Config, passed: Environment, ask: Callable[[], str] | None
) -> bytes:
    """Find the secret that wraps keys, shares and vault.

    `ask` reads it from a terminal; None where there is none to ask on.

    Raises:
        UsageError: there is none, others can read it, it is too short, or it
            lies in the home that it protects.
    """
    path = passed.secret_file or passed.credential(CREDENTIAL)
    if path := path or config.secret.file:
        if inside(path, config.home):
            raise UsageError(
                "{path}: {why}", hint=ELSEWHERE, path=path, why=Message(INSIDE)
            )
        return long_enough(read_private(path).rstrip(b"\r\n"), str(path))
    if config.secret.prompt and ask:
        return long_enough(ask().encode(), "passphrase")
    raise UsageError(
        "secret: no passphrase file, credential or terminal to ask on"
    )


def server(config: Config) -> Server | None:
    """Return the server that has our databases; None if they are files.

    Raises:
        UsageError: its password is not there, or others can read it.
    """
    if not config.database.url:
        return None
    passed = environment().credential(DATABASE)
    if password := passed or config.database.password_file:
        read_private(password)
    return Server(config.database.url, password)


def inside(path: Path, home: Path) -> bool:
    """Tell whether a passphrase lies in the home that it protects."""
    return path.resolve().is_relative_to(home.resolve())


def long_enough(found: bytes, where: str) -> bytes:
    """Return a passphrase that is none too short.

    Raises:
        UsageError: it is; says by how much.
    """
    if len(found) < SECRET_LEAST:
        raise UsageError(
            "{where}: {n} bytes, want {least} or more",
            where=where,
            n=len(found),
            least=SECRET_LEAST,
        )
    return found


def read_private(path: Path, *, public: bool = False) -> bytes:
    """Read a file that only its owner may read, if it is not public.

    Raises:
        UsageError: it is missing, or others can read it.
    """
    with at_path(path), path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077 and not public:
            raise UsageError(
                "{path}: mode {mode:04o} lets others read it",
                path=path,
                mode=mode,
            )
        return file.read()


def tls_files(own: LocalApi, at: Address) -> tuple[bytes, bytes] | None:
    """Read what is shown over TLS at an address, if it is one, and its key.

    Raises:
        UsageError: one is missing, or others can read the key.
    """
    if not (at and own.tls_certificate and own.tls_key):
        return None
    shown = read_private(own.tls_certificate, public=True)
    return shown, read_private(own.tls_key)


def proxy(exchange: Exchange) -> dict[str, Any]:
    """Return what aiohttp is told of a proxy, if there is one.

    Not in its URL, which errors show: the password is in a header.

    Raises:
        UsageError: its password is missing, or others can read it.
    """
    if not exchange.proxy:
        return {}
    found: dict[str, Any] = {"proxy": exchange.proxy}
    if path := exchange.proxy_password_file:
        user = base64.b64encode(read_private(path).rstrip(b"\r\n")).decode()
        found["proxy_headers"] = {"Proxy-Authorization": f"Basic {user}"}
    return found


def webhook_key(path: Path) -> bytes:
    """Read the key that a webhook is signed with: `whsec_` and base64.

    Raises:
        UsageError: it is missing, others can read it, or it is none.
    """
    text = read_private(path).rstrip(b"\r\n")
    try:
        key = base64.b64decode(text[6:])
    except ValueError:
        key = b""
    # One spelling, and that of every receiver: no "-", "_" or missing "=".
    written = b"whsec_" + base64.b64encode(key)
    if not 24 <= len(key) <= 64 or text != written:
        raise UsageError(
            "{path}: want whsec_ and 24–64 bytes in standard base64", path=path
        )
    return key
