"""How this member is doing, what to do, and what of it is muted.

Its state is read from every part of the daemon.
"""

from collections.abc import Iterable
from importlib import metadata

from syncd.errors import (
    NOTHING,
    Message,
    RefusedError,
    SyncdError,
    UnavailableError,
)
from syncd.flows.ports import Mute
from syncd.flows.tokenise import Tokeniser
from syncd.messages import wire
from syncd.node.context import Context, checked_day, part
from syncd.node.follow.peer_choice import SILENT, PeerState
from syncd.node.follow.rounds import Rounds
from syncd.node.notify.notifier import Notifier
from syncd.node.publish.publisher import Publisher
from syncd.node.serve import todo
from syncd.node.serve.budgets import Budgets
from syncd.node.serve.freshness import Freshness
from syncd.node.serve.member_state import MemberState, appending, subject
from syncd.node.serve.metrics import Metrics
from syncd.node.serve.screening import Screening
from syncd.node.serve.shown import shown
from syncd.node.upkeep.disputes import Disputes
from syncd.node.upkeep.never_list import NeverList
from syncd.roster import certificate
from syncd.roster.members import Member
from syncd.roster.terms import Epoch
from syncd.store.findings import Row
from syncd.tlog import checkpoint
from syncd.web import routes, status_forms
from syncd.web.routes import EVERYBODY, OPEN, OPERATORS, READERS, Caller, route

FINDINGS = 20  # the newest
VERSION = metadata.version("syncd")
UNHEARD = Message("nobody tells us what is new")


