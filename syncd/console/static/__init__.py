"""What pages load: read once, named by its hash, kept by the browser.

`vendor.tsv` says whose each file is that is not ours.
"""

import hashlib
import mimetypes
from functools import cache
from importlib import resources

from aiohttp import web

_SHOWN = (".css", ".js")


@cache
def _files() -> dict[str, tuple[bytes, str]]:
    return {
        file.name: (raw, hashlib.sha256(raw).hexdigest()[:16])
        for file in resources.files(__name__).iterdir()
        if file.name.endswith(_SHOWN) and (raw := file.read_bytes())
    }


def href(name: str) -> str:
    """Return a file's address, another one when it changes."""
    return f"/static/{name}?v={_files()[name][1]}"


async def answer(request: web.Request) -> web.Response:
    """Return a file."""
    found = _files().get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    return web.Response(
        body=found[0],
        content_type=mimetypes.guess_type(request.path)[0],
        charset="utf-8",
        headers={
            "Cache-Control": "max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
        },
    )
