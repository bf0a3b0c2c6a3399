"""Status: how this member is doing, and one line for each thing to do."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata

import msgspec

from syncd.flows.ports import MirrorHead
from syncd.flows.tokenise import HolderState
from syncd.indicator import claims
from syncd.node.context import Context
from syncd.node.follow.rounds import Rounds
from syncd.node.upkeep.never_list import NOT_WHOLE, TOO_LONG
from syncd.node.upkeep.overtaken import PROTECTED
from syncd.store.findings import Kept
from syncd.store.home import OwnStore
from syncd.store.mirror import MirrorStore
from syncd.store.vault import State
from syncd.web import forms

FINDINGS = 20  # the newest
DAY_S = 86_400
SOON_S = 14 * DAY_S  # a roster that expires within is told
VERSION = metadata.version("syncd")


@dataclass(kw_only=True, eq=False)
class Board:
    """Reads how every part is doing."""

    ctx: Context
    rounds: Rounds  # what they last saw of each member and log
    asked: Mapping[str, HolderState]  # each holder, when it was asked last
    appending: Callable[[], str]  # says why we append nothing, or ""
    never: Callable[[], Iterable[str]]  # what to do about the never-list

    @property
    def _own(self) -> OwnStore:
        return self.ctx.home.own

    @property
    def _mirror(self) -> MirrorStore:
        return self.ctx.home.mirror

    async def status(self, *, digests: bool = False) -> forms.Status:
        """Return the status; `digests` are recomputed from all claim rows."""
        own, config = self._own, self.ctx.config
        roster = self.ctx.roster
        now = self.ctx.now()
        head = await own.log.head()
        note = own.log.released()
        counts = await self.vault()
        seen = {r.member: r for r in await self.receipts()}
        why = self.appending()
        told = forms.Status(
            member=config.member.id,
            alliance=roster.alliance,
            version=VERSION,
            time=now,
            log=forms.OwnLogState(
                origin=config.origin,
                size=head.frontier.size,
                note=note.decode(),
                released=int(note.split(b"\n", 2)[1]),
            ),
            vault=forms.VaultState(
                waiting={
                    kind: n
                    for (kind, state), n in sorted(counts.items())
                    if state == State.WAITING
                },
                published=_count(counts, State.PUBLISHED),
                ending=_count(counts, State.ENDING),
                ended=_count(counts, State.ENDED),
            ),
            logs=await self.logs(seen, digests=digests),
            receipts=tuple(seen.values()),
            holders=self.holders(),
            keys=tuple(
                forms.KeyState(
                    kind=e.kind,
                    epoch=e.epoch,
                    t=e.t,
                    n=len(e.shares),
                    dealt=e.dealt,
                )
                for e in roster.epochs
                if e.shares and not e.retired
            ),
            roster=self.roster_state(),
            skew_s=self.skew_s(),
            findings=tuple(map(_finding, await self.findings(FINDINGS))),
            appending=forms.Appending(ok=not why, why=why),
            todo=(),
        )
        lines = [
            self.outside(),
            *self.never(),
            *todo(told, max_skew_s=config.skew.max_s),
        ]
        return msgspec.structs.replace(told, todo=tuple(filter(None, lines)))

    def outside(self) -> str:
        """Say what to do if nobody tells us what is new, "" if somebody does.

        We were removed, and may not have heard of it: who has removed us does
        not answer that either.
        """
        roster = self.ctx.roster
        me = roster.member(self.ctx.me)
        if me is None or not me.active:
            return LEFT.format(version=roster.version)
        states = self.rounds.peer_states.values()
        asked = [s for s in states if s.failures or s.last_ok]
        if not asked or not all(s.failures for s in asked):
            return ""
        return SILENT.format(n=len(asked), why=asked[0].why)

    async def vault(self) -> Mapping[tuple[str, State], int]:
        """Return how many rows of each kind are in each state."""
        return await self._own.vault.counts()

    def skew_s(self) -> int:
        """Return how far the others' clocks are ahead; 0 if none was heard."""
        return self.rounds.our_clock.skew_s() or 0

    def failures(self) -> Mapping[str, int]:
        """Return how often in a row each member's door has failed."""
        states = self.rounds.peer_states.items()
        return {member: state.failures for member, state in states}

    def roster_state(self) -> forms.RosterState:
        """Return which roster is in force."""
        roster = self.ctx.roster
        return forms.RosterState(
            version=roster.version,
            hash=roster.hash,
            expires=roster.expires,
            expired=roster.expired(self.ctx.now()),
            format=roster.format,
            merging=not roster.stops_merging,
        )

    async def receipts(self) -> list[forms.Seen]:
        """Return the newest receipt of our log from each member."""
        roster = self.ctx.roster
        found = await self._own.cosigned.receipts(self.ctx.origin)
        told = []
        for signer, receipt in sorted(found.items()):
            member = roster.by_key_name(signer)
            if member is not None and signer == member.keys.merged.name:
                told.append(
                    forms.Seen(
                        member=member.id, size=receipt.size, at=receipt.at
                    )
                )
        return told

    async def logs(
        self,
        seen: Mapping[str, forms.Seen],
        *,
        digests: bool = False,
    ) -> tuple[forms.LogState, ...]:
        """Return how every log of the roster is doing, our own among them."""
        roster = self.ctx.roster
        heads = {h.origin: h for h in await self._mirror.heads()}
        unheard = NOBODY if self.outside() else ""
        told = []
        for origin in roster.origins():
            found = roster.by_origin(origin)
            if found is None:
                continue
            member = found[0]
            head = heads.get(origin) or await self._mirror.head(origin)
            state = self.rounds.logs.state(origin)
            known = max(state.known, head.mirrored)
            last = origin == member.origin
            ours = origin == self.ctx.origin
            told.append(
                forms.LogState(
                    member=member.id,
                    origin=origin,
                    sector=member.sector,
                    mirrored=head.mirrored,
                    merged=head.merged,
                    known=known,
                    lag=known - head.merged,
                    contested=head.contested,
                    missing=len(head.missing),
                    last_receipt=seen.get(member.id) if last else None,
                    source=state.source,
                    last_pull=state.last_pull or None,
                    why=state.why or ("" if ours else unheard),
                    digest=await self._digest(head) if digests else "",
                )
            )
        return tuple(told)

    async def as_of(self) -> tuple[forms.AsOf, ...]:
        """Return how fresh is what we hold of each active member's log."""
        now = self.ctx.now()
        sizes = await self._mirror.sizes()
        told = []
        for member in self.ctx.roster.active():
            origin = member.origin
            mirrored, merged = sizes.get(origin, (0, 0))
            if origin == self.ctx.origin:
                heard, known = now, merged
            else:
                heard = self.rounds.heard_at(member.id, origin)
                known = self.rounds.logs.state(origin).known
            told.append(
                forms.AsOf(
                    member=member.id,
                    origin=origin,
                    merged=merged,
                    behind=max(known, mirrored) - merged,
                    heard_at=heard or None,
                    age_s=max(now - heard, 0) if heard else None,
                )
            )
        return tuple(told)

    async def _digest(self, head: MirrorHead) -> str:
        """Return the digest of an origin's claim rows below `merged`, in hex."""
        total = 0
        async for rows in self._mirror.rows(head.origin, head.merged):
            part = await self.ctx.offload(claims.digest, head.origin, rows)
            total = claims.plus(total, part)
        return claims.digest_bytes(total).hex()

    def holders(self) -> tuple[forms.HolderState, ...]:
        """Return what was last seen of each holder."""
        told = []
        for member in self.ctx.roster.holders:
            asked = self.asked.get(member)
            peer = self.rounds.peer_states.get(member)
            if asked is not None:
                up, why = asked.up, asked.why
            elif peer is not None and peer.failures:
                up, why = False, peer.why
            else:
                up, why = True, ""
            told.append(forms.HolderState(member=member, up=up, why=why))
        return tuple(told)

    async def findings(self, limit: int) -> list[Kept]:
        """Return the newest findings of both databases, the last met first.

        What merging finds is kept with what it merged, all else in own.db.
        """
        kept = [
            *await self._mirror.findings(limit),
            *await self._own.findings(limit),
        ]
        kept.sort(key=lambda k: k.last_at, reverse=True)
        return kept[:limit]


