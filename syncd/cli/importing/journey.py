"""Import: a file goes to the daemon in steps, and on where it stopped.

    rows ─▶ step of ≤ 5,000 ─▶ POST /v1/reports, rows and offset together
                 └─ refused ─▶ ledger, once the step is committed

The daemon keeps how far the file is in; this side keeps nothing that it
could not find again. What is committed is never sent again: a stop between
commit and ledger leaves refused rows that are not written down, and they are
judged again here, by the rules that the daemon judged them by.
"""

import contextlib
import datetime
import fcntl
import hashlib
import json
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from syncd.cli import door as local
from syncd.cli import terminal, text
from syncd.cli.door import Door
from syncd.cli.importing.ledger import Ledger, Mark
from syncd.cli.importing.patience import Patience
from syncd.cli.importing.progress import Meter
from syncd.cli.text import t
from syncd.config import Config
from syncd.errors import (
    MalformedError,
    QuotaError,
    StaleError,
    SyncdError,
    UnavailableError,
    UsageError,
)
from syncd.lists.columns import Columns
from syncd.lists.rows import Row, Table

STEP = 5000  # rows
_HEAD = 1 << 20  # bytes at the beginning that a file is known by
_AROUND = 4096  # bytes of a step that are not reports
_ANY_ROW = 512  # bytes of a report beside its cells and constants

Refused = tuple[int, str, str]  # row, reason, line


@dataclass(frozen=True, slots=True)
class Counts:
    """How an import ended."""

    id: int
    accepted: int
    known: int
    refused: int
    refused_file: Path | None
    reasons: Sequence[tuple[str, int]]  # why, how many rows; most first


@dataclass(slots=True)
class _Step:
    """Rows that go together."""

    rows: list[Row]
    reports: list[dict[str, Any]]
    refused: list[Refused]
    bytes: int = 0
    offset: int = 0
    row: int = 0


def identity(path: Path) -> str:
    """Return what a file is known by: its beginning and its size, hashed."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    size = path.stat().st_size
    return hashlib.sha256(head + size.to_bytes(8, "big")).hexdigest()


def _stamp(path: Path) -> tuple[int, int]:
    """Return what changes when somebody writes to a file."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def run(
    path: Path,
    table: Table,
    columns: Columns,
    *,
    door: Door,
    settings: Config,
    options: Mapping[str, Any],
    refused: Path | None = None,
    anew: bool = False,
) -> Counts:
    """Import a file, all of it; go on where an earlier run stopped.

    A daemon that is restarted or asks for patience is waited for.

    Raises:
        UsageError: it is not the file that was begun with.
        StaleError: another run imports it.
        UnavailableError, QuotaError: waiting did not help; run again.
    """
    with _alone(path), Meter(path.name, table.span) as meter:
        journey = _Journey(
            path, table, columns, door, settings, options, meter, anew
        )
        try:
            return journey.persist(Ledger(path, refused))
        except KeyboardInterrupt:
            meter.stop()
            terminal.tell(
                t(
                    "stopped behind row {row}; {again}",
                    row=journey.row,
                    again=_again(),
                )
            )
            raise
        except (UnavailableError, QuotaError, StaleError) as e:
            more = [e.hint] if e.hint else []
            if isinstance(e, StaleError):
                more = [t("is another import of this file running?")]
            e.hint = "; ".join([*more, _again()])
            raise


def _again() -> str:
    return t("run the same command again: it goes on from there")


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep others from importing the file; a run that is killed lets go."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StaleError(
                t("{path}: another run imports it just now", path=path)
            ) from None
        except OSError:
            pass  # a file system without locks: the daemon's counts hold
        yield


