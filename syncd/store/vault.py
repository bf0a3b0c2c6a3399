"""The vault: the raw identifiers behind our own reports, encrypted.

A row is accepted once and goes one way, in the transaction of the append
that makes it so:

    WAITING ──append──▶ PUBLISHED ──retract──▶ ENDING ──append──▶ ENDED
       └──────────────────retract────────────────────────────────▶┘

What is said of a token, by whoever has no value, is a row without one. Row
by row, the identifier is sealed with AES-256-GCM under a random nonce;
what must be found again is found by keyed hashes. The key does not live in
the database. The statement's public fields stand in clear: they are going to
be public, and name nobody.
"""

import hashlib
import hmac
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Protocol

import msgspec
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from syncd.errors import DamagedError, StaleError, UsageError
from syncd.flows.ports import Published
from syncd.store import failpoint
from syncd.store.database import Database, execute_many, select_in

MAC_SIZE = 16  # bytes
NONCE_SIZE = 12  # bytes
KEY_SIZE = 32  # bytes


class State(IntEnum):
    """Where a row is; WAITING and PUBLISHED are the live ones."""

    WAITING = 0
    PUBLISHED = 1
    ENDING = 2
    ENDED = 3


# --------------------------------------------------------------- values


@dataclass(frozen=True, slots=True)
class NewReport:
    """What to accept: an identifier and the statement about it."""

    kind: str
    value: str = field(repr=False)  # normal form, 1–256 ASCII bytes; or none
    fields: bytes  # canonical JSON: the statement's fields but about and know
    type: int = 1  # 1 report, 3 dispute
    urgent: bool = False
    extras: bytes = field(default=b"", repr=False)  # private, sealed likewise
    token: bytes = b""  # 16 bytes, where there is no value
    epoch: int = 0  # of the token


@dataclass(frozen=True, slots=True)
class Accepted:
    """Durable under this id; not yet public."""

    id: int


@dataclass(frozen=True, slots=True)
class Known:
    """The same value with equal fields is live under this id."""

    id: int


@dataclass(frozen=True, slots=True)
class VaultRow:
    """One row, opened."""

    id: int
    type: int  # 1 report, 3 dispute
    kind: str
    value: str = field(repr=False)  # normal form; empty if by token
    extras: bytes = field(repr=False)
    fields: dict[str, Any]
    state: State
    urgent: bool
    accepted_at: int  # unix seconds
    import_id: int | None
    index: int | None  # of its statement in our log
    ended_index: int | None  # of its retract
    epoch: int | None
    token: bytes | None
    reason: str  # why it ends
    origin: str = ""  # the log of ours that its statement is in


@dataclass(frozen=True, slots=True)
class Ending:
    """A published row whose report is to be retracted."""

    id: int
    kind: str
    epoch: int
    token: bytes
    index: int
    reason: str


@dataclass(slots=True)
class Withdrawn:
    """What came of a retraction."""

    reports: int = 0  # that end by it
    disputes: int = 0  # that end by it
    already: int = 0  # were ending or ended before
    spared: int = 0  # stand on, since their type was not meant
    ids: list[int] = field(default_factory=list)  # that end, some of them
    past: list[tuple[str, int]] = field(default_factory=list)
    # where some stand that no retract of ours can end


@dataclass(frozen=True, slots=True)
class ImportState:
    """How far an import of one file has come, durably."""

    id: int
    offset: int  # bytes of the file that are committed
    row: int  # rows of the file that are committed
    prefix: bytes  # SHA-256 of the committed bytes
    size: int  # bytes of the file when it began
    options: bytes  # canonical JSON
    name: str
    accepted: int
    known: int
    refused: int
    finished: bool


@dataclass(frozen=True, slots=True)
class ImportMark:
    """A step of an import, committed with its rows or not at all."""

    import_id: int
    old_offset: int  # what we believe is committed
    offset: int  # bytes of the file behind this step
    row: int  # rows of the file behind this step
    prefix: bytes  # SHA-256 of those bytes
    refused: int = 0  # rows refused in this step


# --------------------------------------------------------------- cipher


