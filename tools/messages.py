"""The sentences of the code: their codes, and their Chinese.

    python tools/messages.py           bring codes.tsv and zh.po up to the code
    python tools/messages.py --check   say what is missing, fuzzy or left over

A sentence is found where it is used: what `t` and `later` are given, the help
of a command, what an error or a message is made of. What may travel has a
code; one that is new gets a code that its words propose, one that was reworded
keeps its own. Likewise its Chinese, which is then marked fuzzy, or empty, for
a person to mend.
"""

import ast
import builtins
import difflib
import re
import string
import sys
from collections.abc import Iterator, Mapping, Set
from gettext import GNUTranslations
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment
from jinja2.ext import extract_from_ast

from syncd import errors
from syncd.console.pages import help as words
from syncd.lists import mapping
from syncd.messages import wire

HOUSE = Path(__file__).resolve().parents[1]
ROOT = HOUSE / "syncd"
ROOM = ROOT / "messages"
REWORDED = 0.8  # so alike are the old and the new words of one message
LOOPS = ast.For | ast.ListComp | ast.DictComp | ast.GeneratorExp
# Functions that are given a sentence.
SAYING = {"t", "later", "tell", "say", "option", "argument"}
MAKING = {  # likewise, as errors are: which of their arguments
    **dict.fromkeys(("_refuse", "becoming", "Message"), (0,)),
    "plain": (1, 2),
    "absent": (0, 1),
}
LATER = {"PartError"}  # are given the rest by whoever catches them
LOCAL = ("cli", "demo", "console")  # rooms whose sentences never travel

# Until these are messages: what else is said in Chinese.
ELSE = {*mapping.REMARKS}


def sentences() -> tuple[set[str], set[str]]:
    """Return all that a person may see, and of it what needs a code."""
    local = {*ELSE}
    coded: set[str] = set()
    for path in ROOT.rglob("*.py"):
        tree = ast.parse(path.read_text())
        name = str(path.relative_to(ROOT))
        local |= {*_translated(tree)}
        found = _refused(tree)
        (local if name.startswith(LOCAL) else coded).update(found)
    for path in ROOT.rglob("*.html"):
        page = Environment().parse(path.read_text())
        for *_, said in extract_from_ast(page, ["t"]):
            local |= {*_strings(said)}
    local |= {*words.sentences()}
    for name in ("lists/foreign", "cli/heads", "cli/nouns"):
        for line in _rows(ROOT / f"{name}.tsv"):
            local |= {*re.split(r"(?:.*\t| \| )(?:\w+=)?", line)}
    for said, way in errors.ways().items():
        (coded if said in coded else local).add(way)
    return (local | coded) - {""}, coded - {""}


def _rows(path: Path) -> list[str]:
    lines = path.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _strings(said: str | tuple[str | None, ...] | None) -> Iterator[str]:
    """Yield what a call in a template is given first, if it is a text."""
    first = said[0] if isinstance(said, tuple) else said
    if first is not None:
        yield first


def _translated(tree: ast.Module) -> Iterator[str]:
    """Yield what is said in the language of whoever reads it."""
    tables = {
        _name(node.targets[0]): node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
    }
    for node in ast.walk(tree):
        if isinstance(node, LOOPS):
            yield from _looped(node, tables)
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = _name(node.func)
        if name in SAYING:
            yield from _texts(node.args[0])
        if name in {"Command", "noun", "verb"}:
            yield from _texts(node.args[-1])
        if name == "map" and _name(node.args[0]) in SAYING:
            yield from _all(node.args[1], tables)


def _looped(node: LOOPS, tables: Mapping[str, ast.AST]) -> Iterator[str]:
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


def _refused(tree: ast.Module) -> Iterator[str]:
    """Yield what errors and messages are made of: templates and hints."""
    for name, value in _constants(tree).items():
        if name.endswith("HINT"):  # _SHORT_HINT: Final = "…"
            yield from _texts(value)
    for said, hints in _raised(tree):
        yield from (*said, *hints)


def _constants(tree: ast.Module) -> dict[str, ast.AST]:
    constants: dict[str, ast.AST] = {}
    for line in tree.body:
        if isinstance(line, ast.AnnAssign) and line.value:
            constants[_name(line.target)] = line.value
        elif isinstance(line, ast.Assign):
            constants[_name(line.targets[0])] = line.value
    return constants


