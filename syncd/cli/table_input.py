"""Read a table row by row.

Columns are understood as in an import; a column may also be picked by its
name, to be used as it stands. Rows come in steps that one request can hold,
so memory does not grow with the file.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from syncd.cli import terminal
from syncd.cli.command import Options
from syncd.cli.grid import Item
from syncd.errors import MalformedError, Message, SyncdError, UsageError
from syncd.lists import column_names, columns, days, mapping, table
from syncd.lists.rows import FileOptions, Row, Table, flaw
from syncd.messages.catalogue import say
from syncd.node import pinned

if TYPE_CHECKING:
    from syncd.cli.options import ListOptions

STEP = 2500  # rows in a request: three such wait in memory
BUDGET = 4 << 20  # bytes of a request
REFUSED = 1024  # of a row that is refused, beside what it says
encode = msgspec.json.encode
VALUE = ("kind", "value", "scheme", "bank", "region", "place")


class Read(NamedTuple):
    """One row: what it says by field, or why it cannot be used."""

    row: Row
    json: bytes  # of the fields: thousands of rows wait in memory
    problem: SyncdError | None = None

    @property
    def fields(self) -> Item:
        """What it says, by field."""
        return dict(msgspec.json.decode(self.json)) if self.json else {}


def understood(
    file: Path,
    args: "ListOptions",
    constants: Item,
    *,
    keep: Sequence[str] = (),
    fields: Sequence[str] = VALUE,
    more: Mapping[str, columns.Extra] = columns.NO_EXTRA,
) -> tuple[Table, columns.Columns]:
    """Return a file as a table, and which of its columns are which field.

    What is to be kept is a name that a header may have, too.
    """
    options = args.file_options(names=tuple(keep))
    how, listed = options_of(options, args.map_, constants, more=more)
    # A mapping file may say more than is asked for here.
    asked = (*fields, *constants)
    kept = {k: v for k, v in listed.constants.items() if k in asked}
    listed = replace(listed, constants=kept)
    rows = table.open_table(file, how)
    plan = columns.plan(
        *(rows.header, rows.width, listed),
        where=str(file),
        fields=fields,
        more=more,
    )
    return rows, plan


def options_of(
    options: FileOptions,
    maps: Sequence[str],
    constants: Item,
    zone: tzinfo = days.ZONE,
    more: Iterable[str] = (),
) -> tuple[FileOptions, columns.ListDescription]:
    """Return what is said of a list: by a mapping file, then by options.

    `maps` are FIELD=COLUMN, or FILE.toml; `more` are fields that may stand
    there beside a report's.
    """
    how, listed = FileOptions(), columns.ListDescription()
    files = [one for one in maps if one.endswith(".toml")]
    for path in map(Path, files):
        raw = terminal.read_file(path, mapping.MOST)
        how, listed = mapping.read(terminal.decoded(raw, str(path)), str(path))
    mapped = column_names.parted(
        [one for one in maps if one not in files],
        (*column_names.FIELDS, *more),
    )
    listed = columns.ListDescription(
        {**listed.columns, **mapped},
        {**listed.constants, **constants},
        listed.words,
        zone,
    )
    wanted = (*options.names, *listed.columns.values())
    return replace(how, **{**options.given, "names": wanted}), listed


def zone_of(args: Options) -> tzinfo:
    """Return where the days of instants are: the zone of our roster."""
    try:
        roster = pinned.trusted_roster(args.settings()).current
    except UsageError:  # none is here yet
        return days.ZONE
    return ZoneInfo(roster.zone)


def cell(row: Row, at: int | str) -> str:
    """Return a cell as it stands, "" where the row has none.

    Raises:
        MalformedError: it does not say any more what it said.
    """
    cells = row.cells
    if isinstance(cells, Mapping):
        found = cells.get(str(at), "")
    else:
        found = cells[at] if isinstance(at, int) and at < len(cells) else ""
    if why := flaw(found):
        raise why
    return found


def steps(
    rows: Table,
    read: Callable[[Row], Item],
    *,
    offset: int = 0,
    row: int = 0,
    budget: int = 0,
) -> Iterator[list[Read]]:
    """Yield the rows behind an offset, in steps that a request can hold.

    The values of one cell are in one step, and may come on top.
    """
    some = list[Read]()
    size, most = 0, budget or BUDGET
    for one in rows.rows(offset, row):
        raw, why = b"", one.problem
        if not why:
            try:
                raw = encode(read(one))
            except MalformedError as e:
                why = e
        if len(raw) > most:
            why = MalformedError("the row is too long for one request")
        # A character is at most six bytes in JSON.
        more = len(raw) + 16 if not why else 6 * len(one.raw) + REFUSED
        full = len(some) >= STEP or size + more > most
        if full and some and some[-1].row.end < one.end:
            yield some
            some, size = [], 0
        some.append(Read(one, raw, why))
        size += more
    if some:
        yield some


def shown(
    file: Path, rows: Table, read: Callable[[Row], Item]
) -> Iterator[list[Read]]:
    """Yield the rows in steps, showing how far each has brought us."""
    from syncd.cli.meter import meter

    with meter(file.name, rows.span) as at:
        for some in steps(rows, read):
            yield some
            last = some[-1].row
            at(min(last.end, rows.span), last.number)


def tell_notes(
    file: Path, notes: Iterable[Message], known: Sequence[Message] = ()
) -> None:
    """Tell what there is to say of a file as a whole, unless it is `known`."""
    for note in notes:
        if note not in known:
            terminal.tell(f"{file}: {say(note)}")


def tell_unused(file: Path, unused: Sequence[str]) -> None:
    """Tell which columns are of no use, if some are not."""
    if unused:
        terminal.tell(
            "{path}: columns that are not stored: {names}",
            path=file,
            names=", ".join(unused),
        )
