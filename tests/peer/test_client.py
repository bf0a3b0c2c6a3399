"""A hostile peer's answer is an error of ours, never of the interpreter's."""

import asyncio
import ssl
import time
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest

from syncd.errors import BrokenSourceError, QuotaError, UnavailableError
from syncd.peer.client import PeerClient


def client(form: type[PeerClient] = PeerClient) -> PeerClient:
    return form(
        "bank",
        ["https://bank.example"],
        tls=ssl.create_default_context(),
        own_origins=frozenset(),
    )


@pytest.mark.parametrize(
    ("after", "seconds"),
    [("7", 7), ("", 60), ("soon", 60), ("-1", 60), ("9" * 5000, 999_999_999)],
)
def test_when_to_come_back(after: str, seconds: int) -> None:
    """Retry-After is read whatever stands there, thousands of digits too."""
    answer = SimpleNamespace(status=429, headers={"Retry-After": after})
    error = client()._refused(cast(aiohttp.ClientResponse, answer), b"")
    assert isinstance(error, QuotaError)
    assert error.retry_after_s == seconds


class Choking(PeerClient):
    """A client whose library raises what it does not document."""

    async def _once(self, *_: Any) -> bytes:
        raise ValueError("a header")


async def test_what_the_library_chokes_on() -> None:
    """A ValueError below us is that source's fault, and ends there."""
    with pytest.raises(BrokenSourceError):
        await client(Choking).heads("")


class Silent(PeerClient):
    """A client that never hears anything."""

    async def _once(self, *_: Any) -> bytes:
        await asyncio.sleep(60)
        raise AssertionError


async def test_all_addresses_together_have_the_time_of_a_look_up() -> None:
    """A second address is asked in time, not after the deadline."""
    silent = Silent(
        "bank",
        ["https://a.example", "https://b.example", "https://c.example"],
        tls=ssl.create_default_context(),
        own_origins=frozenset(),
    )
    began = time.monotonic()
    with pytest.raises(UnavailableError, match="no answer in time"):
        await silent.evaluate(b"", 0.15)
    assert time.monotonic() - began < 0.4