class Cipher(Protocol):
    """How identifiers are kept; tests have one that does nothing."""

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """Return what may be written to disk."""
        ...

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Return the plain bytes, or raise DamagedError."""
        ...

    def mac(self, message: bytes) -> bytes:
        """Return 16 bytes by which a value is found again."""
        ...


class VaultCipher:
    """AES-256-GCM, and HMAC-SHA-256 under another key of the same root."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_SIZE:
            raise DamagedError(f"vault: key is {len(key)} bytes")
        self._aead = AESGCM(hmac.digest(key, b"syncd-vault-seal-v1", "sha256"))
        mac_key = hmac.digest(key, b"syncd-vault-mac-v1", "sha256")
        # The two halves of HMAC with its key already in them: half the time
        # of hmac.digest, which also lets other threads in, value by value.
        self._inner, self._outer = (
            hashlib.sha256(bytes(b ^ pad for b in mac_key.ljust(64, b"\0")))
            for pad in (0x36, 0x5C)
        )

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """Return nonce ‖ ciphertext ‖ tag."""
        nonce = os.urandom(NONCE_SIZE)
        return nonce + self._aead.encrypt(nonce, plain, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Return the plain bytes.

        Raises:
            DamagedError: not sealed by this key in this context.
        """
        try:
            return self._aead.decrypt(
                sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], context
            )
        except (InvalidTag, ValueError) as e:
            raise DamagedError("vault: a row does not open") from e

    def mac(self, message: bytes) -> bytes:
        """Return the first 16 bytes of the HMAC."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()[:MAC_SIZE]


# ---------------------------------------------------------------- vault

RETRACTED_TOLD = 1000  # ids or positions of a retraction that are returned

_STANDING = (
    "SELECT vault.id, type, state, idx, origin,"
    " log_id < (SELECT max(id) FROM log)"
    " FROM vault LEFT JOIN log ON log.id = vault.log_id WHERE"
)

_ROW = (
    "SELECT vault.id, type, kind, sealed, fields, fields_mac, state, urgent,"
    " accepted_at, import_id, idx, ended_idx, epoch, token, reason,"
    " (SELECT origin FROM log WHERE log.id = vault.log_id)"
    " FROM vault JOIN vault_fields ON vault_fields.id = vault.fields_id"
)


class Vault:
    """The vault, over own.db."""

    def __init__(
        self, database: Database, cipher: Cipher, clock: Callable[[], int]
    ) -> None:
        self._db = database
        self._cipher = cipher
        self._clock = clock

    # ------------------------------------------------------- accepting

    async def accept(
        self, reports: Sequence[NewReport], mark: ImportMark | None = None
    ) -> list[Accepted | Known]:
        """Keep what is new; durable on return, in the order given.

        All in one transaction, the import's mark with it.

        Raises:
            StaleError: the import is not at `mark.old_offset` any more.
        """
        return await self._db.in_writer(lambda: self._accept(reports, mark))

    def _accept(
        self, reports: Sequence[NewReport], mark: ImportMark | None
    ) -> list[Accepted | Known]:
        now = self._clock()
        import_id = None if mark is None else mark.import_id
        macs = [_macs(self._cipher, r) for r in reports]

        def job(c: sa.Connection) -> list[Accepted | Known]:
            known = _live(c, macs)
            said = _fields_ids(c, {r.fields for r in reports})
            next_id = _last_id(c) + 1
            rows: list[tuple[object, ...]] = []
            keys: list[tuple[bytes, int]] = []
            outcomes: list[Accepted | Known] = []
            hurry: list[tuple[int]] = []  # known, and urgent only now
            for report, (value_mac, fields_mac) in zip(
                reports, macs, strict=True
            ):
                there = known.get(fields_mac)
                if there is not None:
                    outcomes.append(Known(there))
                    if report.urgent:
                        hurry.append((there,))
                    continue
                known[fields_mac] = next_id
                rows.append(
                    (
                        next_id,
                        report.type,
                        report.kind,
                        self._sealed(report, fields_mac),
                        said[report.fields],
                        value_mac,
                        fields_mac,
                        int(report.urgent),
                        now,
                        import_id,
                        report.token or None,
                        report.epoch or None,
                    )
                )
                keys.append((_key(value_mac, fields_mac), next_id))
                outcomes.append(Accepted(next_id))
                next_id += 1
            if rows:
                c.exec_driver_sql(
                    "INSERT INTO vault (id, type, kind, sealed, fields_id,"
                    " value_mac, fields_mac, state, urgent, accepted_at,"
                    " import_id, token, epoch)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)",
                    rows,
                )
                keys.sort()
                c.exec_driver_sql(
                    "INSERT INTO vault_key (mac, vault_id) VALUES (?, ?)",
                    keys,
                )
            if hurry:
                c.exec_driver_sql(
                    "UPDATE vault SET urgent = 1 WHERE id = ? AND state = 0",
                    hurry,
                )
            if mark is not None:
                failpoint.hit("import.rows")
                _move_mark(c, mark, len(rows), len(outcomes) - len(rows))
                failpoint.hit("import.mark")
            return outcomes

        outcomes = self._db.write_now(job)
        if mark is not None:
            failpoint.hit("import.committed")
        return outcomes

    def _sealed(self, report: NewReport, fields_mac: bytes) -> bytes | None:
        if not report.value:
            return None
        return self._cipher.seal(
            _join(report.value, report.extras),
            _context(report.type, report.kind, fields_mac),
        )

    # --------------------------------------------------------- reading

    async def waiting(
        self, limit: int, kinds: Sequence[str]
    ) -> list[VaultRow]:
        """Return rows to publish: urgent ones first, then the oldest."""

        def job(c: sa.Connection) -> list[VaultRow]:
            # Kind by kind: where holders are down, a million waiting phones
            # must not be walked to find one URL.
            rows = [
                self._opened(row)
                for kind in kinds
                for urgent in (1, 0)
                for row in c.exec_driver_sql(
                    f"{_ROW} WHERE state = 0 AND kind = ? AND urgent = ?"
                    " ORDER BY vault.id LIMIT ?",
                    (kind, urgent, limit),
                )
            ]
            rows.sort(key=lambda row: (not row.urgent, row.id))
            return rows[:limit]

        return await self._db.read(job)

    async def ending(self, limit: int) -> list[Ending]:
        """Return rows whose reports are to be retracted, oldest first."""

        def job(c: sa.Connection) -> list[Ending]:
            rows = c.exec_driver_sql(
                "SELECT id, kind, epoch, token, idx, reason FROM vault"
                " WHERE state = 2 ORDER BY id LIMIT ?",
                (limit,),
            )
            return [Ending(*row) for row in rows]

        return await self._db.read(job)

    async def get(self, id_: int) -> VaultRow | None:
        """Return one row."""
        rows = await self._rows("WHERE vault.id = ?", id_)
        return rows[0] if rows else None

    async def find_value(self, kind: str, value: str) -> list[VaultRow]:
        """Return all rows about one identifier, ended ones too."""
        return await self._find(_value_mac(self._cipher, kind, value))

    async def find_token(
        self, kind: str, epoch: int, token: bytes
    ) -> list[VaultRow]:
        """Return all rows that were made by a token, ended ones too."""
        return await self._find(_token_mac(self._cipher, kind, epoch, token))

    async def _find(self, mac: bytes) -> list[VaultRow]:
        return await self._rows(
            "JOIN vault_key ON vault_key.vault_id = vault.id"
            " WHERE mac >= ? AND mac <= ? AND value_mac = ?"
            " ORDER BY vault.id",
            mac[:8],
            mac[:8] + b"\xff" * 8,
            mac,
        )

    async def by_index(self, origin: str, index: int) -> VaultRow | None:
        """Return the row whose statement is at `index` of a log of ours."""
        rows = await self._rows(
            "WHERE idx = ? AND log_id = (SELECT id FROM log WHERE origin = ?)",
            index,
            origin,
        )
        return rows[0] if rows else None

    async def page(
        self,
        after: int = 0,
        limit: int = 100,
        states: Iterable[State] = tuple(State),
        kinds: Iterable[str] = ("phone", "url", "account"),
    ) -> list[VaultRow]:
        """Return rows after an id, in its order, of some states and kinds."""
        which = [int(state) for state in states]
        names = list(kinds)
        return await self._rows(
            f"WHERE vault.id > ? AND state IN ({_marks(which)})"
            f" AND kind IN ({_marks(names)}) ORDER BY vault.id LIMIT ?",
            after,
            *which,
            *names,
            limit,
        )

    async def counts(self) -> dict[tuple[str, State], int]:
        """Return the number of rows of each kind and state."""

        def job(c: sa.Connection) -> dict[tuple[str, State], int]:
            rows = c.exec_driver_sql(
                "SELECT kind, state, count(*) FROM vault GROUP BY kind, state"
            )
            return {(kind, State(state)): n for kind, state, n in rows}

        return await self._db.read(job)

    async def waiting_count(self) -> dict[str, int]:
        """Return the number of waiting rows of each kind; quick."""

        def job(c: sa.Connection) -> dict[str, int]:
            rows = c.exec_driver_sql(
                "SELECT kind, count(*) FROM vault WHERE state = 0"
                " GROUP BY kind"
            )
            return {kind: n for kind, n in rows}  # noqa: C416

        return await self._db.read(job)

    # ------------------------------------------------------ retracting

    async def retract(
        self,
        ids: Sequence[int],
        reason: str,
        types: Collection[int] = (1, 3),
    ) -> Withdrawn:
        """Have rows of some types end; return what came of it.

        A waiting row ends at once: nothing of it is public. Should it be on
        its way into the log just now, the append turns it into ENDING. A log
        ends only what it said itself: what stands in one that has ended is
        `past`.
        """

        def job(c: sa.Connection) -> Withdrawn:
            done = Withdrawn()
            rows = select_in(
                c, f"{_STANDING} vault.id IN (?*)", sorted(set(ids))
            )
            # Short lists are padded: a row may come twice.
            _withdraw(c, dict.fromkeys(rows), reason, types, done)
            return done

        return await self._db.write(job) if ids else Withdrawn()

    async def retract_import(self, import_id: int, reason: str) -> Withdrawn:
        """Have all rows that an import brought end, likewise."""

        def job(c: sa.Connection) -> Withdrawn:
            done = Withdrawn()
            last = 0
            while rows := c.exec_driver_sql(
                f"{_STANDING} import_id = ? AND vault.id > ?"
                " ORDER BY vault.id LIMIT 10000",
                (import_id, last),
            ).fetchall():
                last = rows[-1][0]
                _withdraw(c, rows, reason, (1, 3), done)
            return done

        return await self._db.write(job)

    async def retire(self, epochs: Iterable[tuple[str, int]]) -> None:
        """End the rows that were published under retired epochs.

        Their statements are erased, so nothing is left to retract. Values
        stay, and may be reported again.
        """
        found = [*epochs]

        def job(c: sa.Connection) -> None:
            execute_many(
                c,
                "UPDATE vault SET state = 3, token = NULL,"
                " reason = coalesce(reason, 'retired')"
                " WHERE state IN (1, 2) AND kind = ? AND epoch = ?",
                found,
            )
            execute_many(
                c,
                "UPDATE vault SET token = NULL WHERE kind = ? AND epoch = ?",
                found,
            )

        await self._db.write(job)

    # ------------------------------------------------- files taken in

    async def import_begin(
        self, file: bytes, size: int, name: str, options: bytes = b"{}"
    ) -> ImportState:
        """Return the state of the newest import of a file, or begin one.

        `file` is what the caller knows it by. Whether the file is still the
        same, the caller tells from `prefix` and `offset`.
        """

        def job(c: sa.Connection) -> ImportState:
            there = _import_state(c, "file = ?", file)
            if there is not None:
                return there
            row = c.exec_driver_sql(
                "INSERT INTO import_job (file, name, size, options, offset,"
                " row, prefix, accepted, known, refused, began_at)"
                " VALUES (?, ?, ?, ?, 0, 0, ?, 0, 0, 0, ?) RETURNING id",
                (file, name, size, options, _NOTHING, self._clock()),
            )
            begun = _import_state(c, "id = ?", row.scalar_one())
            if begun is None:
                raise DamagedError("own.db: an import vanished")
            return begun

        return await self._db.write(job)

    async def import_state(self, import_id: int) -> ImportState | None:
        """Return how far an import has come."""
        return await self._db.read(
            lambda c: _import_state(c, "id = ?", import_id)
        )

    async def import_find(self, file: bytes) -> ImportState | None:
        """Return the newest import of a file."""
        return await self._db.read(
            lambda c: _import_state(c, "file = ?", file)
        )

    async def import_finish(self, import_id: int) -> ImportState:
        """Note that all of the file is in; return the counts."""

        def job(c: sa.Connection) -> ImportState:
            c.exec_driver_sql(
                "UPDATE import_job SET finished_at = ? WHERE id = ?",
                (self._clock(), import_id),
            )
            state = _import_state(c, "id = ?", import_id)
            if state is None:
                raise UsageError(f"import: there is no import {import_id}")
            return state

        return await self._db.write(job)

    # -------------------------------------------------------- innards

    async def _rows(self, where: str, *values: object) -> list[VaultRow]:
        return await self._db.read(
            lambda c: [
                self._opened(row)
                for row in c.exec_driver_sql(f"{_ROW} {where}", values)
            ]
        )

    def _opened(self, row: Sequence[Any]) -> VaultRow:
        (
            id_,
            type_,
            kind,
            sealed,
            fields,
            fields_mac,
            state,
            urgent,
            accepted_at,
            import_id,
            index,
            ended_index,
            epoch,
            token,
            reason,
            origin,
        ) = row
        value, extras = "", b""
        try:
            if sealed is not None:
                context = _context(type_, kind, fields_mac)
                value, extras = _split(self._cipher.open(sealed, context))
            said = msgspec.json.decode(fields)
        except (DamagedError, msgspec.DecodeError) as e:
            raise DamagedError(f"vault: row {id_} does not open") from e
        return VaultRow(
            id_,
            type_,
            kind,
            value,
            extras,
            said,
            State(state),
            bool(urgent),
            accepted_at,
            import_id,
            index,
            ended_index,
            epoch,
            token,
            reason or "",
            origin or "",
        )


def publish(
    c: sa.Connection, log_id: int, published: Sequence[Published]
) -> None:
    """Mark rows as published or ended, inside the append's transaction.

    Raises:
        StaleError: a row was published or ended before.
    """
    fresh = [
        (log_id, p.index, p.token, p.epoch, p.vault_id)
        for p in published
        if not p.ends
    ]
    ended = [(p.index, p.vault_id) for p in published if p.ends]
    if fresh:
        # A row that was retracted while it was on its way goes on to ENDING.
        done = c.exec_driver_sql(
            "UPDATE vault SET state = CASE state WHEN 0 THEN 1 ELSE 2 END,"
            " log_id = ?, idx = ?, token = ?, epoch = ?"
            " WHERE id = ? AND idx IS NULL",
            fresh,
        )
        _all(done.rowcount, len(fresh), "published")
    if ended:
        done = c.exec_driver_sql(
            "UPDATE vault SET state = 3, ended_idx = ?"
            " WHERE id = ? AND state = 2",
            ended,
        )
        _all(done.rowcount, len(ended), "ended")


def turn(c: sa.Connection, log_id: int, size: int) -> None:
    """Take leave of a log of which `size` entries count.

    Reports behind that wait again, and stand in the next log; what would
    have ended one before it, and did not, is undone: a log can only end what
    it said itself.
    """
    c.exec_driver_sql(
        "UPDATE vault SET state = CASE state WHEN 1 THEN 0 ELSE 3 END,"
        " log_id = NULL, idx = NULL, ended_idx = NULL,"
        # What was said of a token has nothing else to be said of again.
        " token = CASE WHEN sealed IS NULL THEN token END,"
        " epoch = CASE WHEN sealed IS NULL THEN epoch END"
        " WHERE log_id = ? AND idx >= ?",
        (log_id, size),
    )
    c.exec_driver_sql(
        "UPDATE vault SET state = 1, ended_idx = NULL"
        " WHERE log_id = ? AND (state = 2 OR ended_idx >= ?)",
        (log_id, size),
    )


def _all(count: int, want: int, what: str) -> None:
    if count != want:
        raise StaleError(f"vault: {want - count} rows were {what} before")


def _withdraw(
    c: sa.Connection,
    rows: Iterable[Sequence[Any]],
    reason: str,
    types: Collection[int],
    done: Withdrawn,
) -> None:
    """Have those of the rows (`_STANDING`) end that can; count all."""
    live = []
    for id_, type_, state, index, origin, past in rows:
        if state >= State.ENDING:
            done.already += type_ in types
        elif type_ not in types:
            done.spared += 1
        elif past and state == State.PUBLISHED:
            done.past.append((origin, index))
        else:
            live.append((reason, id_))
            done.reports += type_ == 1
            done.disputes += type_ == 3
    if live:
        c.exec_driver_sql(
            "UPDATE vault SET reason = ?,"
            " state = CASE state WHEN 0 THEN 3 ELSE 2 END WHERE id = ?",
            live,
        )
    done.ids += [id_ for _, id_ in live]
    del done.ids[RETRACTED_TOLD:], done.past[RETRACTED_TOLD:]


def _move_mark(
    c: sa.Connection, mark: ImportMark, accepted: int, known: int
) -> None:
    done = c.exec_driver_sql(
        "UPDATE import_job SET offset = ?, row = ?, prefix = ?,"
        " accepted = accepted + ?, known = known + ?, refused = refused + ?"
        " WHERE id = ? AND offset = ? AND finished_at IS NULL",
        (
            mark.offset,
            mark.row,
            mark.prefix,
            accepted,
            known,
            mark.refused,
            mark.import_id,
            mark.old_offset,
        ),
    )
    if done.rowcount != 1:
        raise StaleError(
            f"import: {mark.import_id} is not at byte {mark.old_offset} now"
        )


def _import_state(
    c: sa.Connection, where: str, value: object
) -> ImportState | None:
    sql = (
        "SELECT id, offset, row, prefix, size, options, name, accepted,"  # noqa: S608
        " known, refused, finished_at IS NOT NULL AS finished"
        f" FROM import_job WHERE {where} ORDER BY id DESC LIMIT 1"
    )
    row = c.exec_driver_sql(sql, (value,)).mappings().fetchone()
    if row is None:
        return None
    return ImportState(**{**row, "finished": bool(row["finished"])})


def _live(
    c: sa.Connection, macs: Sequence[tuple[bytes, bytes]]
) -> dict[bytes, int]:
    """Return the live rows among those that would say the same."""
    keys = sorted(_key(value_mac, mac) for value_mac, mac in macs)
    candidates = select_in(
        c,
        "SELECT fields_mac, id FROM vault_key JOIN vault"
        " ON vault.id = vault_key.vault_id WHERE state < 2 AND mac IN (?*)",
        keys,
    )
    return dict(candidates)


def _fields_ids(c: sa.Connection, wanted: set[bytes]) -> dict[bytes, int]:
    """Return an id for each distinct fields, new ones written."""
    said = sorted(wanted)
    find = "SELECT fields, id FROM vault_fields WHERE fields IN (?*)"
    found = dict(select_in(c, find, said))
    fresh = [fields for fields in said if fields not in found]
    if fresh:
        c.exec_driver_sql(
            "INSERT INTO vault_fields (fields) VALUES (?)",
            [(fields,) for fields in fresh],
        )
        found.update(select_in(c, find, fresh))
    return found


def _last_id(c: sa.Connection) -> int:
    return c.exec_driver_sql("SELECT max(id) FROM vault").scalar() or 0


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values)) or "NULL"


