"""One peer's door, as its client: everything bounded, nothing believed.

The connection's pin is `pinning`'s work, what the bytes mean is the flows'.
This module sees to it that a hostile peer can cost us no more than a time
limit and a size limit, that a redirect leads nowhere, and that an error page
is never taken for data.
"""

import asyncio
import gzip
import hashlib
import ssl
import time
import weakref
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

import aiohttp

from syncd import canonical
from syncd.errors import (
    AbsentError,
    BrokenSourceError,
    MalformedError,
    QuotaError,
    RefusedError,
    UnavailableError,
)
from syncd.flows.ports import Heads
from syncd.tlog import tiles

MAX_CURSOR = 64  # characters; it comes back to the peer in a URL
MAX_NOTE = 1 << 16  # bytes, a signed checkpoint with all its lines
MAX_ROSTER = 16 << 20  # bytes
MAX_HEADS = 4 << 20  # bytes
MAX_REPLY = 4 << 20  # bytes, an OPRF reply of 4,096 elements is 0.3 MB
MAX_BUNDLE_GZ = 20 << 20  # bytes as sent; what it inflates to is bounded too
MAX_TILE = 256 * 32  # bytes
MAX_ENTRIES = 256 * 65_537  # bytes
MAX_TOGETHER = 64 << 20  # bytes of bundles asked for at once
HEADS_S = 30.0  # for all heads: a round waits for no slow member longer
CONCURRENT = 8  # requests in flight for one pull

Call = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much one peer may cost us."""

    connect_s: float = 5.0
    idle_s: float = 10.0  # between two reads
    total_s: float = 60.0  # one request


class _StrangerError(UnavailableError):
    """The peer's roster does not have the certificate that we showed."""


class _Connector(aiohttp.TCPConnector):
    """Closes also what waits for the other end to say goodbye.

    A connection that is done with is forgotten by aiohttp, and kept by
    asyncio until the peer has answered TLS's close_notify: 30 s if it is
    deaf.
    """

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self._made = weakref.WeakSet[asyncio.Transport]()

    async def _wrap_create_connection(self, *args: Any, **named: Any) -> Any:
        made = await super()._wrap_create_connection(*args, **named)
        self._made.add(made[0])
        return made

    async def close(self, *, abort_ssl: bool = False) -> None:
        """Close all connections, and leave no socket open."""
        await super().close(abort_ssl=abort_ssl)
        for transport in [*self._made]:
            transport.abort()
        await asyncio.sleep(0)  # then it is closed


