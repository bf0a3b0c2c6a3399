"""Forms of what is left of quotas."""

from syncd.flows.allowance import QuotaLeft
from syncd.web.forms import FullOutput


class BudgetLeft(FullOutput, frozen=True, kw_only=True):
    """What a token may still look up."""

    kind: str  # url: whatever needs no holder
    hour: int  # values
    hour_left: int
    refill_s: int  # until more is left; 0: nothing was asked for
    denied: int  # values, since the start


class Quota(FullOutput, frozen=True, kw_only=True):
    """What is left to the caller's token, and to the member."""

    token: tuple[BudgetLeft, ...]
    member: tuple[QuotaLeft, ...]
