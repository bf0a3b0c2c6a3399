"""Three ways through the house, and how many shapes each passes.

    python tools/walks.py           print them
    python tools/walks.py --check   only say what does not hold, and exit 1

A walk is a list of steps: a function, and the shape in which it hands the
matter on. Both are read from the code: a step must stand there, mention its
shape in its own annotations or body, and use the step after it, or a walk
could be drawn that nobody goes.
"""

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HOUSE = Path(__file__).resolve().parents[1]
WALKS = HOUSE / "tools" / "walks.toml"


class Walk(NamedTuple):
    """One way, from where it begins to where it ends."""

    what: str
    counts: str  # what there may be `most` of: "shapes" or "steps"
    most: int
    steps: list[tuple[str, str]]  # (file:function, shape or "")

    @property
    def shapes(self) -> list[str]:
        """Every shape on the way, once, in order."""
        return [*dict.fromkeys(shape for _, shape in self.steps if shape)]

    @property
    def number(self) -> int:
        """How many there are of what counts."""
        return len(self.shapes if self.counts == "shapes" else self.steps)


def read() -> list[Walk]:
    """Return the walks that are written down."""
    return [
        Walk(
            what,
            drawn["counts"],
            drawn["most"],
            [(step, shape) for step, shape in drawn["steps"]],
        )
        for what, drawn in tomllib.loads(WALKS.read_text()).items()
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
    for at, (step, shape) in enumerate(walk.steps):
        node = body(step)
        if node is None:
            yield f"{step}: no such function"
            continue
        used = names(node)
        if shape and shape not in used:
            yield f"{step}: does not name {shape}"
        after = [s.rpartition(":")[2] for s, _ in walk.steps[at + 1 :][:1]]
        for name in after:
            if name.rpartition(".")[2] not in used:
                yield f"{step}: does not use {name}"


def main(arguments: list[str]) -> int:
    """Do what was asked; 1 when a walk is not so."""
    wrong = 0
    for walk in read():
        if not arguments:
            print(f"{walk.what}: {walk.number} {walk.counts} (≤ {walk.most})")
            for step, shape in walk.steps:
                print(f"    {step:52} {shape}")
        for fault in faults(walk):
            print(f"walks: error: {walk.what}: {fault}", file=sys.stderr)
            wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
