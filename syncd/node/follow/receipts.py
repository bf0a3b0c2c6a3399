"""Cosign others' logs, and collect their cosignatures of ours."""

from collections.abc import Awaitable, Callable, Iterable

from syncd.errors import (
    ForkError,
    MalformedError,
    Message,
    RefusedError,
    StaleError,
    SyncdError,
    UntrustedError,
)
from syncd.flows.cosign import Cosigner
from syncd.node.context import BUG, Context, part
from syncd.node.follow.clocks import OurClock
from syncd.node.follow.followed import FollowedLogs, log
from syncd.tlog import checkpoint, note

RECEIPTS_SERVED = 14  # cosignatures on a served checkpoint: C2SP asks for 16


@part
class Receipts:
    """Signs what we saw and merged, and keeps what others sign of our log."""

    ctx: Context
    logs: FollowedLogs
    our_clock: OurClock
    keep: Callable[[str, int, bytes], Awaitable[None]]  # key name, size, note

    async def signed(self, origin: str) -> list[bytes]:
        """Return the newest notes that our own keys signed of a log."""
        book, roles = self.ctx.own.cosigned, ("seen", "merged")
        found = [await book.cosigned(role, origin) for role in roles]
        return [one.note for one in found if one is not None]

    async def cosign(self, origin: str, key: note.VerifierKey) -> bool:
        """Say what we saw and merged, if our clock is sound; tell if so."""
        self.logs.note(origin, owed=True)  # until it is signed
        signed = list[object]()
        keys = self.ctx.home.keys
        try:
            self.our_clock.healthy()
            cosigner = Cosigner(
                mirror=self.ctx.mirror,
                log_key=key,
                book=self.ctx.own.cosigned,
                now=self.ctx.now(),
                rejected=await self.logs.rejected(origin),
            )
            seen = await cosigner.seen(keys.seen)
            signed = [seen, await cosigner.merged(keys.merged)]
        except (RefusedError, StaleError):
            # The round says so, once for all logs; or the witness API signed
            # meanwhile.
            return False
        except ForkError as e:
            await self.logs.forked(origin, await self.signed(origin), e.text)
        self.logs.note(origin, owed=False)
        return any(signed)

    async def make_up(self, busy: Callable[[str], bool]) -> None:
        """Sign what could not be signed when it was merged.

        `busy` tells of a log that is being pulled: its pull signs it.
        """
        logs = self.logs
        owed = [o for o, s in logs.states.items() if s.owed]
        if not owed:
            return
        try:
            self.our_clock.healthy()
        except RefusedError as e:
            log.warning("not cosigning", logs=len(owed), why=str(e))
            return
        for origin in sorted(owed):
            key = logs.key(origin)
            if key is None or logs.is_ours(origin):
                logs.note(origin, owed=False)
                continue
            try:
                if not busy(origin) and await self.cosign(origin, key):
                    await logs.grown(origin)
            except Exception as e:
                why = e.text if isinstance(e, SyncdError) else BUG
                logs.note(origin, why=why)
                log.warning(
                    "not cosigning",
                    origin=origin,
                    why=str(why),
                    exc_info=why == BUG,
                )

    async def take(self, member: str, raw: bytes) -> bool:
        """Keep a member's `merged` line on our own log; tell if it is one."""
        found = self.ctx.roster.member(member)
        if found is None:
            return False
        key = found.keys.merged
        try:
            parsed = note.parse(raw)
            head = checkpoint.parse(parsed.text)
            ours = self.logs.key(head.origin)
            if ours is None or not self.logs.is_ours(head.origin):
                return False
            if note.by_another(parsed, key):
                return False  # it has, or had, another version of the roster
            lines = note.verify(parsed, [ours, key])
            if len(lines) < 2:
                raise UntrustedError("not signed by our log and the member")
        except (MalformedError, UntrustedError) as e:
            why = Message("receipt: {why}", why=e)
            await self.ctx.found("bad_receipt", member, why)
            return False
        # We are to serve it: other lines are nobody's word.
        only = note.Note(parsed.text, tuple(s for _, s in lines))
        await self.keep(key.name, head.size, bytes(only))
        return True


def with_receipts(raw: bytes, origin: str, receipts: Iterable[bytes]) -> bytes:
    """Return a log's checkpoint with others' cosignatures of the same text.

    Lines that are already verified; at most 14 of them.
    """
    own = note.parse(raw)
    lines = list(own.signatures)
    for receipt in receipts:
        parsed = note.parse(receipt)
        if parsed.text == own.text:
            lines.extend(s for s in parsed.signatures if s.name != origin)
    del lines[1 + RECEIPTS_SERVED :]
    return bytes(note.Note(own.text, tuple(lines)))
