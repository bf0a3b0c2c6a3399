r"""Claims: what a log says that still stands, one row each.

`fold` turns a stretch of one log into a `Batch` of plain rows; a store adds
`adds`, takes away what `ends` and `erases` name, and has the claims. Nothing
overwrites anything, so neither the order in which logs arrive nor the cut
into batches can matter. Expiry needs no statement: `verdict` reads days.

A row is `(token, index, key, record)`: 16 bytes; the position's index in
the log; `key = epoch * 4 + kind` (phone 1, url 2, account 3); and the
claim's own fields in one fixed encoding:

    record  report      0x01 ‖ flags ‖ confidence ‖ on ‖ seen ‖ expires
                             ‖ know (8) ‖ case (8, if flag 4) ‖ text
            dispute     0x03 ‖ on ‖ due ‖ expires ‖ text
            reassigned  0x05 ‖ on ‖ since
            answer      0x06 ‖ on ‖ text
            vouch       0x07 ‖ on ‖ expires ‖ text
    flags   1 spoofed, 2 test, 4 a case follows
    days    uint32, since 1970-01-01; all numbers big-endian
    text    ASCII words, one space between them:
            report      label role channel evidence handling techniques basis
            dispute     reason about
            answer      outcome reason about
            vouch       role
    lists   items with a comma between them; a position is origin:index;
            an absent code and an empty list are empty words

Codes are written out, not numbered, so a build with an older vocabulary
has the same rows, and the same digest:

    digest  Σ mod 2^256 of SHA-256("syncd-claim-v1\0" ‖ len8(origin) ‖ origin
              ‖ index (8) ‖ kind (1) ‖ epoch (8) ‖ token ‖ record)

It finds accidents, not liars. Expired claims count, ended ones do not.
"""

import hashlib
import struct
from bisect import bisect_left
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Sequence,
)
from itertools import chain
from operator import itemgetter
from typing import Any, Final, assert_never

import msgspec

from syncd.errors import DamagedError
from syncd.indicator import statement as statements
from syncd.indicator import token as tokens
from syncd.indicator.leaf import (
    DEFINED_TYPES,
    INDICATOR_TYPES,
    SEALED_TYPES,
    Record,
    is_void,
)
from syncd.indicator.statement import (
    Anchor,
    Answer,
    Dispute,
    Erase,
    Evidence,
    Position,
    Reassigned,
    Report,
    Retract,
    RosterAccepted,
    Sighting,
    Usage,
    Void,
    Vouch,
)

Row = tuple[bytes, int, int, bytes]  # (token, index, key, record)
End = tuple[bytes, int, int, int]  # (token, index, by_index, key)
Range = tuple[int, int, int]  # (from, to, by): acts on from ≤ i < min(to, by)


REPORT: Final = 1
DISPUTE: Final = 3
REASSIGNED: Final = 5
ANSWER: Final = 6
VOUCH: Final = 7
RETIRED: Final = 2**63 - 1  # `by` of what was erased with its epoch
CLAIM_TYPES: Final = frozenset({1, 3, 5, 6, 7})

_SPOOFED: Final = 1
_TEST: Final = 2
_CASE: Final = 4
_MODULUS: Final = 2**256


def key(kind: int, epoch: int) -> int:
    """Return the one number that names a token key, `epoch * 4 + kind`."""
    return epoch * 4 + kind


def kind_epoch(key: int) -> tuple[int, int]:
    """Return (kind, epoch) of a `key`."""
    return key & 3, key >> 2


