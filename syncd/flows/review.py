"""Two-person work: what one person hands in, a second one looks at.

open ──▶ waiting ──confirm──▶ confirmed ──▶ done, or failed
├──refuse──▶ refused
└──a day───▶ lapsed
after ──confirm──▶ seen        went at once, is looked at afterwards
└─────refuse───▶ wrong
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from syncd.errors import MalformedError, RefusedError
from syncd.flows.ports import Position
from syncd.shape import EMPTY, Form

DAY_S = 86_400  # until what waits lapses, or what went is overdue
_NEXT = {
    ("waiting", True): "confirmed",
    ("waiting", False): "refused",
    ("after", True): "seen",
    ("after", False): "wrong",
}


class Person(Struct, frozen=True, forbid_unknown_fields=True):
    """Who called: a token, and whose it is."""

    name: str  # of the token
    role: str
    id: int = 0
    staff: str = ""  # number of the person whose it is
    person: str = ""  # and the name

    @property
    def whose(self) -> str:
        """Who that is, whichever token they use; without a number the token."""
        return self.staff.strip().casefold() or f"/{self.id}"


class Change(Struct, frozen=True, forbid_unknown_fields=True):
    """How much of one sort would be said, or would end."""

    what: str  # report, dispute, …; exempt, note, local
    kind: str
    label: str  # a code
    n: int  # below 0: so many end


class Held(Form, omit_defaults=True):
    """One call that waits, or went and is to be looked at; unix seconds."""

    id: int = 0
    state: str
    call: str  # the route
    by: Person
    at: int
    until: int  # it lapses, or is overdue
    changes: tuple[Change, ...] = ()
    rows: tuple[int, ...] = ()  # ids of what would end: the first thousand
    about: Position | None = None  # the dispute that it answers
    list: str = ""  # its name
    import_: int = 0
    decided: Person | None = None
    decided_at: int = 0
    why: str = ""
    problem: dict[str, Any] = EMPTY  # of what was confirmed and failed

    @property
    def n(self) -> int:
        """How many values would change."""
        return sum(abs(one.n) for one in self.changes)

    @property
    def news(self) -> dict[str, int]:
        """What its events say."""
        return {"id": self.id, "n": self.n}


def decided(
    held: Held,
    who: Person,
    now: int,
    why: str,
    staff: Iterable[str] = (),
    *,
    right: bool,
) -> Held:
    """Return it as a second person decides; the same said twice is once.

    `staff` are the numbers of others who handed in parts of it.

    Raises:
        RefusedError: that is no second person, or nothing waits.
        MalformedError: it is refused, and not said why.
    """
    if not who.staff:
        raise RefusedError("review: your token belongs to no person")
    first = {held.by.whose, *(n.strip().casefold() for n in staff)}
    if who.whose in first or who.id == held.by.id:
        raise RefusedError("review: whoever handed it in is no second person")
    if held.decided == who and right != (held.state in ("refused", "wrong")):
        return held
    state = _NEXT.get((held.state, right))
    if not state or (held.state == "waiting" and now >= held.until):
        raise RefusedError("review: {id} waits for nobody now", held)
    if not (right or why):
        raise MalformedError("why: say why it is refused")
    return replace(held, state=state, decided=who, decided_at=now, why=why)


def merged(old: Held, new: Held) -> Held:
    """Return one held call with what another part of it adds."""
    changes = summed((*old.changes, *new.changes))
    return replace(new, id=old.id, changes=changes)


def summed(some: Iterable[Change]) -> tuple[Change, ...]:
    """Return one of each sort."""
    sums = Counter[tuple[str, str, str]]()
    for one in some:
        sums[one.what, one.kind, one.label] += one.n
    return tuple(Change(*key, n) for key, n in sums.items())
