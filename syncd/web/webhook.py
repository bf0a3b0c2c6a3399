"""Post to a webhook, signed as Standard Webhooks (1.0.0) say.

webhook-id          of the notice: the same whenever it is posted again
webhook-timestamp   unix seconds of this attempt
webhook-signature   v1,base64(HMAC-SHA256(key, id "." timestamp "." body))
"""

import base64
import hmac
from collections.abc import Mapping

import aiohttp

from syncd.errors import Message, UnavailableError

TIME = aiohttp.ClientTimeout(total=10)


def headers(key: bytes, name: str, now: int, body: bytes) -> Mapping[str, str]:
    """Return what proves a body to whoever has the key."""
    mac = hmac.digest(key, f"{name}.{now}.".encode() + body, "sha256")
    return {
        "Content-Type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


async def post(url: str, body: bytes, signed: Mapping[str, str]) -> None:
    """Have a webhook take a body; its answer is not read.

    Raises:
        UnavailableError: it does not, or sends us elsewhere.
    """
    try:
        async with (
            aiohttp.ClientSession(headers=signed, timeout=TIME) as session,
            session.post(url, data=body, allow_redirects=False) as answer,
        ):
            status = answer.status
    except (OSError, aiohttp.ClientError, ValueError) as e:
        # Its own words may repeat the address, which may bear a secret.
        late = isinstance(e, TimeoutError)
        why = Message("no answer in time") if late else type(e).__name__
        raise UnavailableError("webhook: {why}", why=why) from e
    if not 200 <= status < 300:
        raise UnavailableError("webhook: answered {status}", status=status)
