"""Which event is told outside, to whom, and in which words.

What leaves the house has no value, no token and nothing that a report says:
member ids, positions, counts, days and states, by their names and their look.
Other fields of an event stay here.
"""

import datetime
from collections.abc import Collection

import msgspec

from syncd.config.settings import Role
from syncd.messages.events import plain, said
from syncd.store.events import StoredEvent

INSIDE = {"changes", "log", "published", "receipt"}  # not told outside
ROLES = {
    name: role
    for role, names in {
        "admin": "roster draft expiry",
        "duty": "todo done finding peer cut_off urgent turned retract",
        "reviewer": "waiting lapsing",
        "compliance": "undo dispute answer lift screening audit",
    }.items()
    for name in names.split()
}
WHY = {"code", "detail_code", "params"}  # a message, by its code
# What may leave: where and when something was, never what a report says.
OUTSIDE = {
    *("by_us", "code", "count", "days", "dispute", "due", "expires", "index"),
    *("member", "n", "origin", "outcome", "overdue", "reports", "state"),
    *("access", "contacts", "id", "target", "version"),
}


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
        if (value := plain(event.data[name])) is not None
    }
    why = {n: event.data[n] for n in WHY & event.data.keys()}
    at = datetime.datetime.fromtimestamp(event.at, datetime.UTC)
    notice = {
        "id": name_of(alliance, member, event),
        "alliance": alliance,
        "member": member,
        "type": f"syncd.{event.name}",
        "timestamp": at.isoformat().replace("+00:00", "Z"),
        "role": role,
        "text": said(event.name, {**data, **why}),
        "data": data,
    }
    return msgspec.json.encode(notice)


def name_of(alliance: str, member: str, event: StoredEvent) -> str:
    """Return what an event is called everywhere, whoever tells it again.

    Its time tells it from one that a restored database has forgotten.
    """
    return f"{alliance}-{member}-{event.number}-{event.at}"
