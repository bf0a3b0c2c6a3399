"""Evaluations to publish that nothing was published of.

Whoever names `publish` is given more than for look-ups. What it had evaluated
stands in the holders' books and usage statements, what it published in its
log: a member may have tried and failed, so some more than it published, by a
factor and a floor, are nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from syncd.indicator import claims, statement, token
from syncd.indicator.folding import Batch
from syncd.indicator.leaf import Record
from syncd.indicator.notation import DAYS
from syncd.indicator.statement import Anchor, Usage
from syncd.roster.terms import PUBLISH

ANCHOR = 16  # type
FACTOR = 2
FLOOR = 1000  # evaluations of a day and key
GRACE_DAYS = 2  # until what was evaluated on a day is merged everywhere

# (token, key, index, record, index of the retract that ended it)
StoredRow = tuple[bytes, int, int, bytes, int | None]


def excessive(evaluated: int, published: int) -> bool:
    """Tell whether one holder evaluated too much for what was published."""
    return evaluated > FACTOR * published + FLOOR


@dataclass(slots=True)
class Counted:
    """What a log says of evaluations: whom it gave them, what it made."""

    usages: list[Usage] = field(default_factory=list)
    claims: Counter[tuple[int, bytes]] = field(default_factory=Counter)
    # by key and day, as records have them
    excess: list[str] = field(default_factory=list)  # of its author, said
    access: list[str] = field(default_factory=list)
    # what its anchors say of its author's access records, the newest first
    gone: int = 0  # entries of which nobody can say what they were

    def add(
        self,
        rows: Iterable[StoredRow],
        batch: Batch,
        records: Sequence[Record],
    ) -> None:
        """Count a stretch."""
        self.usages += [usage for _, usage in batch.usages]
        for leaf, salt, payload in reversed(records):
            self.gone += not salt
            if salt and leaf[1] == ANCHOR:
                said = statement.decode(payload, ANCHOR)
                if isinstance(said, Anchor):
                    self.access.append(said.access)
        for _, key, _, record, _ in rows:
            at = 3 if record[0] == claims.REPORT else 1
            self.claims[key, record[at : at + 4]] += 1

    def published(self, kind: str, epoch: int, day: str) -> int:
        """Return how many claims of a day and key stand in it, or may have."""
        key = claims.key(token.KIND_CODES[kind], epoch)
        return self.gone + self.claims[key, DAYS[day].to_bytes(4, "big")]


def of(
    logs: Mapping[str, tuple[str, Counted]], retired: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield (member, what was found) of each too high count in the usage statements.

    `logs` are (member, what was counted) by origin. Of a retired key nothing
    is left to compare; what is newer than two days may not be merged here.
    """
    by_member: defaultdict[str, list[Counted]] = defaultdict(list)
    for member, counted in logs.values():
        by_member[member].append(counted)
    usages = [(m, u) for m, c in logs.values() for u in c.usages]
    newest = max((DAYS[usage.on] for _, usage in usages), default=0)
    for holder, usage in usages:
        kind, epoch = usage.key
        label = f"{kind}/{epoch}"
        if label in retired or DAYS[usage.on] > newest - GRACE_DAYS:
            continue
        for member, purpose, n, _ in usage.rows:
            own = by_member.get(member)
            if own is None or purpose != PUBLISH:
                continue
            had = sum(c.published(kind, epoch, usage.on) for c in own)
            if excessive(n, had):
                yield (
                    member,
                    f"{holder} evaluated {n} of {label} to publish on"
                    f" {usage.on}, of which the log has {had}",
                )
