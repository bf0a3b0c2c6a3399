"""Mutual TLS of the local API: a certificate stands for a bearer token."""

import structlog

from syncd.errors import DamagedError, UsageError
from syncd.pinning import ServerTls
from syncd.store.bearer import Bearers

log = structlog.get_logger("syncd.node")


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