class Claim(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A statement about a token that still stands. Days are since 1970."""

    origin: str
    index: int
    type: int  # 1 report, 3 dispute, 5 reassigned, 6 answer, 7 vouch
    kind: int  # 1 phone, 2 url, 3 account
    epoch: int
    token: bytes  # 16 bytes
    on: int  # day it was written
    expires: int = 0  # first day without it: report, dispute, vouch
    seen: int = 0  # report
    label: str = ""  # report
    role: str = ""  # report, vouch
    channel: str = ""  # report
    technique: tuple[str, ...] = ()  # report
    evidence: str = ""  # report
    confidence: int = 0  # report, 0..100
    handling: str = ""  # report
    know: bytes = b""  # report, 8 bytes
    basis: tuple[Position, ...] = ()  # report
    case: bytes = b""  # report, 8 bytes or none
    spoofed: bool = False  # report
    test: bool = False  # report
    reason: str = ""  # dispute, answer
    due: int = 0  # dispute
    about: tuple[Position, ...] = ()  # dispute, answer
    since: int = 0  # reassigned
    outcome: str = ""  # answer

    @property
    def position(self) -> Position:
        """Return the claim's id."""
        return self.origin, self.index

    @classmethod
    def parse(
        cls,
        origin: str,
        index: int,
        token: bytes,
        kind: int,
        epoch: int,
        record: bytes,
    ) -> "Claim":
        """Read a row as a store keeps it; `claim.row()` writes it again.

        Raises:
            DamagedError: the record is not one that `fold` wrote.
        """
        try:
            fields = _parse(record)
            claim = cls(
                origin=origin,
                index=index,
                kind=kind,
                epoch=epoch,
                token=token,
                **fields,
            )
            again = claim.record()
        except (struct.error, ValueError, IndexError, KeyError) as e:
            raise DamagedError(f"claim {index}: record does not parse") from e
        if again != record:
            raise DamagedError(f"claim {index}: record is not canonical")
        return claim

    def record(self) -> bytes:
        """Return the claim's own fields in their one encoding."""
        return _WRITE[self.type](self)

    def row(self) -> Row:
        """Return the row that a store keeps."""
        number = key(self.kind, self.epoch)
        return self.token, self.index, number, self.record()


class Rows(msgspec.Struct, frozen=True, gc=False):
    """Rows in order of token, in the few bytes in which they travel.

    A row takes a third of the memory that its objects would. Each part is cut
    evenly over the space of tokens, and read slice by slice: so objects of
    one slice are there at a time, whatever the parts add up to.
    """

    count: int = 0
    parts: tuple[tuple[bytes, ...], ...] = ()  # slices by a token's first byte

    @classmethod
    def pack(cls, rows: Sequence[Row]) -> "Rows":
        """Return sorted rows, packed."""
        firsts = [row[0][0] for row in rows]
        cuts = [bisect_left(firsts, at) for at in range(0, 256, _WIDTH)]
        spans = zip(cuts, [*cuts[1:], len(rows)], strict=True)
        return cls(len(rows), (tuple(_pack(rows[a:b]) for a, b in spans),))

    def __add__(self, other: "Rows") -> "Rows":
        return Rows(self.count + other.count, self.parts + other.parts)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Row]:
        for same in zip(*self.parts, strict=True):
            rows = [*chain.from_iterable(map(_unpack, same))]
            rows.sort()  # of sorted runs: little more than a merge
            yield from rows


_WIDTH: Final = 4  # first bytes of a token that share a slice
_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(list[Row]).decode


class Batch(msgspec.Struct, gc=False):
    """What a stretch of one log adds to, and takes from, the claims.

    Apply it in this order: add `adds`, remove `ends`, remove every claim in
    `erases`. Rows are sorted by token. `adds` holds no entry that an erase
    of the same stretch covers; it does hold claims that a retract of the
    same stretch ends, and `ends` names them. An erase that covers a retract
    below `start` un-ends what that ended.
    """

    origin: str
    start: int  # first index of the stretch
    stop: int  # one past its last index
    octets: int = 0  # of its payloads, where the day's limit counts them
    adds: Rows = Rows()
    ends: list[End] = []
    erases: list[Range] = []
    sightings: list[Row] = []  # (token, index, key, sighting record)
    voids: list[tuple[int, str]] = []  # (index, why)
    rosters: list[tuple[int, int, str]] = []  # (index, version, hash)
    anchors: list[tuple[int, Anchor]] = []
    usages: list[tuple[int, Usage]] = []
    evidence: list[tuple[int, Evidence]] = []


# ------------------------------------------------------------------ fold