@dataclass(slots=True)
class _Journey:
    """One file on its way in, and how far it is."""

    path: Path
    table: Table
    columns: Columns
    door: Door
    settings: Config
    options: Mapping[str, Any]
    meter: Meter
    anew: bool
    begun: bool = False  # the daemon has answered
    row: int = 0  # rows that are in

    def persist(self, ledger: Ledger) -> Counts:
        """Take the file in, whatever can be waited for."""
        patience = Patience()
        while True:
            row = self.row
            try:
                ended = self.go(ledger)
            except (UnavailableError, QuotaError, StaleError) as e:
                if self.row > row:
                    patience = Patience()  # the last one helped
                patience.wait(e, begun=self.begun)
            else:
                ledger.finish()
                self.meter.stop()
                self.meter.sum_up()
                bad = ended["refused"]
                return Counts(
                    ended["id"],
                    ended["accepted"],
                    ended["known"],
                    bad,
                    ledger.refused if bad else None,
                    ledger.reasons() if bad else (),
                )

    def go(self, ledger: Ledger) -> Mapping[str, Any]:
        """Take what is left of the file from wherever the daemon is."""
        known = _stamp(self.path)
        begun, mark = self._begin(ledger.find())
        offset, self.row = begun["offset"], begun["row"]
        prefix = self.table.prefix()
        if offset and prefix.upto(offset) != begun["prefix"]:
            raise _changed(self.path, self.row)
        mark = ledger.begin(mark)
        self.begun, self.anew = True, False
        if mark.offset < offset:
            _catch_up(
                *(self.table, self.columns, ledger, mark),
                *(begun, self.settings),
            )
        elif offset:
            terminal.tell(
                t(
                    "{path}: goes on behind row {row}",
                    path=self.path,
                    row=self.row,
                )
            )
        self.meter.begin(min(offset, self.table.span), self.row)
        budget = self.settings.own.max_request_bytes - _AROUND
        for step in steps(self.table, self.columns, offset, self.row, budget):
            hashed = prefix.upto(step.offset)
            if _stamp(self.path) != known:  # and its last line half there
                raise _changed(self.path, self.row)
            _send(step, begun["id"], offset, hashed, self.door)
            offset, self.row = step.offset, step.row
            ledger.note(step.refused, offset, self.row)
            self.meter.at(min(offset, self.table.span), self.row)
        return self._finish(begun["id"])

    def _begin(self, mark: Mark | None) -> tuple[Mapping[str, Any], Mark]:
        """Return how far the import is, begun if there is none, and noted.

        Raises:
            UsageError: it was begun with another file, or other options.
        """
        file = identity(self.path)
        said = json.dumps(self.options, sort_keys=True)
        if mark is not None and self.anew:
            self._finish(mark.id)
            mark = None
        if mark is not None:
            _check_same(self.path, mark, file, said)
            if mark.offset >= self.table.size:
                # All was in, and only the end was not seen.
                return self._finish(mark.id), mark
        wanted = {
            "name": self.path.name,
            "size": self.path.stat().st_size,
            "file": file,
            "options": dict(self.options),
        }
        begun = self.door.post("/v1/imports", wanted)
        if begun["offset"] and self.anew:
            self._finish(begun["id"])
            begun = self.door.post("/v1/imports", wanted)
        if (
            mark is None
            or mark.id != begun["id"]
            or mark.offset > begun["offset"]  # the daemon's was restored
        ):
            mark = Mark(file, said, begun["id"], 0, 0, 0, 0)
        return begun, mark

    def _finish(self, id_: int) -> Mapping[str, Any]:
        ended: Mapping[str, Any] = self.door.post(
            f"/v1/imports/{id_}/finish", b"{}"
        )
        return ended


def _check_same(path: Path, mark: Mark, file: str, options: str) -> None:
    if mark.file != file:
        raise _changed(path, mark.row)
    if mark.options != options:
        raise UsageError(
            t(
                "{path}: an import with other options stopped at row {row}",
                path=path,
                row=mark.row,
            ),
            hint=t("use the same options; or begin again with --anew"),
        )


def _changed(path: Path, row: int) -> UsageError:
    return UsageError(
        t(
            "{path}: has changed since its import stopped at row {row}",
            path=path,
            row=row,
        ),
        hint=t(
            "put the old file back; or begin again with --anew: what is in"
            " already is known then, not doubled"
        ),
    )


# ------------------------------------------------------------------- steps


