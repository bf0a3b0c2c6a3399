"""Transport: requests to one member's addresses, everything bounded.

The connection's pin is `pinning`'s work. This module sees to it that a
hostile peer can cost us no more than a time limit and a size limit, that a
redirect leads nowhere, and that an error page is never taken for data.
"""

import asyncio
import gzip
import ssl
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import aiohttp

from syncd.errors import (
    AbsentError,
    BrokenSourceError,
    MalformedError,
    QuotaError,
    RefusedError,
    UnavailableError,
)
from syncd.indicator.codec import inflate

CONCURRENT = 8  # requests in flight for one pull


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


@dataclass(frozen=True, slots=True)
class Wanted:
    """One request, whichever address it goes to."""

    method: str
    path: str
    limit: int  # bytes of the answer
    body: bytes | None = None
    keep_gzip: bool = False  # return it compressed


@dataclass(eq=False)
class Transport:
    """Asks a member at its addresses, in order, until one answers."""

    name: str  # the member's id
    urls: Sequence[str]  # its base addresses
    _: KW_ONLY
    tls: ssl.SSLContext  # accepts this member's pin alone
    listed: Callable[[], bool] = lambda: True
    """whether the roster of this moment still has it"""
    limits: Limits = field(default_factory=Limits)
    tls_next: Callable[[], ssl.SSLContext | None] = lambda: None
    """another context, if there is a certificate that we asked the admins to
    list: for a member whose roster lists it already"""

    def __post_init__(self) -> None:
        self.urls = [url.rstrip("/") for url in self.urls]
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

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:  # while a request was on its way
            raise UnavailableError(f"{self.name}: the roster has changed")
        if self._session is None or self._session.closed:
            limits = self.limits
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

    async def get(
        self,
        path: str,
        limit: int,
        *,
        keep_gzip: bool = False,
        timeout_s: float | None = None,
    ) -> bytes:
        """Return what is there, or raise UnavailableError."""
        wanted = Wanted("GET", path, limit, keep_gzip=keep_gzip)
        try:
            return await self.request(wanted, timeout_s)
        except (RefusedError, QuotaError) as e:
            # To what we only read, any such status is no usable answer.
            raise UnavailableError(str(e)) from e

    async def request(self, wanted: Wanted, timeout_s: float | None) -> bytes:
        """Return the answer of the first address that has one.

        One that has none goes last from then on.
        """
        last: UnavailableError | None = None
        began = time.monotonic()
        for n, url in enumerate(urls := [*self.urls]):
            if self._closed or not self.listed():
                raise UnavailableError(f"{self.name}: the roster has changed")
            share_s = None  # of the time that is left, for this address
            if timeout_s is not None:
                left_s = timeout_s - (time.monotonic() - began)
                share_s = left_s / (len(urls) - n)
            try:
                async with asyncio.timeout(share_s):
                    return await self._known(url, wanted)
            except (AbsentError, BrokenSourceError):
                raise
            except UnavailableError as e:  # an error of its server
                last = e
            except (TimeoutError, OSError, aiohttp.ClientError) as e:
                last = UnavailableError(f"{self.name}: {_why(e)}")
            except ValueError as e:  # a header that the library chokes on
                raise BrokenSourceError(
                    f"{self.name}: an answer that is no HTTP"
                ) from e
            self.urls = [*(u for u in self.urls if u != url), url]
        raise last or UnavailableError(f"{self.name}: has no address")

    async def _known(self, url: str, wanted: Wanted) -> bytes:
        """Ask once; shown the door, ask again with our other certificate."""
        shown = self.tls
        try:
            return await self._once(url, wanted)
        except (
            aiohttp.ClientSSLError,
            # How a client certificate that is refused shows in TLS 1.3.
            aiohttp.ServerDisconnectedError,
            aiohttp.ClientOSError,
            _StrangerError,
        ):
            if self.tls is shown:  # else another request has turned it
                other = self.tls_next()
                if other is None:
                    raise
                self.tls, self.tls_next = other, lambda: shown
            return await self._once(url, wanted)

    async def _once(self, url: str, wanted: Wanted) -> bytes:
        async with self._open().request(
            wanted.method,
            url + wanted.path,
            data=wanted.body,
            allow_redirects=False,
            ssl=self.tls,
        ) as response:
            if response.status >= 300:
                detail = await response.content.read(1024)
                raise self._refused(response, detail)
            if response.content_type == "text/html":
                raise BrokenSourceError(f"{self.name}: answers HTML")
            raw = await _read(response, wanted.limit, self.name)
            encoding = response.headers.get("Content-Encoding", "identity")
        if encoding not in ("gzip", "identity"):
            raise BrokenSourceError(
                f"{self.name}: content encoding {encoding[:20]!r}"
            )
        if wanted.keep_gzip:
            if encoding == "gzip":
                return raw
            return await asyncio.to_thread(gzip.compress, raw, 1)
        if encoding != "gzip":
            return raw
        try:
            return await asyncio.to_thread(inflate, raw, wanted.limit)
        except MalformedError as e:
            raise BrokenSourceError(f"{self.name}: {e}") from e

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


def _why(e: Exception) -> str:
    """Return why a request came to nothing."""
    match e:
        case TimeoutError():  # aiohttp's too
            return "no answer in time"
        case aiohttp.ClientSSLError():
            return f"tls: {e}"
        case aiohttp.ClientConnectorError():
            why = e.strerror or str(e.os_error)
            return f"cannot reach {e.host}:{e.port}: {why}"
    return str(e) or type(e).__name__