def _count(counts: Mapping[tuple[str, State], int], state: State) -> int:
    return sum(n for (_, s), n in counts.items() if s == state)


def _finding(kept: Kept) -> forms.FindingState:
    found = kept.finding
    return forms.FindingState(
        code=found.code,
        origin=found.origin,
        index=found.index,
        detail=found.detail,
        first_at=kept.first_at,
        last_at=kept.last_at,
        count=kept.count,
    )


# ------------------------------------------------------------------ to do

# Whoever shows them in another language knows them by these.
CLOCK = (
    "clock: {s} s off the others': set it (NTP); until then we neither publish"
    " nor cosign"
)
NEWER = (
    "roster: its format {format} is newer than this syncd {version}: logs are"
    " mirrored, and not merged until it is upgraded"
)
EXPIRED = (
    "roster: version {version} has expired: ask the admins to sign and publish"
    " the next one"
)
EXPIRES = (
    "roster: version {version} expires in {days} days: ask the admins for the"
    " next one"
)
LEFT = (
    "roster: version {version} does not list us as active: nobody answers us,"
    " and what is here grows old; ask the admins, or stop syncd"
)
SILENT = (
    "peers: none of the {n} members that were asked answers ({why}): look"
    " whether the way out is open; if it is, we may have been removed: ask the"
    " admins for the newest roster, then syncd roster publish"
)
NOBODY = "nobody tells us what is new"
WAITING = "publishing: {why}; {n} reports wait"
STOPPED = "publishing: {why}"
FEW_HOLDERS_WAITING = (
    "holders: {up} of the {t} needed are up: phones and accounts are unknown,"
    " and {n} reports wait; call {names}"
)
FEW_HOLDERS = (
    "holders: {up} of the {t} needed are up: phones and accounts are unknown;"
    " call {names}"
)
HOLDERS = "holders: {names} down: call them; {up} still answer"
FORK_WHY = (
    "FORK: {origin} signed two histories, or another than the roster's: call"
    " {member} and the admins; its reports count as user_tag until that is"
    " settled ({why})"
)
FORK = (
    "FORK: {origin} signed two histories, or another than the roster's: call"
    " {member} and the admins; its reports count as user_tag until that is"
    " settled"
)
WITHHELD = (
    "withheld: {n} payloads of {origin} are nowhere to be had: call {member}"
)
BEHIND = "behind: {n} entries of {origin}: {why}"
DEALT = (
    "keys: {keys} were dealt by one machine, not drawn by a ceremony: replace"
    " them when the next epoch is due"
)
TODO = (  # where one begins like another, the longer one first
    *(
        LEFT,
        SILENT,
        CLOCK,
        EXPIRED,
        EXPIRES,
        WAITING,
        STOPPED,
        FEW_HOLDERS_WAITING,
    ),
    *(
        NEWER,
        FEW_HOLDERS,
        HOLDERS,
        FORK_WHY,
        FORK,
        WITHHELD,
        BEHIND,
        DEALT,
        PROTECTED,
        NOT_WHOLE,
        TOO_LONG,
    ),
)


