"""Three ways through the house, and how many shapes each passes.

    python tools/walks.py           print them
    python tools/walks.py --check   only say what does not hold, and exit 1

A walk is a list of steps. It is held against the code: a step must stand
there, name its shape in its annotations or body, and be called by a step
before it or say by what else it is reached; or a walk could be drawn that
nobody goes.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HOUSE = Path(__file__).resolve().parents[1]
WALKS = HOUSE / "tools" / "walks.toml"


class Step(NamedTuple):
    """One function on a way."""

    at: str  # file.py:Class.function, below syncd/
    shape: str  # in which it takes or hands on what walks; "" for the same
    by: str = ""  # by what it is reached, if no step before it calls it


class Walk(NamedTuple):
    """One way, from where it begins to where it ends."""

    what: str
    counts: str  # what there may be `most` of: "shapes" or "steps"
    most: int
    steps: list[Step]

    @property
    def number(self) -> int:
        """How many there are of what counts."""
        shapes = {step.shape for step in self.steps if step.shape}
        return len(shapes if self.counts == "shapes" else self.steps)


def read() -> list[Walk]:
    """Return the walks that are written down."""
    return [
        Walk(what, w["counts"], w["most"], [Step(*s) for s in w["steps"]])
        for what, w in tomllib.loads(WALKS.read_text()).items()
    ]


def body(step: str) -> ast.AST | None:
    """Return what stands at `file.py:Class.function`, if anything does."""
    file, _, place = step.partition(":")
    path = HOUSE / "syncd" / file
    node: ast.AST | None = None
    if path.exists():
        node = ast.parse(path.read_text())
    for name in place.split("."):
        node = next(
            (
                n
                for n in ast.iter_child_nodes(node or ast.Pass())
                if getattr(n, "name", "") == name
            ),
            None,
        )
    return node


def names(node: ast.AST) -> set[str]:
    """Return every name that is used in it, attributes too."""
    return {
        name
        for n in ast.walk(node)
        for name in (getattr(n, "id", ""), getattr(n, "attr", ""))
    }


def faults(walk: Walk) -> Iterator[str]:
    """Yield what of a walk is not so."""
    if walk.number > walk.most:
        yield f"{walk.number} {walk.counts}, at most {walk.most}"
    used: set[str] = set()
    for step in walk.steps:
        node = body(step.at)
        if node is None:
            yield f"{step.at}: no such function"
            continue
        own = names(node)
        if step.shape and step.shape not in own:
            yield f"{step.at}: does not name {step.shape}"
        if not step.by and re.split("[.:]", step.at)[-1] not in used:
            yield f"{step.at}: no step before it calls it"
        used |= own


def main(arguments: list[str]) -> int:
    """Do what was asked; 1 when a walk is not so."""
    wrong = 0
    for walk in read():
        if not arguments:
            print(f"{walk.what}: {walk.number} {walk.counts} (≤ {walk.most})")
            for step in walk.steps:
                print(f"    {step.at:48} {step.shape:14} {step.by}")
        for fault in faults(walk):
            print(f"walks: error: {walk.what}: {fault}", file=sys.stderr)
            wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
