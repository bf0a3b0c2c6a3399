"""A context whose home is a stand-in, for one part; what tests ask alike."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from syncd.indicator import statement
from syncd.node.context import Context
from tests.alliance import Member

ORIGIN = "me.example/syncd/txwz/1"


def alive(pid: int | str) -> bool:
    """Tell whether a process of this machine runs."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state.split()[0] not in "ZX"


async def gone(pid: int | str) -> None:
    """Wait until a process of this machine runs no more."""
    async with asyncio.timeout(20):
        while alive(pid):  # noqa: ASYNC110 (nobody tells us)
            await asyncio.sleep(0.02)


async def said(member: Member, code: int) -> Any:
    """Return the statements of a type in its log, in order."""
    return [
        statement.decode(payload, code)
        for head, _, payload in await member.records()
        if head[1] == code
    ]


async def at_once(work: Any, *args: Any) -> Any:
    """Do the work here and now."""
    return work(*args)


async def unheard(*findings: Any, once: bool = False) -> None:
    """Keep nothing."""


class Home(SimpleNamespace):
    """What a part asks of a home, and nothing else."""

    def __init__(
        self, path: Path = Path(), roster: Any = None, **parts: Any
    ) -> None:
        config = SimpleNamespace(
            home=path, origin=ORIGIN, member=SimpleNamespace(id="me")
        )
        super().__init__(
            path=path,
            config=config,
            trusted=SimpleNamespace(current=roster),
            own=None,
            mirror=None,
            now=0,
            report=unheard,
            bulk=at_once,
        )
        self.__dict__.update(parts)

    @property
    def context(self) -> Context:
        """A context around it, at the time of its `now`."""
        home: Any = self
        return Context(
            home=home,
            config=home.config,
            trusted=home.trusted,
            own=home.own,
            mirror=home.mirror,
            clock=lambda: home.now,
            report=home.report,
            offload=at_once,
            bulk=home.bulk,
        )