def fold(
    origin: str,
    start: int,
    records: Sequence[Record],
    *,
    erased: Sequence[Range] = (),
    types: frozenset[int] = DEFINED_TYPES,
) -> Batch:
    """Return what entries `start`, `start + 1`, … of a log say.

    Every record is complete (see `complete`); one without its payload says
    nothing. `erased` are the erasures known from elsewhere: later in the
    log, or in the roster (with `by` its size). `types` are those that the
    roster's format defines.
    """
    stop = start + len(records)
    batch = Batch(origin=origin, start=start, stop=stop)
    rows: list[Row] = []
    batch.erases = erases(start, records)
    gone = covered(start, stop, [*erased, *batch.erases])
    plain, cased = _Framed(8), _Framed(16)
    for index, (leaf, salt, payload) in enumerate(records, start):
        if not salt:
            if is_void(leaf, types=types):
                batch.voids.append((index, "leaf is void by itself"))
            continue
        type_ = leaf[1]
        if type_ == REPORT and index not in gone:  # most of most logs
            if payload.startswith(_CASE_KEY):
                framed = cased
                at = payload.find(_KNOW_KEY, 25) + 8
                bare = _CASE_KEY + payload[25:at] + payload[at + 16 : -33]
                told = payload[at : at + 16] + payload[9:25]
            else:
                framed = plain
                at = payload.find(_KNOW_KEY) + 8
                bare = payload[:at] + payload[at + 16 : -33]
                told = payload[at : at + 16]
            frame = _frames.get(bare) or _learn(bare, payload, at)
            if frame is None or at < 8 or not payload.endswith(_TAIL):
                _fold_one(batch, rows, index, payload, REPORT)
                continue
            framed.at.append((index, payload, frame))
            framed.told.append(told)
            framed.names.append(payload[-33:-11])
            if len(framed.at) == _BULK:
                _fold_framed(batch, rows, framed)
        elif type_ not in types:
            batch.voids.append((index, f"type {type_} is not defined"))
        elif type_ in SEALED_TYPES or (
            index in gone and type_ in INDICATOR_TYPES
        ):
            continue
        else:
            _fold_one(batch, rows, index, payload, type_)
    _fold_framed(batch, rows, plain)
    _fold_framed(batch, rows, cased)
    batch.voids.sort()
    rows.sort(key=_by_token)  # tuples compare at twice the cost;
    rows.sort()  # this only settles ties
    batch.adds = Rows.pack(rows)
    batch.ends.sort()
    batch.sightings.sort()
    return batch


def _fold_one(
    batch: Batch, rows: list[Row], index: int, payload: bytes, type_: int
) -> None:
    match said := statements.decode(payload, type_):
        case Void():
            batch.voids.append((index, said.reason))
        case Retract():
            token, number = tokens.decode(said.token), _key(said)
            for target in said.ends:
                if target < index:
                    batch.ends.append((token, target, index, number))
        case Sighting():
            days = statements.day
            head = _SIGHTING(days(said.on), days(said.first), days(said.last))
            row = head + bytes((said.count,)) + said.outcome.encode("ascii")
            batch.sightings.append(
                (tokens.decode(said.token), index, _key(said), b"\x04" + row)
            )
        case Anchor():
            batch.anchors.append((index, said))
        case Usage():
            batch.usages.append((index, said))
        case Evidence():
            batch.evidence.append((index, said))
        case RosterAccepted():
            batch.rosters.append((index, said.version, said.hash_))
        case Erase():
            pass  # read ahead of everything else: see `erases`
        case _:
            rows.append(of(batch.origin, index, said).row())


_by_token: Final = itemgetter(0)
_salt: Final = itemgetter(1)
_BULK: Final = 1024  # reports folded together; bounds what is held at once
_FRAMES_KEPT: Final = 16_384
_CASE_KEY: Final = b'{"case":"'
_KNOW_KEY: Final = b'"know":"'
_TAIL: Final = b'","type":1}'
_KNOW_AT: Final = 15  # offset in a report's record

# A frame is a report's payload without what stands in fixed places and is
# hardly ever the same twice, the values of `know`, `token` and `case`:
#
#     {"case":"<16>" … "know":"<16>","label": … "token":"<22>","type":1}
#
# Whether a payload is canonical and valid depends on its frame, and on those
# being 8 bytes in hex, a token and 8 bytes in hex; its row depends on the
# frame, and holds them. So a frame is decoded once, and most payloads of most
# logs share theirs with others. A report with a `basis` has its case further
# in: there the case is part of the frame.
Frame = tuple[int, bytes, bytes]  # (key, record before know, and after)
_frames: dict[bytes, Frame] = {}  # valid ones


class _Framed:
    """Reports whose frames are known, to be decoded in one go."""

    def __init__(self, width: int) -> None:
        """`width`: bytes between the record's parts, of know and case."""
        self.width = width
        self.at: list[tuple[int, bytes, Frame]] = []  # index, payload
        self.told: list[bytes] = []  # know and case, in hex
        self.names: list[bytes] = []  # tokens


def _fold_framed(batch: Batch, rows: list[Row], framed: _Framed) -> None:
    """Add reports: what `decode` and `of` make of each; empty `framed`."""
    found = _framed_rows(framed)
    if found is None:  # one of them is no token, no know or no case
        for index, payload, _ in framed.at:
            _fold_one(batch, rows, index, payload, REPORT)
    else:
        rows += found
    framed.at, framed.told, framed.names = [], [], []


