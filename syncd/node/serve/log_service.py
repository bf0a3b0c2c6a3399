"""The service behind `/v1/logs`.

A log as its signed checkpoint has it, and one entry with its proof. An
auditor gets what one gets at the peer API: no payload of a type
below 16, and so nothing about a token.
"""

import base64
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from msgspec import structs

from syncd.audit import known
from syncd.errors import MissingError
from syncd.flows import erasure, log_files, serve
from syncd.flows.judge import Question
from syncd.flows.review import Change
from syncd.flows.serve import LogFiles
from syncd.indicator import absent, codec, leaf, statement, token
from syncd.indicator.claims import key as claim_key
from syncd.indicator.leaf import Record
from syncd.indicator.vocabulary import check
from syncd.node.context import Context, checked_day, part
from syncd.node.follow.receipts import with_receipts
from syncd.node.publish.publisher import Publisher
from syncd.node.serve.lookups import Lookups, lookup_item
from syncd.node.serve.peer_service import PeerService
from syncd.node.serve.review_service import Review
from syncd.node.serve.shown import claim_items, shown
from syncd.tlog import checkpoint, note, proof, tiles
from syncd.tlog.merkle import BUNDLE
from syncd.web import record_forms as forms
from syncd.web.routes import AUDITORS, HANDED_IN, REVIEWERS, Caller, route

BUNDLES = 64  # that one page may look into
EFFECTS = frozenset({2, 3, 18, 19})  # types that have one


