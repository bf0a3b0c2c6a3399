"""Appeals: measures of ours to look at again, and what came of each.

Somebody contests one, or a listing ended on which a look-up was answered
with one.
"""

from typing import Literal

from msgspec.structs import replace

from syncd.errors import RefusedError
from syncd.flows.ports import Position
from syncd.shape import Form

Decision = Literal["granted", "refused"]
Step = Literal["granted", "refused", "told", "lifted"]


class Appeal(Form, omit_defaults=True):
    """A measure of ours to look at again; times are unix seconds."""

    id: int = 0  # 0 before it is kept
    cause: Literal["person", "ended"]
    by: str  # whose token looked it up, or wrote it down
    access_id: int | None = None  # of the look-up
    purpose: str = ""  # of the look-up: a code
    measure: str = ""  # an action's code
    received_at: int
    decision: Decision | Literal[""] = ""
    decided_by: str = ""
    decided_at: int | None = None
    told_at: int | None = None
    lifted_at: int | None = None
    hours: int | None = None  # full ones until it was lifted, else told
    reference: str = ""  # the file's number
    positions: tuple[Position, ...] = ()  # what the answer rested on
    why: str = ""  # of the decision

    @property
    def open(self) -> bool:
        """Whether something is to do."""
        settled = self.decision == "refused" or self.lifted_at
        return not (settled and (self.cause == "ended" or self.told_at))


def after(old: Appeal, step: Step, now: int, by: str, why: str) -> Appeal:
    """Return an appeal after a step; one taken before keeps its time.

    Raises:
        RefusedError: that step cannot follow what was done.
    """
    if step == "told":
        if not old.decision:
            raise RefusedError("appeal: nothing is decided yet")
        new = replace(old, told_at=old.told_at or now)
    else:
        decision: Decision = "refused" if step == "refused" else "granted"
        new = old
        if decision != old.decision:
            if step == "lifted" and old.decision:
                raise RefusedError("appeal: it was refused: nothing to lift")
            if old.lifted_at or old.told_at:
                raise RefusedError("appeal: it was acted on as decided before")
            new = replace(
                old, decision=decision, decided_by=by, decided_at=now, why=why
            )
        if step == "lifted":
            new = replace(new, lifted_at=old.lifted_at or now)
    end = new.lifted_at or new.told_at
    return replace(new, hours=(end - new.received_at) // 3600 if end else None)