@part
class StatusReader:
    """Reads how every part is doing."""

    ctx: Context
    disputes: Disputes  # those that concern us
    rounds: Rounds  # what they last saw of each member and log
    tokeniser: Tokeniser  # each holder when it was asked last, and quotas
    metrics: Metrics
    notifier: Notifier
    publisher: Publisher
    freshness: Freshness  # of what we hold
    never: NeverList
    screening: Screening
    budgets: Budgets

    async def read(self) -> MemberState:
        """Return the state."""
        ctx, own = self.ctx, self.ctx.own
        config, roster = ctx.config, ctx.roster
        head, note = await own.log.head(), own.log.released()
        return MemberState(
            now=ctx.now(),
            version=VERSION,
            member=config.member.id,
            alliance=roster.alliance,
            log=status_forms.OwnLogState(
                origin=config.origin,
                size=head.frontier.size,
                note=note.decode(),
                released=checkpoint.size_of(note),
            ),
            vault=await own.vault.counts(),
            logs=await self._logs(),
            receipts=await self._receipts(),
            holders=self._holder_states(),
            keys=tuple(
                self._key(e)
                for e in roster.epochs
                if e.shares and not e.retired
            ),
            quotas=tuple(self.tokeniser.allowance.state()),
            roster=self.freshness.roster_state(),
            members=tuple(
                self._member(m, head.frontier.size) for m in roster.members
            ),
            cut_off=self.cut_off(),
            admins=len(roster.admin_keys),
            admins_needed=roster.threshold,
            skew_s=self.rounds.our_clock.skew_s() or 0,
            findings=tuple(await self.findings(FINDINGS)),
            appending=self.publisher.why_not(),
            notify=self.notifier.states(),
            daemons=await self._daemons(),
            disputes=tuple(
                one for one in await self.disputes.states() if one.pending
            ),
            appeals=await own.appeals.open(),
            held=await own.pending.counts(),
            renewal=self._renewal(),
            remarks=(
                *await self._remarks(),
                *self.never.todo,
                *self.screening.todo,
            ),
        )

    @route("GET /v1/status", EVERYBODY, "read the status")
    async def status(self) -> status_forms.Status:
        """Return the state as the local API says it, with what to do."""
        state = await self.read()
        muted = await self.ctx.own.mutes.on(self.ctx.today())
        return state.form(todo.of(state), todo.notes(state), muted)

    @route("GET /v1/quota", READERS, "read what is left of quotas")
    async def quota(self, caller: Caller) -> status_forms.Quota:
        """Return what is left to the caller's token and to us, and our book."""
        return status_forms.Quota(
            token=self.budgets.left(caller),
            member=tuple(self.tokeniser.allowance.state()),
            given=tuple(await self.ctx.own.quotas.hours()),
        )

    @route("POST /v1/status/mutes", OPERATORS, "mute what there is to do")
    async def mute(
        self, caller: Caller, wanted: status_forms.MuteCall
    ) -> status_forms.MuteResult:
        """Show a thing to do no more until a day.

        Raises:
            MalformedError: `until` is no day.
            RefusedError: nothing to do has that code.
        """
        checked_day("until", wanted.until)
        found = {
            subject(message, why=True)
            for message in todo.of(await self.read())
            if wire.code(message) == wanted.code
        }
        if not found:
            raise RefusedError("mute: nothing that is to do has that code")
        now, why = self.ctx.now(), wanted.why.strip()
        mute = Mute(wanted.until, caller.name, now, why)
        await self.ctx.own.mutes.put(found, mute)
        return status_forms.MuteResult(count=len(found))

    @route("GET /metrics", READERS, "read metrics", media=routes.PROMETHEUS)
    async def scrape(self) -> bytes:
        """Return the metrics in Prometheus' text format.

        What is looked up, and why, live: not for a member's auditors.
        """
        return self.metrics.scrape(await self.read())

    @route("GET /readyz", OPEN, "ask whether we serve")
    async def ready(self) -> status_forms.Ready:
        """Tell how we serve: that look-ups can be answered.

        Raises:
            UnavailableError: they cannot: a database does not answer.
        """
        try:
            await self.ctx.own.log.head()
            await self.ctx.mirror.head(self.ctx.origin)
        except SyncdError as e:
            raise UnavailableError(e.text, hint=e.way_out) from e
        shown = appending(self.publisher.why_not())
        cut_off = self.cut_off()
        return status_forms.Ready(
            appending=shown.ok,
            cut_off=cut_off is not None,
            why=shown.why or (cut_off.why if cut_off else None),
        )

    async def _daemons(self) -> tuple[status_forms.DaemonRow, ...]:
        election = self.ctx.home.election
        return tuple(
            status_forms.DaemonRow(
                node=node,
                here=node == getattr(election, "node", ""),
                leads=since is not None,
                since=since,
            )
            for node, since in (await election.daemons() if election else ())
        )

    def cut_off(self) -> status_forms.CutOff | None:
        """Return since when nobody answers us; None if somebody does."""
        contact = self.rounds.contact
        if not contact.since:
            return None
        why = wire.of(contact.cut_off())
        return status_forms.CutOff(since=contact.since, why=why)

    def _renewal(self) -> Message:
        """Say who is to sign the next roster, "" if none lies here."""
        roster, path = self.ctx.roster, self.ctx.renewal
        if not path.exists():
            return NOTHING
        return Message(
            "roster: version {version} expires in {days} days: {n} of {names}"
            " are to sign the next one, which lies ready: syncd roster sign"
            " {path}",
            roster,
            days=(roster.expires - self.ctx.now()) // todo.DAY_S,
            n=roster.threshold,
            names=", ".join(sorted(roster.admins)),
            path=str(path),
        )

    async def _remarks(self) -> Iterable[Message]:
        """Return what else there is to do: outside, distrust, numbers tried."""
        doubts = (
            Message(
                "distrust: what {member} says counts here as that of a forked"
                " log, since {day}, says {caller}; syncd own remove --id {id}"
                " ends it",
                one,
                member=one.fields.text,
                day=self.ctx.day_of(one.at),
                caller=one.by,
            )
            for one in await self.ctx.distrusted()
        )
        returns = (
            Message(
                "RETURN: {member} is announced to come back with new keys and"
                " another log, since {day}: if it has not lost its home, call"
                " an admin today: syncd roster member {member} --no-return"
                " ends it",
                member=member.id,
                day=self.ctx.day_of(member.returning.since),
            )
            for member in self.ctx.roster.members
            if member.returning
        )
        tries = (
            Message(
                "token: {caller} had {n} look-ups in the last hour that found"
                " nothing, and {have} that did: ask whose system it is, or"
                " whether it tries numbers; syncd token revoke {caller}",
                caller=one.name,
                n=tried[0],
                have=tried[1],
            )
            for one in await self.ctx.own.bearers.all()
            if not one.revoked_at and (tried := self.budgets.fishing(one.id))
        )
        own = await self.publisher.still_to_say()
        return filter(None, (self._outside(), *returns, *doubts, *tries, *own))

    def _outside(self) -> Message:
        """Say what to do if nobody tells us what is new, "" if somebody does.

        We were removed, and may not have heard of it: who has removed us does
        not answer that either.
        """
        me = self.ctx.us
        if me is None or not me.active:
            return Message(
                "roster: version {version} does not list us as active (syncd"
                " roster show): nobody answers us, and what is here grows"
                " old; ask the admins, or stop syncd",
                self.ctx.roster,
            )
        return self.rounds.contact.cut_off()

    def _member(self, member: Member, size: int) -> status_forms.MemberRow:
        """Return how a member is doing, where our log has `size` entries."""
        ctx, mine = self.ctx, member.id == self.ctx.me
        peer = self.rounds.peer_choice.states.get(member.id, PeerState())
        there = member.active and not mine
        ends = (
            certificate.expires(member.certificate) if member.active else None
        )
        return shown(
            status_forms.MemberRow,
            peer,
            member=member.id,
            sector=member.sector,
            state=_state(member, peer, mine=mine),
            holder=member.id in ctx.roster.holders,
            why=wire.of(peer.why) if peer.why else None,
            offset_s=self.rounds.our_clock.offset_s(member.id),
            certificate_ends=ends,
            certificate_days=ends and (ends - ctx.now()) // todo.DAY_S,
            lacks=max(size - peer.holds.get(ctx.origin, 0), 0)
            if there
            else None,
        )

    async def _receipts(self) -> tuple[status_forms.Seen, ...]:
        """Return the newest receipt of our log from each member."""
        members = {m.keys.merged.name: m.id for m in self.ctx.roster.members}
        found = await self.ctx.own.cosigned.receipts(self.ctx.origin)
        return tuple(
            shown(status_forms.Seen, receipt, member=members[signer])
            for signer, receipt in sorted(found.items())
            if signer in members
        )

    async def _logs(self) -> tuple[status_forms.LogState, ...]:
        """Return how every log of the roster is doing, our own among them."""
        roster = self.ctx.roster
        heads = {h.origin: h for h in await self.ctx.mirror.heads()}
        unheard = UNHEARD if self._outside() else NOTHING
        now = self.ctx.now()
        logs = []
        for origin in roster.origins():
            member = roster.known(roster.owner(origin))
            head = heads.get(origin) or await self.ctx.mirror.head(origin)
            state = self.rounds.logs.state(origin)
            known = max(state.known, head.mirrored)
            ours = origin == self.ctx.origin
            why = state.why or ("" if ours else unheard)
            lag, per_s = known - head.merged, state.rate(head.merged, now)
            logs.append(
                shown(
                    *(status_forms.LogState, head, state),
                    member=member.id,
                    origin=origin,
                    sector=member.sector,
                    known=known,
                    lag=lag,
                    missing=len(head.missing),
                    last_pull=state.last_pull or None,
                    as_of=None
                    if ours
                    else self.rounds.heard_at(member.id, origin) or None,
                    why=wire.of(why) if why else None,
                    per_s=per_s or None,
                )
            )
        return tuple(logs)

    def _holder_states(self) -> tuple[status_forms.HolderState, ...]:
        """Return what was last seen of each holder."""
        states = self.rounds.peer_choice.states
        made = status_forms.HolderState
        return tuple(
            made(
                member=m,
                up=not why,
                why=wire.of(why) if why else None,
                away=peer.away,
            )
            for m in self.ctx.roster.holders
            for why in (self._holder_down(m),)
            for peer in (states.get(m, PeerState()),)
        )

    def _key(self, epoch: Epoch) -> status_forms.KeyState:
        holders = self.ctx.roster.holders_of(epoch).values()
        up = tuple(h.id for h in holders if not self._holder_down(h.id))
        counts = {"n": len(holders), "shares": len(epoch.shares)}
        counts["spare"] = len(up) - epoch.t
        return shown(status_forms.KeyState, epoch, up=up, **counts)

    def _holder_down(self, member: str) -> Message:
        """Return why a holder is down, "" if it is up: what came last counts.

        One that answered wrongly is down until it answers an evaluation.
        """
        asked = self.tokeniser.holders.get(member)
        peer = self.rounds.peer_choice.states.get(member, PeerState())
        if asked is None or asked.since < peer.ended:
            if peer.failures:
                return peer.why
            if asked is None or asked.silent:
                return NOTHING
        return NOTHING if asked.up else asked.why

    async def findings(self, limit: int) -> list[Row]:
        """Return the newest findings of both databases, the last met first.

        What merging finds is kept with what it merged, all else in own.db.
        """
        kept = [
            *await self.ctx.mirror.findings(limit),
            *await self.ctx.own.findings(limit),
        ]
        kept.sort(key=lambda k: k.last_at, reverse=True)
        return kept[:limit]


def _state(member: Member, peer: PeerState, *, mine: bool) -> str:
    if not member.active:
        return "removed"
    if mine:
        return "self"
    if peer.failures:
        return "silent" if peer.failures >= SILENT else "failing"
    return "ok" if peer.last_ok else "unheard"
