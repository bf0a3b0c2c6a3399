"""Accept reports into the vault, unless it has them already.

    the same stands    known         value and fields; a day that nobody said
                                     is no part of what is said
    it was taken back  held          for what the value is, and nothing since
                                     says that this was wrong
    else               accepted      a row that waits to be published

Known is judged first: what stands is not held back by what was ended. An
answer is known only while it waits: later disputes want one of their own.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, bindparam, insert, or_, select, update

from syncd import canonical
from syncd.flows.draft import NewReport
from syncd.flows.ports import State
from syncd.flows.submission import ImportMark, Outcome, Submission
from syncd.indicator import statement
from syncd.indicator.claims import ANSWER
from syncd.store import failpoint, imports
from syncd.store.book import highest
from syncd.store.portable import upsert
from syncd.store.prepared import MANY, Prepared
from syncd.store.sealing import VaultCipher
from syncd.store.tables import vault, vault_fields

REASSIGNED_DAYS = 180  # after these, `reassigned` holds nothing back


_at = vault.c
_INSERT = Prepared(
    insert(vault),
    *("id", "type", "kind", "sealed", "fields_id", "value_mac", "urgent"),
    *("epoch", "token", "state", "accepted_at", "import_id", "caller"),
)
_its = update(vault).filter_by(id=bindparam("row"))
_HELD = _its.filter_by(state=-1)
# Of rows that were there: urgent only now, waits no more, waits with this
# import, holds nothing back any more.
_HURRY = Prepared(_its.filter_by(state=0).values(urgent=1), "row")
_OUT = Prepared(_HELD.values(state=0), "row")
_MINE = Prepared(_HELD.values(import_id=bindparam("to")), "row", "to")
_FREE = Prepared(_its.values(held=0), "row")
_STANDING = Prepared(
    select(
        *(_at.value_mac, _at.id, _at.type, vault_fields.c.fields, _at.state),
        *(_at.held, _at.reason, _at.ended_on, _at.accepted_at),
    )
    .join_from(vault, vault_fields)
    .where(or_(_at.state < 2, _at.held == 1), _at.value_mac.in_(MANY))
)
_FIELDS = Prepared(
    select(vault_fields.c.fields, vault_fields.c.id).where(
        vault_fields.c.fields.in_(MANY)
    )
)
_NEW_FIELDS = Prepared(upsert(vault_fields), "fields")


class _Fields(NamedTuple):
    """The fields of a statement, its days apart."""

    core: bytes
    seen: str
    expires: str


class _Row(NamedTuple):
    """A row that stands, or that holds its value back."""

    id: int
    type: int
    fields: _Fields
    held: bool = False
    waits: bool = False  # for a second person
    reason: str = ""
    ended_on: str = ""


def accept(
    c: Connection,
    reports: Sequence[NewReport],
    cipher: VaultCipher,
    now: int,
    how: Submission,
    mark: ImportMark | None,
    refused: Sequence[imports.Refused],
) -> list[Outcome]:
    """Keep what is new, in one transaction; return what became of each.

    The import's mark moves with it, and what was `refused` of its step is kept.

    Raises:
        StaleError: the import is not at `mark.old_offset` any more.
    """
    macs = [_mac(cipher, r) for r in reports]
    batch = _Batch(c, macs, how)
    outcomes = [batch.judge(*one) for one in zip(reports, macs, strict=True)]
    batch.write(c, cipher, now, None if mark is None else mark.id)
    if mark is not None:
        failpoint.hit("import.rows")
        found = [
            (mac, cipher.cell_hash(r.raw))
            for r, mac in zip(reports, macs, strict=True)
        ]
        imports.move(c, cipher, mark, outcomes, found, refused)
        failpoint.hit("import.mark")
    return outcomes


class _Batch:
    """Reports of one transaction: judged one by one, written together."""

    def __init__(
        self, c: Connection, macs: Sequence[bytes], how: Submission
    ) -> None:
        self._how = how
        self._parsed = dict[bytes, _Fields]()
        self._there: dict[bytes, list[_Row]] = defaultdict(list)
        self._load(c, macs)
        self._next = highest(c, _at.id) + 1
        self._new = list[tuple[int, NewReport, bytes]]()
        self._moves = defaultdict[Prepared, list[int]](list)  # rows

    def judge(self, report: NewReport, mac: bytes) -> Outcome:
        """Return what becomes of a report, the ones before it in mind."""
        fields = self._fields(report.fields)
        there = self._there.get(mac, ())
        for row in there:
            same = row.type == report.type and not row.held
            if same and self._same(report, fields, row.fields):
                if report.urgent:
                    self._moves[_HURRY].append(row.id)
                if row.waits:
                    move = _MINE if self._how.held else _OUT
                    self._moves[move].append(row.id)
                return Outcome("known", row.id, notices=report.notices)
        if report.type == 1 and there:
            held = [row for row in there if row.held]
            for row in held:
                if not self._lifted(report, row):
                    return Outcome(
                        "taken_back", row.id, row.reason, row.ended_on
                    )
            if held and self._how.again:
                report = replace(report, again=self._how.again)
            self._moves[_FREE] += [row.id for row in held]
            self._there[mac] = [row for row in there if not row.held]
        id_ = self._next
        self._next += 1
        self._new.append((id_, report, mac))
        self._there[mac].append(_Row(id_, report.type, fields))
        return Outcome("accepted", id_, notices=report.notices)

    def write(
        self,
        c: Connection,
        cipher: VaultCipher,
        now: int,
        import_id: int | None,
    ) -> None:
        """Write what was judged."""
        said = {r.fields for _, r, _ in self._new}
        _NEW_FIELDS.many(c, ((fields,) for fields in sorted(said)))
        ids = dict(_FIELDS.within(c, said))
        state = State.HELD if self._how.held else State.WAITING
        fixed = (int(state), now, import_id, self._how.caller or None)
        _INSERT.many(c, (_row(cipher, new, ids, fixed) for new in self._new))
        for move, rows in self._moves.items():
            move.many(c, ((row, import_id) for row in rows))

    def _same(self, new: NewReport, fields: _Fields, old: _Fields) -> bool:
        """Tell whether what stands says what is handed in."""
        if fields == old:
            return True
        if fields.core != old.core:
            return False
        seen, today = new.seen, self._how.today
        if self._how.refresh and new.type == 1:
            seen = fields.seen
        if not (seen or new.expires):
            # What has run its course does not stand.
            return not today or today < old.expires
        return (not seen or seen == old.seen) and (
            not new.expires or new.expires == old.expires
        )

    def _lifted(self, new: NewReport, row: _Row) -> bool:
        """Tell whether a row holds its value back no more."""
        if self._how.again or new.seen > row.ended_on:
            return True
        if row.reason != "reassigned" or not self._how.today:
            return False
        since = statement.day(self._how.today) - statement.day(row.ended_on)
        return since >= REASSIGNED_DAYS

    def _fields(self, raw: bytes) -> _Fields:
        found = self._parsed.get(raw)
        if found is None:
            fields: dict[str, Any] = msgspec.json.decode(raw)
            days = fields.pop("seen", ""), fields.pop("expires", "")
            found = self._parsed[raw] = _Fields(canonical.dumps(fields), *days)
        return found

    def _load(self, c: Connection, macs: Sequence[bytes]) -> None:
        """Load the rows that bear on these values."""
        there = _STANDING.within(c, sorted({*macs}))
        rows = sorted(there, key=lambda row: row[1])
        for mac, id_, type_, fields, state, held, why, on, at in rows:
            if type_ == ANSWER and state != State.WAITING:
                continue  # it answered what was disputed before
            row = _Row(
                *(id_, type_, self._fields(fields)),
                held=bool(held) and state >= State.ENDING,
                waits=state == State.HELD,
                reason=why or "",
                ended_on=on or statement.day_text(at // 86_400),
            )
            self._there[mac].append(row)


def _row(
    cipher: VaultCipher,
    new: tuple[int, NewReport, bytes],
    fields_ids: dict[bytes, int],
    fixed: tuple[object, ...],
) -> tuple[object, ...]:
    """Return what `_INSERT` wants; `fixed`: state, time, import, caller."""
    id_, report, mac = new
    sealed = None
    if report.value:
        # Its hash and fields go with it: given another's, it does not open.
        of = "vault", report.type, report.kind, mac, report.fields
        sealed = cipher.seal_json((report.value, report.again), *of)
    return (
        *(id_, report.type, report.kind, sealed),
        *(fields_ids[report.fields], mac, int(report.urgent)),
        *(report.epoch or None, report.token or None),
        *fixed,
    )


def _mac(cipher: VaultCipher, report: NewReport) -> bytes:
    if report.value:
        return cipher.hash_of("value", report.kind, report.value)
    return cipher.hash_of("token", report.kind, report.epoch, report.token)
