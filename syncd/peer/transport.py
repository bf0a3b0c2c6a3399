"""Send bounded HTTP requests to one member's addresses.

The connection's pin is `pinning`'s work. This module sees to it that a
hostile peer can cost us no more than a time limit and a size limit, that a
redirect leads nowhere, and that an error page is never taken for data.
"""

import asyncio
import gzip
import ssl
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, NamedTuple

import aiohttp

from syncd.errors import (
    AbsentError,
    BrokenSourceError,
    MalformedError,
    Message,
    NotAdmittedError,
    QuotaError,
    RefusedError,
    UnavailableError,
)
from syncd.indicator.codec import inflate

CONCURRENT = 8  # requests in flight for one pull
CONNECT_S = 5.0  # to reach a member and finish the handshake


_ANSWERED = {
    **dict.fromkeys((400, 409, 422), RefusedError),
    403: NotAdmittedError,
}


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


class Wanted(NamedTuple):
    """One request, whichever address it goes to."""

    path: str
    limit: int  # bytes of the answer
    body: bytes | None = None  # POSTed, if there is one
    keep_gzip: bool = False  # return it compressed
    read: Callable[[int], None] = lambda _: None  # told of so many bytes more

    @property
    def method(self) -> str:
        """The method of HTTP."""
        return "GET" if self.body is None else "POST"


@dataclass(eq=False)
class Transport:
    """Asks a member at its addresses, in order, until one answers."""

    name: str  # the member's id
    urls: Sequence[str]  # its base addresses
    _: KW_ONLY
    tls: ssl.SSLContext  # accepts this member's pin alone
    listed: Callable[[], bool] = lambda: True
    """whether the roster of this moment still has it"""
    idle_s: float = 10.0  # between two reads
    total_s: float = 60.0  # one request
    tls_next: Callable[[], ssl.SSLContext | None] = lambda: None
    """another context, if there is a certificate that we asked the admins to
    list: for a member whose roster lists it already"""
    proxy: Mapping[str, Any] = field(default_factory=dict)
    """what aiohttp is told of a proxy, its password in a header alone"""
    heard: Callable[[], None] = lambda: None
    """called with each answer, whatever it says: the pin says whose it is"""

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

    def _check_open(self) -> None:
        if self._closed or not self.listed():
            raise UnavailableError(
                "{member}: the roster has changed", member=self.name
            )

    def _open(self) -> aiohttp.ClientSession:
        self._check_open()  # it may have been closed since
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=_Connector(limit=2 * CONCURRENT),
                timeout=aiohttp.ClientTimeout(
                    total=self.total_s,
                    sock_connect=CONNECT_S,
                    sock_read=self.idle_s,
                ),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                headers={"Accept-Encoding": "gzip, identity"},
            )
        return self._session

    async def get(
        self, wanted: Wanted, timeout_s: float | None = None
    ) -> bytes:
        """Return what is there, or raise UnavailableError."""
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
            self._check_open()
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
                last = self._strangers()
                if not _is_hung_up(e):
                    last = UnavailableError(
                        "{member}: {why}", member=self.name, why=_why(e)
                    )
            except ValueError as e:  # a header that the library chokes on
                raise BrokenSourceError(
                    "{member}: an answer that is no HTTP", member=self.name
                ) from e
            self.urls = [*(u for u in self.urls if u != url), url]
        raise last or UnavailableError(
            "{member}: has no address", member=self.name
        )

    async def _known(self, url: str, wanted: Wanted) -> bytes:
        """Ask once; refused as a stranger, ask again with our other certificate.

        Or with the same, if there is no other: a connection that was kept
        may have ended for reasons of its own.
        """
        shown = self.tls
        try:
            return await self._once(url, wanted)
        except (
            aiohttp.ClientSSLError,
            aiohttp.ServerDisconnectedError,
            aiohttp.ClientOSError,
            NotAdmittedError,
        ) as e:
            if self.tls is shown:  # else another request has turned it
                other = self.tls_next()
                if other is not None:
                    self.tls, self.tls_next = other, lambda: shown
                elif not _is_hung_up(e):
                    raise
            return await self._once(url, wanted)

    async def _once(self, url: str, wanted: Wanted) -> bytes:
        async with self._open().request(
            wanted.method,
            url + wanted.path,
            data=wanted.body,
            allow_redirects=False,
            ssl=self.tls,
            **self.proxy,
        ) as response:
            self.heard()
            if response.status >= 300:
                detail = await response.content.read(1024)
                raise self._refused(response, detail)
            if response.content_type == "text/html":
                raise BrokenSourceError(
                    "{member}: answers HTML", member=self.name
                )
            raw = await _read(response, wanted, self.name)
            encoding = response.headers.get("Content-Encoding", "identity")
        if encoding not in ("gzip", "identity"):
            raise BrokenSourceError(
                "{member}: content encoding {encoding}",
                member=self.name,
                encoding=repr(encoding[:20]),
            )
        if wanted.keep_gzip == (encoding == "gzip"):
            return raw
        if wanted.keep_gzip:
            return await asyncio.to_thread(gzip.compress, raw, 1)
        try:
            return await asyncio.to_thread(inflate, raw, wanted.limit)
        except MalformedError as e:
            raise BrokenSourceError(
                "{member}: {why}", member=self.name, why=e
            ) from e

    def _strangers(self) -> NotAdmittedError:
        return NotAdmittedError(
            "{member}: this peer does not admit our certificate",
            member=self.name,
        )

    def _refused(
        self, response: aiohttp.ClientResponse, detail: bytes
    ) -> Exception:
        status = response.status
        text = detail.decode("utf-8", "replace")[:200].strip()
        if status == 429:
            seconds, left = (
                int(text[:9]) if text.isdecimal() else default
                for name, default in (("Retry-After", 60), ("Quota-Left", 0))
                for text in (response.headers.get(name, ""),)
            )
            return QuotaError(
                "{member}: quota used up",
                retry_after_s=seconds,
                left=left,
                member=self.name,
            )
        if 300 <= status < 400:
            return BrokenSourceError(
                "{member}: redirects ({status})",
                member=self.name,
                status=status,
            )
        if status == 403 and response.method == "GET":
            return self._strangers()
        if status == 404:
            return AbsentError("{member}: has no such thing", member=self.name)
        return _ANSWERED.get(status, UnavailableError)(
            Message(
                "{member}: answered {status}: {said}",
                member=self.name,
                status=status,
                said=text,
            )
        )


