"""Check an audit bundle: all that signatures and hashes prove, and nothing else.

    fingerprint ──▶ rosters ──▶ keys ──▶ each log's checkpoint, files, root
                                    └──▶ every other note: of that history?
                                         who cosigned it, and when?

Nothing asks for a network, a database or a clock: the same bundle gives the
same result anywhere. A file that is broken is named, and the rest goes on.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise

from syncd import errors
from syncd.audit import books, known, result
from syncd.audit import bundle as bundles
from syncd.audit.bundle import Bundle
from syncd.audit.result import Audit, AuditedLog, Line, Signed
from syncd.errors import DamagedError, Message, SyncdError, UntrustedError
from syncd.flows import evidence, log_files
from syncd.indicator import statement
from syncd.indicator.leaf import INDICATOR_TYPES, Record
from syncd.indicator.notation import is_day
from syncd.roster import trust
from syncd.roster.roster import Roster
from syncd.tlog import checkpoint, cosignature, growth, note
from syncd.tlog.checkpoint import Checkpoint

ASKED = frozenset({*INDICATOR_TYPES, *result.BOOKS})  # types
SKEW_S = 300  # of honest clocks to each other


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
    for one in earlier if check.audit.rosters else ():
        check.since(one, fingerprint)
    return check.audit


class _Check:
    def __init__(
        self,
        given: Bundle,
        fingerprint: str,
        progress: Callable[[int, int], None],
    ) -> None:
        self._bundle, self._progress = given, progress
        chain = given.rosters()
        if not chain:
            raise DamagedError("roster/: no roster is in the bundle")
        rosters = list[Roster]()
        self.audit = Audit(given, given.about, rosters)
        try:
            rosters += trust.versions(fingerprint, chain)
        except errors.NewerError as e:
            self.find("newer", "roster/", e.text)
        self._keys = known.Keys(rosters)
        if rosters and rosters[0].id != given.about.alliance:
            raise UntrustedError("about.json: of another alliance")

    def find(self, code: str, place: str, text: Message) -> None:
        self.audit.found.append(result.Found(code, place, text))

    def run(self) -> None:
        missing, stray = self._bundle.strays()
        for path in missing:
            self.find("file_missing", path, Message("not here"))
        for path in stray:
            self.find("file_stray", path, Message("not in the manifest"))
        if not self.audit.rosters:
            return
        there = self._bundle.origins()
        absent = {*self.audit.rosters[0].authors} - {*there}
        self.audit.absent += sorted(absent)
        for origin in there:
            if log := self._log(origin):
                self.audit.logs[origin] = log
                self._notes(log)
                self._order(log)
            files = len(self._bundle.files)
            self._progress(files - len(self._bundle.unread), files)
        books.check(self.audit, self._fits, self.find)
        self._evidence()
        for path in sorted(self._bundle.unread.difference(missing)):
            raw = self._read(self._bundle, path)
            made = {"vkeys": known.vkeys, "policy": known.policy}.get(path)
            if raw and made and raw != made(self.audit.rosters[0]):
                text = Message("not the keys of the newest roster")
                self.find("file_changed", path, text)
        self.audit.unseen += result.unseen(self.audit)

    # ----------------------------------------------------------- one log

    def _log(self, origin: str) -> AuditedLog | None:
        where = bundles.log_directory(origin)
        try:
            member, generation = self._keys.log(origin)
        except UntrustedError as e:
            self.find("log_unknown", where, e.text)
            return None
        log = AuditedLog(
            *(origin, member.id, generation.log),
            *(member.pins(generation), member.end(generation)),
        )
        paths = self._bundle.below(f"{where}/")
        try:
            log.head, log.audit, withheld, log.types = log_files.check(
                {
                    path.removeprefix(f"{where}/")
                    for path in paths
                    if not path.startswith(f"{where}/notes/")
                },
                lambda path, most: self._bundle.read(f"{where}/{path}", most),
                log.key,
                erased=lambda head: known.erasable(
                    self.audit.rosters[0], origin, head.size
                ),
                each=partial(self._records, log),
            )
        except UntrustedError as e:
            self.find("line_bad", f"{where}/checkpoint", e.text)
            return None
        except SyncdError as e:
            self.find("log_broken", where, e.text)
            return None
        if withheld:
            text = Message("{n} payloads", n=len(withheld))
            self.find("withheld", f"{origin}:{withheld[0]}", text)
        return log

    def _records(
        self, log: AuditedLog, start: int, records: list[Record], types: bytes
    ) -> None:
        """Take from a bundle what an audit asks of it."""
        log.kinds += types
        for index, (type_, (_, salt, payload)) in enumerate(
            zip(types, records, strict=True), start
        ):
            if type_ in result.DATED:
                log.positions[type_].append(index)
            if type_ in INDICATOR_TYPES and salt:
                # In canonical JSON these bytes can only be a key.
                on = payload.partition(b'"on":"')[2][:10].decode("latin-1")
                if is_day(on):
                    log.days[on] = index
            if type_ in ASKED and salt:
                entry = statement.decode(payload, type_)
                if not isinstance(entry, statement.Void):
                    log.opened[index] = entry
                elif type_ in result.BOOKS:
                    text = Message("{why}", why=entry.reason)
                    self.find("void_book", f"{log.origin}:{index}", text)

    # ------------------------------------------------------- signed notes

    def _notes(self, log: AuditedLog) -> None:
        """Hold every note of a log against its history; take its lines."""
        for pin in log.pins:
            head = Checkpoint(log.origin, pin.size, pin.root)
            self._fits(log, head, "roster/", "decided_otherwise")
        ahead = set[int]()
        for head, one in self._signed(self._bundle, log).items():
            fits = self._fits(log, head, one.place, "fork" if one.ours else "")
            if fits:
                log.lines += one.lines
            elif one.ours and head.size in ahead:
                text = Message("two roots at size {size}", head)
                self.find("fork", one.place, text)
            elif one.ours:
                log.apart += one.lines
                if fits is None:
                    ahead.add(head.size)
            elif fits is False:
                self._blame(one.lines, log)

    def _signed(
        self, files: Bundle, log: AuditedLog
    ) -> dict[Checkpoint, Signed]:
        """Return what a bundle's notes say of a log, by whom, by its trees."""
        main = f"{log.where}/checkpoint"
        found = defaultdict[Checkpoint, Signed](Signed)
        for path in (main, *files.below(f"{log.where}/notes/")):
            raw = self._read(files, path)
            if raw is None:
                continue
            try:
                made = note.parse(raw, max_size=checkpoint.MAX_SIZE)
                head = checkpoint.parse(made.text)
            except errors.MalformedError as e:
                self.find("line_bad", path, e.text)
                continue
            named = bundles.note_path(head.origin, head.size, raw)
            if path not in (named, main):
                text = Message("is to be {path}", path=named)
                self.find("line_bad", path, text)
            if head.origin == log.origin:
                self._lines(log, path, made, found[head])
        return found

    def _lines(
        self, log: AuditedLog, path: str, made: note.Note, into: Signed
    ) -> None:
        size = checkpoint.parse(made.text).size
        for line in dict.fromkeys(made.signatures):
            ours = (line.name, line.key_id) == (log.key.name, log.key.key_id)
            key = self._keys.by_id.get((line.name, line.key_id))
            if not (key or ours):
                unknown = Message(
                    "{place}: a line of {name}, of no known key that can be checked"
                    " here",
                    place=path,
                    name=bundles.visible(line.name[:100]),
                )
                self.audit.unseen.append(unknown)
                continue
            try:
                if not key:
                    note.verify(note.Note(made.text, (line,)), (log.key,))
                    into.place = into.place if into.ours else path
                    into.ours = True
                    continue
                at = cosignature.verify(made.text, key, line)
            except UntrustedError as e:
                self.find("line_bad", path, e.text)
                continue
            signer, role = self._keys.signer(line.name)
            since = self._keys.since[key] - SKEW_S
            if not since <= at <= self.audit.about.at + SKEW_S:
                text = Message("{signer} at {at}", signer=signer, at=at)
                self.find("early", path, text)
            if at >= since:
                into.lines.append(Line(signer, role, size, at, path))
        into.place = into.place or path

    def _read(self, files: Bundle, path: str) -> bytes | None:
        """Return a file; None, and a finding, if it is not what was collected."""
        try:
            return files.read(path)
        except SyncdError as e:
            self.find("file_changed", path, e.text)
        return None

    def _fits(
        self, log: AuditedLog, head: Checkpoint, place: str, code: str
    ) -> bool | None:
        """Tell whether a head is of a log's history here; find, if not.

        None: nobody can tell by this bundle.
        """
        here = log.head.size
        if head.size > here:
            text = Message("{size} signed, {here} here", head, here=here)
            if not log.end or log.end.size > here:
                self.find("ahead", place, text)
            return None
        try:
            self._compare(self._bundle, head, log.head)
        except errors.ForkError as e:
            if code:
                self.find(code, place, e.text)
            return False
        except SyncdError as e:
            self.find("log_broken", place, e.text)
            return None
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
                line,
                origin=log.origin,
            )
            self.find("cosigned_otherwise", line.place, text)

    def _order(self, log: AuditedLog) -> None:
        """Hold each cosigner to its promise: never smaller than before."""
        by = defaultdict[tuple[str, str], list[Line]](list)
        for line in log.lines:
            by[line.signer, line.role].append(line)
        # Of a fork's other side it may have known nothing else; not if it
        # signed this one as well, but by a decision of the roster.
        for line in log.apart:
            if any(
                h.size == line.size
                or (h.size > line.size and (not log.pins or h.at < line.at))
                for h in by[line.signer, line.role]
            ):
                self._blame([line], log)
        for lines in by.values():
            lines.sort(key=lambda line: (line.at, line.size))
            for before, after in pairwise(lines):
                if after.size < before.size and after.at > before.at:
                    text = Message(
                        "{signer} ({role}): {size} at {at}, after {last_size}",
                        after,
                        last_size=before.size,
                    )
                    self.find("went_back", after.place, text)

    def _evidence(self) -> None:
        for path in self._bundle.below("evidence/"):
            raw = self._read(self._bundle, path)
            if raw is None:
                continue
            try:
                held = evidence.parse(raw)
                why = evidence.judge(held, self.audit.rosters)
            except SyncdError as e:
                self.find("convicts_nobody", path, e.text)
            else:
                text = Message("{member}: {why}", member=held.accused, why=why)
                self.find("convicts", path, text)

    # ------------------------------------------------------ earlier bundles

    def since(self, earlier: Bundle, fingerprint: str) -> None:
        """Check that nothing that an earlier bundle had was rewritten.

        It may be another member's of the same time: then either may be ahead.

        Raises:
            UntrustedError: its rosters are not those of the fingerprint.
        """
        for r in trust.versions(fingerprint, earlier.rosters()):
            books.accepted(self.audit, r.version, r.hash, "roster/", self.find)
        for origin in earlier.origins():
            where = bundles.log_directory(origin)
            log = self.audit.logs.get(origin)
            if log:
                for head, one in self._signed(earlier, log).items():
                    self._went_on(log, head, one, earlier)
            elif not self._bundle.below(f"{where}/"):
                text = Message("{origin}: not here", origin=origin)
                self.find("log_gone", where, text)

    def _went_on(
        self, log: AuditedLog, old: Checkpoint, one: Signed, earlier: Bundle
    ) -> None:
        """Check that a log here goes on from what an earlier bundle has of it."""
        main = f"{log.where}/checkpoint" == one.place
        fault = "rewritten" if main else "fork"
        now = log.head
        if not main or old.size <= now.size:
            fits = self._fits(log, old, one.place, fault if one.ours else "")
            if fits is False and not one.ours:
                self._blame(one.lines, log)
            return
        text = Message("{old} then, {new} now", old=old.size, new=now.size)
        self.find("shrank", one.place, text)
        try:
            self._compare(earlier, now, old)
        except errors.ForkError as e:
            self.find(fault, one.place, e.text)
        except SyncdError as e:
            self.find("log_broken", one.place, e.text)