def _learn(bare: bytes, payload: bytes, at: int) -> Frame | None:
    """Return the frame of a report, and keep it; None if it has none."""
    said = statements.decode(payload, REPORT)
    cased = payload.startswith(_CASE_KEY)
    if (
        not isinstance(said, Report)
        or said.know.encode() != payload[at : at + 16]
        or said.token.encode() != payload[-33:-11]
        or (cased and said.case.encode() != payload[9:25])
    ):
        return None
    _, _, number, record = of("", 0, said).row()
    if len(_frames) >= _FRAMES_KEPT:
        _frames.clear()
    after = _KNOW_AT + (16 if cased else 8)
    found = number, record[:_KNOW_AT], record[after:]
    _frames[bare] = found
    return found


def _framed_rows(framed: _Framed) -> list[Row] | None:
    """Return the rows; None if a name is no token or a know is not hex."""
    text = b"".join(framed.told).decode("latin-1")
    tokens_ = tokens.decode_many(framed.names)
    try:
        told = bytes.fromhex(text)
    except ValueError:
        return None
    if tokens_ is None or told.hex() != text:
        return None
    width = framed.width
    return [
        (token, index, number, head + told[at : at + width] + tail)
        for token, at, (index, _, (number, head, tail)) in zip(
            tokens_,
            range(0, len(told), width),
            framed.at,
            strict=True,
        )
    ]


def _key(said: statements.Indicator) -> int:
    return said.epoch * 4 + tokens.KIND_CODES[said.kind]


def of(
    origin: str,
    index: int,
    said: Report | Dispute | Reassigned | Answer | Vouch,
) -> Claim:
    """Return the claim that a statement makes at a position."""
    days = statements.day
    fields: dict[str, Any] = {}
    match said:
        case Report():
            fields = {
                "seen": days(said.seen),
                "expires": days(said.expires),
                "label": said.label,
                "role": said.role,
                "channel": said.channel,
                "technique": said.technique,
                "evidence": said.evidence,
                "confidence": said.confidence,
                "handling": said.handling,
                "know": bytes.fromhex(said.know),
                "basis": said.basis,
                "case": bytes.fromhex(said.case),
                "spoofed": said.spoofed,
                "test": said.test,
            }
        case Dispute():
            fields = {
                "reason": said.reason,
                "due": days(said.due),
                "expires": days(said.expires),
                "about": said.about,
            }
        case Reassigned():
            fields = {"since": days(said.since)}
        case Answer():
            fields = {
                "outcome": said.outcome,
                "reason": said.reason,
                "about": said.about,
            }
        case Vouch():
            fields = {"role": said.role, "expires": days(said.expires)}
        case _:
            assert_never(said)
    return Claim(
        origin=origin,
        index=index,
        type=statements.type_of(said),
        kind=tokens.KIND_CODES[said.kind],
        epoch=said.epoch,
        token=tokens.decode(said.token),
        on=days(said.on),
        **fields,
    )


# -------------------------------------------------------------- erasures


def erases(start: int, records: Sequence[Record]) -> list[Range]:
    """Return what the erase statements among the records cover.

    To be read even above `merged`: a withheld entry may be an erased one.
    """
    found: list[Range] = []
    for index, (leaf, salt, payload) in enumerate(records, start):
        if salt and leaf[1] == 18:
            said = statements.decode(payload, 18)
            if isinstance(said, Erase):
                found += [(a, b, index) for a, b in said.ranges if a < b]
    return found


def retired(
    start: int,
    records: Sequence[Record],
    epochs: Collection[tuple[str, int]],
) -> list[Range]:
    """Return the open entries of types 1–7 that name a retired epoch.

    Void ones too, if they have its (kind, epoch) in the canonical spelling:
    in JSON those bytes can only be a key and its value.
    """
    marks = [
        (b'"epoch":%d,' % epoch, b'"kind":"%s",' % kind.encode("ascii"))
        for kind, epoch in epochs
    ]
    return gone_with_epoch(
        index
        for index, (leaf, salt, payload) in enumerate(records, start)
        if salt
        and leaf[1] in INDICATOR_TYPES
        and any(epoch in payload and kind in payload for epoch, kind in marks)
    )