async def _read(
    response: aiohttp.ClientResponse, wanted: Wanted, name: str
) -> bytes:
    limit = wanted.limit
    if (response.content_length or 0) > limit:
        raise BrokenSourceError(
            "{member}: answer of {n} bytes is over {most}",
            member=name,
            n=response.content_length,
            most=limit,
        )
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        wanted.read(len(chunk))
        if size > limit:
            raise BrokenSourceError(
                "{member}: answer is over {most} bytes",
                member=name,
                most=limit,
            )
        chunks.append(chunk)
    return b"".join(chunks)


def _is_hung_up(e: Exception) -> bool:
    """Tell whether a peer took our connection and ended it without a word.

    That is how a client certificate that is refused shows in TLS 1.3.
    """
    return isinstance(
        e, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError
    ) and not isinstance(e, aiohttp.ClientConnectorError)


def _why(e: Exception) -> Message:
    """Return why a request came to nothing."""
    match e:
        case TimeoutError():  # aiohttp's too
            return Message("no answer in time")
        case aiohttp.ClientSSLError():
            return Message("tls: {why}", why=e)
        case aiohttp.ClientConnectorError():
            return Message(
                "cannot reach {host}:{port}: {why}",
                e,
                why=e.strerror or str(e.os_error),
            )
    return Message("{why}", why=str(e) or type(e).__name__)
