"""Pass requests on, whole and as they are, to a server behind a unix socket."""

from pathlib import Path

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from syncd.errors import UnavailableError
from syncd.web.routes import BEARER

_BETWEEN_US = {  # RFC 9110, 7.6.1, and what was answered here
    *("connection", "keep-alive", "proxy-connection", "te", "trailer"),
    *("transfer-encoding", "upgrade", "expect"),
}
_UNSAID = (  # that aiohttp would add
    *(hdrs.ACCEPT, hdrs.ACCEPT_ENCODING),
    *(hdrs.CONTENT_TYPE, hdrs.USER_AGENT),
)


class Relay:
    """A handler that has another server answer."""

    def __init__(self, path: Path) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(path), limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_UNSAID,
        )

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Return what the other server answers, as it comes.

        Raises:
            UnavailableError: it does not.
        """
        answer: web.StreamResponse | None = None
        headers = _kept(request.headers)
        headers.popall(hdrs.AUTHORIZATION, None)
        if bearer := request.get(BEARER):  # a certificate's too, who shows one
            headers[hdrs.AUTHORIZATION] = f"Bearer {bearer}"
        headers.add("X-Forwarded-For", request.remote or "")
        try:
            async with self._session.request(
                request.method,
                URL(f"http://syncd{request.raw_path}", encoded=True),
                headers=headers,
                data=request.content if request.can_read_body else None,
                allow_redirects=False,
            ) as got:
                answer = web.StreamResponse(
                    status=got.status,
                    reason=got.reason,
                    headers=_kept(got.headers),
                )
                await answer.prepare(request)
                async for piece in got.content.iter_any():
                    await answer.write(piece)
                await answer.write_eof()
                return answer
        except aiohttp.ClientError as e:
            if answer is None or not answer.prepared:
                raise UnavailableError("the daemon does not answer") from e
            if request.transport is not None:  # it would seem to be whole
                request.transport.abort()
            return answer

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()


def _kept(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """Return the headers that concern both ends."""
    return CIMultiDict(
        (name, value)
        for name, value in headers.items()
        if name.lower() not in _BETWEEN_US
    )