def _raised(tree: ast.Module) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the templates of each error or message, and of its hint."""
    constants = _constants(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = _name(node.func)
        ours = name.endswith("Error") and not hasattr(builtins, name)
        at = (0,) if ours else MAKING.get(name, ())
        given = [node.args[n] for n in at if n < len(node.args)]
        hints = [k.value for k in node.keywords if at and k.arg == "hint"]
        yield (
            [x for one in given for x in _texts(_meant(one, constants))],
            [x for one in hints for x in _texts(_meant(one, constants))],
        )


def _meant(node: ast.AST, constants: Mapping[str, ast.AST]) -> ast.AST:
    return constants.get(_name(node), node) if _name(node) else node


def hints(codes: Mapping[str, str]) -> str:
    """Return as lines which codes' hints go with each code."""
    found: dict[str, set[str]] = {}
    for path in ROOT.rglob("*.py"):
        for said, ways in _raised(ast.parse(path.read_text())):
            for one in {*said} & {*codes}:
                of = found.setdefault(codes[one], set())
                its = {*ways, errors.ways().get(one, "")}
                of |= {codes[way] for way in its & {*codes}}
    rows = sorted((code, *sorted(its)) for code, its in found.items() if its)
    return "".join(f"{code}\t{' '.join(its)}\n" for code, *its in rows)


def unfilled() -> Iterator[str]:
    """Yield where a template has a name in braces that it is not given."""
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or len(node.args) != 1:
                continue  # a second one has what is not given
            name = _name(node.func)
            ours = name.endswith("Error") or name in ("Message", "t")
            given = {keyword.arg for keyword in node.keywords}
            if (
                not ours
                or name in LATER
                or None in given
                or not given - {"hint"}
            ):
                continue
            for said in _texts(*node.args):
                text = said + errors.ways().get(said, "")
                if lacks := {name for name, _ in fields(text)} - given:
                    yield f"{path.name}: {said}: not given: {lacks}"


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
    """Bring codes and a catalogue up to the code."""
    every, coded = sentences()
    lines = [f"{code}\t{one}\n" for code, one in renewed(coded).items()]
    wire.CODES.write_text("".join(sorted(lines)))
    wire.HINTS.write_text(hints(_by_template()))
    fresh = Catalog()
    for sentence in every:
        fresh.add(sentence)
    catalogue = read(path)
    catalogue.update(fresh)
    write(path, catalogue)


def _by_template() -> dict[str, str]:
    rows = wire.rows(wire.CODES.read_text())
    return {template: code for code, template in rows.items()}


def renewed(coded: Set[str]) -> dict[str, str]:
    """Return each template by its code: the old ones, and new ones."""
    old = wire.rows(wire.CODES.read_text()) if wire.CODES.exists() else {}
    kept = {code: one for code, one in old.items() if one in coded}
    gone = {one: code for code, one in old.items() if one not in coded}
    for one in sorted(coded - {*kept.values()}):
        like = difflib.get_close_matches(one, gone, 1, REWORDED)
        code = gone.pop(like[0]) if like else _proposed(one, {*kept, *old})
        kept[code] = one
    return kept


def _proposed(sentence: str, taken: Set[str]) -> str:
    """Return a code of a sentence's own words: `subject.some_of_the_fact`."""
    subject, colon, fact = sentence.partition(": ")
    if not colon or len(subject.split()) > 3:
        subject, fact = "", sentence
    words = re.findall(r"[a-z0-9]+", fact.lower())
    head = "_".join(re.findall(r"[a-z0-9]+", subject.lower()))
    tries = [words[:n] for n in range(5, 40)]
    tries += [[*words, str(n)] for n in range(2, 99)]  # the same but for case
    codes = (".".join(filter(None, (head, "_".join(one)))) for one in tries)
    return next(code for code in codes if code not in taken)


def faults(path: Path) -> Iterator[str]:
    """Yield what is wrong with codes and a catalogue, one line each."""
    yield from unfilled()
    wanted, coded = sentences()
    codes = wire.rows(wire.CODES.read_text())
    for sentence in sorted(coded - {*codes.values()}):
        yield f"no code: {sentence}"
    for code in sorted(c for c, one in codes.items() if one not in coded):
        yield f"left over: the code {code}"
    for sentence in sorted({*errors.ways()} - wanted):
        yield f"left over: the way out of: {sentence}"
    if wire.HINTS.read_text() != hints(_by_template()):
        yield "hints.tsv: not as the code has them"
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
    if not arguments:
        update(path)
    found = [re.sub(r"\s+", " ", line) for line in faults(path)]
    for line in found:
        print(f"messages: {line}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
