"""What an audit finds: logs, the lines under them, findings, what is unseen."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import NamedTuple

from msgspec import Struct, field

from syncd import tsv
from syncd.audit.bundle import About, Bundle, log_directory
from syncd.errors import Message
from syncd.flows import log_files
from syncd.indicator.statement import Statement
from syncd.roster.members import Cut
from syncd.roster.roster import Roster
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.note import VerifierKey

BOOKS = range(log_files.BOOKS, 21)
MERGED = ("merged", "anchor")  # roles of lines that say so
DATED = (2, 3, 6, 18)  # types of which is asked who followed when
EXIT = {"odd": 1, "fault": 1, "undecided": 3, "untrusted": 4, "broken": 5}


class Kind(NamedTuple):
    """What a finding of a code is worth."""

    severity: str  # a key of EXIT
    proves: dict[str, str]  # by language
    leaves_open: dict[str, str]


@cache
def kinds() -> dict[str, Kind]:
    """Return every code that `verify` may find, in the order of its table."""
    return {
        code: Kind(severity, {"en": en, "zh": zh}, {"en": en_, "zh": zh_})
        for code, severity, en, zh, en_, zh_ in tsv.rows("audit/findings.tsv")
    }


class Found(NamedTuple):
    """One finding: its code, where it is, and what exactly is wrong."""

    code: str
    place: str  # a file of the bundle, or ORIGIN:INDEX
    text: Message


class Line(NamedTuple):
    """Somebody says at a time that it has the first `size` entries of a log."""

    signer: str  # member id, or a witness's name
    role: str  # seen, merged, witness; anchor: its own log says so
    size: int
    at: int  # unix seconds by its clock; of an anchor, by who saw that log
    place: str  # where that stands


class Signed(Struct):
    """What is signed of one tree of a log, in all notes of a bundle."""

    place: str = ""  # the first note that has the log's own line, if any has
    ours: bool = False  # whether it does, and that verifies
    lines: list[Line] = []


class AuditedLog(Struct):
    """One log, as far as it was proven."""

    origin: str
    member: str  # its author's id
    key: VerifierKey
    pins: tuple[Cut, ...]  # what the roster says that it goes through
    end: Cut | None  # after which nothing counts
    head: Checkpoint = Checkpoint("", 0, b"")
    audit: bool = False  # leaves alone, no payload of an indicator
    types: Counter[int] = field(default_factory=Counter)
    positions: dict[int, list[int]] = field(
        default_factory=lambda: {type_: [] for type_ in DATED}
    )  # indices by type
    opened: dict[int, Statement] = {}
    # of BOOKS; whatever is open
    kinds: bytearray = bytearray()
    # the type of each entry
    days: dict[str, int] = {}
    # the last index written on each
    lines: list[Line] = []
    apart: list[Line] = []  # of a fork's other side

    @property
    def where(self) -> str:
        """The directory of its files."""
        return log_directory(self.origin)

    _steps: dict[tuple[str, str], list[Line]] = {}
    _sorted: int = 0  # how many of the lines are in them

    def steps(self) -> Mapping[tuple[str, str], Sequence[Line]]:
        """Return by signer and role the lines that say more than those before."""
        if self._sorted != len(self.lines):
            self._steps, self._sorted = {}, len(self.lines)
            for line in sorted(self.lines, key=attrgetter("at", "size")):
                said = self._steps.setdefault((line.signer, line.role), [])
                if not said or line.size > said[-1].size:
                    said.append(line)
        return self._steps

    def had(self, index: int) -> list[Line]:
        """Return the first line of each signer and role that has an entry."""
        found = list[Line]()
        for said in self.steps().values():
            at = bisect_right(said, index, key=attrgetter("size"))
            found += said[at : at + 1]
        return sorted(found, key=attrgetter("at"))

    def followed(self, index: int) -> dict[str, Line]:
        """Return who had merged an entry, each by the earliest line of it."""
        had = [line for line in self.had(index) if line.role in MERGED]
        return {line.signer: line for line in reversed(had)}

    def first_seen(self, index: int) -> int:
        """Return the earliest time at which anybody had an entry, 0 if none."""
        return next((line.at for line in self.had(index)), 0)


class Audit(Struct):
    """What came of checking a bundle."""

    bundle: Bundle
    about: About
    rosters: list[Roster]  # the newest first
    logs: dict[str, AuditedLog] = {}
    absent: list[str] = []  # logs that have no file
    found: list[Found] = []
    unseen: list[Message] = []

    @property
    def exit_code(self) -> int:
        """What the worst finding means: 0, 1, 3, 4 or 5."""
        codes = (EXIT[kinds()[found.code].severity] for found in self.found)
        return max(codes, default=0)


def unseen(audit: Audit) -> Iterator[Message]:
    """Yield what no bundle like this one can show, each in a sentence."""
    yield Message(
        "README.txt, vkeys, policy, about.json and the manifest are signed by"
        " nobody: they say what was collected, and when by that machine's clock"
    )
    if closed := [log for log in audit.logs.values() if log.audit]:
        yield Message(
            "what {n} entries about indicators say: this bundle has their leaves"
            " alone",
            n=sum(log.types[t] for log in closed for t in range(1, 16)),
        )
    yield Message(
        "whether a time is right: each is by its signer's own clock, and a signer"
        " can choose it"
    )
    if audit.rosters and audit.rosters[0].expired(audit.about.at):
        yield Message(
            "newer rosters: version {version}, the last one here, had expired when"
            " this was collected",
            version=audit.rosters[0].version,
        )
    if audit.about.unreached:
        yield Message(
            "what these hold, who did not answer when this was collected: {names}",
            names=", ".join(audit.about.unreached),
        )
    if audit.absent:
        yield Message(
            "logs of which no file is here: {names}",
            names=", ".join(audit.absent),
        )
    for log in audit.logs.values():
        if log.head.size and not log.lines:
            yield Message(
                "when the entries of {origin} came: nobody cosigned it here",
                origin=log.origin,
            )
