"""The sentences of the code, and the catalogues that hold their Chinese.

    python tools/messages.py           bring zh.po up to the code, and compile it
    python tools/messages.py --check   say what is missing, fuzzy or left over

A sentence is found where it is used: what `t` and `later` are given, the help
of a command, what an error or a note is made of. One that is new gets an empty
entry; one that was reworded gets its old Chinese, marked fuzzy. Both are for a
person to mend.
"""

import ast
import re
import string
import sys
from collections.abc import Iterator, Mapping
from gettext import GNUTranslations
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from syncd.cli import told
from syncd.lists import mapping

HOUSE = Path(__file__).resolve().parents[1]
ROOT = HOUSE / "syncd"
ROOM = ROOT / "messages"
LOOPS = ast.For | ast.ListComp | ast.DictComp | ast.GeneratorExp
SAYING = {"t", "later", "tell", "say"}  # functions that are given a sentence
MAKING = {"refuse", "_refuse", "Note"}  # likewise, as errors are

# Until these are messages: what else is said in Chinese.
ELSE = {
    *(*told.SENTENCES, *mapping.REMARKS),
    "this token opens nothing here: it was revoked on {day}",
    "this token opens nothing here: it is another member's, or none",
    "retraction: nothing of ours that stands matches",
    "the role {role} may not: {what}",
}

# Rooms whose errors are said in Chinese; it grows until it is all of them.
REFUSING = (
    *("cli", "demo", "lists", "messages"),
    *("flows/faults.py", "flows/lookup.py", "flows/report.py"),
    *("flows/own_lists.py", "node/serve/disputed.py", "node/serve/intake.py"),
    *("indicator/vocabulary.py", "indicator/account.py", "indicator/bank.py"),
    "indicator/spelling.py",
    *("indicator/chain.py", "indicator/iban.py", "indicator/national.py"),
    *("indicator/payment.py", "indicator/phone.py", "indicator/suffixes.py"),
    *("indicator/host.py", "indicator/link.py", "indicator/url.py"),
    *(
        "indicator/scheme.py",
        "node/serve/own_list_service.py",
        "store/own_entries.py",
    ),
    *("store/gone.py", "store/imports.py", "web/import_routes.py"),
    "web/own_list_routes.py",
)


def sentences() -> set[str]:
    """Return every sentence that a person may see."""
    found = {*ELSE}
    for path in ROOT.rglob("*.py"):
        tree = ast.parse(path.read_text())
        name = str(path.relative_to(ROOT))
        found |= {*_said(tree)}
        if name.startswith(REFUSING):
            found |= {*_refused(tree)}
    for path in ROOT.rglob("foreign.tsv"):
        found |= {line.split("\t")[-1] for line in _rows(path)}
    return found - {""}


def _rows(path: Path) -> list[str]:
    lines = path.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _said(tree: ast.Module) -> Iterator[str]:
    """Yield what is said in the language of whoever reads it."""
    tables = {
        _name(node.targets[0]): node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
    }
    for node in ast.walk(tree):
        if isinstance(node, LOOPS):
            yield from _looped(node, tables)
        if not isinstance(node, ast.Call):
            continue
        name = _name(node.func)
        if name in SAYING and node.args:
            yield from _texts(node.args[0])
        if name in {"option", "argument"} and node.args:
            yield from _texts(node.args[0])
        if name in {"Noun", "noun", "verb", "group"} and node.args:
            yield from _texts(node.args[-1])
        if name == "table" and node.args:  # the names of its columns
            heads = {k: v for k, v in tables.items() if k.isupper()}
            yield from _all(node.args[0], heads)
        if name == "map" and _name(node.args[0]) in SAYING:
            yield from _all(node.args[1], tables)
        for keyword in node.keywords:
            if keyword.arg == "help":
                yield from _texts(keyword.value)


