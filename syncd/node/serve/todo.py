"""The to-dos of a member: one message for each thing that is wrong.

A thing to do names the command with which it is begun. What has none cannot
be done here and now, and is a note, as is what is not wrong yet. Pure: a
member's state goes in.
"""

import time
from collections.abc import Iterator

from syncd.errors import Message
from syncd.flows.dispute_state import DisputeState
from syncd.node.pinned import MAX_SKEW_S, SIGN_S
from syncd.node.serve.member_state import MemberState

DAY_S = 86_400
FAILING = 3  # failures in a row that are worth a to-do
DISPUTES = 10  # that are named one by one
SOON_S = 60 * DAY_S  # what ends within is named
NAMED = 8  # members in one sentence


def of(state: MemberState) -> list[Message]:
    """Return what there is to do, what hinders us most first."""
    return [m for m in _all(state) if _is_todo(m)]


def notes(state: MemberState) -> list[Message]:
    """Return what a person should know, and cannot do or need not yet."""
    rest = [m for m in _all(state) if not _is_todo(m)]
    return [*rest, *_soon(state)]


def _is_todo(message: Message) -> bool:
    return "syncd " in message.template


def _all(state: MemberState) -> Iterator[Message]:
    yield from state.remarks
    for part in (_ours, _others, _away, _logs, _disputes, _held):
        yield from part(state)


def _ours(state: MemberState) -> Iterator[Message]:
    if abs(state.skew_s) > MAX_SKEW_S:
        yield Message(
            "clock: {s} s off the others': set it (timedatectl set-ntp true);"
            " syncd doctor shows each; until then we neither publish nor"
            " cosign",
            s=abs(state.skew_s),
        )
    roster = state.roster
    if not roster.merging:
        yield Message(
            "roster: its format {format} is newer than this syncd {version}:"
            " logs are mirrored, and not merged until it is upgraded and runs"
            " anew (syncd run)",
            roster,
            version=state.version,
        )
    left = roster.expires - state.now
    if roster.expired:
        yield Message(
            "roster: version {version} has expired: ask the admins to sign"
            " and publish the next one (syncd roster renew)",
            roster,
        )
    elif state.renewal or left <= SIGN_S:
        yield state.renewal or _expires(state)
    if state.daemons and not any(one.leads for one in state.daemons):
        yield Message(
            "daemons: none of {n} leads: nothing is published or merged; the"
            " log of each says why (syncd doctor)",
            n=len(state.daemons),
        )
    elif state.appending and not state.follows:
        yield Message(
            "publishing: {why}; {n} reports wait; syncd doctor says more",
            why=state.appending,
            n=sum(state.waiting().values()),
        )


def _expires(state: MemberState) -> Message:
    return Message(
        "roster: version {version} expires in {days} days: ask the admins for"
        " the next one (syncd roster renew)",
        state.roster,
        days=(state.roster.expires - state.now) // DAY_S,
    )


def _others(state: MemberState) -> Iterator[Message]:
    """Yield who does not answer; if it is all of them, it is rather we."""
    down = [h.member for h in state.holders if not h.up]
    up, names = len(state.holders) - len(down), ", ".join(down)
    most = max((k.t for k in state.keys), default=0)
    told = {
        h.member for h in state.holders if h.away[0] <= state.now < h.away[1]
    }
    if down and up < most:
        yield Message(
            "holders: {up} of the {t} needed are up: phones and accounts are"
            " unknown, and {n} reports wait; syncd doctor says where it ends;"
            " call {names}",
            up=up,
            t=most,
            n=sum(n for k, n in state.waiting().items() if k != "url"),
            names=names,
        )
    elif {*down} - told:
        yield Message(
            "holders: {names} down: syncd doctor says where it ends; call"
            " them; {up} still answer, {t} are needed",
            names=names,
            up=up,
            t=most,
        )
    thin = [k for k in state.keys if k.spare == 0 < k.shares - k.t]
    for left in sorted({k.up for k in thin if not down}):
        keys = [f"{k.kind}/{k.epoch}" for k in thin if k.up == left]
        yield Message(
            "keys: {keys}: of their holders only {names} answer, exactly as"
            " many as are needed: with one less phones and accounts are"
            " unknown; syncd doctor says where the others end",
            keys=", ".join(keys),
            names=", ".join(left),
        )
    silent = [m.member for m in state.members if m.state == "silent"]
    silent = [member for member in silent if member not in down]
    if silent and not state.cut_off:
        yield Message(
            "silent: {n} members do not answer ({names}): syncd doctor says"
            " where it ends; call them",
            n=len(silent),
            names=", ".join(silent[:NAMED]) + " …" * (len(silent) > NAMED),
        )


