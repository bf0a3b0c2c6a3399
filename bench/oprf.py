"""Tokens per second of a client and of a holder, on one core.

Every figure also stands as a multiple of one raw scalar multiplication,
measured in the same run: machines differ, the multiple hardly. Baseline,
client and holder take turns, the median of all turns counts, and what counts
is the thread's own CPU time, so that a busy neighbour shows little. Only the
last line, two threads against one, is by the wall clock.

    .venv/bin/python bench/oprf.py --threshold 2 --size 1024
"""

import argparse
import ctypes
import secrets
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from syncd.oprf import group, threshold
from syncd.oprf.threshold import Blinded, Dealt, Evaluation

CONTEXT = b"key, generation and request"
rng = secrets.token_bytes
T = TypeVar("T")


class Bench:
    """One quorum, one batch, and the time that each step took."""

    def __init__(self, t: int, size: int) -> None:
        self.quorum = tuple(range(1, t + 1))
        self.size = size
        self.dealt: Dealt = threshold.deal(t, t + 1, rng)
        self.inputs = [
            b"syncd-oprf-v1\0phone\0+8613%09d" % at for at in range(size)
        ]
        self.took: dict[str, list[float]] = {}
        self.gains: list[float] = []

    def timed(self, step: str, work: Callable[[], T]) -> T:
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
        self, i: int, elements: list[bytes], *, prove: bool = True
    ) -> Evaluation:
        return threshold.evaluate(
            self.dealt.shares[i],
            i,
            self.quorum,
            elements,
            rng,
            CONTEXT,
            prove=prove,
        )

    def check(
        self, elements: list[bytes], answers: dict[int, Evaluation]
    ) -> None:
        for i, answer in answers.items():
            threshold.check(
                self.dealt.public_shares[i],
                i,
                self.quorum,
                elements,
                answer,
                CONTEXT,
            )

    def turn(self) -> None:
        """Every step once."""
        timed = self.timed
        blinded: Blinded = timed(
            "client: blind", lambda: threshold.blind(self.inputs, rng)
        )
        elements = blinded.elements
        timed("raw multiplication", lambda: self.raw(elements))
        bare = timed(
            "holder: evaluate, no proof",
            lambda: self.holder(1, elements, prove=False),
        )
        proven = timed(
            "holder: evaluate and prove", lambda: self.holder(1, elements)
        )
        assert bare.elements == proven.elements
        answers = {i: self.holder(i, elements) for i in self.quorum}
        timed(
            "client: check all proofs", lambda: self.check(elements, answers)
        )
        columns = [answer.elements for answer in answers.values()]
        totals = timed(
            "client: add answers", lambda: threshold.combine(columns)
        )
        for bits in (8, 128):
            probe = timed(
                f"client: probe of {bits} bits",
                lambda bits=bits: threshold.probe(  # type: ignore[misc]
                    elements, totals, rng, bits=bits
                ),
            )
            one = [probe.element]
            sums = {i: self.holder(i, one) for i in self.quorum}
            self.check(one, sums)
            threshold.settle(probe, [a.elements for a in sums.values()])
        timed("client: unblind", lambda: threshold.finish(blinded, [totals]))
        self.gains.append(self.two_threads(elements))

    def two_threads(self, elements: list[bytes]) -> float:
        """How much faster two threads answer a batch than one."""
        halves = elements[::2], elements[1::2]
        with ThreadPoolExecutor(2) as pool:
            walls = []
            for each in (map, pool.map):
                start = time.perf_counter()
                list(each(lambda half: self.holder(1, half), halves))
                walls.append(time.perf_counter() - start)
        return walls[0] / walls[1]

    def report(self) -> None:
        cost = {step: statistics.median(s) for step, s in self.took.items()}
        shared = ("client: blind", "client: add answers", "client: unblind")
        common = sum(cost[step] for step in shared)
        for name, check in (
            ("all proofs", "client: check all proofs"),
            ("probe of 128 bits", "client: probe of 128 bits"),
            ("probe of 8 bits", "client: probe of 8 bits"),
        ):
            cost[f"CLIENT, whole, {name}"] = common + cost[check]
        raw = cost["raw multiplication"]
        print(f"{'':36}{'µs/token':>9}{'tokens/s':>10}{'× raw':>8}")
        for step, seconds in cost.items():
            print(
                f"{step:36}{seconds * 1e6:9.1f}{1 / seconds:10,.0f}"
                f"{seconds / raw:8.2f}"
            )
        gain = statistics.median(self.gains)
        print(f"two holder threads, wall clock: {gain:.2f} times one")


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Measure the oblivious PRF against a raw multiplication."
    )
    parser.add_argument("--threshold", type=int, default=2, metavar="T")
    parser.add_argument("--size", type=int, default=1024, metavar="ELEMENTS")
    parser.add_argument("--turns", type=int, default=5)
    chosen = parser.parse_args()
    bench = Bench(chosen.threshold, chosen.size)
    for _ in range(chosen.turns):
        bench.turn()
    print(
        f"{chosen.threshold} holders, batches of {chosen.size}, median of "
        f"{chosen.turns}, Python {sys.version.split()[0]}"
    )
    bench.report()
    return 0


if __name__ == "__main__":
    sys.exit(main())
