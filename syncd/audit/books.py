"""What logs say of others and of themselves, held against all logs here.

A log's own book-keeping is open to auditors: checkpoints of others that its
author has merged (anchors), the rosters that it accepted, erasures, and what
a holder evaluated for whom.
"""

from collections import Counter
from collections.abc import Callable, Iterable

from syncd.audit import known
from syncd.audit.result import Audit, AuditedLog, Line
from syncd.errors import Message, SyncdError
from syncd.flows import excess
from syncd.indicator.leaf import INDICATOR_TYPES
from syncd.indicator.statement import (
    Anchor,
    AnchoredLog,
    Erase,
    RosterAccepted,
    Usage,
)
from syncd.roster.terms import PUBLISH
from syncd.tlog import checkpoint
from syncd.tlog.checkpoint import Checkpoint

Find = Callable[[str, str, Message], None]
"""(code, place, what is wrong)"""
Fits = Callable[[AuditedLog, Checkpoint, str, str], bool]
"""(log, head, place, code of a finding) → whether the head is of its history"""


def check(audit: Audit, fits: Fits, find: Find) -> None:
    """Check all logs' books; what they prove of times becomes lines."""
    for log in audit.logs.values():
        for index, said in log.opened.items():
            place = f"{log.origin}:{index}"
            match said:
                case Anchor(logs=anchored):
                    at = log.first_seen(index)
                    for one in anchored:
                        line = Line(log.member, "anchor", one.size, at, place)
                        _anchor(
                            audit.logs.get(one.origin), one, line, fits, find
                        )
                case RosterAccepted(version=version, hash_=hash_):
                    roster = known.first(audit.rosters, version)
                    if roster is None or roster.hash != hash_:
                        text = Message(
                            "version {version}, {hash}…",
                            version=version,
                            hash=hash_[:16],
                        )
                        find("roster_differs", place, text)
                case Erase(ranges=ranges):
                    _erasure(index, ranges, place, find)
                case _:
                    pass
    _usage(audit, find)


def _anchor(
    log: AuditedLog | None,
    one: AnchoredLog,
    line: Line,
    fits: Fits,
    find: Find,
) -> None:
    if log is None:
        return
    head = Checkpoint(one.origin, one.size, bytes.fromhex(one.root))
    try:
        checkpoint.open_(f"{head}\n{one.line}\n".encode(), log.key)
    except SyncdError as e:
        find("anchor_unsigned", line.place, e.text)
        return
    if fits(log, head, line.place, "anchor_otherwise") and line.at:
        log.lines.append(line)


def _erasure(
    index: int, ranges: Iterable[tuple[int, int]], place: str, find: Find
) -> None:
    for start, stop in ranges:
        if stop > index:
            text = Message("{start} to {stop}", start=start, stop=stop)
            find("erase_breach", place, text)


def _usage(audit: Audit, find: Find) -> None:
    """Hold the holders' usage against what members' logs have."""
    had, gave = Counter[str](), Counter[tuple[str, str]]()
    for log in audit.logs.values():
        had[log.member] += sum(log.types[t] for t in INDICATOR_TYPES)
        for said in log.opened.values():
            if isinstance(said, Usage):
                for member, purpose, n, _ in said.rows:
                    if purpose == PUBLISH:
                        gave[log.member, member] += n
    for (holder, member), n in gave.items():
        if member in had and excess.excessive(n, had[member]):
            text = Message(
                "{holder} evaluated {n} for {member}, whose logs have {count}",
                holder=holder,
                n=n,
                member=member,
                count=had[member],
            )
            find("usage_excess", member, text)
