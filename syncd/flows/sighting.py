"""What of our own look-ups the alliance may hear of.

A sighting says that we met a value. So whoever can have a value listed could
follow it through all members' business, and learn when police look at it:
that is why one report is not enough, why a week's are told together, and why
nothing is told of what was no business contact.
"""

from collections.abc import Collection, Sequence

from syncd.indicator import active, verdict, vocabulary
from syncd.indicator.claims import Claim
from syncd.indicator.statement import Report

CONTACT = frozenset(
    {
        *("transaction_check", "call_check", "content_check"),
        *("account_opening", "sim_registration", "loan_check"),
        "portfolio_screen",
    }
)  # purposes of which we tell
SILENT = frozenset({"police", "carrier"})
# sectors that do not tell unless they are set to: their look-ups are case
# work or traffic data
BATCH = 20  # tokens told at once, at least
WEEK = 7  # days


def monday(day: int) -> int:
    """Return the first day of a day's week, both days since 1970."""
    return day - (day + 3) % WEEK


def may_tell(
    claims: Sequence[Claim],
    world: active.World,
    own: Collection[str],
    behind: Sequence[Claim] = (),
) -> bool:
    """Tell whether a token is listed firmly enough that we say we met it.

    Others than we report it, it is confirmed or two of them are independent
    of each other, and no report asks that nobody be tipped off. It is judged
    by the claims on it alone, and what is `behind` them: what is said of
    other forms of a value confirms nothing. `own` are our own logs.
    """
    reports = [
        (c, c.statement) for c in claims if isinstance(c.statement, Report)
    ]
    if any(
        vocabulary.read("handling", report.handling) == "no_tip_off"
        for _, report in reports
    ):
        return False
    official = any(r.evidence in active.OFFICIAL for _, r in reports)
    if not official and len({c.origin for c, _ in reports}) < 2:
        return False  # nothing can confirm it
    judged = verdict.verdict([claims], world, in_force=behind)
    on = frozenset(judged.positions)
    counted = [(c, report) for c, report in reports if c.position in on]
    others = [(c, report) for c, report in counted if c.origin not in own]
    groups = {
        world.roster.authors[c.origin].controller
        for c, report in others
        if not (report.basis or report.spoofed or c.origin in world.contested)
        and report.evidence != active.RELAYED
    }
    return bool(others) and (judged.verdict == "confirmed" or len(groups) > 1)
