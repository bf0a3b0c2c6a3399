"""Which event is told outside, to whom, and in which words.

What leaves the house has no value, no token and nothing that a report says:
member ids, positions, counts, days and states, by their names and their look.
Other fields of an event stay here.
"""

import datetime
import re
from collections import defaultdict
from collections.abc import Collection, Mapping

import msgspec

from syncd.config.settings import Role
from syncd.messages import catalogue, wire
from syncd.messages.catalogue import later
from syncd.store.events import StoredEvent

INSIDE = {"changes", "log", "published", "receipt"}  # not told outside
TEXTS: Mapping[Role, Mapping[str, str]] = {
    "admin": {
        "roster": later("roster: version {version} is in force"),
        "draft": later("roster: version {version} lacks {n} signatures"),
        "expiry": later("{code} of {member}: ends in {days} days"),
    },
    "duty": {
        "todo": later("to do: {why}"),
        "done": later("no more to do: {why}"),
        "finding": later("finding {code} in {origin}: {why}"),
        "peer": later("member {member}: {state}"),
        "cut_off": later("cut off from the other members: {state}"),
        "urgent": later("urgent news in {origin}, from {index} on"),
        "turned": later("look-up {access} turned bad: {origin}:{index}"),
        "retract": later("{origin} took back {n} reports"),
    },
    "compliance": {
        "undo": later("measures to look at again: {n}"),
        "dispute": later("dispute {origin}:{index}: to be answered by {due}"),
        "answer": later("{origin} answered our dispute: {outcome}"),
        "lift": later("{origin}:{index} lifts of ours {reports}"),
        "screening": later("screening: {n} customers were {state}"),
    },
}
ROLES = {name: role for role, texts in TEXTS.items() for name in texts}
# What may leave: where and when something was, never what a report says.
OUTSIDE = {
    *("by_us", "code", "count", "days", "dispute", "due", "expires", "index"),
    *("member", "n", "origin", "outcome", "overdue", "reports", "state"),
    *("access", "contacts", "id", "target", "version"),
}
# Ids, codes, origins and days; of digits never as many as a number has.
_CODES = re.compile(r"(?!.*\d{9})[\w.,: /-]*", re.ASCII)


def compose(
    event: StoredEvent, roles: Collection[Role], alliance: str, member: str
) -> bytes | None:
    """Return an event of a member for a target; None if that is not told it."""
    role = ROLES.get(event.name)
    if role is None or role not in roles:
        return None
    data = {
        name: value
        for name in sorted(OUTSIDE & event.data.keys())
        if (value := _plain(event.data[name])) is not None
    }
    why = wire.read({**event.data, "detail": "", "quoted": {}})
    words = defaultdict(lambda: "…", data, why=catalogue.say(why))
    at = datetime.datetime.fromtimestamp(event.at, datetime.UTC)
    notice = {
        "id": name_of(alliance, member, event),
        "alliance": alliance,
        "member": member,
        "type": f"syncd.{event.name}",
        "timestamp": at.isoformat().replace("+00:00", "Z"),
        "role": role,
        "text": catalogue.t(TEXTS[role][event.name]).format_map(words),
        "data": data,
    }
    return msgspec.json.encode(notice)


def name_of(alliance: str, member: str, event: StoredEvent) -> str:
    """Return what an event is called everywhere, whoever tells it again.

    Its time tells it from one that a restored database has forgotten.
    """
    return f"{alliance}-{member}-{event.number}-{event.at}"


def _plain(value: object) -> int | str | None:
    """Return a value as it may leave; positions as `origin:index`."""
    if isinstance(value, list):
        position = [*map(type, value)] == [str, int]
        value = (":" if position else ", ").join(str(_plain(v)) for v in value)
    if isinstance(value, int) or (
        isinstance(value, str) and _CODES.fullmatch(value)
    ):
        return value
    return None