def gone_with_epoch(indices: Iterable[int]) -> list[Range]:
    """Return ascending indices as ranges that a retired epoch erased."""
    found: list[Range] = []
    for index in indices:
        if found and found[-1][1] == index:
            found[-1] = (found[-1][0], index + 1, RETIRED)
        else:
            found.append((index, index + 1, RETIRED))
    return found


def is_erased(index: int, type_: int, ranges: Iterable[Range]) -> bool:
    """Tell whether an entry is rightly erased by any of the ranges."""
    return type_ in INDICATOR_TYPES and any(
        start <= index < min(stop, by) for start, stop, by in ranges
    )


def _spans(
    start: int, stop: int, ranges: Iterable[Range]
) -> list[tuple[int, int]]:
    """Return what erasures cover of one stretch: sorted, none overlapping.

    A log may name the same entries in any number of ranges; nothing after
    this costs more than the stretch is long.
    """
    found: list[tuple[int, int]] = []
    clipped = sorted(
        (max(first, start), min(last, by, stop)) for first, last, by in ranges
    )
    for first, last in clipped:
        if first >= last:
            continue
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def covered(start: int, stop: int, ranges: Iterable[Range]) -> set[int]:
    """Return the indices of one stretch that erasures cover."""
    found: set[int] = set()
    for first, last in _spans(start, stop, ranges):
        found.update(range(first, last))
    return found


def complete(
    start: int,
    records: Sequence[Record],
    *,
    erased: Sequence[Range] = (),
    types: frozenset[int] = DEFINED_TYPES,
) -> list[int]:
    """Return the indices that are withheld: neither present nor excused.

    An entry is complete if its payload is here, it is rightly erased (add
    the log's own later `erases` to `erased`), sealed for others, or void by
    its leaf. `merged` may advance up to the first index returned.
    """
    if all(map(_salt, records)):  # as in most stretches of most logs
        return []
    missing = [
        index
        for index, (leaf, salt, _) in enumerate(records, start)
        if not salt
        and not is_void(leaf, types=types)
        and leaf[1] not in SEALED_TYPES
    ]
    if not missing:
        return []
    known = [*erased, *erases(start, records)]
    gone = covered(start, start + len(records), known)
    return [
        index
        for index in missing
        if index not in gone
        or records[index - start][0][1] not in INDICATOR_TYPES
    ]


def refold(
    origin: str,
    stretches: Iterable[tuple[int, Sequence[Record]]],
    erased: Sequence[Range],
    *,
    types: frozenset[int] = DEFINED_TYPES,
) -> Iterator[Row]:
    """Yield the rows that stand, from the whole log and all its erasures.

    What a store must hold in the end, however an erase undid a retract:
    `stretches` are (first index, records) in order
    from 0 up to `merged`. Memory: all rows of one log.
    """
    rows: dict[tuple[int, bytes, int], Row] = {}
    for start, records in stretches:
        batch = fold(origin, start, records, erased=erased, types=types)
        for row in batch.adds:
            rows[row[1], row[0], row[2]] = row
        for token, index, _, number in batch.ends:
            rows.pop((index, token, number), None)
    yield from sorted(rows.values())


# ---------------------------------------------------------------- digest


def digest(origin: str, rows: Iterable[Row]) -> int:
    """Return Σ of the rows' hashes, below 2^256.

    Sums add: the digest after a batch is the old one, plus that of the rows
    added, minus that of the rows removed, mod 2^256 (see `plus`, `minus`).
    """
    name = origin.encode("ascii")
    head = b"syncd-claim-v1\0" + bytes((len(name),)) + name
    sha256, pack, number = hashlib.sha256, _POSITION, int.from_bytes
    total = 0
    for token, index, k, record in rows:
        row = head + pack(index, k & 3, k >> 2) + token + record
        total += number(sha256(row).digest(), "big")
    return total % _MODULUS


def digests(origin: str, rows: Iterable[Row]) -> dict[int, int]:
    """Return the digest of each key (kind and epoch) that has rows."""
    grouped: dict[int, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row[2], []).append(row)
    return {k: digest(origin, group) for k, group in grouped.items()}


def plus(a: int, b: int) -> int:
    """Return the digest of two disjoint sets of rows together."""
    return (a + b) % _MODULUS


def minus(a: int, b: int) -> int:
    """Return the digest of what is left when rows are taken away."""
    return (a - b) % _MODULUS


def digest_bytes(value: int) -> bytes:
    """Return a digest as it is shown and stored: 32 bytes, big-endian."""
    return value.to_bytes(32, "big")


