"""Microseconds per value and kind: this build, another one, and a library.

Another build is checked out by `git worktree` and measured in the same run, in
turns with this one, each turn in a process of its own; the least time of all
turns counts. Beside both stands the library whose job is nearest, on the same
values: it does less or something else, and shows what the machine is like.

    .venv/bin/python bench/normalise.py --base e6976bf
"""

import csv
import sys
import timeit
from collections.abc import Callable, Sequence
from contextlib import suppress

from beside import HERE, options, turns  # type: ignore[import-not-found]

MOST = 1.33  # times the base: new rules may cost a third more

Job = tuple[str, Sequence[tuple[str, ...]], Callable[..., object]]


def sample(kind: str) -> list[dict[str, str]]:
    """Return the demo's rows of a kind."""
    with (HERE / "syncd/demo/sample/reports.csv").open() as file:
        return [row for row in csv.DictReader(file) if row["kind"] == kind]


def urls() -> tuple[list[str], list[str]]:
    """Return URLs as lists and browsers have them, and as people write."""
    plain = [row["value"] for row in sample("url")]
    plain += [f"https://www.{u}/a/b.html?id=7&from=x" for u in plain[::5]]
    hosts = [u.split("/")[0] for u in plain[:200]]
    written = [
        *(f"HTTP://{u.upper()}:8080/%61/../b?c=%2F#top" for u in hosts),
        *(f"http://例子.{u}/支付/" for u in hosts),
    ]
    return plain, written


def phones() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return phones as lists have them, and as people write them."""
    plain = [(row["value"], row["region"]) for row in sample("phone")]
    plain += [(f"1380013{n:04}", "CN") for n in range(500)]
    written = [
        *((f"+86 138 0013 {n:04}", "CN") for n in range(200)),
        *((f"0755-2345{n:04}", "CN") for n in range(200)),
        *((f"+1 (202) 555-{n:04}", "US") for n in range(100)),
    ]
    return plain, written


def accounts() -> tuple[list[str], list[str], list[str]]:
    """Return wallets, cards (one of ten passes the check), and IBANs."""
    from schwifty import IBAN

    cards = [f"622202{n * 7919:010}" for n in range(2000)]
    ibans = [
        str(IBAN.generate("DE", "10010010", str(n))) for n in range(1000, 1200)
    ]
    return [row["value"] for row in sample("account")], cards, ibans


def readable(
    call: Callable[..., object], given: Sequence[tuple[str, ...]]
) -> list[tuple[str, ...]]:
    """Return what a build reads; errors would be another job."""
    good = []
    for one in given:
        with suppress(Exception):
            call(*one)
            good.append(one)
    return good


def jobs() -> list[Job]:
    """Return name, inputs and function of each job."""
    import base58
    import phonenumbers
    from publicsuffixlist import PublicSuffixList
    from schwifty import IBAN
    from yarl import URL

    from syncd.indicator import account, phone, url

    plain, written = ([(u,) for u in some] for some in urls())
    numbers, spelled = phones()
    wallets, cards, ibans = ([(a,) for a in some] for some in accounts())
    full = [(u if "//" in u else f"http://{u}",) for (u,) in plain]
    hosts = [(u.split("/")[2],) for (u,) in full]
    coins = [o for o in wallets if o[0][0] in "1T3"]
    return [
        ("url report", plain, url.report_expression),
        ("url expressions", plain, url.expressions),
        ("url, written", written, url.expressions),
        ("phone report", numbers, phone.normalise),
        ("phone look-up", numbers, phone.candidates),
        ("phone, written", spelled, phone.normalise),
        ("wallet", wallets, account.normalise),
        ("card", cards, account.normalise),
        ("iban", ibans, account.normalise),
        ("card look-up", cards, account.candidates),
        ("yarl.URL", full, URL),
        ("yarl.URL, written", written, URL),
        ("publicsuffixlist", hosts, PublicSuffixList().privatesuffix),
        ("phonenumberslite", numbers, phonenumbers.parse),
        ("phonenumberslite, w.", spelled, phonenumbers.parse),
        ("base58", coins, base58.b58decode_check),
        ("schwifty.IBAN", ibans, IBAN),
    ]


def measure() -> dict[str, float]:
    """Return the least microseconds per value of each job."""
    found = {}
    for name, given, call in jobs():
        good = readable(call, given)

        least = min(
            timeit.repeat(
                lambda: [call(*one) for one in good],  # noqa: B023
                number=1,
                repeat=7,
            )
        )
        found[name] = least / len(good) * 1e6
    return found


def main() -> int:
    """Print this build beside another one; return 1 if it is too slow."""
    given = options(__doc__, lambda _: measure(), base="e6976bf", rounds=5)
    ours, theirs = turns(given.base, given.rounds)
    print(f"{'':19}  µs here  µs {given.base[:8]}  ratio (at most {MOST})")
    for name, took in ours.items():
        ratio = took / theirs[name]
        print(f"{name:19}  {took:7.2f}  {theirs[name]:11.2f}  {ratio:.2f}")
    return any(ours[name] > MOST * took for name, took in theirs.items())


if __name__ == "__main__":
    sys.exit(main())