@part
class LogService:
    """Shows logs and entries, with what proves them."""

    ctx: Context
    peer_service: PeerService  # has the logs as they are served
    lookups: Lookups
    publisher: Publisher
    review: Review  # holds what a second person is to see

    # -------------------------------------------------------------- one log

    @route("GET /v1/logs/{origin}", AUDITORS, "read a log, newest first")
    async def log(
        self, caller: Caller, origin: str, wanted: forms.LogQuery
    ) -> forms.LogPage:
        """Return entries of a log, out of so many bundles at most."""
        head, log, _ = await self.open_(origin)
        before = min(wanted.before or log.size, log.size)
        if checked_day("day", wanted.day) and not wanted.before:
            before = await self._until(log, wanted.day)
        items = list[forms.LogEntry]()
        first = (before - 1) // BUNDLE
        for n in range(first, max(first - BUNDLES, -1), -1):
            found = await self.records(log, n)
            while before > n * BUNDLE and len(items) < wanted.limit:
                before -= 1
                one = _entry(caller, before, found[before % BUNDLE])
                if (
                    wanted.type in ("", one.type)
                    and wanted.label in ("", one.label)
                    and (not wanted.day or one.on <= wanted.day)
                ):
                    items.append(one)
            if len(items) == wanted.limit:
                break
        return forms.LogPage(**head, items=tuple(items), next=before)

    async def open_(
        self, origin: str, above: int = -1
    ) -> tuple[dict[str, Any], LogFiles, list[bytes]]:
        """Return what is signed of a log, its files, and all its notes.

        Of cosignatures the newest, or the first `above` an index.

        Raises:
            MissingError: the roster has no such log, or we nothing of it.
        """
        found, book = self.ctx.roster.by_origin(origin), self.ctx.own.cosigned
        log = await self.peer_service.mirror_log(tiles.origin_hash(origin))
        if found is None or log is None or log.size <= above:
            raise MissingError("log: nothing of that is here")
        signed = await self.peer_service.receipts.signed(origin)
        if above < 0:
            receipts = [*(await book.receipts(origin)).values()]
        else:
            receipts = await book.first_receipts(origin, above)
        signed += [one.note for one in receipts]
        ours = origin == self.ctx.origin
        raw = log.checkpoint
        raw = raw and with_receipts(raw, origin, [] if ours else signed)
        notes = [*filter(None, (raw, *signed))]
        lines = {
            (one.key, one.size): one
            for each in notes
            for one in self._lines(each, origin)
            if one.size > above
        }
        head = {
            "member": found[0].id,
            "origin": origin,
            "size": log.size,
            "checkpoint": raw.decode(),
            "contested": (await self.ctx.mirror.head(origin)).contested,
            "cosigned": tuple(sorted(lines.values(), key=lambda one: one.at)),
        }
        return head, log, notes

    def _lines(self, raw: bytes, origin: str) -> Iterator[forms.CosignedBy]:
        """Yield who cosigned a checkpoint."""
        for line in note.parse(raw).signatures:
            member = self.ctx.roster.by_key_name(line.name)
            if line.name != origin:
                yield forms.CosignedBy(
                    key=line.name,
                    member=member.id if member else "",
                    size=checkpoint.size_of(raw),
                    at=int.from_bytes(line.body[:8], "big"),
                )

    async def records(self, log: LogFiles, n: int) -> Sequence[Record]:
        """Return the entries of one bundle.

        Raises:
            MissingError: we have none.
        """
        bundle = await log.bundle(n)
        if bundle is None:
            raise MissingError("log: nothing of that is here")
        found: list[Record] = await self.ctx.offload(
            codec.records, log.origin, bundle
        )
        return found

    async def _until(self, log: LogFiles, day: str) -> int:
        """Return the index above the last bundle that begins by a day."""
        low, high = 0, -(-log.size // BUNDLE)
        while low < high:
            middle = (low + high) // 2
            records = await self.records(log, middle)
            days = (getattr(_content(one), "on", "") for one in records)
            if next(filter(None, days), "") > day:
                high = middle
            else:
                low = middle + 1
        return min(low * BUNDLE, log.size)

    # ------------------------------------------------------------ one entry

    @route(
        "GET /v1/logs/{origin}/{index}",
        AUDITORS | REVIEWERS,
        "read an entry, with its proof",
    )
    async def entry(
        self, caller: Caller, origin: str, index: int
    ) -> forms.Entry:
        """Return an entry; that somebody reads of a token is recorded."""
        head, log, _ = await self.open_(origin, index)
        record = (await self.records(log, index // BUNDLE))[index % BUNDLE]
        entry = _entry(caller, index, record)
        if entry.closed:
            gone = await self.ctx.mirror.erased(origin)
            if not record[1] and absent.covered(index, index + 1, gone):
                entry = structs.replace(entry, closed="erased")
            record = leaf.close(record)
        text, found = head["checkpoint"], self.ctx.roster.by_origin(origin)
        keys = [found[1].log] if found else []
        keys += known.cosigners(self.ctx.roster)
        return forms.Entry(
            **head,
            entry=entry,
            leaf=record[0].hex(),
            salt=record[1].hex(),
            payload=base64.b64encode(record[2]).decode(),
            proof=text and await prove(log, index, text.encode()),
            keys=tuple(str(k) for k in keys if f"\n— {k.name} " in text),
            **await self._became(caller, origin, index, record),
        )

    async def _became(
        self, caller: Caller, origin: str, index: int, record: Record
    ) -> dict[str, Any]:
        """Return what we know of an entry's way, and of its token."""
        ctx, own, made = self.ctx, self.ctx.own, dict[str, Any]()
        if origin == ctx.origin and log_files.type_of(record) in EFFECTS:
            when = await own.cosigned.effect_at(origin, index)
            made["effect_at"] = when or None
        content = _content(record)
        if not getattr(content, "token", ""):
            return made
        row = await own.vault.by_index(origin, index)
        made["accepted_at"] = row.accepted_at if row else None
        about, kind = token.decode(content.token), content.kind
        [answer], own_lists, _, _ = await self.lookups.answers(
            [Question(kind, token=about, epoch=content.epoch)],
            purpose="audit",
            caller=caller.name,
            reference="",
            timeout_s=ctx.config.lookup.deadline_ms / 1000,
        )
        if answer.problem:  # of a retired epoch: not recorded by itself
            at = origin, index
            await self.lookups.audited(caller, [(kind, about)], [at])
        key = claim_key(token.KIND_CODES[kind], content.epoch)
        found = await ctx.mirror.all_claims(about, key)
        return made | {
            "claims": claim_items(ctx.roster, found),
            "verdict": lookup_item(answer, own_lists.over(answer)),
        }

    # ------------------------------------------------------------- erasing

    @route("POST /v1/log/erasures", HANDED_IN, "erase entries of our log")
    async def erase(
        self, caller: Caller, wanted: forms.Erasure
    ) -> forms.Erasing:
        """Erase entries for good, here and at every member; or say what goes."""
        check("reason", "erase_reason", wanted.reason)
        named = sorted({*wanted.entries})
        said = await self._erasable(named)
        vault, origin = self.ctx.own.vault, self.ctx.origin
        rows = [*filter(None, [await vault.by_index(origin, i) for i in said])]
        types = Counter(statement.NAMES[type_] for type_ in said.values())
        if wanted.yes:
            ends = [Change(name, "", "", -n) for name, n in types.items()]
            await self.review.ask(
                *(caller, "POST /v1/log/erasures", wanted, ends),
                always=True,
                rows=tuple(row.id for row in rows),
            )
        stays = Counter(chain(*(await self.review.others(rows)).values()))
        alike = [await vault.find_value(row.kind, row.value) for row in rows]
        ours = {
            at
            for row in chain(*alike)
            for at in (row.position, row.ended_by)
            if at
        }.difference((origin, i) for i in named)
        if wanted.yes and said:
            ranges = tuple((i, i + 1) for i in said)
            made = statement.Erase(ranges=ranges, reason=wanted.reason)
            await self.publisher.append([made], poke=True)
            await self.ctx.own.pending.forget()
        return forms.Erasing(types=types, ours=(*sorted(ours),), stays=stays)

    async def _erasable(self, named: Sequence[int]) -> dict[int, int]:
        """Return the types of entries of our log that may go and are here."""
        log, mirror = await self.peer_service.own_log(), self.ctx.mirror
        merged = (await mirror.head(log.origin)).merged
        if not named or named[-1] >= merged:  # what stands is known below
            raise MissingError("log: nothing of that is here")
        parts = {i // BUNDLE for i in named}
        bundles = {n: await self.records(log, n) for n in parts}
        claims = await mirror.claims_at([(log.origin, i) for i in named])
        day = self.ctx.now() // 86_400  # as others reckon who merge it
        return erasure.checked(
            log.origin,
            {i: bundles[i // BUNDLE][i % BUNDLE] for i in named},
            [
                index
                for (_, index), claim in claims.items()
                for end in [getattr(claim.statement, "expires", "")]
                if not end or day < statement.day(end)
            ],
            await mirror.erased(log.origin),
        )


# ------------------------------------------------------------------- entries


async def prove(log: LogFiles, index: int, signed: bytes) -> str:
    """Return the proof that the tree of a checkpoint has an entry."""
    names = proof.plan(index, checkpoint.size_of(signed), log.size)
    raw = [await serve.file(log, f"tile/{name}") or b"" for name in names]
    return proof.text(index, log.size, raw, signed)


def _content(record: Record) -> Any:
    """Return what a record says, None if it is closed."""
    if not record[1]:
        return None
    return statement.decode(record[2], log_files.type_of(record))


def _entry(caller: Caller, index: int, record: Record) -> forms.LogEntry:
    """Return what a caller may see of an entry among others."""
    type_, closed = log_files.type_of(record), ""
    if not record[1]:
        closed = "sealed" if type_ in leaf.SEALED_TYPES else "absent"
    elif caller.role == "auditor" and not leaf.for_audit([record])[0][1]:
        closed = "auditor"
    content = None if closed else _content(record)
    return shown(
        *(forms.LogEntry, content),
        index=index,
        type=statement.NAMES.get(type_, str(type_)),
        closed=closed,
        void=content.reason if isinstance(content, statement.Void) else "",
    )
