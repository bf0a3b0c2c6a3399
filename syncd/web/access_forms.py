"""Forms of `/v1/access`, `/v1/appeals`, `/v1/calls`: what we asked and did."""

from typing import Annotated, Literal

from syncd.flows.appeal import Step
from syncd.flows.draft import RawValue
from syncd.web import forms


class AccessFilter(forms.Input):
    """Which look-ups are meant; what is empty does not matter."""

    since: forms.Day = ""  # first day
    until: forms.Day = ""  # last day


class AccessSum(forms.FullOutput):
    """How many items one person looked up for a purpose on a day."""

    on: str  # day
    by: str  # the token's name, if it was nobody's
    staff: str  # number of the person whose tokens they were by then
    person: str  # and the name
    purpose: str  # code
    lookups: int
    listed: int  # there was something


class AboutCall(RawValue):
    """Whose value it is that we are asked about by the person concerned."""

    kind: str
    value: str
    reference: str = ""  # our own file number; kept


class AboutItem(forms.Output):
    """One look-up of ours that the person concerned may be told of."""

    at: int  # unix seconds
    on: str  # day
    purpose: forms.Label
    kind: str
    listed: bool = False
    action: str = ""  # what was advised


class AppealFilter(forms.Input):
    """Which entries are meant."""

    after: forms.Cursor = 0  # larger ids only
    limit: forms.Limit = 100
    open: Annotated[
        bool, forms.meta("only those on which something is to do")
    ] = False


class AppealDraft(forms.Input):
    """An appeal that came in."""

    reference: str = ""  # our own file number; kept sealed
    measure: str = ""  # code of the action that is contested
    received: forms.Day = ""  # today if absent


class AppealStep(forms.Input):
    """One thing that was done: a decision, telling it, or lifting."""

    step: Step
    why: str = ""  # of a decision; kept sealed


class CallNote(forms.Input):
    """What came of a call at the hot line; kept sealed."""

    outcome: Literal["dissuaded", "stopped", "sent", "no_fraud"]
    label: str = ""  # code
    amount: Annotated[int, forms.meta("yuan", ge=0, le=10**12)] = 0
    notice: str = ""  # code of the measure that the customer has in writing
    key: Annotated[str, forms.meta("of the call: noted once", max_length=64)]


class CallSum(forms.FullOutput):
    """The calls of one month with one label, outcome and notice."""

    month: str  # YYYY-MM
    label: str  # code, or ""
    outcome: str  # code
    notice: str  # code of a measure, or ""
    calls: int
    amount: int  # yuan
