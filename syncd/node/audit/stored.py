"""Open the logs of a home to check or export them.

No daemon, no secret: the files as they are at one moment, while a daemon may
go on writing them. Signatures are verified from the roster that the home
pins; nothing is written.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from syncd.audit.known import Keys, ordered
from syncd.config import Config, server
from syncd.errors import DamagedError, MalformedError, UsageError
from syncd.flows import audit
from syncd.flows.audit import LogReport, LogView, Proof, Tally
from syncd.flows.ports import Bundle, at_once
from syncd.flows.serve import LogFiles
from syncd.indicator.absent import RETIRED
from syncd.node.follow.receipts import with_receipts
from syncd.node.pinned import roster_files, trusted_roster
from syncd.roster import trust
from syncd.roster.roster import Roster
from syncd.store import access_chain, durable, own
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
    bundle = partial(at_once, store.bundle, row.id)
    roots = partial(at_once, store.roots, row.id)
    return LogFiles(row.origin, size, raw, bundle, roots)


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
        cosigned, receipts = own_.cosigned(), own_.receipts()
        receipts += (r for r in own_.kept_receipts() if _is_by(r.note, known))
    proofs = defaultdict[str, list[Proof]](list)
    us = roster.known(settings.member.id).keys
    for row in cosigned:
        name = getattr(us, row.name).name
        keys = [key for key in known if key.name == name]
        proofs[row.origin].append(_proof(row, f"our {row.name} line", keys))
    for row in receipts:
        keys = [k for k in known if k.name == row.name]
        proofs[row.origin].append(_proof(row, f"receipt of {row.name}", keys))
    with MirrorSnapshot.of(path, where) as mirror:
        check = _HomeCheck(roster, mirror, proofs)
        with OwnSnapshot.of(path, where) as own_:
            found = [*check.reports(own_, mark or b"")]
            _accesses(own_, found, settings.origin)
    return sorted(found, key=lambda report: report.origin)


def _accesses(store: OwnSnapshot, found: list[LogReport], origin: str) -> None:
    """Hold the access records against what our log has anchored of them."""
    for report in found:
        if report.origin == origin:
            held = store.accesses(), store.anchored(), report.access
            report.problems += access_chain.verify(*held)


def _proof(row: CosignRow, what: str, keys: list[VerifierKey]) -> Proof:
    """Return that it must hold by the key of those that signed it."""
    keys = [key for key in keys if _is_by(row.note, [key])] or keys
    return Proof(
        what,
        row.note if keys else b"",  # of nobody's key: a problem to tell
        tuple(keys),
        row.size,
        row.root,
        merged=row.name == "merged",
    )


class _HomeCheck:
    """The logs of one home, one after the other."""

    def __init__(
        self,
        roster: Roster,
        mirror: MirrorSnapshot,
        proofs: defaultdict[str, list[Proof]],
    ) -> None:
        self._roster = roster
        self._mirror = mirror
        self._proofs = proofs
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
            if origin in logs and (here is None or here.size <= row.size):
                yield self._check(row, store.bundles(row.id))
            elif here is not None:
                yield self._check(here, self._mirror.bundles(here.id))

    def _check(self, row: LogRow, bundles: Iterator[Bundle]) -> LogReport:
        origin = row.origin
        known = self._roster.by_origin(origin)
        here = self._rows.get(origin)
        merged, log_id = (here.merged, here.id) if here else (0, 0)
        if known is None:
            odd = ["nobody's log"]
            return LogReport(origin, row.size, merged, problems=odd)
        pins = () if row.note else known[0].pins(known[1])
        kept = [
            Proof(f"kept checkpoint of {size}", raw, size=size)
            for size, raw in self._mirror.notes(log_id).items()
        ]

        erased = tuple(self._mirror.erased(log_id))
        retired = [
            r for r in erased if r[2] == RETIRED and self._roster.retired
        ]

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
                ordered=(*ordered(self._roster, origin), *retired),
                tables=[t.get(log_id, Tally()) for t in self._tables],
                contested=bool(here and here.contested),
                rejected=frozenset(
                    note.parse(raw).text
                    for raw in self._mirror.rejected(log_id)
                ),
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
