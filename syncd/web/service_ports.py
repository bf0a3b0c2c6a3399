"""Protocols of the services that the local API calls.

Every method may raise a SyncdError, which becomes its problem.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from syncd.errors import SyncdError
from syncd.flows.draft import AnswerDraft, OwnerDraft
from syncd.flows.entry import Filter, OwnDraft
from syncd.flows.ports import Position
from syncd.web import claim_forms, forms, report_forms, status_forms
from syncd.web.access_forms import (
    AboutAnswer,
    AboutCall,
    AccessFilter,
    AccessSums,
    AppealDraft,
    AppealFilter,
    AppealPage,
    AppealStep,
)
from syncd.web.change_forms import ChangePage
from syncd.web.event_stream import Event
from syncd.web.own_list_forms import (
    OwnEntries,
    OwnLoad,
    OwnLoadBegin,
    OwnLoaded,
    OwnLoadEnd,
    OwnPage,
    OwnRemoval,
    OwnRemoved,
    OwnRows,
    OwnTaken,
)
from syncd.web.quota_forms import Quota
from syncd.web.report_forms import (
    ImportBegin,
    ImportEnd,
    ImportPage,
    ImportStatus,
    ImportStep,
    Kept,
    RefusedCells,
    RefusedPage,
    ReportSearch,
)
from syncd.web.screening_forms import (
    ScreeningAdd,
    ScreeningFilter,
    ScreeningItem,
    ScreeningReport,
    ScreeningTaken,
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose token a request bears."""

    name: str
    role: str


MAX_DEADLINE_MS = 60_000  # of a look-up

LookupCall = forms.Lookups[forms.Item | SyncdError]
OwnAdd = OwnEntries[OwnDraft | SyncdError]
OwnLocal = OwnRows[forms.Draft | SyncdError]
Screened = ScreeningAdd[ScreeningItem | SyncdError]


class Intake(Protocol):
    """What stands behind `/v1/reports` and `/v1/imports`."""

    async def take_reports(
        self,
        drafts: Sequence[forms.Draft | SyncdError],
        step: ImportStep | None,
        caller: str = "",
        *,
        refresh: bool = False,
        again: str = "",
    ) -> report_forms.ReportsTaken:
        """Keep what is right among the drafts; durable on return."""

    async def reports(self, wanted: ReportSearch) -> report_forms.VaultPage:
        """Return rows of the vault, newest first."""

    async def begin_import(
        self, wanted: ImportBegin, caller: str = ""
    ) -> tuple[ImportStatus, bool]:
        """Begin an import or find it again; tell whether it is new."""

    async def finish_import(self, number: int, how: ImportEnd) -> ImportStatus:
        """End an import."""

    async def imports(self, before: int, limit: int, name: str) -> ImportPage:
        """Return imports, newest first; of one list, or of all."""

    async def import_state(self, number: int) -> ImportStatus:
        """Return one import."""

    async def refused_rows(self, number: int, after: int) -> RefusedPage:
        """Return refused rows of an import behind a row."""

    async def keep_cells(self, number: int, cells: RefusedCells) -> Kept:
        """Keep the cells of refused rows, sealed."""


class ClaimIntake(Protocol):
    """What stands behind disputes, answers, vouches, reassignments."""

    async def dispute(
        self, caller: Caller, draft: forms.DisputeDraft
    ) -> claim_forms.Disputed:
        """Keep a dispute; durable on return."""

    async def disputes(
        self, wanted: claim_forms.DisputeQuery
    ) -> claim_forms.DisputePage:
        """Return disputes against us and ours, the first due first."""

    async def answer(
        self, caller: Caller, draft: AnswerDraft
    ) -> claim_forms.Answered:
        """Keep an answer; durable on return."""

    async def owners(
        self, caller: Caller, drafts: Sequence[OwnerDraft | SyncdError]
    ) -> report_forms.ReportsTaken:
        """Keep vouches, or that numbers have new owners; durable on return."""