def _away(state: MemberState) -> Iterator[Message]:
    """Yield which holders told when they will not answer."""
    for one in state.holders:
        start, end = (
            time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(moment))
            for moment in one.away
        )
        if state.now < one.away[1]:
            yield Message(
                "holders: {member} told that it is away from {start} to {end}",
                one,
                start=start,
                end=end,
            )


def _logs(state: MemberState) -> Iterator[Message]:
    for log in state.logs:
        if log.contested:
            yield Message(
                "FORK: {origin} signed two histories, or another than the"
                " roster's: call {member} and the admins, who decide by syncd"
                " roster cut; its reports count as user_tag until then ({why})",
                log,
                why=log.why or Message("both are kept as evidence"),
            )
        elif log.missing:
            yield Message(
                "withheld: {n} payloads of {origin} are nowhere to be had:"
                " syncd doctor {member}, then call it",
                log,
                n=log.missing,
            )
        elif log.lag and log.why and state.roster.merging:
            yield Message(
                "behind: {n} entries of {origin}: {why}; syncd doctor"
                " {member} says where it ends",
                log,
                n=log.lag,
            )
    for target in state.notify:
        if target.why and target.failures >= FAILING:
            yield Message(
                "notify: {target} takes nothing ({why}), {n} wait: mend it, then"
                " see syncd status",
                target,
                n=target.waiting,
            )


def _disputes(state: MemberState) -> Iterator[Message]:
    """Yield what is to be answered, and whose answer is not coming.

    Silence does not weaken an official report, so its author is called; an
    unofficial one is disputed meanwhile by itself.
    """
    found = [_answer(one) for one in state.disputes if not one.by_us]
    found += [
        Message(
            "dispute: {member} has not answered ours of official reports of its"
            " by {day} ({origin}:{index}): call the contact that the roster"
            " names for {member}: syncd roster show",
            member=member,
            day=one.due,
            origin=one.position[0],
            index=one.position[1],
        )
        for one in state.disputes
        if one.by_us and one.state == "overdue"
        for member in one.asked
    ]
    yield from found[:DISPUTES]
    if len(found) > DISPUTES:
        yield Message(
            "disputes: {n} more: syncd dispute list", n=len(found) - DISPUTES
        )


def _answer(one: DisputeState) -> Message:
    return Message(
        "dispute: {member} says {dispute_reason} of {n} reports of ours:"
        " answer by {day}: syncd report answer --dispute {origin}:{index}"
        if one.state == "open"
        else "dispute: {member} says {dispute_reason} of {n} reports of ours, and"
        " should have had an answer by {day}; until then the unofficial ones"
        " are disputed, and for official ones our contacts are called: syncd"
        " report answer --dispute {origin}:{index}",
        one,
        dispute_reason=one.reason,
        n=sum(report.answer is None for report in one.reports),
        day=one.due,
        origin=one.position[0],
        index=one.position[1],
    )


def _held(state: MemberState) -> Iterator[Message]:
    waiting, overdue = state.held
    if state.appeals:
        yield Message(
            "appeals: {n} measures to look at again: syncd appeal list",
            n=state.appeals,
        )
    if waiting:
        yield Message(
            "review: {n} wait for a second person, each for a day: syncd"
            " pending list",
            n=waiting,
        )
    if overdue:
        yield Message(
            "review: {n} went at once by one person, and nobody has looked at"
            " them within a day: syncd pending list --state after",
            n=overdue,
        )
    if not state.keys:
        yield Message(
            "keys: none yet: phones and accounts wait until the holders have"
            " held a ceremony: syncd ceremony"
        )


def _soon(state: MemberState) -> Iterator[Message]:
    """Yield where whoever is lost next stops something, and what will end."""
    keys = [f"{k.kind}/{k.epoch}" for k in state.keys if k.shares <= k.t]
    if keys:
        yield Message(
            "keys: {keys}: every holder is needed: if one more is lost, phones"
            " and accounts are unknown; no holder can be added yet",
            keys=", ".join(keys),
        )
    if state.admins <= state.admins_needed:
        yield Message(
            "admins: all {n} must sign: if one key is lost, no roster can be"
            " signed any more; syncd roster admin add drafts one more",
            n=state.admins,
        )
    if SIGN_S < state.roster.expires - state.now <= SOON_S:
        yield _expires(state)
    for row in state.members:
        days = row.certificate_days
        if days is None or days * DAY_S > SOON_S:
            continue
        yield Message(
            "certificate: ours ends in {days} days by its own date;"
            " nothing stops then, members know it by its key; syncd join"
            " update makes another"
            if row.state == "self"
            else "certificate: that of {member} ends in {days} days by its own"
            " date; nothing stops then; tell it to make another: syncd"
            " join update",
            row,
            days=days,
        )