# The SHA-256 of no bytes: what an import that has not begun has committed.
_NOTHING = bytes.fromhex(
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

# Layouts. A normal form has at most 256 bytes, so two of length suffice.


def _join(value: str, extras: bytes) -> bytes:
    raw = value.encode("ascii")
    return len(raw).to_bytes(2, "big") + raw + extras


def _split(plain: bytes) -> tuple[str, bytes]:
    end = 2 + int.from_bytes(plain[:2], "big")
    return plain[2:end].decode("ascii"), plain[end:]


def _context(type_: int, kind: str, fields_mac: bytes) -> bytes:
    # The hash names value and fields: a row moved to another's place, or
    # given other fields' hash, does not open.
    return b"syncd-vault-v1\0%d/%b/" % (type_, kind.encode()) + fields_mac


def _key(value_mac: bytes, fields_mac: bytes) -> bytes:
    # Cut short for a small tree; who looks compares the whole ones.
    return value_mac[:8] + fields_mac[:8]


def _value_mac(cipher: Cipher, kind: str, value: str) -> bytes:
    return cipher.mac(b"value\0%b\0%b" % (kind.encode(), value.encode()))


def _token_mac(cipher: Cipher, kind: str, epoch: int, token: bytes) -> bytes:
    return cipher.mac(b"token\0%b\0%d\0%b" % (kind.encode(), epoch, token))


def _macs(cipher: Cipher, report: NewReport) -> tuple[bytes, bytes]:
    if not report.value:
        mac = _token_mac(cipher, report.kind, report.epoch, report.token)
        said = b"said\0%d\0%b\0%b" % (report.type, mac, report.fields)
        return mac, cipher.mac(said)
    kind, value = report.kind.encode(), report.value.encode("ascii")
    return (
        cipher.mac(b"value\0%b\0%b" % (kind, value)),
        cipher.mac(
            b"fields\0%d\0%b\0%b\0%b"
            % (report.type, kind, value, report.fields)
        ),
    )
