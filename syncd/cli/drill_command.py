"""`syncd drill`: how soon the others follow, as a protocol to be filed.

An urgent and a normal report of values that nobody has: each is received by
all, retracted, and that received. Seconds are from handing in to a member's
receipt, both by our daemon's clock.
"""

import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Any

from syncd.cli import api_client, grid
from syncd.cli.command import Command, option
from syncd.cli.lookup_client import moment
from syncd.cli.options import ApiOptions
from syncd.messages.catalogue import t

PAUSE_S = 0.5
Step = Mapping[str, Any]


class _DrillOptions(ApiOptions):
    wait: int = option("seconds for each step", default=300, min=1, max=3600)


def _drill(args: _DrillOptions) -> int:
    found, speeds = args.ask("/v1/status"), ("urgent", "normal")
    steps = [step for speed in speeds for step in _steps(args, speed)]
    of = {name: found[name] for name in ("member", "alliance", "time")}
    late = sorted({name for step in steps for name in step["late"]})
    took = [step["seconds"] for step in steps]
    names = sorted({*late}.union(*took))
    rows = [[m, *(str(each.get(m, "")) for each in took)] for m in names]
    lines = [
        t(
            "drill of {member} of {alliance}, {moment}",
            **of,
            moment=moment(of["time"]),
        ),
        t("seconds until each member's receipt:"),
        *grid.table("drill", rows),
        t(
            "not within {n} s: {names}",
            n=args.wait,
            names=", ".join(late) or "-",
        ),
        t("carried out by ____________  checked by ____________"),
    ]
    args.show({**of, "wait": args.wait, "steps": steps}, lines)
    return 1 if late else 0


noun = Command(options=_DrillOptions, run=_drill)


def _steps(args: _DrillOptions, speed: str) -> Iterator[Step]:
    """Yield how a report was followed, then its end, which comes anyhow."""
    about = {"kind": "url", "value": f"{speed}.drill.example"}
    draft = {
        **about,
        "label": "other",
        "role": "phishing_host",
        "evidence": "test_call",
        "case": secrets.token_hex(8),  # what an earlier one left is another's
        "test": True,
        "urgent": speed == "urgent",
    }
    began = args.ask("/v1/status")["time"]
    [item] = args.ask("/v1/reports", {"reports": [draft]})["items"]
    if "problem" in item:
        raise api_client.problem(item["problem"])
    try:
        yield _followed(args, about, "position", began)
    finally:
        began = args.ask("/v1/status")["time"]
        args.ask("/v1/retractions", {**about, "reason": "test"})
    yield _followed(args, about, "ended_by", began)


def _followed(
    args: _DrillOptions, about: Step, place: str, began: int
) -> Step:
    """Return where our newest word stands, and who had it when, in seconds."""
    until = time.monotonic() + args.wait
    while True:
        [row, *_] = args.ask("/v1/reports/search", about)["items"]
        found, at = args.ask("/v1/status"), row.get(place)
        others = {
            one["member"]
            for one in found["members"]
            if one["state"] not in ("self", "removed")
        }
        had = {
            one["member"]: one["at"] - began
            for one in found["receipts"]
            if at and one["size"] > at[1]
        }
        late = sorted(others - had.keys())
        if not late or time.monotonic() > until:
            took = {"seconds": had, "late": late}
            return {**about, place: at, "began": began, **took}
        time.sleep(PAUSE_S)