def steps(
    table: Table, columns: Columns, offset: int, row: int, budget: int
) -> Iterator[_Step]:
    """Yield the rows behind an offset in steps that a request can hold."""
    step = _Step([], [], [], row=row)
    base = _ANY_ROW + len(json.dumps(dict(columns.constants)))
    end = offset
    for one in table.rows(offset, row):
        end = one.end
        # A character is at most six bytes in JSON.
        size = base + 6 * len(one.raw)
        report: dict[str, Any] | None = None
        problem = _why(one.problem) if one.problem else ""
        if not problem and size > budget:
            problem = t("the row is too long for one request")
        if not problem:
            try:
                report = columns.report(one)
            except MalformedError as e:
                problem = _why(e)
        if report is not None and step.bytes + size > budget:
            yield step
            step = _Step([], [], [])
        if report is None:
            step.refused.append((one.number, problem, one.raw))
        else:
            step.rows.append(one)
            step.reports.append(report)
            step.bytes += size
        step.offset, step.row = one.end, one.last
        if len(step.rows) + len(step.refused) >= STEP:
            yield step
            step = _Step([], [], [])
    if step.offset or end < table.size:
        # What stands behind the last row is blank, and is read too.
        step.offset = max(step.offset, table.size)
        step.row = max(step.row, row)
        yield step


def _send(
    step: _Step, id_: int, old_offset: int, prefix: str, door: Door
) -> None:
    """Have a step committed; what it refused is added to `step.refused`."""
    mark = {
        "id": id_,
        "old_offset": old_offset,
        "offset": step.offset,
        "row": step.row,
        "prefix": prefix,
        "rows": [row.number for row in step.rows],
        "refused": [_refused(*one) for one in step.refused],
    }
    answer = door.post(
        "/v1/reports", {"reports": step.reports, "import": mark}
    )
    for row, item in zip(step.rows, answer["items"], strict=True):
        if item["state"] == "refused":
            why = _why(local.problem(item["problem"]))
            step.refused.append((row.number, why, row.raw))
    step.refused.sort()


def _refused(row: int, why: str, _: str) -> dict[str, Any]:
    """Return a refused row as the daemon keeps it: not what stands in it."""
    said = {"type": "about:blank", "title": "", "status": 400, "detail": why}
    return {"row": row, "problem": said}


def _why(error: SyncdError) -> str:
    hint = text.hint_of(error)
    return f"{text.of(error)} ({hint})" if hint else text.of(error)


# ------------------------------------------------------------ a gap closed


def _catch_up(
    table: Table,
    columns: Columns,
    ledger: Ledger,
    mark: Mark,
    begun: Mapping[str, Any],
    settings: Config,
) -> None:
    """Write down what was refused between the ledger and the daemon."""
    offset, row = begun["offset"], begun["row"]
    missing = begun["refused"] - mark.refused
    found: list[Refused] = []
    if missing > 0:
        judge = _Judge(settings)
        for one in table.rows(mark.offset, mark.row):
            if one.end > offset:
                break
            why = judge.problem(one, columns)
            if why:
                found.append((one.number, why, one.raw))
    ledger.note(found, offset, row)
    if missing != len(found):
        terminal.tell(
            t(
                "{path}: {n} of the rows refused before are not written down",
                path=ledger.refused,
                n=missing - len(found),
            )
        )


class _Judge:
    """Judges rows as the daemon did, and keeps none of them."""

    def __init__(self, settings: Config) -> None:
        # The rules, the roster and its signatures: only for a gap.
        from syncd.flows import report
        from syncd.flows.draft import Draft
        from syncd.node import pinned

        roster = pinned.trusted_roster(settings).current
        today = datetime.datetime.fromtimestamp(
            pinned.clock(), zoneinfo.ZoneInfo(roster.zone)
        )
        self._draft = Draft
        self._prepare = report.prepare
        self._desk = report.Desk(
            roster,
            today.date().isoformat(),
            settings.member.region,
            settings.member.id,
        )

    def problem(self, row: Row, columns: Columns) -> str:
        """Return why a row is refused, or ""."""
        if row.problem:
            return _why(row.problem)
        try:
            made = columns.report(row)
            self._prepare(msgspec.convert(made, self._draft), self._desk)
        except SyncdError as e:
            return _why(e)
        except msgspec.ValidationError as e:
            return str(e)
        return ""
