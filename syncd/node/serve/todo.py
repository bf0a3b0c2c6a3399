"""The to-dos of a member: one message for each thing that is wrong.

Pure: a member's state goes in.
"""

from collections.abc import Iterator

from syncd.errors import Message
from syncd.node.serve.member_state import MemberState
from syncd.web.claim_forms import DisputeItem

DAY_S = 86_400
FAILING = 3  # failures in a row that are worth a to-do
DISPUTES = 10  # that are named one by one
SOON_S = 14 * DAY_S  # a roster that expires within is named


def of(state: MemberState) -> list[Message]:
    """Return what there is to do, what hinders us most first."""
    return [
        *state.remarks,
        *_clock(state),
        *_roster(state),
        *_appending(state),
        *_holders(state),
        *_logs(state),
        *_notify(state),
        *_disputes(state),
        *_keys(state),
    ]


def _clock(state: MemberState) -> Iterator[Message]:
    if abs(state.skew_s) > state.max_skew_s:
        yield Message(
            "clock: {s} s off the others': set it (NTP); until then we"
            " neither publish nor cosign",
            s=abs(state.skew_s),
        )


def _roster(state: MemberState) -> Iterator[Message]:
    roster = state.roster
    if not roster.merging:
        yield Message(
            "roster: its format {format} is newer than this syncd {version}:"
            " logs are mirrored, and not merged until it is upgraded",
            format=roster.format,
            version=state.version,
        )
    left = roster.expires - state.now
    if roster.expired:
        yield Message(
            "roster: version {version} has expired: ask the admins to sign"
            " and publish the next one",
            version=roster.version,
        )
    elif left <= SOON_S:
        yield Message(
            "roster: version {version} expires in {days} days: ask the admins"
            " for the next one",
            version=roster.version,
            days=left // DAY_S,
        )


def _appending(state: MemberState) -> Iterator[Message]:
    why, waiting = state.appending, sum(state.waiting().values())
    if why and waiting:
        yield Message(
            "publishing: {why}; {n} reports wait", why=why, n=waiting
        )
    elif why:
        yield Message("publishing: {why}", why=why)


def _holders(state: MemberState) -> Iterator[Message]:
    down = [h.member for h in state.holders if not h.up]
    if not down:
        return
    up, names = len(state.holders) - len(down), ", ".join(down)
    most = max((k.t for k in state.keys), default=0)
    waits = sum(n for kind, n in state.waiting().items() if kind != "url")
    if up >= most:
        yield Message(
            "holders: {names} down: call them; {up} still answer",
            names=names,
            up=up,
        )
    elif waits:
        yield Message(
            "holders: {up} of the {t} needed are up: phones and accounts are"
            " unknown, and {n} reports wait; call {names}",
            up=up,
            t=most,
            n=waits,
            names=names,
        )
    else:
        yield Message(
            "holders: {up} of the {t} needed are up: phones and accounts are"
            " unknown; call {names}",
            up=up,
            t=most,
            names=names,
        )


def _logs(state: MemberState) -> Iterator[Message]:
    for log in state.logs:
        place = {"origin": log.origin, "member": log.member}
        if log.contested and log.why:
            yield Message(
                "FORK: {origin} signed two histories, or another than the"
                " roster's: call {member} and the admins; its reports count"
                " as user_tag until that is settled ({why})",
                why=log.why,
                **place,
            )
        elif log.contested:
            yield Message(
                "FORK: {origin} signed two histories, or another than the"
                " roster's: call {member} and the admins; its reports count"
                " as user_tag until that is settled",
                **place,
            )
        elif log.missing:
            yield Message(
                "withheld: {n} payloads of {origin} are nowhere to be had:"
                " call {member}",
                n=log.missing,
                **place,
            )
        elif log.lag and log.why and state.roster.merging:
            yield Message(
                "behind: {n} entries of {origin}: {why}",
                n=log.lag,
                origin=log.origin,
                why=log.why,
            )


def _notify(state: MemberState) -> Iterator[Message]:
    for target in state.notify:
        if target.why and target.failures >= FAILING:
            yield Message(
                "notify: {target} takes nothing ({why}), {n} wait: mend it, then"
                " see syncd status",
                target=target.target,
                why=target.why,
                n=target.waiting,
            )


def _disputes(state: MemberState) -> Iterator[Message]:
    """Yield what is to be answered, and whose answer is not coming.

    Silence does not weaken an official report, so its author is called; an
    unofficial one is disputed meanwhile by itself.
    """
    found = []
    for one in state.disputes:
        if one.side == "against_us":
            found.append(_answer(one))
        elif one.state == "overdue":
            found += _silent(one)
    yield from found[:DISPUTES]
    if len(found) > DISPUTES:
        yield Message(
            "disputes: {n} more: syncd dispute list", n=len(found) - DISPUTES
        )


def _answer(one: DisputeItem) -> Message:
    about: dict[str, int | str] = {
        "member": one.member,
        "reason": one.reason,
        "n": sum(report.answer is None for report in one.reports),
        "day": one.due,
        "origin": one.position[0],
        "index": one.position[1],
    }
    if one.state == "open":
        return Message(
            "dispute: {member} says {reason} of {n} reports of ours: answer by"
            " {day}: syncd report answer --dispute {origin}:{index}",
            **about,
        )
    return Message(
        "dispute: {member} says {reason} of {n} reports of ours, and should"
        " have had an answer by {day}; until then the unofficial ones are"
        " disputed, and for official ones our contacts are called: syncd"
        " report answer --dispute {origin}:{index}",
        **about,
    )


def _silent(one: DisputeItem) -> Iterator[Message]:
    waiting = [r for r in one.reports if r.answer is None and r.official]
    for member in sorted({report.member for report in waiting}):
        yield Message(
            "dispute: {member} has not answered ours of official reports of its"
            " by {day} ({origin}:{index}): call the contact that the roster"
            " names for {member}: syncd roster show",
            member=member,
            day=one.due,
            origin=one.position[0],
            index=one.position[1],
        )


def _keys(state: MemberState) -> Iterator[Message]:
    dealt = [f"{k.kind}/{k.epoch}" for k in state.keys if k.dealt]
    if dealt:
        yield Message(
            "keys: {keys} were dealt by one machine, not drawn by a ceremony:"
            " replace them when the next epoch is due",
            keys=", ".join(dealt),
        )