class OwnListService(Protocol):
    """What stands behind `/v1/own`."""

    async def add(self, caller: Caller, wanted: OwnAdd) -> OwnTaken:
        """Keep exempt entries or notes; durable on return."""

    async def add_local(self, caller: Caller, wanted: OwnLocal) -> OwnTaken:
        """Keep rows of a local list; durable on return."""

    async def begin_load(self, wanted: OwnLoadBegin) -> OwnLoad:
        """Begin to read a list anew."""

    async def finish_load(
        self, caller: Caller, wanted: OwnLoadEnd
    ) -> OwnLoaded:
        """Drop what a list does not have any more."""

    async def remove(self, caller: Caller, wanted: OwnRemoval) -> OwnRemoved:
        """End entries."""

    async def page(self, wanted: Filter) -> OwnPage:
        """Return entries."""


class ChangeService(Protocol):
    """What stands behind `/v1/changes`."""

    async def page(self, caller: Caller, since: str) -> ChangePage | None:
        """Return what came in next after a cursor; None if it is too old."""


class ScreeningService(Protocol):
    """What stands behind `/v1/screening`."""

    async def add(
        self, caller: Caller, items: Sequence[ScreeningItem | SyncdError]
    ) -> ScreeningTaken:
        """Keep customers' tokens; durable on return."""

    async def report(
        self, caller: Caller, wanted: ScreeningFilter
    ) -> ScreeningReport:
        """Return who is listed or was; the asking is an access record."""


class AccessService(Protocol):
    """What stands behind `/v1/access` and `/v1/appeals`."""

    async def sums(self, caller: Caller, wanted: AccessFilter) -> AccessSums:
        """Return how many look-ups there were; that too is recorded."""

    async def about(self, caller: Caller, wanted: AboutCall) -> AboutAnswer:
        """Return what a person may be told of look-ups; recorded."""

    async def appeals(
        self, caller: Caller, wanted: AppealFilter
    ) -> AppealPage:
        """Return appeals: all for compliance, their own for others."""

    async def add(self, caller: Caller, wanted: AppealDraft) -> AppealPage:
        """Keep an appeal that came in."""

    async def move(
        self, caller: Caller, number: int, wanted: AppealStep
    ) -> AppealPage:
        """Note a step."""


class LocalService(Protocol):
    """What stands behind the rest."""

    @property
    def screening(self) -> ScreeningService:
        """What stands behind `/v1/screening`."""

    @property
    def changes(self) -> ChangeService:
        """What stands behind `/v1/changes`."""

    @property
    def access(self) -> AccessService:
        """What stands behind `/v1/access` and `/v1/appeals`."""

    @property
    def intake(self) -> Intake:
        """What stands behind `/v1/reports` and `/v1/imports`."""

    @property
    def claim_intake(self) -> ClaimIntake:
        """What stands behind disputes, answers, vouches, reassignments."""

    @property
    def own_lists(self) -> OwnListService:
        """What stands behind `/v1/own`."""

    async def caller(self, bearer: str) -> Caller | None:
        """Return whose token that is, or None."""

    async def revoked(self, bearer: str) -> str:
        """Return the day on which a token was revoked, or ""."""

    async def retract(
        self, wanted: report_forms.Retraction
    ) -> report_forms.Retracting:
        """Have reports of ours end."""

    async def lookup(
        self, caller: Caller, wanted: LookupCall
    ) -> forms.LookupAnswers:
        """Answer every item, in order; recorded durably before return."""

    async def indicators(
        self, caller: Caller, after: str, limit: int
    ) -> forms.IndicatorPage:
        """Return what the alliance holds after a token; recorded."""

    async def claim(
        self, caller: Caller, position: Position
    ) -> forms.Indicator:
        """Return the claim that stands at a position; recorded."""

    async def status(self, *, digests: bool) -> status_forms.Status:
        """Return how we are doing."""

    async def quota(self, caller: Caller) -> Quota:
        """Return what is left to the caller's token, and to us."""

    def events(self, cursor: str) -> AsyncGenerator[Event | None, None]:
        """Yield what happened after a cursor; None for a heartbeat."""

    async def take_roster(self, raw: bytes) -> forms.RosterTaken:
        """Accept a roster note from our own admin."""

    async def roster(self) -> bytes:
        """Return the newest roster's signed note."""

    async def take_share(self, raw: bytes) -> forms.ShareTaken:
        """Accept a sealed share file."""

    async def mute(
        self, caller: Caller, wanted: status_forms.Mute
    ) -> status_forms.MuteResult:
        """Show a thing to do no more until a day."""

    async def metrics(self, caller: Caller) -> bytes:
        """Return the metrics in Prometheus' text format."""

    async def ready(self) -> status_forms.Ready:
        """Tell whether we serve."""
