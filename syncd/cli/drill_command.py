"""`syncd drill`: how soon the others follow, as a protocol to be filed.

An urgent and a normal report of values that nobody has: each is received by
all, retracted, and that received. The daemon takes the steps, and keeps them.
"""

import time
from operator import itemgetter

from syncd.cli import grid
from syncd.cli.command import Command, option
from syncd.cli.options import ApiOptions
from syncd.messages.catalogue import t

PAUSE_S = 0.5
DRILLS = "/v1/audit/drills"


class _DrillOptions(ApiOptions):
    wait: int = option("seconds for each step", default=300, min=1, max=3600)

    def followed(self) -> None:
        """Wait until all have the newest step, or it took too long."""
        until = time.monotonic() + self.wait
        while None in self.ask(DRILLS)["items"][0]["followed"].values():
            if time.monotonic() > until:
                return
            time.sleep(PAUSE_S)


def _drill(args: _DrillOptions) -> int:
    found = args.ask("/v1/status")
    of = {name: found[name] for name in ("member", "alliance", "time")}
    for _ in ("urgent", "normal"):
        while args.ask(DRILLS, {})["items"][0]["type"] != "report":
            pass  # one that was interrupted is taken back first
        try:
            args.followed()
        finally:
            args.ask(DRILLS, {})
        args.followed()
    steps = args.ask(DRILLS)["items"][3::-1]
    steps.sort(key=itemgetter("speed"), reverse=True)
    took = [step["followed"] for step in steps]
    had = {m: [s.get(m) for s in took] for m in sorted(set().union(*took))}
    late = [m for m, s in had.items() if None in s or max(s) > args.wait]
    rows = [[m, *("" if n is None else n for n in s)] for m, s in had.items()]
    when, names = grid.moment(of["time"]), ", ".join(late) or "-"
    lines = [
        t("drill of {member} of {alliance}, {moment}", moment=when, **of),
        t("seconds until each member's receipt:"),
        *grid.table("drill", rows),
        t("not within {n} s: {names}", n=args.wait, names=names),
        t("carried out by ____________  checked by ____________"),
    ]
    args.show({**of, "wait": args.wait, "late": late, "steps": steps}, lines)
    return 1 if late else 0


noun = Command(options=_DrillOptions, run=_drill)
