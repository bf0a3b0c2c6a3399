"""A context whose home is a stand-in: for one part, without a daemon."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from syncd.node.context import Context

ORIGIN = "me.example/syncd/txwz/1"


def alive(pid: int | str) -> bool:
    """Tell whether a process of this machine runs."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state.split()[0] not in "ZX"


async def at_once(work: Any, *args: Any) -> Any:
    """Do the work here and now."""
    return work(*args)


async def unheard(*findings: Any, once: bool = False) -> None:
    """Keep nothing."""


class Home(SimpleNamespace):
    """What a part asks of a home, and nothing else."""

    def __init__(self, path: Path = Path(), **parts: Any) -> None:
        config = SimpleNamespace(
            home=path, origin=ORIGIN, member=SimpleNamespace(id="me")
        )
        super().__init__(
            path=path, config=config, trusted=SimpleNamespace(current=None)
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
            own=self.__dict__.get("own"),  # type: ignore[arg-type]
            mirror=self.__dict__.get("mirror"),  # type: ignore[arg-type]
            clock=lambda: getattr(home, "now", 0),
            report=self.__dict__.get("report", unheard),
            offload=at_once,
            bulk=self.__dict__.get("bulk", at_once),
        )
