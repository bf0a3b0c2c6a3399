"""What the daemon and a local worker say to each other."""

import asyncio
import pickle
import socket

import msgspec
import pytest

from syncd.errors import HoldersError
from syncd.flows.judge import Question
from syncd.indicator.identifier import Identifier
from syncd.node.serve import link
from syncd.node.serve.link import Done, Link
from syncd.node.serve.lookups import Unanswered
from syncd.store.sightings import SightedToken

HOW = {"purpose": "case_work", "caller": "desk", "reference": ""}
QUESTION = Question("phone", "12025550123", token=b"\xff" * 16)


async def both() -> tuple[Link, Link]:
    ours, theirs = socket.socketpair()
    return await Link.of(ours), await Link.of(theirs)


@pytest.mark.parametrize(
    "said",
    [
        link.Opened(),
        link.InForce(7),
        link.WantOutputs(
            1, (Identifier("phone", "us:12025550123"),), (1, 2), "publish", 0.5
        ),
        link.Sighted(2, (SightedToken(1, "url", 1, b"\xfe" * 16, "x"),)),
        link.Suspected((("a.example/syncd/x/1", 3),)),
        link.AskAgain(Unanswered(QUESTION, HOW, 5, 6)),
        link.LookedUp({"none": 1}, "case_work", 0.25),
        link.Denied("url", 9),
    ],
)
async def test_what_a_worker_says_arrives(said: link.Said) -> None:
    daemon, worker = await both()
    worker.say(said)
    assert await daemon.said() == said
    daemon.close()
    worker.close()


async def test_an_error_arrives_with_all_that_it_has() -> None:
    """So that a caller reads the same of it."""
    daemon, worker = await both()
    error = HoldersError("oprf: {kind}: no", missing=("bank",), kind="phone")
    daemon.tell(Done(4, None, error))
    done = await worker.told()
    assert (str(done.error), done.error.missing) == (
        "oprf: phone: no",
        ("bank",),
    )
    daemon.close()
    with pytest.raises(EOFError):
        await worker.told()
    worker.close()


@pytest.mark.parametrize(
    "raw",
    [
        pickle.dumps(link.InForce(1)),
        msgspec.msgpack.encode(["Start", 1]),
        msgspec.msgpack.encode(["InForce", "1"]),
        b"",
    ],
)
async def test_a_worker_says_nothing_but_its_forms(raw: bytes) -> None:
    """Above all nothing that would be run here."""
    ours, theirs = socket.socketpair()
    daemon = await Link.of(ours)
    with theirs:
        theirs.sendall(len(raw).to_bytes(4, "big") + raw)
        with pytest.raises(msgspec.DecodeError):
            await daemon.said()
        theirs.sendall(b"\xff" * 4)  # four gigabytes to come
        with pytest.raises(EOFError):
            async with asyncio.timeout(1):
                await daemon.said()
    daemon.close()
