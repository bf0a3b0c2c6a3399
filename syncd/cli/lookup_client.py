"""Ask the daemon for verdicts, and again for those that stay unknown.

An `unknown` is no answer: a holder was slow, or away. It is asked again for
as long as its batch took, while that still brings answers.
"""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field

from syncd.cli.api_client import ApiClient
from syncd.cli.grid import Item, moment
from syncd.cli.terminal import tell
from syncd.errors import QuotaError, UnavailableError
from syncd.messages import answers, catalogue, wire
from syncd.messages.catalogue import t

RESTART_S = 300.0  # waited in all for a daemon that has answered before
PAUSE_S = 1.0  # before asking again: a holder that restarts is back soon
NAMED = 5  # members that are named in a line
USED_UP = "member.quota_used_up"  # the code of what a holder says to it
LATE = frozenset({"holders_missing", "basis_unread"})  # may be known later


class Question(Struct):
    """What was asked with one purpose, and what the answers rest on."""

    _own: ApiClient
    _call: Item  # all but the items
    _begun: bool = False  # the daemon has answered
    _hopeless: bool = False  # asking again has brought nothing
    _as_of: dict[str, Item] = {}  # by member, the oldest
    _whys: Counter[str] = field(default_factory=Counter)  # of what is unknown
    _ours: int = 0  # items on lists of our own
    _expired: bool = False  # the roster
    _contested: set[str] = set()
    _distrusted: dict[str, int] = {}  # members, since when

    def ask(self, items: Sequence[Item]) -> list[Item]:
        """Return the answers to some items, in their order."""
        began = time.monotonic()
        found = self._post(items)
        took = time.monotonic() - began
        late = [at for at, one in enumerate(found) if _late(one)]
        if late and not self._hopeless:
            until = time.monotonic() + took + PAUSE_S
            time.sleep(PAUSE_S)
            while late and not self._hopeless:
                for at, one in zip(
                    late, self._post([items[at] for at in late]), strict=True
                ):
                    found[at] = one
                left = [at for at in late if _late(found[at])]
                self._hopeless = len(left) == len(late)
                late = left if time.monotonic() < until else []
        elif not late:
            self._hopeless = False
        self._ours += sum("ours" in one for one in found)
        self._whys.update(_why(one) for one in found if is_unknown(one))
        return found

    def _post(self, items: Sequence[Item]) -> list[Item]:
        answer = self._answered({**self._call, "items": items})
        self._begun = True
        self._expired = answer.get("roster", {}).get("expired", False)
        self._contested.update(answer.get("contested", ()))
        self._distrusted.update(answer.get("distrusted", {}))
        for one in answer.get("as_of", ()):
            old = self._as_of.setdefault(one["member"], one)
            if one.get("heard_at", 0) < old.get("heard_at", 0):
                self._as_of[one["member"]] = one
        return list(answer["items"])

    def _answered(self, call: Item) -> Any:
        """Return the answer to a call; a restart and a budget are waited for.

        Raises:
            SyncdError: it says no, does not come back, or never was there.
        """
        until = time.monotonic() + RESTART_S
        while True:
            try:
                return self._own.post("/v1/lookups", call)
            except (UnavailableError, QuotaError) as e:
                wait = getattr(e, "retry_after_s", 5 * PAUSE_S)
                if isinstance(e, QuotaError):
                    until = time.monotonic() + wait + RESTART_S
                if not self._begun or time.monotonic() > until:
                    raise
                why = catalogue.of(e)
                tell("{error}: tried again in {n} s", error=why, n=wait)
                time.sleep(wait)

    # ---------------------------------------------------- what is printed

    @property
    def unknown(self) -> int:
        """How many items stayed unknown."""
        return self._whys.total()

    @property
    def as_of(self) -> list[Item]:
        """How fresh the oldest answer is, by member."""
        return [one for _, one in sorted(self._as_of.items())]

    @property
    def oldest(self) -> int:
        """When we last heard of the log that we know least of; 0: never."""
        return min((one.get("heard_at", 0) for one in self.as_of), default=0)

    def tell(self) -> None:
        """Tell what the answers rest on, and what has none, in few lines."""
        if self._whys:
            most = self._whys.most_common(NAMED)
            tell(
                "{n} stayed unknown, which is no clearance: {whys}",
                n=f"{self.unknown:,}",
                whys="; ".join(f"{n:,} × {why}" for why, n in most),
            )
        if self._ours:
            tell("on our own lists too: {n} items", n=f"{self._ours:,}")
        silent = [one["member"] for one in self.as_of if "heard_at" not in one]
        if silent:
            tell("not heard since the start: {names}", names=few(silent))
        if self.oldest:
            tell("as of {moment} or later", moment=moment(self.oldest))
        behind = {x["member"]: n for x in self.as_of if (n := x.get("behind"))}
        if behind:
            tell(
                "not merged yet: {n} entries of {names}",
                n=f"{sum(behind.values()):,}",
                names=few([*behind]),
            )
        if self._contested:
            tell(
                "forked logs, which count for less: {names}",
                names=few(sorted(self._contested)),
            )
        for member, at in self._distrusted.items():
            tell(
                "distrusted by us since {moment}, and counts for less: {member}",
                moment=moment(at),
                member=member,
            )
        if self._expired:
            tell("the roster has expired: ask the admins to renew")


def is_unknown(item: Item) -> bool:
    """Tell whether an item could be read and has no answer."""
    return "problem" not in item and item["verdict"] == "unknown"


def few(names: Sequence[str]) -> str:
    """Return names in one line, however many there are."""
    more = len(names) - NAMED
    text = ", ".join(names[:NAMED])
    return t("{names} and {n} more", names=text, n=more) if more > 0 else text


def _late(item: Item) -> bool:
    return is_unknown(item) and not LATE.isdisjoint(item.get("reasons", LATE))


def _why(item: Item) -> str:
    """Return why an item is unknown: by missing members, if some are."""
    missing = item.get("missing", ())
    if missing and USED_UP in wire.codes(item):
        return t("quota used up, or no answer: {names}", names=few(missing))
    if missing:
        return t("no answer from {names}", names=few(missing))
    return answers.why(item) or ", ".join(item.get("reasons", ()))
