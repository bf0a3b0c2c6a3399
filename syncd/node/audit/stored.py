"""Open the logs of a home: to check or export them, or all in an audit bundle.

No daemon, no secret: the files as they are at one moment, while a daemon may
go on writing them. Signatures are verified from the roster that the home
pins; nothing in it is written. Of a bundle nothing is verified here: that is
for whoever takes it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib import resources
from pathlib import Path

from syncd.audit import bundle
from syncd.audit.known import Keys, ordered, policy, vkeys
from syncd.config import Config, server
from syncd.errors import DamagedError, MalformedError, UsageError
from syncd.flows import audit, log_files
from syncd.flows.audit import LogReport, LogView, Proof, Tally
from syncd.flows.ports import Bundle, at_once
from syncd.flows.serve import LogFiles
from syncd.indicator.absent import RETIRED
from syncd.node.follow.receipts import with_receipts
from syncd.node.pinned import roster_files, trusted_roster
from syncd.roster import trust
from syncd.roster.roster import Roster
from syncd.store import access, durable, evidence_files, own
from syncd.store.snapshot import CosignRow, LogRow, MirrorSnapshot, OwnSnapshot
from syncd.tlog import checkpoint, note
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.note import Note, VerifierKey


@contextmanager
def served(settings: Config, origin: str | None) -> Iterator[LogFiles]:
    """Open a log of a home as the peer API would serve it.

    Raises:
        UsageError: there is no such log.
        DamagedError: own.db is not what was released.
    """
    if origin is not None and origin != settings.origin:
        with MirrorSnapshot.of(settings.home, server(settings)) as mirror:
            row = mirrored_row(mirror, origin)
            signed = note.parse(row.note)
            lines = tuple(s for s in signed.signatures if s.name == origin)
            yield _files(mirror, row, bytes(Note(signed.text, lines[:1])))
        return
    mark = released(settings.home)
    with OwnSnapshot.of(settings.home, server(settings)) as store:
        row, receipts = marked_row(store, mark)
        notes = [receipt.note for receipt in receipts]
        yield _files(store, row, with_receipts(bytes(mark), row.origin, notes))


def _files(
    store: MirrorSnapshot | OwnSnapshot, row: LogRow, raw: bytes
) -> LogFiles:
    size = checkpoint.read(raw).size
    bundle_ = partial(at_once, store.bundle, row.id)
    roots = partial(at_once, store.roots, row.id)
    return LogFiles(row.origin, size, raw, bundle_, roots)


def released(path: Path) -> Note:
    """Return the newest checkpoint of our own that was released."""
    raw = durable.read(path / own.HIGH_WATER)
    if raw is None:
        raise UsageError("{path}: there is no log here yet", path=path)
    try:
        return note.parse(raw)
    except MalformedError as e:
        raise DamagedError("{file}: {why}", file=own.HIGH_WATER, why=e) from e


def marked_row(s: OwnSnapshot, mark: Note) -> tuple[LogRow, list[CosignRow]]:
    """Return our newest log, in which a checkpoint is, and others' receipts.

    Raises:
        UsageError: there is none yet.
        DamagedError: it is not what was released.
    """
    logs = s.logs()
    if not logs:
        raise UsageError("there is no log here yet")
    row = logs[-1]
    receipts = [r for r in s.receipts() if r.origin == row.origin]
    head = checkpoint.parse(mark.text)
    if head.origin != row.origin or head.size > row.size:
        raise DamagedError(
            "{file}: says {origin} at {size}, own.db is {row_origin} "
            "at {row_size}",
            head,
            file=own.HIGH_WATER,
            row_origin=row.origin,
            row_size=row.size,
        )
    return row, receipts


def mirrored_row(s: MirrorSnapshot, origin: str) -> LogRow:
    """Return a mirrored log.

    Raises:
        UsageError: nothing of it is here; the hint names those that are.
    """
    rows = {row.origin: row for row in s.logs()}
    row = rows.get(origin)
    if row is None or s.bundle(row.id, 0) is None:
        known = sorted(o for o, r in rows.items() if s.bundle(r.id, 0))
        raise UsageError(
            "mirror.db: nothing of {origin}",
            origin=origin[:100],
            known=", ".join(known) or "no log",
        )
    return row


def _is_by(raw: bytes, keys: list[VerifierKey]) -> bool:
    """Tell whether a note has a line of some keys, if it is one."""
    try:
        lines = note.parse(raw).signatures
    except MalformedError:
        return True
    known = {(key.name, key.key_id) for key in keys}
    return any((line.name, line.key_id) in known for line in lines)


def verify_home(settings: Config) -> list[LogReport]:
    """Return what came of checking every log and claim of a home.

    A daemon may write meanwhile, so the order matters: what may only follow
    is read first (the mark, then what was cosigned), and what it follows
    from later (the mirror, last our own log).
    """
    path, where = settings.home, server(settings)
    trusted, notes = trusted_roster(settings), roster_files(path).notes()
    roster = trusted.current
    rosters = trust.versions(trusted.fingerprint, notes)
    known = [*Keys(rosters).since]
    mark = durable.read(path / own.HIGH_WATER)
    with OwnSnapshot.of(path, where) as own_:
        ours, receipts = own_.cosigned(), own_.receipts()
        receipts += (r for r in own_.kept_receipts() if _is_by(r.note, known))
    us = roster.known(settings.member.id).keys
    said = [(r, getattr(us, r.name).name, f"our {r.name} line") for r in ours]
    said += [(r, r.name, f"receipt of {r.name}") for r in receipts]
    proofs = defaultdict[str, list[Proof]](list)
    for row, name, what in said:
        keys = [key for key in known if key.name == name]
        keys = [key for key in keys if _is_by(row.note, [key])] or keys
        proofs[row.origin].append(
            Proof(
                what,
                row.note
                if keys
                else b"",  # of nobody's key: a problem to tell
                tuple(keys),
                row.size,
                row.root,
                merged=row.name == "merged",
            )
        )
    with MirrorSnapshot.of(path, where) as mirror:
        check = _HomeCheck(roster, mirror, proofs)
        with OwnSnapshot.of(path, where) as own_:
            found = [*check.reports(own_, mark or b"")]
            for one in found:
                if one.origin == settings.origin:  # what it has anchored
                    held = own_.accesses(), own_.anchored(), one.access
                    one.problems += access.verify(*held)
    return sorted(found, key=lambda report: report.origin)


class _HomeCheck:
    """The logs of one home, one after the other."""

    def __init__(
        self,
        roster: Roster,
        mirror: MirrorSnapshot,
        proofs: Mapping[str, list[Proof]],
    ) -> None:
        self._roster, self._mirror, self._proofs = roster, mirror, proofs
        self._rows = {row.origin: row for row in mirror.logs()}
        self._tables = tallies(mirror, self._rows)

    def reports(self, store: OwnSnapshot, mark: bytes) -> Iterator[LogReport]:
        """Check our own logs, of all generations, and those of others.

        Of an earlier one of ours the mirror may have more: others had.
        """
        logs = {row.origin: row for row in store.logs()}
        for newest in [*logs][-1:]:
            self._proofs[newest].append(Proof("high-water mark", mark))
        for origin, row in {**self._rows, **logs}.items():
            here = self._rows.get(origin)
            if here and (origin not in logs or here.size > row.size):
                yield self._check(here, self._mirror.bundles(here.id))
            else:
                yield self._check(row, store.bundles(row.id))

    def _check(self, row: LogRow, bundles: Iterator[Bundle]) -> LogReport:
        origin, mirror, roster = row.origin, self._mirror, self._roster
        known, here = roster.by_origin(origin), self._rows.get(origin)
        merged, log_id = (here.merged, here.id) if here else (0, 0)
        if known is None:
            odd = ["nobody's log"]
            return LogReport(origin, row.size, merged, problems=odd)
        pins = () if row.note else known[0].pins(known[1])
        kept = [
            Proof(f"kept checkpoint of {size}", raw, size=size)
            for size, raw in mirror.notes(log_id).items()
        ]
        erased = (*mirror.erased(log_id),)
        retired = (r for r in erased if r[2] == RETIRED and roster.retired)
        rejected = map(note.parse, mirror.rejected(log_id))
        return audit.check(
            LogView(
                origin=origin,
                key=known[1].log,
                size=row.size,
                peaks=row.peaks,
                note=row.note,
                merged=merged,
                bundles=bundles,
                proofs=(*kept, *self._proofs[origin]),
                pins=tuple(Checkpoint(origin, p.size, p.root) for p in pins),
                erased=erased,
                ordered=(*ordered(roster, origin), *retired),
                tables=[t.get(log_id, Tally()) for t in self._tables],
                contested=bool(here and here.contested),
                rejected=frozenset(one.text for one in rejected),
            )
        )


def tallies(
    mirror: MirrorSnapshot, rows: Mapping[str, LogRow]
) -> tuple[dict[int, Tally], dict[int, Tally]]:
    """Sum the claim and sighting rows of each log, in one reading of each.

    Raises:
        DamagedError: a row is of no log at all.
    """
    names = {row.id: row.origin for row in rows.values()}
    found = defaultdict[int, Tally](Tally), defaultdict[int, Tally](Tally)
    for sightings, table in enumerate(found):
        for log_id, *row in mirror.rows(bool(sightings)):
            origin = names.get(log_id)
            if origin is None:
                raise DamagedError(
                    "mirror.db: a row at {row:.24} is of no log",
                    row=repr(row[2]),
                )
            table[log_id].add(origin, tuple(row))  # type: ignore[arg-type]
    return found


# --------------------------------------------------------- an audit bundle
async def write(
    settings: Config,
    out: Path,
    now: int,
    *,
    origin: str | None = None,
    reason: str = "",
    progress: Callable[[int, int], None] = lambda *_: None,
) -> str:
    """Write a home's bundle into an empty directory; return its name.

    Args:
        origin: of one log alone; else of all, and what convicts holders.
        reason: why payloads are in it, which no erasure reaches any more.
    """
    roster, made = trusted_roster(settings).current, bundle.Writer(out)
    rosters(made, roster, roster_files(settings.home).notes())
    kept = [*_notes(settings)]  # before the logs: no larger than they are
    origins = [origin] if origin else [settings.origin, *_mirrored(settings)]
    for n, one in enumerate(origins):
        progress(n, len(origins))
        where = bundle.log_directory(one)
        with served(settings, one) as log:
            async for path, raw in log_files.files(log, audit=not reason):
                made.add(f"{where}/{path}", raw)
        for path, raw in kept:
            if path.startswith(f"{where}/"):
                made.add(path, raw)
    for file in [] if origin else evidence_files.paths(settings.home):
        made.add(f"{file.relative_to(settings.home)}", file.read_bytes())
    about = bundle.About(
        alliance=roster.id,
        at=now,
        sources=(settings.member.id,),
        reason=reason,
    )
    return made.finish(about)


def rosters(made: bundle.Writer, roster: Roster, notes: list[bytes]) -> None:
    """Write whose signatures count, and how to check a bundle."""
    for version, raw in enumerate(notes, 1):
        made.add(f"roster/{version:06}.note", raw)
    made.add("vkeys", vkeys(roster))
    made.add("policy", policy(roster))
    text = resources.files("syncd.audit").joinpath("README.txt")
    made.add("README.txt", text.read_bytes())


def _mirrored(settings: Config) -> list[str]:
    with MirrorSnapshot.of(settings.home, server(settings)) as mirror:
        return [
            row.origin
            for row in mirror.logs()
            if row.origin != settings.origin
            and row.note  # what ended needs none to be held
            and mirror.bundle(row.id, 0)
        ]


def _notes(settings: Config) -> Iterator[tuple[str, bytes]]:
    """Yield each signed note that is kept beside the logs' own, and where."""
    home, where = settings.home, server(settings)
    with OwnSnapshot.of(home, where) as own:
        for row in [*own.cosigned(), *own.receipts(), *own.kept_receipts()]:
            yield bundle.note_path(row.origin, row.size, row.note), row.note
    with MirrorSnapshot.of(home, where) as mirror:
        for log in mirror.logs():
            kept = mirror.notes(log.id).values()
            for raw in (*kept, *mirror.forked(log.id)):
                size = checkpoint.size_of(raw)
                yield bundle.note_path(log.origin, size, raw), raw
