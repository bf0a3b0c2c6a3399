"""What a member could know of a value at a time, and had to conclude.

A member signs what it has merged, with the time of its own clock: it had that
much of a log. It can have had more, of what others had signed by then: where
anything is said of the value there, nobody can tell what it had to conclude.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import asdict

from syncd.audit.result import MERGED, Audit, AuditedLog, Line
from syncd.audit.trace import Facts, entry, records
from syncd.errors import UnavailableError, UsageError
from syncd.flows.log_files import bundles_of, type_of
from syncd.indicator import active, statement, verdict
from syncd.indicator.claims import Claim
from syncd.indicator.notation import DAYS, Position
from syncd.indicator.statement import ClaimStatement, Retract
from syncd.messages import catalogue
from syncd.tlog.merkle import BUNDLE


def had(log: AuditedLog, member: str, at: int) -> tuple[Line, int]:
    """Return what shows how much of a log a member had at a time; the most.

    Of its own it had what anybody had. What nobody is shown to have had by
    then is taken for not there, if anything of the log is.
    """
    lines = [x for x in log.lines if x.at <= at]
    mine = [
        x
        for x in lines
        if log.member == member or (x.signer == member and x.role in MERGED)
    ]
    least = max([Line(member, "", 0, 0, ""), *mine], key=lambda x: x.size)
    return least, max((x.size for x in lines), default=log.head.size)


def as_of(audit: Audit, member: str, at: int, of: Position) -> Facts:
    """Return what a member had to conclude at a time of what an entry is about.

    Raises:
        UnavailableError: there are leaves alone, or of this entry.
        UsageError: it was no member then, or there is no such entry.
    """
    roster = next((r for r in audit.rosters if r.issued <= at), None)
    if not (roster and roster.member(member)):
        raise UsageError("{member}: was no member then", member=member[:32])
    record = entry(audit, *of)
    said: Any = statement.decode(record[2], type_of(record))
    logs = [log for o, log in audit.logs.items() if roster.by_origin(o)]
    if not hasattr(said, "token") or any(x.audit for x in logs):
        place = f"{of[0]}:{of[1]}"
        raise UnavailableError("{place}: not said here", place=place)
    on, unsure, rows = list[Claim](), list[Position](), []
    for log in logs:
        line, most = had(log, member, at)
        some = [x for x in _naming(audit, log, said) if x.index < most]
        on += _stand([one for one in some if one.index < line.size])
        unsure += [
            one.position
            for one in some
            if one.index >= line.size or getattr(one.statement, "basis", None)
        ]
        rows.append({"origin": log.origin, "most": most} | line._asdict())
    day = datetime.fromtimestamp(at, ZoneInfo(roster.zone)).date().isoformat()
    judged = verdict.verdict([on], active.World(roster, DAYS[day]))
    return {
        "member": member,
        "at": at,
        "roster": roster.version,
        "verdict": "unknown" if unsure else judged.verdict,
        "least": asdict(judged),
        "unsure": unsure,
        "logs": rows,
        "unseen": [
            catalogue.t("what was erased, and what needs the value itself"),
            *map(catalogue.say, audit.unseen),
        ],
    }


def _naming(audit: Audit, log: AuditedLog, about: Any) -> Iterator[Claim]:
    """Yield what a log says of a token, but who met it."""
    first = Claim("", 0, about)
    for n, _ in bundles_of(log.head.size):
        for index, record in enumerate(records(audit, log, n), n * BUNDLE):
            if about.token.encode() in record[2]:
                said: Any = statement.decode(record[2], type_of(record))
                one = Claim(log.origin, index, said)
                judged = isinstance(said, ClaimStatement | Retract)
                if judged and active.name(one) == active.name(first):
                    yield one


def _stand(some: list[Claim]) -> Iterator[Claim]:
    """Yield what stands after all that one log says of a token."""
    ended = set[int]()
    for one in reversed(some):
        said: Any = one.statement
        if isinstance(said, Retract):
            ended.update(said.ends)
        elif one.index not in ended:
            yield one
