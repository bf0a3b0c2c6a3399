"""The documents say what there is: no more, no less, and it runs."""

import functools
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from syncd import errors
from syncd.cli import main
from syncd.cli.command import Command, parameters
from syncd.indicator import leaf, statement
from syncd.node import daemon, jobs, leadership
from syncd.node.serve import metrics
from syncd.store import failpoint
from syncd.tlog.tiles import MAX_BUNDLE
from syncd.web import peer_api, routes
from tests.cases import ROOT, slow, tried

WHOLE = re.DOTALL | re.MULTILINE
DOCS = ROOT / "docs"
CODE = ROOT / "syncd"
METRICS = {"lookup_seconds", *(row[1] for row in metrics.ROWS)}
PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("[!.]*/**/*.md"))
    if not {"node_modules", "build"} & set(path.relative_to(ROOT).parts)
)


@functools.cache
def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def section(name: str, title: str) -> str:
    """Return what stands under a heading, up to the next of its rank."""
    found = re.search(
        rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,2}} |\Z)", page(name), WHOLE
    )
    assert found, f"{name} has no {title!r}"
    return found[2]


def codes(text: str) -> set[str]:
    """Return what stands in back quotes in the first column of tables."""
    rows = re.findall(r"^\| *(`[^|]*`) *\|", text, re.MULTILINE)
    return {code for row in rows for code in re.findall(r"`([^`]+)`", row)}


# ------------------------------------------------------------- what there is


def commands() -> Iterator[tuple[str, Command]]:
    """Yield every command that does something, by its words."""
    for noun in main.NOUNS:
        yield from walk(noun, main.build(noun).below[noun])


def walk(words: str, command: Command) -> Iterator[tuple[str, Command]]:
    if command.run:
        yield words, command
    for name, one in command.below.items():
        yield from walk(f"{words} {name}", one)


def test_help_says_what_each_option_is() -> None:
    assert [
        f"{words} {one.name}"
        for words, command in commands()
        for one in parameters(command.options).values()
        if one.flags and not one.about
    ] == []


def test_every_command_and_option_is_documented() -> None:
    """cli.md has a row for each command with its options, and no other."""
    there = {
        words: {
            flag
            for one in parameters(command.options).values()
            for flag in one.flags
        }
        for words, command in commands()
    }
    assert {
        " ".join(re.findall(r"(?:^| )([a-z]+)(?= |$)", called)): set(
            re.findall(r"`(--[a-z-]+)`", columns)
        )
        for called, columns in re.findall(
            r"^\| `syncd ([^`]+)` \| [^|]+ \|([^|]*)\|$",
            section("cli.md", "All commands"),
            re.MULTILINE,
        )
    } == there


def test_every_own_route_is_documented() -> None:
    """http-api.md names each route of the local API, and no other."""
    there = {f"{r.method} {r.path}" for r in routes.ALL}
    written = set(
        re.findall(
            r"(GET|POST|PUT|DELETE) `?(/[a-z0-9_./{}-]+)", page("http-api.md")
        )
    )
    assert {f"{method} {path}" for method, path in written} == there


def test_every_peer_route_is_documented() -> None:
    """protocol.md has a row for each route of the peer API, and no other."""
    there = {
        f"{route.method} {route.resource.canonical}"
        for route in peer_api.app(None, lambda _: None).router.routes()
        if route.method != "HEAD" and route.resource is not None
    }
    table = section("protocol.md", "12 The peer API")
    rows = re.findall(
        r"^\| (GET|POST) `([^`?]+)(?:\?[^`]*)?` \|", table, re.MULTILINE
    )
    assert {f"{method} {path}" for method, path in rows} == there


def test_every_job_is_documented() -> None:
    """architecture.md has a row for what the scheduler runs."""
    source = inspect.getsource(daemon.Daemon)
    source += inspect.getsource(leadership.Leadership)
    scheduled = inspect.getsource(jobs.Jobs)
    there = set(re.findall(r"\(\"(\w+)\", self\.", scheduled))
    there |= set(re.findall(r"create_task\(self\.([\w.]+)\(", source))
    there |= set(re.findall(r"self\.(\w+\.check_startup)\(", source))
    assert {
        code
        for code in codes(section("architecture.md", "Threads and processes"))
        if code in ("round", "daily") or "." in code
    } == there


