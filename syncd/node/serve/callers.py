"""Who calls the local API: by a bearer token, or a certificate that stands for it."""

import structlog

from syncd.errors import DamagedError, UsageError
from syncd.indicator import statement
from syncd.pinning import ServerTls
from syncd.store.bearer import Bearers
from syncd.web.routes import Caller

log = structlog.get_logger("syncd.node")


async def whose(bearers: Bearers, bearer: str) -> Caller | str:
    """Return whose token that is; else the day (UTC) of its end, or ""."""
    if found := await bearers.check(bearer):
        return Caller.of(found)
    at = await bearers.revoked_at(bearer)
    return "" if at is None else statement.day_text(at // 86_400)


class LocalTls(ServerTls):
    """Admits whose certificate stands for a token just now.

    They are read before each handshake: whoever was added, by whatever
    process, is admitted to the next connection.
    """

    def __init__(self, shown: bytes, key_pem: bytes, bearers: Bearers) -> None:
        """Admit nobody yet.

        Raises:
            UsageError: certificate and key do not go together.
        """
        try:
            super().__init__(shown, key_pem)
        except DamagedError as e:
            raise UsageError(
                "[own] tls_certificate, tls_key: {why}", why=e
            ) from e
        self._bearers = bearers
        self._known = frozenset[bytes]()

    async def admit(self) -> None:
        """Learn whose certificates these are."""
        found = await self._bearers.certificates()
        if found != self._known:
            for pin in self.update(found):
                log.error("certificate is of no use to OpenSSL", pin=pin)
            self._known = found
