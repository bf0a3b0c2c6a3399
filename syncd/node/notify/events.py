"""Which event is told outside, to whom, and in which words.

What leaves the house has no value and no token: numbers, codes, member ids,
origins, positions and days, each known by its name (`messages.wire`) and its
look. Other fields of an event stay here.
"""

import datetime
import re
import string
from collections.abc import Collection, Mapping
from typing import NamedTuple

import msgspec

from syncd.config.settings import Role
from syncd.errors import Message
from syncd.messages import catalogue, wire
from syncd.messages.catalogue import later
from syncd.store.events import StoredEvent
from syncd.store.notices import Notice


class Route(NamedTuple):
    """To whom an event is told, and its sentence."""

    role: Role
    text: str


EVENTS: Mapping[str, Route | None] = {  # None: not told outside
    "log": None,
    "published": None,
    "receipt": None,
    "roster": Route("admin", later("roster: version {version} is in force")),
    "draft": Route("admin", later("roster: a draft waits for signatures")),
    "expiry": Route("admin", later("{code} of {member}: ends in {days} days")),
    "todo": Route("duty", later("to do: {why}")),
    "done": Route("duty", later("no more to do: {why}")),
    "finding": Route("duty", later("finding {code} in {origin}: {why}")),
    "peer": Route("duty", later("member {member}: {state}")),
    "cut_off": Route("duty", later("cut off from the other members: {state}")),
    "urgent": Route("duty", later("urgent news in {origin}, from {index} on")),
    "turned": Route(
        "duty", later("a look-up turned: report {origin} {index}")
    ),
    "retract": Route("duty", later("{origin} took back {n} reports")),
    "undo": Route("compliance", later("a measure to look at again")),
    "dispute": Route(
        "compliance", later("{origin} disputes a report of ours, {index}")
    ),
    "answer": Route("compliance", later("{origin} answered our dispute")),
    "lift": Route("compliance", later("{origin} lifted a report of ours")),
    "screening": Route("compliance", later("screening: customers changed")),
}


# Ids, codes, origins and days; of digits never as many as a number has.
_CODES = re.compile(r"(?!.*\d{7})[\w.,: /-]*", re.ASCII)


def compose(
    event: StoredEvent, roles: Collection[Role], alliance: str, member: str
) -> bytes | None:
    """Return an event of a member for a target; None if that is not told it."""
    route = EVENTS.get(event.name)
    if route is None or route.role not in roles:
        return None
    known = {k: v for k, v in event.data.items() if v is not None}
    data = {
        name: value
        for name, value in wire.parts(Message("", **known))["params"].items()
        if not isinstance(value, str) or _CODES.fullmatch(value)
    }
    why = wire.read({**event.data, "detail": "", "quoted": {}})
    words = dict.fromkeys(_names(route.text), "…")
    at = datetime.datetime.fromtimestamp(event.at, datetime.UTC)
    notice = {
        "id": name_of(alliance, member, event),
        "alliance": alliance,
        "member": member,
        "type": f"syncd.{event.name}",
        "timestamp": at.isoformat().replace("+00:00", "Z"),
        "role": route.role,
        "text": catalogue.t(
            route.text, **{**words, **data, "why": catalogue.say(why)}
        ),
        "data": data,
    }
    return msgspec.json.encode(notice)


def name_of(alliance: str, member: str, event: StoredEvent | Notice) -> str:
    """Return what an event is called everywhere, whoever tells it again.

    Its time tells it from one that a restored database has forgotten.
    """
    return f"{alliance}-{member}-{event.number}-{event.at}"


def _names(text: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(text) if name]