def test_every_error_is_documented() -> None:
    """operations.md has a row for each class: exit code, status."""
    there = {
        (name, str(kind.exit_code), str(kind.status))
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.SyncdError)
    }
    assert {code for _, code, _ in there} <= set("123456")
    rows = re.findall(
        r"^\| `(\w+Error)` \| `[a-z]+` \| (\d) \| (\d+) \|",
        section("operations.md", "Errors"),
        re.MULTILINE,
    )
    assert set(rows) == there


def findings() -> set[str]:
    """Return every code that the code can put into a finding."""
    found = set()
    for path in CODE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found.update(re.findall(r'\b_?[fF](?:inding|ound)\(\s*"(\w+)"', text))
        for either in re.findall(
            r'\bcode = "(\w+)" if \w+ else "(\w+)"', text
        ):
            found.update(either)
    return found


@tried(
    "title, there",
    [
        ("Monitoring", {f"syncd_{name}" for name in METRICS}),
        ("Findings", findings()),
        ("For tests: failpoints", set(failpoint.POINTS)),
    ],
)
def test_every_one_is_documented(title: str, there: set[str]) -> None:
    """operations.md has a row for each metric, finding and failpoint.

    It says of each finding what to do, and has no other rows.
    """
    assert codes(section("operations.md", title)) == there


def test_every_line_of_status_is_documented() -> None:
    """Whatever `status` tells to do has its row in the night's table."""
    there = {
        subject
        for file in ("serve/todo", "serve/status", "upkeep/never_list")
        for subject in re.findall(
            r'Message\(\s*"([\w-]+): ',
            (CODE / "node" / f"{file}.py").read_text(encoding="utf-8"),
        )
    }
    table = section("operations.md", "Three in the morning")
    documented = set(re.findall(r"`([\w-]+): ", table))
    assert len(there) > 5
    assert there <= documented


def test_every_statement_is_documented() -> None:
    """protocol.md has each type with exactly its fields, and its schema."""
    shared = {"type", "on", "kind", "epoch", "token", "part", "of"}
    text = section("protocol.md", "8 Statements")
    for number, form in statement.TYPES.items():
        row = re.search(
            rf"^\| {number} \| [a-z]+ \| (.*) \| \[[a-z-]+\]\((.*)\) \|$",
            text,
            re.MULTILINE,
        )
        assert row, f"type {number} has no row"
        assert (DOCS / row[2]).is_file()
        found = set(re.findall(r"`([a-z]+)`", row[1]))
        there = {f.encode_name for f in msgspec.structs.fields(form)}
        if number == 16:
            there |= {"origin", "size", "root", "line"}
        if number == 17:
            found |= {"on"}
        missing = there - found - shared
        assert not missing, f"type {number}: {missing}"
        assert found <= there | shared, f"type {number}: {found - there}"


def test_numbers_are_those_of_the_code() -> None:
    """Limits that a stranger must know are the ones that we enforce."""
    limits = section("protocol.md", "13 Limits")
    assert f"{statement.MAX_PAYLOAD:,}; {statement.MAX_BOOK_PAYLOAD:,}" in (
        limits
    )
    assert MAX_BUNDLE == 256 * 65_537
    assert f"{leaf.MAX_BODY:,}; 256 × 65,537" in limits
    assert peer_api.MAX_BODY == 1 << 20
    assert "peer API | 1 MiB" in limits


def test_the_example_of_a_leaf() -> None:
    text = page("protocol.md")
    found = re.search(r"<!-- leaf -->\n```text\n([0-9a-f]+)\n```", text)
    made = leaf.commit("bank.example/syncd/txwz/1", 2, bytes(16), b"")
    assert found
    assert found[1] == made.hex()


# --------------------------------------------------------------- references


def test_the_threat_models_tests_exist() -> None:
    """Each row names tests, and each of them is there."""
    text = page("threat-model.md")
    rows = re.findall(r"^\| (?!part |it ).*", text, re.MULTILINE)
    assert len(rows) > 100
    missing = []
    for row in rows:
        named = re.findall(r"`([\w/]+\.py)::(test_\w+)(?:\[\w+\])?`", row)
        assert named, f"names no test: {row[:60]}"
        for path, name in named:
            file = ROOT / "tests" / path
            there = file.is_file() and re.search(
                rf"def {name}\b", file.read_text(encoding="utf-8")
            )
            if not there:
                missing.append(f"{path}::{name}")
    assert not missing


