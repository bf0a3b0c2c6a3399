"""One alliance of three, its local APIs open, for all tests of this room."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from syncd.roster.terms import Never
from tests.alliance import Alliance, shared
from tests.web.local_client import EMERGENCY, LocalClient


async def protected(alliance: Alliance) -> None:
    await alliance.protect(Never("phone", EMERGENCY, "emergency"))
    await alliance.agreed()


alliance = shared(
    protected,
    *("bank", "carrier", "police"),
    scope="session",
    local_apis=True,
    settings={
        "own": {"max_request_bytes": 1 << 20},
        "screening": {"enabled": True},
    },
)
"""Three members that are each other's holders, 2 of 3."""


@pytest.fixture(scope="session")
async def clients(alliance: Alliance) -> AsyncIterator[dict[str, LocalClient]]:
    """The three clients, with a token of each role."""
    async with aiohttp.ClientSession() as session:
        found = {}
        for member in alliance.up:
            found[member.id] = LocalClient(session, member)
            for role in ("operator", "reader", "compliance", "auditor"):
                await found[member.id].add(role)
        yield found


@pytest.fixture
def police(clients: dict[str, LocalClient]) -> LocalClient:
    return clients["police"]


@pytest.fixture
def carrier(clients: dict[str, LocalClient]) -> LocalClient:
    return clients["carrier"]


@pytest.fixture
def bank(clients: dict[str, LocalClient]) -> LocalClient:
    return clients["bank"]