# --------------------------------------------------------------- records

_REPORT: Final = struct.Struct(">BBBIII").pack
_REPORT_HEAD: Final = struct.Struct(">BBBIII")
_THREE_DAYS: Final = struct.Struct(">BIII")
_TWO_DAYS: Final = struct.Struct(">BII")
_ONE_DAY: Final = struct.Struct(">BI")
_SIGHTING: Final = struct.Struct(">III").pack
_POSITION: Final = struct.Struct(">QBQ").pack


def _list(positions: Iterable[Position]) -> str:
    return ",".join(f"{origin}:{index}" for origin, index in positions)


def _write_report(c: Claim) -> bytes:
    flags = _SPOOFED * c.spoofed | _TEST * c.test | _CASE * bool(c.case)
    head = _REPORT(REPORT, flags, c.confidence, c.on, c.seen, c.expires)
    text = " ".join(
        (
            c.label,
            c.role,
            c.channel,
            c.evidence,
            c.handling,
            ",".join(c.technique),
            _list(c.basis),
        )
    )
    return head + c.know + c.case + text.encode("ascii")


def _write_dispute(c: Claim) -> bytes:
    text = f"{c.reason} {_list(c.about)}".encode("ascii")
    return _THREE_DAYS.pack(DISPUTE, c.on, c.due, c.expires) + text


def _write_reassigned(c: Claim) -> bytes:
    return _TWO_DAYS.pack(REASSIGNED, c.on, c.since)


def _write_answer(c: Claim) -> bytes:
    text = f"{c.outcome} {c.reason} {_list(c.about)}".encode("ascii")
    return _ONE_DAY.pack(ANSWER, c.on) + text


def _write_vouch(c: Claim) -> bytes:
    text = c.role.encode("ascii")
    return _TWO_DAYS.pack(VOUCH, c.on, c.expires) + text


_WRITE: Final[dict[int, Callable[[Claim], bytes]]] = {
    REPORT: _write_report,
    DISPUTE: _write_dispute,
    REASSIGNED: _write_reassigned,
    ANSWER: _write_answer,
    VOUCH: _write_vouch,
}


def _parse(record: bytes) -> dict[str, Any]:
    match record[0]:
        case 1:
            return _parse_report(record)
        case 3:
            _, on, due, expires = _THREE_DAYS.unpack_from(record)
            reason, about = _words(record, _THREE_DAYS.size, 2)
            fields = {"due": due, "expires": expires, "reason": reason}
            fields["about"] = _read_list(about)
        case 5:
            _, on, since = _TWO_DAYS.unpack(record)
            fields = {"since": since}
        case 6:
            _, on = _ONE_DAY.unpack_from(record)
            outcome, reason, about = _words(record, _ONE_DAY.size, 3)
            fields = {"outcome": outcome, "reason": reason}
            fields["about"] = _read_list(about)
        case 7:
            _, on, expires = _TWO_DAYS.unpack_from(record)
            (role,) = _words(record, _TWO_DAYS.size, 1)
            fields = {"expires": expires, "role": role}
        case other:
            raise ValueError(f"type {other}")
    return {"type": record[0], "on": on, **fields}


def _parse_report(record: bytes) -> dict[str, Any]:
    _, flags, confidence, on, seen, end = _REPORT_HEAD.unpack_from(record)
    at = _REPORT_HEAD.size
    know = record[at : at + 8]
    at += 8
    case = record[at : at + 8] if flags & _CASE else b""
    at += len(case)
    label, role, channel, evidence, handling, technique, basis = _words(
        record, at, 7
    )
    return {
        "type": REPORT,
        "on": on,
        "seen": seen,
        "expires": end,
        "confidence": confidence,
        "know": know,
        "case": case,
        "spoofed": bool(flags & _SPOOFED),
        "test": bool(flags & _TEST),
        "label": label,
        "role": role,
        "channel": channel,
        "evidence": evidence,
        "handling": handling,
        "technique": tuple(technique.split(",")) if technique else (),
        "basis": _read_list(basis),
    }


def _words(record: bytes, at: int, count: int) -> list[str]:
    words = record[at:].decode("ascii").split(" ")
    if len(words) != count:
        raise ValueError(f"{len(words)} words")
    return words


def _read_list(text: str) -> tuple[Position, ...]:
    if not text:
        return ()
    pairs = (item.rsplit(":", 1) for item in text.split(","))
    return tuple((origin, int(index)) for origin, index in pairs)