def _looped(
    node: ast.For | ast.ListComp | ast.DictComp | ast.GeneratorExp,
    tables: Mapping[str, ast.AST],
) -> Iterator[str]:
    """Yield the texts of a tuple in `t(name) for name in (…)`."""
    loop = node if isinstance(node, ast.For) else node.generators[0]
    names = {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)}
    for call in ast.walk(node):
        if (
            isinstance(call, ast.Call)
            and _name(call.func) == "t"
            and getattr(call.args[0], "id", "") in names
        ):
            yield from _all(loop.iter, tables)


def _all(node: ast.AST, tables: Mapping[str, ast.AST]) -> Iterator[str]:
    """Yield every text in it, and in a table of the module that it names."""
    for one in ast.walk(node):
        yield from _texts(one)
        if isinstance(one, ast.Name) and one.id in tables:
            yield from _all(tables[one.id], tables)


def _refused(tree: ast.AST) -> Iterator[str]:
    """Yield what errors and notes are made of: messages and hints."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and node.value:
            if _name(node.target).endswith("HINT"):  # _SHORT_HINT: Final = "…"
                yield from _texts(node.value)
            continue
        if not isinstance(node, ast.Call):
            continue
        name = _name(node.func)
        if name.endswith("Error") or name in MAKING:
            hints = [k.value for k in node.keywords if k.arg == "hint"]
            for one in (*node.args[:1], *hints):
                yield from _texts(one)


def _name(node: ast.AST) -> str:
    return getattr(node, "id", "") or getattr(node, "attr", "")


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


# --------------------------------------------------------------- catalogues


HEAD = """\
# The Chinese of what syncd says, by its English: see tools/messages.py.
msgid ""
msgstr ""
"Language: zh\\n"
"Content-Type: text/plain; charset=utf-8\\n"

"""


def read(path: Path) -> Catalog:
    """Return a catalogue."""
    with path.open("rb") as file:
        return read_po(file, locale=path.stem)


def write(path: Path, catalogue: Catalog) -> None:
    """Write a catalogue, the same for the same entries, and compile it."""
    with path.open("wb") as file:
        file.write(HEAD.encode())
        write_po(
            file,
            catalogue,
            width=79,
            no_location=True,
            omit_header=True,
            sort_output=True,
            ignore_obsolete=True,
        )
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalogue)


def update(path: Path) -> None:
    """Bring a catalogue up to the code."""
    fresh = Catalog()
    for sentence in sentences():
        fresh.add(sentence)
    catalogue = read(path)
    catalogue.update(fresh)
    write(path, catalogue)


def faults(path: Path) -> Iterator[str]:
    """Yield what is wrong with a catalogue, one line each."""
    wanted = sentences()
    held = {str(m.id): m for m in read(path) if m.id}
    for sentence in sorted(wanted - {*held}):
        yield f"missing: {sentence}"
    for sentence in sorted({*held} - wanted):
        yield f"left over: {sentence}"
    for sentence, message in sorted(held.items()):
        if message.fuzzy:
            yield f"fuzzy: {sentence}"
        elif not message.string:
            yield f"empty: {sentence}"
        elif fields(sentence) != fields(str(message.string)):
            yield f"other names in braces: {sentence}"
    compiled = path.with_suffix(".mo")
    if not compiled.exists() or _differs(compiled, held):
        yield "not compiled"


def _differs(compiled: Path, held: Mapping[str, Message]) -> bool:
    with compiled.open("rb") as file:
        found = GNUTranslations(file)
    return any(
        found.gettext(sentence) != message.string
        for sentence, message in held.items()
        if message.string and not message.fuzzy
    )


def fields(template: str) -> list[tuple[str, str]]:
    """Return the names in braces; without them, text would be lost."""
    parts = string.Formatter().parse(template)
    return sorted((name, spec or "") for _, name, spec, _ in parts if name)


def main(arguments: list[str]) -> int:
    """Do one of the two; return the exit code."""
    path = ROOM / "zh.po"
    if arguments != ["--check"]:
        update(path)
    said = [re.sub(r"\s+", " ", line) for line in faults(path)]
    for line in said:
        print(f"messages: {path.name}: {line}")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