class PeerClient:
    """The client of one member's peer door; implements `ports.Peer`."""

    def __init__(
        self,
        name: str,
        urls: Sequence[str],
        *,
        tls: ssl.SSLContext,
        own_origins: frozenset[str],
        listed: Callable[[], bool] = lambda: True,
        limits: Limits | None = None,
        tls_next: Callable[[], ssl.SSLContext | None] = lambda: None,
    ) -> None:
        """Open nothing yet.

        Args:
            name: the member's id.
            urls: its peer doors' base addresses, tried in order.
            tls: a client context that accepts this member's pin alone.
            own_origins: the logs that it serves as its own, under `/log/`.
            listed: whether the roster of this moment still has it.
            limits: what one request may cost.
            tls_next: another, if there is a certificate that we asked the
                admins to list: for a member whose roster lists it already.
        """
        self.name = name
        self._urls = [url.rstrip("/") for url in urls]
        self._tls, self._tls_next = tls, tls_next
        self._own = own_origins
        self._listed = listed
        self._limits = limits or Limits()
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def close(self) -> None:
        """Close kept-alive connections, and open none from now on.

        Whoever still holds this client, a pull for example, gets nothing
        more from a member that has left the roster.
        """
        self._closed = True
        if self._session is not None:
            await self._session.close()
            self._session = None

    # ------------------------------------------------------------ Source

    async def checkpoint(self, origin: str) -> bytes:
        """Fetch the newest signed checkpoint the peer has of `origin`."""
        return await self._get(f"{self._prefix(origin)}/checkpoint", MAX_NOTE)

    async def hash_tiles(
        self, origin: str, paths: Sequence[str]
    ) -> Sequence[bytes]:
        """Fetch tiles by their path after `tile/`, in order."""
        prefix = self._prefix(origin)
        return await self._many(
            [
                partial(self._get, f"{prefix}/tile/{p}", MAX_TILE)
                for p in paths
            ],
            whole=True,
        )

    async def payloads(
        self, origin: str, wanted: Sequence[tuple[int, int]]
    ) -> Sequence[bytes]:
        """Fetch payload bundles as gzip; a prefix of `wanted`, not empty."""
        prefix = self._prefix(origin)
        return await self._many(
            [
                partial(
                    self._get,
                    f"{prefix}/{tiles.payload_path(n, width)}",
                    MAX_BUNDLE_GZ,
                    keep_gzip=True,
                )
                for n, width in wanted
            ],
            whole=False,
        )

    async def entries(self, origin: str, n: int, width: int) -> bytes:
        """Fetch one `tile/entries` bundle."""
        path = tiles.entries_path(n, width)
        return await self._get(f"{self._prefix(origin)}/{path}", MAX_ENTRIES)

    # -------------------------------------------------------------- Peer

    async def heads(self, cursor: str) -> Heads:
        """Ask what is new since `cursor`."""
        path = f"/heads?cursor={quote(cursor)}"
        raw = await self._get(path, MAX_HEADS, timeout_s=HEADS_S)
        try:
            value = canonical.loads(raw)
        except MalformedError as e:
            raise BrokenSourceError(f"{self.name}: heads: {e}") from e
        match value:
            case {
                "cursor": str() as new_cursor,
                "notes": list() as notes,
                "receipts": list() as receipts,
                "roster": {"version": int() as version, "hash": str() as h},
                "time": int() as time,
            } if len(new_cursor) <= MAX_CURSOR and all(
                isinstance(n, str) for n in [*notes, *receipts]
            ):
                return Heads(
                    new_cursor,
                    tuple(n.encode() for n in notes),
                    tuple(n.encode() for n in receipts),
                    version,
                    h,
                    time,
                )
        raise BrokenSourceError(f"{self.name}: heads have another shape")

    async def roster(self, version: int) -> bytes:
        """Fetch the signed note of roster `version`."""
        return await self._get(f"/roster/{version}", MAX_ROSTER)

    async def evaluate(self, body: bytes, timeout_s: float) -> bytes:
        """POST an OPRF request and return the reply's bytes.

        All addresses together have `timeout_s`: a look-up's caller waits.
        """
        each_s = timeout_s / max(len(self._urls), 1)
        return await self._request(
            "POST", "/oprf/v1/evaluate", MAX_REPLY, body, each_s
        )

    async def poke(self, note: bytes) -> None:
        """Send our own newest checkpoint."""
        await self._request("POST", "/poke", MAX_NOTE, note, 10)

    async def monitor(self, origin: str, key: str) -> bytes:
        """Fetch the peer's `seen` or `merged` note for `origin`."""
        tail = "?key=merged" if key == "merged" else ""
        path = f"/monitor/{_hex(origin)}/checkpoint{tail}"
        return await self._get(path, MAX_NOTE)

    async def add_checkpoint(self, body: bytes) -> bytes:
        """POST to the peer's witness; return its signature lines."""
        return await self._request(
            "POST", "/witness/add-checkpoint", MAX_NOTE, body, 10
        )

    # ------------------------------------------------------------- inside

    def _prefix(self, origin: str) -> str:
        if origin in self._own:
            return "/log"
        return f"/mirror/{_hex(origin)}"

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:  # while a request was on its way
            raise UnavailableError(f"{self.name}: the roster has changed")
        if self._session is None or self._session.closed:
            limits = self._limits
            self._session = aiohttp.ClientSession(
                connector=_Connector(limit=2 * CONCURRENT),
                timeout=aiohttp.ClientTimeout(
                    total=limits.total_s,
                    sock_connect=limits.connect_s,
                    sock_read=limits.idle_s,
                ),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                headers={"Accept-Encoding": "gzip, identity"},
            )
        return self._session

    async def _get(
        self,
        path: str,
        limit: int,
        *,
        keep_gzip: bool = False,
        timeout_s: float | None = None,
    ) -> bytes:
        try:
            return await self._request(
                "GET", path, limit, None, timeout_s, keep_gzip=keep_gzip
            )
        except (RefusedError, QuotaError) as e:
            # To what we only read, any such status is no usable answer.
            raise UnavailableError(str(e)) from e

    async def _request(
        self,
        method: str,
        path: str,
        limit: int,
        body: bytes | None,
        timeout_s: float | None,
        *,
        keep_gzip: bool = False,
    ) -> bytes:
        last: UnavailableError | None = None
        began = time.monotonic()
        for n, url in enumerate(urls := [*self._urls]):
            if self._closed or not self._listed():
                raise UnavailableError(f"{self.name}: the roster has changed")
            share_s = None  # of the time that is left, for this address
            if timeout_s is not None:
                left_s = timeout_s - (time.monotonic() - began)
                share_s = left_s / (len(urls) - n)
            try:
                async with asyncio.timeout(share_s):
                    return await self._known(
                        method, url + path, limit, body, keep_gzip
                    )
            except (AbsentError, BrokenSourceError):
                raise
            except UnavailableError as e:  # an error of its server
                last = e
            except TimeoutError:
                last = UnavailableError(f"{self.name}: no answer in time")
            except aiohttp.ClientSSLError as e:
                last = UnavailableError(f"{self.name}: tls: {e}")
            except aiohttp.ClientConnectorError as e:
                why = e.strerror or str(e.os_error)
                last = UnavailableError(
                    f"{self.name}: cannot reach {e.host}:{e.port}: {why}"
                )
            except aiohttp.ClientError as e:
                why = str(e) or type(e).__name__
                last = UnavailableError(f"{self.name}: {why}")
            except OSError as e:
                last = UnavailableError(f"{self.name}: {e}")
            except ValueError as e:  # a header that the library chokes on
                raise BrokenSourceError(
                    f"{self.name}: an answer that is no HTTP"
                ) from e
            if url in self._urls:  # the others first, from now on
                self._urls.remove(url)
                self._urls.append(url)
        raise last or UnavailableError(f"{self.name}: has no address")

    async def _known(
        self,
        method: str,
        url: str,
        limit: int,
        body: bytes | None,
        keep_gzip: bool,
    ) -> bytes:
        """Ask once; shown the door, ask again with our other certificate."""
        shown = self._tls
        try:
            return await self._once(method, url, limit, body, keep_gzip)
        except (
            aiohttp.ClientSSLError,
            # How a client certificate that is refused shows in TLS 1.3.
            aiohttp.ServerDisconnectedError,
            aiohttp.ClientOSError,
            _StrangerError,
        ):
            if self._tls is shown:  # else another request has turned it
                other = self._tls_next()
                if other is None:
                    raise
                self._tls, self._tls_next = other, lambda: shown
            return await self._once(method, url, limit, body, keep_gzip)

    async def _once(
        self,
        method: str,
        url: str,
        limit: int,
        body: bytes | None,
        keep_gzip: bool,
    ) -> bytes:
        async with self._open().request(
            method, url, data=body, allow_redirects=False, ssl=self._tls
        ) as response:
            if response.status >= 300:
                detail = await response.content.read(1024)
                raise self._refused(response, detail)
            if response.content_type == "text/html":
                raise BrokenSourceError(f"{self.name}: answers HTML")
            raw = await _read(response, limit, self.name)
            encoding = response.headers.get("Content-Encoding", "identity")
        if encoding not in ("gzip", "identity"):
            raise BrokenSourceError(
                f"{self.name}: content encoding {encoding[:20]!r}"
            )
        if keep_gzip:
            if encoding == "gzip":
                return raw
            return await asyncio.to_thread(gzip.compress, raw, 1)
        if encoding != "gzip":
            return raw
        return await asyncio.to_thread(inflate, raw, limit, self.name)

    def _refused(
        self, response: aiohttp.ClientResponse, detail: bytes
    ) -> Exception:
        status = response.status
        said = detail.decode("utf-8", "replace")[:200].strip()
        if status == 429:
            after = response.headers.get("Retry-After", "")
            seconds = int(after[:9]) if after.isdecimal() else 60
            return QuotaError(
                f"{self.name}: quota used up", retry_after_s=seconds
            )
        if 300 <= status < 400:
            return BrokenSourceError(f"{self.name}: redirects ({status})")
        if status in (400, 409, 422):
            return RefusedError(f"{self.name}: answered {status}: {said}")
        if status == 403:
            return _StrangerError(f"{self.name}: answered 403: {said}")
        if status == 404:
            return AbsentError(f"{self.name}: has no such thing")
        return UnavailableError(f"{self.name}: answered {status}: {said}")

    async def _many(
        self, calls: Sequence[Call], *, whole: bool
    ) -> Sequence[bytes]:
        """Make calls, some at a time and in order; stop when one fails.

        So a peer that stalls costs one time limit, not one for each call,
        and what it sends together is bounded. Unless it must be `whole`, a
        shorter answer will do: the answers before the first that failed.
        """
        gate = asyncio.Semaphore(CONCURRENT)
        size, stop = 0, False

        async def one(call: Call) -> bytes | None:
            nonlocal size, stop
            async with gate:
                if stop:
                    return None
                try:
                    raw = await call()
                except BaseException:
                    stop = True
                    raise
                size += len(raw)
                if size > MAX_TOGETHER and not whole:
                    stop = True
                return raw

        got = await asyncio.gather(*map(one, calls), return_exceptions=True)
        good: list[bytes] = []
        for item in got:
            if isinstance(item, BaseException):
                if whole or not good:
                    raise item
                break
            if item is None:
                break
            good.append(item)
        return good


async def _read(
    response: aiohttp.ClientResponse, limit: int, name: str
) -> bytes:
    if (response.content_length or 0) > limit:
        raise BrokenSourceError(
            f"{name}: answer of {response.content_length} bytes is over"
            f" {limit}"
        )
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > limit:
            raise BrokenSourceError(f"{name}: answer is over {limit} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def inflate(raw: bytes, limit: int, name: str) -> bytes:
    """Return what one gzip member holds, at most `limit` bytes.

    Raises:
        BrokenSourceError: not gzip, more than `limit`, or trailing bytes.
    """
    engine = zlib.decompressobj(wbits=31)
    try:
        out = engine.decompress(raw, limit + 1)
    except zlib.error as e:
        raise BrokenSourceError(f"{name}: gzip: {e}") from e
    if len(out) > limit:
        raise BrokenSourceError(f"{name}: inflates to over {limit} bytes")
    if not engine.eof or engine.unused_data:
        raise BrokenSourceError(f"{name}: gzip: truncated or trailing bytes")
    return out


def _hex(origin: str) -> str:
    return hashlib.sha256(origin.encode()).hexdigest()
