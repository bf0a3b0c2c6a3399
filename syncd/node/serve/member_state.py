"""The state of this member, as one value.

The status, the metrics and what there is to do are views of it: none of them
asks the parts itself, so they cannot disagree.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from syncd.errors import NOTHING, Message
from syncd.flows.dispute_state import DisputeState
from syncd.flows.ports import Mute, State
from syncd.messages import wire
from syncd.node.serve.shown import shown
from syncd.store.findings import Row
from syncd.web import status_forms as forms


class MemberState(forms.Parts):
    """How every part was doing at one time."""

    now: int  # unix seconds
    vault: Mapping[tuple[str, State], int]  # rows by kind and state
    admins: int
    admins_needed: int
    findings: tuple[Row, ...]  # the newest
    appending: Message  # why nothing is published; "" if it is
    appeals: int = 0  # on which something is to do
    held: tuple[int, int] = (0, 0)  # wait for a second person; are overdue
    remarks: tuple[Message, ...]  # what else there is to do
    disputes: tuple[DisputeState, ...]  # that wait for an answer
    renewal: Message = NOTHING  # who is to sign the next roster

    @property
    def follows(self) -> bool:
        """Whether another of our daemons leads."""
        return any(one.leads and not one.here for one in self.daemons)

    def waiting(self) -> dict[str, int]:
        """Return how many rows wait, by kind."""
        return {
            kind: n
            for (kind, state), n in sorted(self.vault.items())
            if state == State.WAITING
        }

    def form(
        self,
        todo: Sequence[Message],
        notes: Sequence[Message],
        muted: Mapping[str, Mute],
    ) -> forms.Status:
        """Return it as the local API says it."""
        shown_, hidden = _sorted(todo, muted)
        rows = Counter[State]()
        for (_, state), n in self.vault.items():
            rows[state] += n
        return shown(
            forms.Status,
            self,
            time=self.now,
            vault=forms.VaultState(
                waiting=self.waiting(),
                published=rows[State.PUBLISHED],
                ending=rows[State.ENDING],
                ended=rows[State.ENDED],
            ),
            findings=tuple(map(_finding, self.findings)),
            appending=appending(self.appending),
            todo=shown_,
            notes=tuple(map(wire.of, notes)),
            muted=hidden,
        )


def appending(why: Message) -> forms.Appending:
    """Return whether we append to our log, as the local API says it."""
    return forms.Appending(ok=not why, why=wire.of(why) if why else None)


def subject(message: Message, *, why: bool = False) -> str:
    """Return what a message is about: its code, and whom it names.

    With `why`, also for which reasons; not how many there are.
    """
    names = [v for v in message.params.values() if isinstance(v, str)]
    if why:
        names += [*wire.codes(msgspec.to_builtins(wire.of(message)))][1:]
    return " ".join([wire.code(message), *names])


def _sorted(
    todo: Sequence[Message], muted: Mapping[str, Mute]
) -> tuple[tuple[wire.WireMessage, ...], tuple[forms.Muted, ...]]:
    """Return what there is to do, and what of it is muted."""
    said = [(wire.of(m), muted.get(subject(m, why=True))) for m in todo]
    hidden = tuple(
        shown(forms.Muted, mute, what=what)
        for what, mute in said
        if mute is not None
    )
    return tuple(what for what, mute in said if mute is None), hidden


def _finding(kept: Row) -> forms.FindingState:
    detail = wire.of(kept.finding.detail)
    return shown(
        forms.FindingState,
        kept.finding,
        kept,
        detail=detail.detail,
        detail_code=detail.code,
        params=detail.params,
    )
