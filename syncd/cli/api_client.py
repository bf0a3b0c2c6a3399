"""The client of the local API: what the command line asks the daemon.

Address and Host come from config.toml, the token from `--token-file` or
SYNCD_TOKEN_FILE; a token is never an argument. The standard library's client
does: a connection for each request, loopback or a unix socket; the command
starts in a third of the time that aiohttp takes to import.

A problem that the API answers becomes the error that the daemon raised, and
so the same exit code.
"""

import contextlib
import json
import re
import socket
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from syncd import config, errors
from syncd.cli.grid import Item
from syncd.config import Address, Config
from syncd.errors import SyncdError, UnavailableError, UsageError
from syncd.messages import wire
from syncd.messages.catalogue import later, t

JSON = "application/json"
TIMEOUT_S = 300  # a batch of an import, while the daemon does other things
WAIT_S = 60  # if a daemon that is busy does not say how long
MOST = 1_000_000  # entries in a list
PAGE = 1000  # items of a list that are asked for at once
OTHER = later("does another program, or another syncd, listen there?")

_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,512}", re.ASCII)
_PLAIN = {403: "untrusted", 409: "stale", 422: "refused"}  # of HTTP
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  where not to call


class _Answer(dict[str, Any]):
    """An object of an answer; what syncd would have said must be there."""

    def __missing__(self, name: str) -> Any:
        raise UnavailableError(
            "local API: an answer without {name}", hint=OTHER, name=name
        )


class ApiClient:
    """A connection to the local API of one member's daemon."""

    def __init__(self, address: Address, token: str, home: Path) -> None:
        self._address = address
        self._token = token
        self._home = home
        at, host = address.path, address.host
        self._connection = (
            HTTPConnection(
                _ANY.get(host, host), address.port, timeout=TIMEOUT_S
            )
            if at is None
            else _OverUnix(at)
        )

    @classmethod
    @contextlib.contextmanager
    def of(
        cls, settings: Config, token_file: Path | None, *, token: bool = True
    ) -> Iterator["ApiClient"]:
        """Open the local API of the member whose settings these are."""
        bearer = ""
        if token:
            path = token_file or config.environment().token_file
            if not path:
                raise UsageError("no bearer token given")
            raw = config.read_private(path)
            bearer = raw.strip().decode("ascii", "replace")
            if not _TOKEN.fullmatch(bearer):
                raise UsageError("{path}: holds no bearer token", path=path)
        address = settings.own.listen
        if not (address.path or address.port):
            raise UsageError(
                "own.listen has port 0: nobody but the daemon knows which"
            )
        with contextlib.closing(cls(address, bearer, settings.home)) as client:
            yield client

    def get(self, path: str, **query: object) -> Any:
        """Return what the API says at a path.

        Raises:
            SyncdError: it does not answer, or says no.
        """
        asked = {k: str(v) for k, v in query.items() if v not in (None, "")}
        tail = f"?{urlencode(asked)}" if asked else ""
        self._send(path + tail)
        return self._answer()

    def post(self, path: str, body: object, media: str = JSON) -> Any:
        """Return what the API answers to a body: bytes, or a JSON value.

        Raises:
            SyncdError: it does not answer, or says no.
        """
        return self.post_ahead(path, body, media)()

    def post_ahead(
        self, path: str, body: object, media: str = JSON
    ) -> Callable[[], Any]:
        """Send a body; return what waits for the answer and returns it.

        Nothing else may be asked before.

        Raises:
            SyncdError: it cannot be sent.
        """
        if not isinstance(body, bytes):
            text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
            # A lone surrogate is no text: the API says so, not an encoder.
            body = text.encode("utf-8", "backslashreplace")
        self._send(path, body, media)
        return self._answer

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    # --------------------------------------------------------- innards

    def _send(self, path: str, body: bytes | None = None, *media: str) -> None:
        headers, method = {"Accept": JSON}, "GET"
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            [headers["Content-Type"]], method = media, "POST"
        self.close()
        with self._calling():
            self._connection.request(method, path, body, headers)

    def _answer(self) -> Any:
        with self._calling():
            answer = self._connection.getresponse()
            raw = answer.read()
        if answer.status >= 400:
            after = answer.headers.get("Retry-After", "")
            timed = after.isdecimal() and len(after) < 7
            form = {"detail": f"HTTP {answer.status}", **(_object(raw) or {})}
            form["status"] = answer.status
            raise problem(form, int(after) if timed else WAIT_S)
        found = _object(raw)
        if found is None or answer.headers.get_content_type() != JSON:
            raise UnavailableError(
                "{address}: an answer that is no JSON object",
                hint=OTHER,
                address=self._address,
            )
        if [*found] == ["pending"]:
            raise errors.PendingError.of(found["pending"])
        return found

    @contextlib.contextmanager
    def _calling(self) -> Iterator[None]:
        """Say why a call does not come to its end; the next hangs up first."""
        try:
            yield
        except TimeoutError as e:
            raise UnavailableError(
                "{address}: no answer within {s} s",
                address=self._address,
                s=TIMEOUT_S,
            ) from e
        except (HTTPException, OSError) as e:
            raise UnavailableError(
                "{address}: {why}",
                hint=t(
                    "is the daemon running? syncd --home {home} run",
                    home=self._home,
                ),
                address=self._address,
                why=getattr(e, "strerror", None) or type(e).__name__,
            ) from e


def pages(
    ask: Callable[..., Any], cursor: str, limit: int = MOST
) -> tuple[list[Any], int]:
    """Return up to `limit` items of a list, and where it goes on or 0.

    `ask` gives some: `cursor` says from where on, `limit` how many at most.
    """
    items, at = list[Any](), 0
    while len(items) < limit:
        some = min(limit - len(items), PAGE)
        found = ask(**{cursor: at, "limit": some})
        items += found["items"]
        at = found.get("next", 0)
        if not at:
            break
    return items, at


class _OverUnix(HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _object(raw: bytes) -> _Answer | None:
    """Return the JSON object that an answer is, if it is one."""
    with contextlib.suppress(ValueError):
        found = json.loads(raw, object_hook=_Answer)
        return found if isinstance(found, _Answer) else None
    return None


def problem(form: Item, wait_s: int = WAIT_S) -> SyncdError:
    """Return the error that a problem means, by itself or in an answer."""
    status = int(form.get("status", 500))
    message, hint = wire.read(form), wire.read(form, "hint")
    if status == 429:
        return errors.QuotaError(
            message,
            retry_after_s=wait_s,
            hint=hint or errors.Message("come back in {wait} s", wait=wait_s),
        )
    if status == 401:  # a command always shows a token
        return errors.UntrustedError(
            message,
            hint="--token-file or SYNCD_TOKEN_FILE names another member's file,"
            " or an old one; syncd token list shows what opens this"
            " member's, syncd token add makes one",
        )
    kind = str(form.get("type") or "").removeprefix("urn:syncd:problem:")
    if kind not in errors.KINDS:
        kind = _PLAIN.get(status, "usage" if status < 500 else "unavailable")
    error = errors.KINDS[kind](message, hint=hint)
    flaws = form.get("errors")
    if isinstance(flaws, list) and len(flaws) > 1:
        error.faults = tuple(
            SyncdError(wire.read(flaw), hint=wire.read(flaw, "hint"))
            for flaw in flaws
        )
    return error
