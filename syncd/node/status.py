"""Status: how this member is doing, and one line for each thing to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import TYPE_CHECKING

import msgspec

from syncd.flows.ports import MirrorHead
from syncd.indicator import claims
from syncd.roster.roster import Roster
from syncd.store.findings import Kept
from syncd.store.vault import State
from syncd.web import forms

if TYPE_CHECKING:
    from syncd.node.daemon import Daemon

FINDINGS = 20  # the newest
DAY_S = 86_400
SOON_S = 14 * DAY_S  # a roster that expires within is told
VERSION = metadata.version("syncd")


async def status(daemon: Daemon, *, digests: bool = False) -> forms.Status:
    """Return the status; `digests` are recomputed from all claim rows."""
    own, config = daemon.home.own, daemon.config
    roster = daemon.rosters.current
    now = int(daemon.clock())
    head = await own.log.head()
    note = own.log.released()
    counts = await own.vault.counts()
    seen = {r.member: r for r in await receipts(daemon)}
    why = daemon.appending
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
        logs=await logs(daemon, seen, digests=digests),
        receipts=tuple(seen.values()),
        holders=holders(daemon),
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
        roster=roster_state(roster, now),
        skew_s=daemon.exchange.skew_s() or 0,
        findings=tuple(map(_finding, await findings(daemon, FINDINGS))),
        appending=forms.Appending(ok=not why, why=why),
        todo=(),
    )
    return msgspec.structs.replace(
        told, todo=tuple(todo(told, max_skew_s=config.skew.max_s))
    )


def roster_state(roster: Roster, now: int) -> forms.RosterState:
    """Return which roster is in force."""
    return forms.RosterState(
        version=roster.version,
        hash=roster.hash,
        expires=roster.expires,
        expired=roster.expired(now),
        format=roster.format,
        merging=not roster.stops_merging,
    )


def _count(counts: Mapping[tuple[str, State], int], state: State) -> int:
    return sum(n for (_, s), n in counts.items() if s == state)


async def receipts(daemon: Daemon) -> list[forms.Seen]:
    """Return the newest receipt of our log from each member."""
    roster = daemon.rosters.current
    found = await daemon.home.own.cosigned.receipts(daemon.config.origin)
    told = []
    for signer, receipt in sorted(found.items()):
        member = roster.by_key_name(signer)
        if member is not None and signer == member.keys.merged.name:
            told.append(
                forms.Seen(member=member.id, size=receipt.size, at=receipt.at)
            )
    return told


async def logs(
    daemon: Daemon,
    seen: Mapping[str, forms.Seen],
    *,
    digests: bool = False,
) -> tuple[forms.LogState, ...]:
    """Return how every log of the roster is doing, our own among them."""
    roster = daemon.rosters.current
    heads = {h.origin: h for h in await daemon.home.mirror.heads()}
    told = []
    for origin in roster.origins():
        found = roster.by_origin(origin)
        if found is None:
            continue
        member = found[0]
        head = heads.get(origin) or await daemon.home.mirror.head(origin)
        state = daemon.exchange.log_state(origin)
        known = max(state.known, head.mirrored)
        last = origin == member.origin
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
                why=state.why,
                digest=await digest(daemon, head) if digests else "",
            )
        )
    return tuple(told)


async def digest(daemon: Daemon, head: MirrorHead) -> str:
    """Return the digest of an origin's claim rows below `merged`, in hex."""
    total = 0
    async for rows in daemon.home.mirror.rows(head.origin, head.merged):
        part = await daemon.offload(claims.digest, head.origin, rows)
        total = claims.plus(total, part)
    return claims.digest_bytes(total).hex()


def holders(daemon: Daemon) -> tuple[forms.HolderState, ...]:
    """Return what was last seen of each holder."""
    told = []
    for member in daemon.rosters.current.holders:
        asked = daemon.tokeniser.holders.get(member)
        peer = daemon.exchange.peer_states.get(member)
        if asked is not None:
            up, why = asked.up, asked.why
        elif peer is not None and peer.failures:
            up, why = False, peer.why
        else:
            up, why = True, ""
        told.append(forms.HolderState(member=member, up=up, why=why))
    return tuple(told)


async def findings(daemon: Daemon, limit: int) -> list[Kept]:
    """Return the newest findings of both databases, the last met first.

    What merging finds is kept with what it merged, all else in own.db.
    """
    kept = [
        *await daemon.home.mirror.findings(limit),
        *await daemon.home.own.findings(limit),
    ]
    kept.sort(key=lambda k: k.last_at, reverse=True)
    return kept[:limit]


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
    *(CLOCK, EXPIRED, EXPIRES, WAITING, STOPPED, FEW_HOLDERS_WAITING),
    *(NEWER, FEW_HOLDERS, HOLDERS, FORK_WHY, FORK, WITHHELD, BEHIND, DEALT),
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
