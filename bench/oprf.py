"""Tokens per second of a client and of a holder, on one core.

Every figure also stands as a multiple of one raw scalar multiplication,
measured in the same run: machines differ, the multiple hardly. Baseline,
client and holder take turns, the median of all turns counts, and what counts
is the thread's own CPU time, so that a busy neighbour shows little.

    .venv/bin/python bench/oprf.py --threshold 2 --size 1024
"""

import ctypes
import secrets
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from beside import options  # type: ignore[import-not-found]

from syncd.oprf import dealing, group, threshold
from syncd.oprf.threshold import Blinded, Evaluation

ALL, LAST = ", all proven", ", check element"
CONTEXT = b"key, generation and request"
rng = secrets.token_bytes


class Bench:
    """One quorum, one batch, and the time that each step took."""

    def __init__(self, t: int, size: int) -> None:
        self.quorum = tuple(range(1, t + 1))
        self.size = size
        self.dealt = dealing.deal(t, t + 1, rng)
        self.inputs = [
            b"syncd-oprf-v1\0phone\0+8613%09d" % at for at in range(size)
        ]
        self.took: dict[str, list[float]] = {}

    def timed(self, step: str, work: Callable[[], Any]) -> Any:
        start = time.thread_time()
        result = work()
        passed = time.thread_time() - start
        self.took.setdefault(step, []).append(passed / self.size)
        return result

    def raw(self, points: list[bytes]) -> None:
        """The bare multiplication in a bare loop, as ctypes gives it."""
        group.ready()
        multiply = group._library().multiply
        product = ctypes.create_string_buffer(32)
        to, scalar = ctypes.addressof(product), self.dealt.shares[1]
        for point in points:
            multiply(to, scalar, point)

    def holder(
        self, i: int, elements: list[bytes], *, last: bool = False
    ) -> Evaluation:
        asked = (i, self.quorum, elements, rng, CONTEXT, last)
        return threshold.evaluate(self.dealt.shares[i], *asked)

    def check(
        self,
        elements: list[bytes],
        answers: dict[int, Evaluation],
        *,
        last: bool = False,
    ) -> None:
        for i, answer in answers.items():
            public = group.multiply_base(self.dealt.shares[i])
            threshold.check(
                public, i, self.quorum, elements, answer, CONTEXT, last
            )

    def turn(self) -> None:
        """Every step once, in both ways: all proven, and the check alone."""
        timed = self.timed
        for way, last in ((ALL, False), (LAST, True)):
            blinded: Blinded = timed(
                f"client: blind{way}",
                lambda: threshold.blind(self.inputs, rng, last),  # noqa: B023
            )
            elements = blinded.elements
            timed("raw multiplication", lambda: self.raw(elements))  # noqa: B023
            own = timed(
                f"holder: evaluate{way}",
                lambda: self.holder(1, elements, last=last),  # noqa: B023
            )
            answers = {1: own} | {
                i: self.holder(i, elements, last=last) for i in self.quorum[1:]
            }
            timed(
                f"client: check proofs{way}",
                lambda: self.check(elements, answers, last=last),  # noqa: B023
            )
            columns = [answer.elements for answer in answers.values()]
            timed(
                f"client: add up, unblind{way}",
                lambda: threshold.finish(blinded, columns),  # noqa: B023
            )

    def report(self) -> None:
        cost = {step: statistics.median(s) for step, s in self.took.items()}
        for way in (ALL, LAST):
            cost[f"CLIENT, whole{way}"] = sum(
                cost[f"client: {step}{way}"]
                for step in ("blind", "check proofs", "add up, unblind")
            )
        raw = cost["raw multiplication"]
        print(f"{'':36}{'µs/token':>9}{'tokens/s':>10}{'× raw':>8}")
        for step, seconds in cost.items():
            print(
                f"{step:36}{seconds * 1e6:9.1f}{1 / seconds:10,.0f}"
                f"{seconds / raw:8.2f}"
            )


def main() -> None:
    chosen = options(__doc__, threshold=2, size=1024, turns=5)
    bench = Bench(chosen.threshold, chosen.size)
    for _ in range(chosen.turns):
        bench.turn()
    print(
        f"{chosen.threshold} holders, batches of {chosen.size}, median of "
        f"{chosen.turns}, Python {sys.version.split()[0]}"
    )
    bench.report()


if __name__ == "__main__":
    main()
