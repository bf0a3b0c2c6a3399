"""Options that several verbs share, each declared once with its help."""

import dataclasses
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.cli import grid, terminal
from syncd.cli.api_client import ApiClient, pages
from syncd.cli.command import Options, argument, option, parameters
from syncd.cli.grid import Item, Shown
from syncd.errors import UsageError
from syncd.messages.catalogue import later, t

if TYPE_CHECKING:
    from syncd.lists.rows import FileOptions

MOST = 10_000  # values in one call
KINDS = "phone, url, account"
MORE = later("there are more: --limit says how many are shown")


class OutputOptions(Options):
    """A result is shown to a person or to a program."""

    as_json: bool = option("for programs", "--json")

    def show(self, value: Any, lines: Iterable[str]) -> None:
        """Print a result: the value for a program, else the lines."""
        if self.as_json:
            print(terminal.as_json(value))
            return
        for line in lines:
            terminal.say(line)

    def table(self, name: str, found: Item, shown: Shown = dict) -> None:
        """Show the items of an answer as a table's rows."""
        self.show(found, grid.items(name, found["items"], shown))


class ClientOptions(Options):
    """The daemon is asked, by its local API."""

    token_file: Path | None = option("a file with a bearer token")

    def api(self) -> AbstractContextManager[ApiClient]:
        """Open the local API of the home that the command is about."""
        return ApiClient.of(self.settings(), self.token_file)


class ApiOptions(ClientOptions, OutputOptions):
    """What the daemon answers is shown."""

    def ask(self, path: str, body: Any = None, **query: Any) -> Any:
        """Return what the daemon answers to a body, or else to a query."""
        with self.api() as own:
            if body is None:
                return own.get(path, **query)
            return own.post(path, body)

    def send(self, path: str, body: Item, line: str) -> Any:
        """Post a body; show the answer, in a line with both's fields; return it."""
        found = self.ask(path, body)
        self.show(found, [t(line, **{**body, **found})])
        return found


class ValueOptions(Options):
    """Raw values: from standard input, a file or a person.

    Never from an argument: arguments are seen by everybody on the machine and
    kept in the shell's history.
    """

    on_line: list[str] = argument(needed=False, place="< FILE")
    file: Path | None = option("values, one a line")

    def __post_init__(self) -> None:
        if self.on_line and self.on_line != ["-"]:  # standard input
            raise UsageError("a value on the command line is seen by others")


class KindOptions(Options):
    """What a value is, where it does not say so itself."""

    kind: str = option(KINDS)
    scheme: str = option("what a bare account number is")
    region: str = option("country of a phone without one")

    @property
    def named(self) -> Item:
        """Its given value."""
        return self.given("kind", "scheme", "region")

    def check_kind(self) -> None:
        """Pass if the kind was given."""
        if not self.kind:
            raise not_given("kind", f"--kind {KINDS}")


class ListOptions(ApiOptions):
    """What a list is; the daemon is asked about all its rows."""

    map_: list[str] = option("FIELD=COLUMN: name, number from 1; or FILE.toml")
    format_: str = option("csv, tsv, txt, hosts, ndjson, xlsx")
    encoding: str = option("detected if not given")
    delimiter: str = option("detected if not given")
    no_header: bool = option("the first row is data")
    sheet: str = option("of a workbook with several")

    def file_options(self, **more: Any) -> "FileOptions":
        """Return its given value, of a verb's own options too."""
        from syncd.lists.rows import FileOptions  # only a list is of that form

        taken, known = parameters(type(self)), FileOptions.__struct_fields__
        given = self.given(*(n for n in taken if n in known)) | more
        return FileOptions(self.format_, header=not self.no_header, **given)


class PageOptions(ApiOptions):
    """A list that the daemon gives page by page."""

    limit: int = option("rows at most", default=100, min=1)
    show_values: bool = option("show the raw values", "--values")

    def show_pages(
        self, ask: Callable[..., Any], cursor: str, name: str, shown: Shown
    ) -> None:
        """Print a table's rows, which `pages` asks for, and if there are more."""
        items, last = pages(ask, cursor, self.limit)
        if not self.show_values:
            for item in items:
                item.pop("value", None)
        self.table(name, {"items": items}, shown)
        if last and not self.as_json:
            terminal.tell(MORE)


class FieldOptions(KindOptions):
    """Fields of a report: one value's, or all that a list does not say."""

    label: str = option("kind of fraud")
    role: str = option("what it was used as")
    evidence: str = option("what the report rests on")
    confidence: int | None = option("0-100", min=0, max=100)
    seen: str = option("day; today if not")
    expires: str = option("day; the roster's cap if not")
    channel: str = option("way it came: a code")
    technique: list[str] = option("what was done: a code")
    handling: str = option("open, no_tip_off")
    spoofed: bool = option("the number was faked")
    test: bool = option("a drill: it counts nowhere")
    keep_query: bool = option("of a URL")
    allow_personal: bool = option("a URL whose path may name a person")
    again: str = option("why, though we took it back")

    def recorded(self) -> Item:
        """Return the given values of these fields."""
        fields = (f.name for f in dataclasses.fields(FieldOptions))
        return self.given(*(f for f in fields if f not in ("home", "again")))


def not_given(names: str, ways: str) -> UsageError:
    """Return the refusal of a command that lacks what is never guessed."""
    return UsageError(
        "not given: {names}", hint="say {ways}", names=names, ways=ways
    )


def check_given(fields: Item, *needed: str) -> None:
    """Pass if all that is needed was given."""
    if missing := [name for name in needed if name not in fields]:
        ways = " ".join(f"--{name} …" for name in missing)
        raise not_given(", ".join(missing), ways)


def values(file: Path | None = None) -> list[str]:
    """Return the raw values: one a line of a file, of standard input, or one."""
    where = str(file or t("standard input"))
    if not file and sys.stdin.isatty():
        terminal.tell("Value, then Enter:")  # shown: it must be right
        text = sys.stdin.readline()
    else:
        text = terminal.decoded(terminal.read_file(file or Path("-")), where)
    found = [line.strip() for line in text.split("\n") if line.strip()]
    if not found:
        raise UsageError("{where}: no value there", where=where)
    return found


def one_value(file: Path | None = None) -> str:
    """Return the only value of a file or of standard input."""
    found = values(file)
    if len(found) != 1:
        raise UsageError("{n} values there, want one", n=len(found))
    return found[0]


def batches(items: list[Any], most: int = MOST) -> Iterator[list[Any]]:
    """Yield as many at a time as one call takes."""
    for at in range(0, len(items), most):
        yield items[at : at + most]


def positions(texts: Iterable[str], option: str) -> list[tuple[str, int]]:
    """Read positions as ORIGIN:INDEX."""
    found = []
    for text in texts:
        named = re.fullmatch("(.*):([0-9]{1,15})", text)
        if not named:
            raise UsageError(
                "{option} {said}: want ORIGIN:INDEX",
                option=option,
                said=repr(text),
            )
        found.append((named[1], int(named[2])))
    return found


def pair(option: str, line: str, form: str, mark: str = "=") -> list[str]:
    """Return what stands before a mark, and what behind it."""
    if mark not in line:
        raise UsageError(
            "{option} {line}: want {form}",
            option=option,
            line=repr(line),
            form=form,
        )
    return line.split(mark, 1)


def among(option: str, code: str, known: Iterable[str]) -> None:
    """Pass if a code is one of those known."""
    if code not in known:
        raise UsageError(
            "{option} {code}: no such code",
            names=", ".join(filter(None, known)),
            option=option,
            code=repr(code),
        )
