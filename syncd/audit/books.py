"""What logs say of others and of themselves, held against all logs here.

A log's own book-keeping is open to auditors: checkpoints of others that its
author has merged (anchors), the rosters that it accepted, erasures, and what
a holder evaluated for whom.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from syncd.audit.notes import Find
from syncd.audit.result import Audit, AuditedLog, Line
from syncd.errors import Message, SyncdError
from syncd.flows import excess, trial
from syncd.indicator.leaf import INDICATOR_TYPES
from syncd.indicator.notation import DAYS
from syncd.indicator.statement import (
    Anchor,
    AnchoredLog,
    Erase,
    Evidence,
    RosterAccepted,
    Usage,
)
from syncd.roster.quotas import DAY_S
from syncd.roster.terms import PUBLISH
from syncd.tlog import checkpoint

Fits = Callable[[AuditedLog, checkpoint.Checkpoint, str, str], bool | None]
"""(log, head, place, code of a finding) → whether the head is of its history"""


def check(audit: Audit, fits: Fits, find: Find) -> None:
    """Check all logs' books; what they prove of times becomes lines."""
    for log in audit.logs.values():
        _days(log, find)
        for index, said in log.opened.items():
            place = f"{log.origin}:{index}"
            match said:
                case Anchor(logs=anchored):
                    at = log.first_seen(index)
                    for one in anchored:
                        line = Line(log.member, "anchor", one.size, at, place)
                        _anchor(audit, one, line, fits, find)
                case RosterAccepted(version=version, hash_=hash_):
                    accepted(audit, version, hash_, place, find)
                case Erase(ranges=ranges):
                    for start, stop in ranges:
                        if stop > index:
                            text = Message(
                                "{start} to {stop}", start=start, stop=stop
                            )
                            find("erase_breach", place, text)
                case Evidence():
                    try:
                        why = trial.judge(said, audit.rosters[0])
                        find("convicts", place, why)
                    except SyncdError as e:
                        find("false_evidence", place, e.text)
    _usage(audit, find)


def _days(log: AuditedLog, find: Find) -> None:
    """Hold the days that entries bear against lines that do not have them.

    One more is let go: it is an earlier one elsewhere on earth.
    """
    for day, index in log.days.items():
        old = (line.at for line in log.lines if line.size <= index)
        if (at := max(old, default=0)) // DAY_S > DAYS[day] + 1:
            text = Message("{day}, cosigned at {at}", day=day, at=at)
            find("misdated", f"{log.origin}:{index}", text)


def accepted(
    audit: Audit, version: int, hash_: str, place: str, find: Find
) -> None:
    """Check that a version that somebody accepted is in the chain."""
    if (version, hash_) not in ((r.version, r.hash) for r in audit.rosters):
        text = Message(
            "version {version}, {hash}…", version=version, hash=hash_[:16]
        )
        find("roster_differs", place, text)


def _anchor(
    audit: Audit, one: AnchoredLog, line: Line, fits: Fits, find: Find
) -> None:
    log = audit.logs.get(one.origin)
    if not log:
        # A bundle of one log alone is not said to have others.
        if one.origin in audit.absent and len(audit.logs) > 1:
            find("log_gone", line.place, Message("{origin}: not here", one))
        return
    try:
        head, _ = checkpoint.open_(one.note, log.key)
    except SyncdError as e:
        find("anchor_unsigned", line.place, e.text)
        return
    if fits(log, head, line.place, "anchor_otherwise") and line.at:
        log.lines.append(line)


def _usage(audit: Audit, find: Find) -> None:
    """Hold the holders' usage against what members' logs have.

    Leaves have no day, so all days of a key are taken together.
    """
    had, gave = Counter[str](), defaultdict[Any, Counter[Any]](Counter)
    every = audit.rosters[0].authors.items()
    away = {member.id for o, member in every if o not in audit.logs}
    for log in audit.logs.values():
        had[log.member] += sum(log.types[t] for t in INDICATOR_TYPES)
        for said in log.opened.values():
            if isinstance(said, Usage):
                for member, purpose, n, _ in said.rows:
                    if purpose == PUBLISH:
                        gave[log.member, member][said.on, said.key] += n
    for (holder, member), days in gave.items():
        n, more = days.total(), excess.FLOOR * (len(days) - 1)
        known_whole = member in had and member not in away
        if known_whole and excess.excessive(n - more, had[member]):
            text = Message(
                "{holder} evaluated {n} for {member}, whose logs have {count}",
                holder=holder,
                n=n,
                member=member,
                count=had[member],
            )
            find("usage_excess", member, text)
