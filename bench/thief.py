"""What stolen homes tell of the phones that are listed.

    python bench/thief.py [--candidates 10000]

Four members, of whom three hold shares and any two make a token; the fourth
has reported phones. A thief who knows 100,000 candidates takes each member's
home without its secret, then holders' homes with theirs. It looks for the
candidates in every file, bundles unpacked, makes tokens of them as one could
without a key, and by what the shares, or parts of the key, would give. Of
t - 1 holders it finds none, of t all: anything else ends with exit code 1.
What a holder reported itself lies in its own vault, open to its secret, and
is not counted. Then: how many phones members may try in a day by their
quotas, and how many there are.
"""

import asyncio
import math
import re
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import combinations
from pathlib import Path

import beside  # type: ignore[import-not-found]
from phonenumbers import PhoneNumber, is_valid_number

from syncd.indicator import codec, token
from syncd.indicator.identifier import for_report
from syncd.node.home import Home
from syncd.oprf import group, voprf
from syncd.roster.roster import Roster
from syncd.roster.terms import BULK, LOOKUP, SCREEN
from tests.alliance import SECRET, Alliance, Member

LISTED = 20  # phones
Shares = dict[int, int]


def read(home: Path) -> tuple[set[bytes], set[bytes]]:
    """Return all phones that stand in a home's files, and all its tokens."""
    files = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    with closing(sqlite3.connect(home / "mirror.db")) as mirror:
        tokens = {raw for (raw,) in mirror.execute("SELECT token FROM claim")}
        bundles = mirror.execute("SELECT gz FROM bundle")
        files += [codec.inflate(gz) for (gz,) in bundles]
    phones = [re.findall(rb"(?=(1\d{10}))", raw) for raw in files]
    return {one for some in phones for one in some}, tokens


class Thief:
    """Whoever has candidates, and knows of whom there are how many shares."""

    def __init__(self, candidates: Sequence[str], roster: Roster) -> None:
        epoch = roster.epoch("phone", 1)
        assert epoch is not None
        self.epoch, self.phones = epoch, [one[3:] for one in candidates]
        self.named = [for_report("phone", one) for one in candidates]
        self.inputs = [token.oprf_input(one) for one in self.named]
        self.points = voprf.hash_to_group(self.inputs)

    def finds(self, home: Path, shares: Shares) -> int:
        """Return of how many candidates a home and some shares tell."""
        phones, tokens = read(home)
        found = {one for one in self.phones if one.encode() in phones}
        for outputs in self.outputs(shares):
            found |= {
                one
                for one, output in zip(self.phones, outputs, strict=True)
                if token.token(output) in tokens
            }
        return len(found)

    def outputs(self, shares: Shares) -> Iterator[list[bytes]]:
        """Yield what candidates give, in one way after the other."""
        yield [token.url_output(one) for one in self.named]
        yield voprf.hash_points(self.inputs, self.points)
        quorums = combinations(self.epoch.shares, self.epoch.t)
        sums = {parts(shares, one) for one in (tuple(shares), *quorums)}
        for key in sums - {0}:
            scalars = [group.scalar(key)] * len(self.points)
            points = group.multiply_each(scalars, self.points)
            yield voprf.hash_points(self.inputs, points)


def parts(shares: Shares, quorum: Sequence[int]) -> int:
    """Return what the shares that are there add to a quorum's key."""
    order, total = group.ORDER, 0
    for i in shares.keys() & {*quorum}:
        weights = [j * pow(j - i, -1, order) for j in quorum if j != i]
        total += shares[i] * math.prod(weights)
    return total % order


def share_of(member: Member) -> tuple[int, int]:
    """Return index and share of a holder, by its secret."""
    with closing(Home.open(member.config, SECRET)) as home:
        one = next(s for s in home.shares.values() if s.kind == "phone")
        return one.index, int.from_bytes(one.secret, "little")


async def robbed(root: Path, count: int) -> bool:
    """Found an alliance and rob it; tell whether all is as it should be."""
    candidates = [f"+86139{n:08}" for n in range(count)]
    async with Alliance.found(root) as alliance:
        listed = candidates[:: count // LISTED][:LISTED]
        await alliance.platform.tell("phone", *listed)
    thief = Thief(candidates, alliance.newest)
    members, t, good = [*alliance.members.values()], thief.epoch.t, True
    holders = [one for one in members if thief.epoch.index(one.id)]
    taken: list[tuple[Sequence[Member], Shares]]
    taken = [((one,), {}) for one in members]
    for some in (*combinations(holders, t - 1), holders[:t]):
        taken.append((some, dict(map(share_of, some))))
    for some, shares in taken:
        found = max(thief.finds(one.home, shares) for one in some)
        good &= found == (LISTED if len(shares) == t else 0)
        how = "with" if shares else "without"
        names = " and ".join(one.id for one in some)
        print(f"{names}, {how} secret: {found} of {LISTED} found", flush=True)
    tries(alliance.newest)
    return good


def tries(roster: Roster) -> None:
    """Print how many phones members may try in a day, of how many."""
    plan = sum(
        step
        for step in (10**5, 10**6)
        for n in range(10**4, 10**5)
        if is_valid_number(PhoneNumber(86, n * step + step * 5 // 9))
    )
    print(f"numbering plan of +86: {plan:,} phones")
    days = [roster.quota("", one).day for one in (LOOKUP, *BULK - {SCREEN})]
    for what, a_day in (("look-ups", days[0]), ("all purposes", sum(days))):
        for n in (1, len(roster.active())):
            print(
                f"{n} members, {what}: {n * a_day:,} a day,"
                f" {n * a_day / plan:.6%} of them; all in"
                f" {plan / n / a_day / 365:,.1f} years"
            )


def main() -> int:
    """Rob an alliance; return 1 if it told too much, or the thief failed."""
    chosen = beside.options(__doc__, candidates=100_000)
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as place:
        return not asyncio.run(robbed(Path(place), chosen.candidates))


if __name__ == "__main__":
    sys.exit(main())
