"""The signed notes of a log: what is said of which tree, by whom, and when."""

from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

from syncd.audit import bundle as bundles
from syncd.audit.bundle import Bundle
from syncd.audit.known import Keys
from syncd.audit.result import Audit, AuditedLog, Line, Signed
from syncd.errors import MalformedError, Message, SyncdError, UntrustedError
from syncd.tlog import checkpoint, cosignature, note
from syncd.tlog.checkpoint import Checkpoint

SKEW_S = 300  # of honest clocks to each other
Find = Callable[[str, str, Message], None]
"""(code, place, what is wrong)"""


class Notes(NamedTuple):
    """Reads the notes of a bundle, by the keys of its rosters."""

    keys: Keys
    audit: Audit
    find: Find

    def of(self, files: Bundle, log: AuditedLog) -> dict[Checkpoint, Signed]:
        """Return what a bundle's notes say of a log, by whom, by its trees."""
        main = f"{log.where}/checkpoint"
        found = defaultdict[Checkpoint, Signed](Signed)
        for path in (main, *files.below(f"{log.where}/notes/")):
            raw = read(files, path, self.find)
            if raw is None:
                continue
            try:
                made = note.parse(raw, max_size=checkpoint.MAX_SIZE)
                head = checkpoint.parse(made.text)
            except MalformedError as e:
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
        """Take the lines of a note that verify."""
        size = checkpoint.parse(made.text).size
        for line in dict.fromkeys(made.signatures):
            ours = (line.name, line.key_id) == (log.key.name, log.key.key_id)
            key = self.keys.by_id.get((line.name, line.key_id))
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
            signer, role = self.keys.signer(line.name)
            since = self.keys.since[key] - SKEW_S
            if not since <= at <= self.audit.about.at + SKEW_S:
                text = Message("{signer} at {at}", signer=signer, at=at)
                self.find("early", path, text)
            if at >= since:
                into.lines.append(Line(signer, role, size, at, path))
        into.place = into.place or path


def read(files: Bundle, path: str, find: Find) -> bytes | None:
    """Return a file; None, and a finding, if it is not what was collected."""
    try:
        return files.read(path)
    except SyncdError as e:
        find("file_changed", path, e.text)
    return None
