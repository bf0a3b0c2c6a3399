"""Check an audit bundle: all that signatures and hashes prove, and nothing else.

    fingerprint ──▶ rosters ──▶ keys ──▶ each log's checkpoint, files, root
                                    └──▶ every other note: of that history?
                                         who cosigned it, and when?

Nothing asks for a network, a database or a clock: the same bundle gives the
same result anywhere. A file that is broken is named, and the rest goes on.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import pairwise
from typing import Final

from syncd.audit import books, known
from syncd.audit import bundle as bundles
from syncd.audit.bundle import Bundle
from syncd.audit.known import Keys
from syncd.audit.result import BOOKS, DATED, Audit, AuditedLog, Found, Line
from syncd.errors import (
    DamagedError,
    ForkError,
    MalformedError,
    Message,
    NewerError,
    RefusedError,
    SyncdError,
    UntrustedError,
)
from syncd.flows import evidence, log_files
from syncd.indicator import statement
from syncd.indicator.leaf import Record
from syncd.indicator.statement import Void
from syncd.roster import trust
from syncd.roster.roster import Roster
from syncd.tlog import checkpoint, cosignature, growth, note
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.note import Note

ASKED: Final = frozenset({*DATED, *BOOKS})  # types
SKEW_S: Final = 300  # of honest clocks to each other


def verify(
    given: Bundle,
    fingerprint: str,
    earlier: Iterable[Bundle] = (),
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Audit:
    """Check a bundle, and that it goes on from `earlier` ones.

    Raises:
        UntrustedError: its rosters are not those of the fingerprint.
        DamagedError: there is no manifest, or nothing that it says of itself.
    """
    check = _Check(given, fingerprint, progress)
    check.run()
    for one in earlier:
        check.since(one)
    return check.audit


class _Check:
    def __init__(
        self,
        given: Bundle,
        fingerprint: str,
        progress: Callable[[int, int], None],
    ) -> None:
        self._bundle, self._progress = given, progress
        notes = given.rosters()
        if not notes:
            raise DamagedError("roster/: no roster is in the bundle")
        rosters: list[Roster] = []
        self.audit = Audit(given.name, given.about, rosters)
        try:
            rosters += trust.versions(fingerprint, notes)
        except NewerError as e:
            self.find("newer", "roster/", e.text)
        self._keys = Keys(rosters)
        if rosters and rosters[0].id != given.about.alliance:
            raise UntrustedError("about.json: of another alliance")

    def find(self, code: str, place: str, text: Message) -> None:
        """Note a finding."""
        self.audit.found.append(Found(code, place, text))

    def run(self) -> None:
        """Check all that is in the bundle."""
        missing, stray = self._bundle.strays()
        for path in missing:
            self.find("file_missing", path, Message("not here"))
        for path in stray:
            self.find("file_stray", path, Message("not in the manifest"))
        if not self.audit.rosters:
            return
        for origin in self._bundle.origins():
            if log := self._log(origin):
                self.audit.logs[origin] = log
                self._notes(log)
                self._order(log)
            files = len(self._bundle.files)
            self._progress(files - len(self._bundle.unread), files)
        books.check(self.audit, self._fits, self.find)
        self._evidence()
        for path in sorted(self._bundle.unread.difference(missing)):
            self._raw(path)
        self._say_unseen()

    def _raw(self, path: str) -> bytes | None:
        try:
            return self._bundle.read(path)
        except SyncdError as e:
            self.find("file_changed", path, e.text)
        return None

    # ----------------------------------------------------------- one log

    def _log(self, origin: str) -> AuditedLog | None:
        where = bundles.log_directory(origin)
        positions: dict[int, list[int]] = {type_: [] for type_ in DATED}
        opened: dict[int, statement.Statement] = {}
        try:
            member, key = self._keys.log(origin)
            files = self._bundle.below(f"{where}/")
            names = {path.removeprefix(f"{where}/") for path in files}
            files_of = log_files.check(
                {name for name in names if not name.startswith("notes/")},
                lambda path, most: self._bundle.read(f"{where}/{path}", most),
                key,
                erased=lambda head: known.erasable(
                    self.audit.rosters[0], origin, head.size
                ),
                each=partial(self._records, origin, positions, opened),
            )
        except UntrustedError as e:
            self.find("log_unknown", where, e.text)
            return None
        except SyncdError as e:
            self.find("log_broken", where, e.text)
            return None
        if withheld := files_of.withheld:
            text = Message("{n} payloads", n=len(withheld))
            self.find("withheld", f"{origin}:{withheld[0]}", text)
        return AuditedLog(
            origin,
            member,
            key,
            files_of.head,
            files_of.audit,
            files_of.types,
            positions,
            opened,
        )

    def _records(
        self,
        origin: str,
        positions: dict[int, list[int]],
        opened: dict[int, statement.Statement],
        start: int,
        records: list[Record],
        types: bytes,
    ) -> None:
        """Take from a bundle what an audit asks of it."""
        if not ASKED.intersection(types):
            return
        for index, (type_, record) in enumerate(
            zip(types, records, strict=True), start
        ):
            if type_ in positions:
                positions[type_].append(index)
            if (type_ in BOOKS or type_ in positions) and record[1]:
                entry = statement.decode(record[2], type_)
                if not isinstance(entry, Void):
                    opened[index] = entry
                elif type_ in BOOKS:
                    text = Message("{why}", why=entry.reason)
                    self.find("void_book", f"{origin}:{index}", text)

    # ------------------------------------------------------- signed notes

    def _notes(self, log: AuditedLog) -> None:
        """Hold every note of a log against its history; take its lines."""
        where = bundles.log_directory(log.origin)
        held: dict[tuple[int, bytes], bool] = {}
        paths = [f"{where}/checkpoint", *self._bundle.below(f"{where}/notes/")]
        for path in paths:
            raw = self._raw(path)
            if raw is None:
                continue
            try:
                signed = note.parse(raw, max_size=checkpoint.MAX_SIZE)
                head = checkpoint.parse(signed.text)
            except MalformedError as e:
                self.find("line_bad", path, e.text)
                continue
            lines = self._lines(log, path, signed, head)
            ours = any(line.name == log.origin for line in signed.signatures)
            if (head.size, head.root) not in held:
                fits = self._fits(log, head, path, "fork" if ours else "")
                held[head.size, head.root] = fits
            if held[head.size, head.root]:
                log.lines += lines
            elif ours:
                log.apart += lines
            else:
                self._blame(lines, log)

    def _lines(
        self, log: AuditedLog, path: str, signed: Note, head: Checkpoint
    ) -> list[Line]:
        """Return the cosignatures of a note that verify."""
        found = []
        by_id = {(k.name, k.key_id): k for k in self._keys.cosigners}
        for line in dict.fromkeys(signed.signatures):
            key = by_id.get((line.name, line.key_id))
            if (line.name, line.key_id) == (log.key.name, log.key.key_id):
                try:
                    note.verify(Note(signed.text, (line,)), (log.key,))
                except UntrustedError as e:
                    self.find("line_bad", path, e.text)
                continue
            if key is None:
                unknown = Message(
                    "{place}: a line of {name}, of no known key",
                    place=path,
                    name=line.name[:100],
                )
                self.audit.unseen.append(unknown)
                continue
            try:
                at = cosignature.verify(signed.text, key, line)
            except UntrustedError as e:
                self.find("line_bad", path, e.text)
                continue
            signer, role = self._keys.signer(line.name)
            if at > self.audit.about.at + SKEW_S:
                text = Message("{signer} at {at}", signer=signer, at=at)
                self.find("early", path, text)
            found.append(Line(signer, role, head.size, at, path))
        return found

    def _fits(
        self, log: AuditedLog, head: Checkpoint, place: str, code: str
    ) -> bool:
        """Tell whether a head is of a log's history here; find, if not."""
        if head.size > log.head.size:
            text = Message(
                "{size} signed, {here} here",
                size=head.size,
                here=log.head.size,
            )
            self.find("ahead", place, text)
            return True
        try:
            self._compare(self._bundle, head, log.head)
        except ForkError as e:
            if code:
                self.find(code, place, e.text)
            return False
        except SyncdError as e:
            self.find("log_broken", place, e.text)
        return True

    @staticmethod
    def _compare(files: Bundle, old: Checkpoint, new: Checkpoint) -> None:
        """Prove by a bundle's tiles that `new`, which it has, extends `old`."""
        where = f"{bundles.log_directory(new.origin)}/tile"
        plan = growth.compare_plan(old.size, new.size)
        tiles = [files.read(f"{where}/{name}") for name in plan]
        growth.compare(old, new, tiles)

    def _blame(self, lines: Iterable[Line], log: AuditedLog) -> None:
        for line in lines:
            text = Message(
                "{signer} ({role}) at size {size} of {origin}",
                signer=line.signer,
                role=line.role,
                size=line.size,
                origin=log.origin,
            )
            self.find("cosigned_otherwise", line.place, text)

    def _order(self, log: AuditedLog) -> None:
        """Hold each cosigner to its promise: never smaller than before."""
        by = defaultdict[tuple[str, str], list[Line]](list)
        for line in log.lines:
            by[line.signer, line.role].append(line)
        # Of a fork's other side it may have known nothing else; not if it
        # signed this one as well.
        self._blame(
            (
                line
                for line in log.apart
                for here in by[line.signer, line.role]
                if here.size >= line.size
            ),
            log,
        )
        for lines in by.values():
            lines.sort(key=lambda line: (line.at, line.size))
            for before, after in pairwise(lines):
                if after.size < before.size and after.at > before.at:
                    text = Message(
                        "{signer} ({role}): {size} at {at}, after {last_size}",
                        signer=after.signer,
                        role=after.role,
                        size=after.size,
                        at=after.at,
                        last_size=before.size,
                    )
                    self.find("went_back", after.place, text)

    def _evidence(self) -> None:
        for path in self._bundle.below("evidence/"):
            raw = self._raw(path)
            if raw is None:
                continue
            try:
                held = evidence.parse(raw)
                proven = evidence.judge(held, self.audit.rosters)
            except (MalformedError, RefusedError, UntrustedError) as e:
                self.find("convicts_nobody", path, e.text)
            else:
                text = Message(
                    "{member}: {why}", member=held.accused, why=proven
                )
                self.find("convicts", path, text)

    # ------------------------------------------------------ earlier bundles

    def since(self, earlier: Bundle) -> None:
        """Check that nothing that an earlier bundle had was rewritten.

        It may be another member's of the same time: then either may be ahead.
        """
        for origin in earlier.origins():
            where = bundles.log_directory(origin)
            log = self.audit.logs.get(origin)
            if log is None:
                text = Message("{origin}: not here", origin=origin)
                self.find("log_gone", where, text)
                continue
            try:
                raw = earlier.read(f"{where}/checkpoint", checkpoint.MAX_SIZE)
                old, _ = checkpoint.open_(raw, log.key)
                if old.size > log.head.size:
                    text = Message(
                        "{old} then, {new} now",
                        old=old.size,
                        new=log.head.size,
                    )
                    self.find("shrank", where, text)
                    self._compare(earlier, log.head, old)
                else:
                    self._compare(self._bundle, old, log.head)
            except ForkError as e:
                self.find("rewritten", where, e.text)
            except UntrustedError as e:
                self.find("line_bad", where, e.text)
            except SyncdError as e:
                self.find("log_broken", where, e.text)

    def _say_unseen(self) -> None:
        """Say what no bundle like this one can show."""
        self.audit.unseen += _unseen(self.audit)


def _unseen(audit: Audit) -> Iterator[Message]:
    yield Message(
        "README.txt, vkeys, about.json and the manifest are signed by nobody: they say"
        " what was collected, and when by that machine's clock"
    )
    if closed := [log for log in audit.logs.values() if log.audit]:
        yield Message(
            "what {n} entries about indicators say: this bundle has their leaves"
            " alone",
            n=sum(log.types[t] for log in closed for t in range(1, 16)),
        )
    for log in audit.logs.values():
        if log.head.size and not log.lines:
            yield Message(
                "when the entries of {origin} came: nobody cosigned it here",
                origin=log.origin,
            )