def todo(told: forms.Status, *, max_skew_s: int) -> list[str]:
    """Return one line for each thing that is not as it should be."""
    return [
        *_clock(told, max_skew_s),
        *_roster(told),
        *_appending(told),
        *_holders(told),
        *_logs(told),
        *_keys(told),
    ]


def _clock(told: forms.Status, max_skew_s: int) -> Iterable[str]:
    if abs(told.skew_s) > max_skew_s:
        yield CLOCK.format(s=abs(told.skew_s))


def _roster(told: forms.Status) -> Iterable[str]:
    version, left = told.roster.version, told.roster.expires - told.time
    if not told.roster.merging:
        yield NEWER.format(format=told.roster.format, version=told.version)
    if told.roster.expired:
        yield EXPIRED.format(version=version)
    elif left <= SOON_S:
        yield EXPIRES.format(version=version, days=left // DAY_S)


def _appending(told: forms.Status) -> Iterable[str]:
    waiting = sum(told.vault.waiting.values())
    if not told.appending.ok:
        said = WAITING if waiting else STOPPED
        yield said.format(why=told.appending.why, n=waiting)


def _holders(told: forms.Status) -> Iterable[str]:
    down = [h for h in told.holders if not h.up]
    if not down:
        return
    names = ", ".join(h.member for h in down)
    up = len(told.holders) - len(down)
    most = max((k.t for k in told.keys), default=0)
    waits = sum(n for kind, n in told.vault.waiting.items() if kind != "url")
    said = HOLDERS
    if up < most:
        said = FEW_HOLDERS_WAITING if waits else FEW_HOLDERS
    yield said.format(up=up, t=most, n=waits, names=names)


def _logs(told: forms.Status) -> Iterable[str]:
    for log in told.logs:
        words = {
            "origin": log.origin,
            "member": log.member,
            "why": log.why,
        }
        if log.contested:
            yield (FORK_WHY if log.why else FORK).format(**words)
        elif log.missing:
            yield WITHHELD.format(n=log.missing, **words)
        elif log.lag and log.why and told.roster.merging:
            yield BEHIND.format(n=log.lag, **words)


def _keys(told: forms.Status) -> Iterable[str]:
    dealt = [f"{k.kind}/{k.epoch}" for k in told.keys if k.dealt]
    if dealt:
        yield DEALT.format(keys=", ".join(dealt))
