"""Upload a list to the daemon in steps, and resume where it stopped.

    rows ─▶ step of ≤ 2,500 ─▶ local API, rows and offset together
              the next is read while the daemon commits the last

The daemon keeps how far the list is in, and this side keeps nothing. A daemon
that is restarted is back in seconds, one that asks us to come back later says
when: both are waited for, the operator being told.
"""

import contextlib
import fcntl
import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from syncd import errors
from syncd.cli import table_input, terminal
from syncd.cli.grid import Item
from syncd.cli.importing.targets import Reports, Step
from syncd.cli.meter import meter
from syncd.errors import QuotaError, StaleError, UnavailableError, UsageError
from syncd.messages import catalogue
from syncd.messages.catalogue import t

RESTART_S = 300  # waited in all, for a daemon that has answered before
STALE_S = 10  # likewise, for a step of a run that was killed
QUOTA_S = 3600  # likewise, as the daemon asks
_LONGEST_S = 15  # between two tries
_HEAD = 1 << 20  # bytes at the beginning that a file is known by


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


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep others from importing the file; a run that is killed lets go."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StaleError(
                "{path}: another run imports it just now", path=path
            ) from None
        except OSError:
            pass  # a file system without locks: the daemon's counts hold
        yield


class Upload(Struct):
    """One file on its way in, and how far it is."""

    path: Path
    target: Reports
    budget: int = 1 << 20  # bytes of a request
    anew: bool = False
    row: int = 0  # rows that are in
    begun: bool = False  # the daemon has answered
    whole: bool = False  # all of them are in
    at: Any = None  # shows how far it is: an offset and a row

    def run(self) -> Item:
        """Take the file in, whatever can be waited for; return the counts.

        Raises:
            UsageError: it is not the file that was begun with.
            StaleError: another run imports it.
            UnavailableError, QuotaError: waiting did not help; run again.
        """
        again = t("run the same command again: it goes on from there")
        shown = meter(self.path.name, self.target.table.span)
        with _alone(self.path), shown as self.at:
            try:
                return self._persist()
            except KeyboardInterrupt:
                stopped = t("stopped behind row {row}", row=self.row)
                terminal.tell(f"{stopped}; {again}")
                raise
            except (UnavailableError, QuotaError, StaleError) as e:
                hints = filter(None, (catalogue.hint_of(e), again))
                e.way_out = errors.Message(t("; ").join(hints))
                raise

    def _persist(self) -> Item:
        row, waited, pause = -1, 0, 1
        while True:
            try:
                if not self.whole:
                    self._send_all()
                self.whole = True
                return self.target.finish()
            except (UnavailableError, QuotaError, StaleError) as e:
                if self.row != row:  # it got on: another trouble
                    row, waited, pause = self.row, 0, 1
                self.target.api.close()
                now = max(getattr(e, "retry_after_s", pause), 1)
                pause = min(2 * pause, _LONGEST_S)
                waited += now
                most = RESTART_S if self.begun else 0  # seconds in all
                if isinstance(e, QuotaError):
                    most = QUOTA_S
                elif isinstance(e, StaleError):
                    most = min(most, STALE_S)
                if waited > most:
                    raise
                terminal.tell("{error}: tried again in {n} s", error=e, n=now)
                time.sleep(now)

    def _send_all(self) -> None:
        """Take what is left of the file from wherever the daemon is."""
        stamp = _stamp(self.path)
        at, self.row, hashed = self.target.begin(anew=self.anew)
        prefix = self.target.table.prefix()
        if at and prefix(at) != hashed:
            raise self._changed()
        self.begun, self.anew = True, False
        if at:
            terminal.tell(
                "{path}: goes on behind row {row}",
                path=self.path,
                row=self.row,
            )
        last = Step(self.row)
        answer: Callable[[], Item] = dict
        for step in self._steps(at):
            hashed = prefix(step.offset)
            response = answer()
            self.row = last.row
            if _stamp(self.path) != stamp:  # and its last line half there
                raise self._changed()
            answer = self.target.send(step, at, hashed)
            # The daemon has work again before its last answer is read.
            self._took(last, response)
            last, at = step, step.offset
        self._took(last, answer())

    def _took(self, step: Step, answer: Item) -> None:
        self.row = step.row
        if answer:
            self.target.took(step, answer)
            self.at(min(step.offset, self.target.table.span), self.row)

    def _steps(self, offset: int) -> Iterator[Step]:
        step, size = Step(self.row, offset), self.target.table.size
        for some in table_input.steps(
            *(self.target.table, self.target.columns.report),
            offset=offset,
            row=self.row,
            budget=self.budget * 3 // 4,
        ):
            if step.reads:
                yield step
            step = Step(some[-1].row.last, some[-1].row.end, some)
        if step.reads or offset < size:
            # What stands behind the last row is blank, and is read too.
            yield step._replace(offset=max(step.offset, size))

    def _changed(self) -> UsageError:
        return UsageError(
            "{path}: has changed since its import stopped at row {row}", self
        )
