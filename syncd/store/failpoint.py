"""Failpoints: places between two durable steps where a test may pull a plug.

`hit` does nothing until a test harness had the daemon call `arm`. Then the
process ends itself by SIGKILL at the chosen hit: no handler, no flush, as in
a power cut (less what the kernel still holds). The point's name goes to
standard error first, so that the harness can count which points it met.
"""

import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

# Those of one transaction, then between two durable steps.
POINTS = [
    "append.head",
    "append.bundles",
    "append.vault",
    "append.committed",
    "highwater.written",
    "highwater.renamed",
    "append.marked",
    "merge.head",
    "merge.bundles",
    "merge.claims",
    "merge.ends",
    "merge.committed",
    "import.rows",
    "import.mark",
    "import.committed",
    "cosign.row",
    "cosign.committed",
]


@dataclass(slots=True)
class Plan:
    """When to end: at the n-th hit of a name."""

    at: Mapping[str, int] = field(default_factory=dict)  # name → which hit
    act: Callable[[str], None] | None = None  # None: SIGKILL
    hits: Counter[str] = field(default_factory=Counter)

    def chosen(self, name: str) -> bool:
        """Count a hit of `name` and tell whether this is the one."""
        self.hits[name] += 1
        return self.at.get(name) == self.hits[name]


_plan: Plan | None = None


def arm(plan: Plan | None) -> None:
    """Follow `plan` from now on in this process; None disarms."""
    global _plan  # noqa: PLW0603 (one process, one plug)
    _plan = plan


def hit(name: str) -> None:
    """End the process here if the armed plan says so."""
    if _plan is None or not _plan.chosen(name):
        return
    if _plan.act is not None:
        _plan.act(name)
        return
    os.write(2, f"failpoint: {name}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)
