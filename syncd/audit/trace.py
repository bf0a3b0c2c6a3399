"""One entry's life: who had it when, each step with a proof of its own."""

from collections import defaultdict
from itertools import chain
from typing import Any

from syncd.audit import known
from syncd.audit.result import Audit, AuditedLog, Line
from syncd.errors import UntrustedError, UsageError
from syncd.indicator import receipt
from syncd.indicator.leaf import Record, open_bundle
from syncd.tlog import checkpoint, merkle, note, proof, tiles


def trace(audit: Audit, origin: str, index: int) -> dict[str, Any]:
    """Return an entry's life; of each member and role the first line of it.

    A step's proof is a C2SP tlog-proof: the entry is in the tree whose
    checkpoint stands below, with the line that says so and its time.

    Raises:
        UsageError: there is no such entry in the bundle.
    """
    head, *_ = entry(audit, origin, index)
    log = audit.logs[origin]
    return {
        "origin": origin,
        "index": index,
        "leaf": head.hex(),
        "steps": [
            line._asdict() | {"proof": _proof(audit, log, index, line)}
            for line in log.had(index)
        ],
        "quorum": _public(audit, log, index),
        "later": [*_later(audit, origin, index)],
    }


def anchor_of(audit: Audit, one: receipt.Receipt) -> int:
    """Return the index of the anchor, in its log, that names a receipt.

    Raises:
        UntrustedError: none that is in the bundle does.
    """
    log, head = audit.logs.get(one.origin), receipt.head(one.named)
    if log and one.hash in chain(*one.named):
        for index, said in log.opened.items():
            if getattr(said, "access", "") == head:
                return index
    raise UntrustedError("look-up receipt: no anchor in the bundle names it")


def records(audit: Audit, log: AuditedLog, n: int) -> list[Record]:
    """Return the entries of one bundle of a log."""
    width = min(merkle.BUNDLE, log.head.size - n * merkle.BUNDLE)
    read, tail = audit.bundle.read, tiles.path(n, width)
    raw = read(f"{log.where}/tile/entries/{tail}")
    leaves = tiles.split_bundle(raw, width)
    raw = read(f"{log.where}/{'audit' if log.audit else 'payload'}/{tail}")
    return open_bundle(log.origin, raw, width, leaves)


def entry(audit: Audit, origin: str, index: int) -> Record:
    """Return an entry.

    Raises:
        UsageError: there is no such one in the bundle.
    """
    log = audit.logs.get(origin)
    if not log or not 0 <= index < log.head.size:
        raise UsageError(
            "{origin}:{index}: no such entry in the bundle",
            origin=origin[:100],
            index=index,
            known=", ".join(
                f"{o}:0–{g.head.size - 1}" for o, g in audit.logs.items()
            ),
        )
    n, at = divmod(index, merkle.BUNDLE)
    return records(audit, log, n)[at]


def _proof(audit: Audit, log: AuditedLog, index: int, line: Line) -> str:
    """Return the proof that a line's tree has the entry; "" of a larger one."""
    if line.size > log.head.size:
        return ""
    if line.role == "anchor":  # the checkpoint stands in its author's log
        origin, _, at = line.place.rpartition(":")
        said: Any = audit.logs[origin].opened[int(at)]
        signed = {one.origin: one.note for one in said.logs}[log.origin]
    else:
        signed = _signed(audit, log, line)
    names = proof.plan(index, line.size, log.head.size)
    fetched = [audit.bundle.read(f"{log.where}/tile/{x}") for x in names]
    return proof.text(index, log.head.size, fetched, signed)


def _signed(audit: Audit, log: AuditedLog, line: Line) -> bytes:
    """Return a line's note, with all lines that others have on that tree."""
    places = [line.place] + [
        other.place
        for other in log.lines
        if other.size == line.size and other.role != "anchor"
    ]
    first, *others = (
        note.parse(audit.bundle.read(place, checkpoint.MAX_SIZE))
        for place in dict.fromkeys(places)
    )
    same = (one.signatures for one in others if one.text == first.text)
    return bytes(note.add(first, *chain.from_iterable(same)))


def _public(
    audit: Audit, log: AuditedLog, index: int
) -> dict[str, Any] | None:
    """Return the first tree with an entry that the policy's quorum has."""
    roster = audit.rosters[0]
    active = {member.id for member in roster.active()}
    cosigned = defaultdict[int, list[Line]](list)
    for line in log.lines:
        if line.role != "anchor" and line.size > index:
            cosigned[line.size].append(line)
    for size, lines in sorted(cosigned.items()):
        who = active.intersection(line.signer for line in lines)
        if len(who) >= known.quorum(roster):
            text = _proof(audit, log, index, lines[0])
            return {"size": size, "members": sorted(who), "proof": text}
    return None


def _later(audit: Audit, origin: str, index: int) -> list[dict[str, Any]]:
    """Return what was said of it afterwards, as far as that is open here."""
    found = []
    for log in audit.logs.values():
        for at, said in log.opened.items():
            own = log.origin == origin
            if (
                (own and index in getattr(said, "ends", ()))
                or (origin, index) in getattr(said, "about", ())
                or any(
                    own and start <= index < min(stop, at)
                    for start, stop in getattr(said, "ranges", ())
                )
            ):
                what = type(said).__name__.lower()
                row = {"what": what, "origin": log.origin, "index": at}
                found.append(row | {"first": log.first_seen(at)})
    return found