def prose(path: Path) -> str:
    """Return a page without its code blocks."""
    text = path.read_text(encoding="utf-8")
    return re.sub(r"^```.*?^```", "", text, flags=WHOLE)


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    found = set()
    for title in re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE):
        kept = re.sub(r"[^\w\- ]", "", title.lower().replace("`", ""))
        found.add(kept.strip().replace(" ", "-"))
    return found


def test_links_resolve() -> None:
    """Files and headings that a page points to are there."""
    broken = []
    for path in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            file = (path.parent / name) if name else path
            if not file.exists() or (
                anchor and file.suffix == ".md" and anchor not in anchors(file)
            ):
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert not broken


def named_in(paths: Iterable[Path], pattern: str) -> Iterator[str]:
    """Yield `page: file` for each file that a page names and is not there."""
    for path in paths:
        for named in re.findall(pattern, path.read_text(encoding="utf-8")):
            if not (ROOT / named).exists():
                yield f"{path.relative_to(ROOT)}: {named}"


def test_files_that_are_named_are_there() -> None:
    """A path in back quotes that begins at the top of the checkout is one."""
    tops = "|".join(  # a member's home has a keys/, too
        sorted(
            p.name
            for p in ROOT.iterdir()
            if p.is_dir() and p.name[0] != "." and p.name != "keys"
        )
    )
    pages = [p for p in PAGES if p.name != "CHANGELOG.md"]
    pattern = rf"`((?:{tops})/(?![a-z-]+/v1`)[\w./-]+)`"
    assert not list(named_in(pages, pattern))


def test_what_the_code_points_to_is_there() -> None:
    """A page that a docstring, message or comment names exists."""
    sources = [*CODE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    sources.remove(Path(__file__))
    assert not list(named_in(sources, r"docs/[\w/-]+\.md"))


def test_the_readme_lists_every_page() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert not [
        p.name for p in DOCS.glob("*.md") if f"docs/{p.name}" not in text
    ]


def test_decisions_are_numbered_once() -> None:
    numbers = [p.name[:4] for p in (DOCS / "adr").glob("*.md")]
    assert len(numbers) == len(set(numbers))
    for path in (DOCS / "adr").glob("*.md"):
        head = path.read_text(encoding="utf-8").split("\n", 1)[0]
        assert head.startswith(f"# {int(path.name[:4])}. "), path.name


# -------------------------------------------------------------- what runs

BLOCK = re.compile(r"^<!-- run: ([a-z]+) -->\n```console\n(.*?)^```$", WHOLE)
ORDER = ("docs/operations.md", "README.md")  # README goes on where it ends
END = "-- end of command --"


def blocks() -> dict[str, list[tuple[str, str]]]:
    """Return the marked blocks by session: (page, text), in order."""
    names = [p.relative_to(ROOT).as_posix() for p in PAGES]
    names.sort(key=lambda n: ORDER.index(n) if n in ORDER else len(ORDER))
    found: dict[str, list[tuple[str, str]]] = {}
    for name in names:
        text = (ROOT / name).read_text(encoding="utf-8")
        for session, body in BLOCK.findall(text):
            found.setdefault(session, []).append((name, body))
    return found


def steps(body: str) -> Iterator[tuple[str, str]]:
    """Yield (command, what it prints); `> ` goes on with a command."""
    command, output = "", ""
    for line in body.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, output
            command, output = line[2:], ""
        elif line.startswith("> "):
            command += f"\n{line[2:]}"
        else:
            output += f"{line}\n"
    if command:
        yield command, output


def fits(expected: str, got: str) -> bool:
    """Tell whether an output is as documented; `…` stands for anything."""
    parts = map(re.escape, expected.split("…"))
    return re.fullmatch(".*?".join(parts), got, re.DOTALL) is not None


@slow
@tried("session", sorted(blocks()))
def test_marked_blocks_run(session: str, tmp_path: Path) -> None:
    """Copy and paste works, and prints what the page says."""
    wanted = [step for _, body in blocks()[session] for step in steps(body)]
    script = "set -e\n" + "".join(
        f"{command}\necho '{END}'\n" for command, _ in wanted
    )
    keep = {k: v for k, v in os.environ.items() if not k.startswith("SYNCD_")}
    path = f"{Path(sys.executable).parent}:{keep.get('PATH', '')}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**keep, "PATH": path, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    printed = done.stdout.split(f"{END}\n")
    for (command, expected), got in zip(wanted, printed, strict=False):
        assert fits(expected, got), f"$ {command}\n{got}"
    assert len(printed) == len(wanted) + 1
