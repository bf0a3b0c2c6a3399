"""How much there is to read, held to `tools/ceiling.toml`.

    python tools/house.py           print every number beside its ceiling
    python tools/house.py --check   say only what is over it, and exit 1
    python tools/house.py --lower   lower the ceiling to what is there

Lines are counted as they stand, blank ones, docstrings and comments too, and
those of templates, styles and scripts that are ours;
tokens as Python reads them, without comments and layout, so that a wider
line or a longer statement saves nothing. What is still too long stands in
the ceiling's lists by name: a list can only shrink, so a name that needs to
stand there no more is refused like one that is missing.
"""

import ast
import io
import sys
import tokenize
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

HOUSE = Path(__file__).resolve().parents[1]
CEILING = HOUSE / "tools" / "ceiling.toml"
PRODUCT = "syncd"  # its files and functions have limits of their own
ROOTS = ("syncd", "examples", "conformance", "bench", "tools", "tests")
READ = {".py", ".html", ".css", ".js"}
LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


class Size(NamedTuple):
    """What there is to read of something."""

    lines: int
    tokens: int

    @classmethod
    def of(cls, text: str) -> "Size":
        """The size of one file's text."""
        found = tokenize.generate_tokens(io.StringIO(text).readline)
        return cls(
            len(text.splitlines()), sum(t.type not in LAYOUT for t in found)
        )


class Function(NamedTuple):
    """One function or method, by where it stands."""

    name: str  # syncd/tlog/note.py:Note.sign
    lines: int
    parameters: int  # without self and cls


def functions(
    path: str, tree: ast.AST, inside: str = ""
) -> Iterator[Function]:
    """Every function of a module, those inside of others too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield from functions(path, node, f"{inside}{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            spec = node.args
            names = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]
            own = [a for a in names if a.arg not in {"self", "cls"}]
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            name = f"{inside}{node.name}"
            yield Function(f"{path}:{name}", lines, len(own))
            yield from functions(path, node, f"{name}.")
        else:
            yield from functions(path, node, inside)


class House(NamedTuple):
    """Every number of the tree."""

    sizes: dict[str, Size]  # a root, or a room of the product
    files: dict[str, int]  # of the product -> lines
    functions: dict[str, int]  # of the product -> lines
    parameters: dict[str, int]  # of the product's functions -> how many


def measure() -> House:
    """Read every file of the tree that a person wrote to be run."""
    house = House({}, {}, {}, {})
    for root in ROOTS:
        house.sizes[root] = Size(0, 0)
        for path in sorted((HOUSE / root).rglob("*.*")):
            if path.suffix not in READ or ".min." in path.name:
                continue
            name = path.relative_to(HOUSE).as_posix()
            text = path.read_text()
            python = path.suffix == ".py"
            size = Size.of(text) if python else Size(text.count("\n"), 0)
            room = "/".join(name.split("/")[:2])
            for place in (root, room) if root == PRODUCT else (root,):
                had = house.sizes.get(place, Size(0, 0))
                house.sizes[place] = Size(
                    had.lines + size.lines, had.tokens + size.tokens
                )
            if root == PRODUCT and python:
                house.files[name] = size.lines
                for one in functions(name, ast.parse(text)):
                    house.functions[one.name] = one.lines
                    house.parameters[one.name] = one.parameters
    return house


def faults(
    house: House, ceiling: Mapping[str, Mapping[str, int]]
) -> Iterator[str]:
    """What is over the ceiling, and what need not stand in it any more."""
    for unit in Size._fields:
        for root, most in ceiling[unit].items():
            size = getattr(house.sizes[root], unit)
            if size > most:
                yield f"{root}: {size:,} {unit}, at most {most:,}"
    for kind, limit in ceiling["limits"].items():
        found, listed = getattr(house, kind), ceiling[kind]
        for name, size in found.items():
            most = max(limit, listed.get(name, 0))
            if size > most:
                yield f"{name}: {size:,}, at most {most:,} ({kind})"
        for name in listed:
            if found.get(name, 0) <= limit:
                yield f"{name}: within the limit: take it off [{kind}]"


def lowered(
    house: House, ceiling: Mapping[str, Mapping[str, int]]
) -> Iterator[str]:
    """The ceiling's lines, nothing higher than it was or than it need be."""
    for table, names in ceiling.items():
        yield f"\n[{table}]"
        for name, most in names.items():
            size = most
            if table in Size._fields:
                size = getattr(house.sizes[name], table)
            elif table != "limits":
                size = getattr(house, table).get(name, 0)
                if size <= ceiling["limits"][table]:
                    continue
            yield f'"{name}" = {min(size, most)}'


def show(house: House, ceiling: Mapping[str, Mapping[str, int]]) -> None:
    """Print every number."""
    print(f"{'':24}{'lines':>9}{'ceiling':>9}{'tokens':>9}{'ceiling':>9}")
    for name, size in house.sizes.items():
        most = [ceiling[unit].get(name, "") for unit in Size._fields]
        print(f"{name:24}{size[0]:9}{most[0]:>9}{size[1]:9}{most[1]:>9}")
    for kind, limit in ceiling["limits"].items():
        listed = ceiling[kind]
        print(f"\n{kind} over {limit}: {len(listed)}")
        for name in listed:
            print(f"{getattr(house, kind).get(name, 0):9}  {name}")


def main(arguments: list[str]) -> int:
    """Do what was asked; 1 when something is over the ceiling."""
    ceiling = tomllib.loads(CEILING.read_text())
    house = measure()
    if arguments == ["--lower"]:
        head = CEILING.read_text().partition("\n\n")[0]
        lines = "\n".join(lowered(house, ceiling))
        CEILING.write_text(f"{head}\n{lines}\n")
    elif not arguments:
        show(house, ceiling)
    found = [] if arguments == ["--lower"] else list(faults(house, ceiling))
    for fault in found:
        print(f"house: error: {fault}", file=sys.stderr)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
