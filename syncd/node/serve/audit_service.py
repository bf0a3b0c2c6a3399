"""The service behind `/v1/audit`: bundles of this home, and drills.

Bundles have leaves and signatures and no content, and so lie open in the
home, for a day. A process of its own makes and checks one at a time.

Of drills, reports of values that nobody has, nothing is kept but what is kept
of any: rows of the vault, and others' first receipts of either end.
"""

import asyncio
import secrets
import shutil
import tempfile
from pathlib import Path

import msgspec
from aiohttp import web
from msgspec.structs import replace

from syncd.audit import bundle, report
from syncd.audit.verify import verify
from syncd.config import Config
from syncd.errors import (
    MissingError,
    RefusedError,
    SyncdError,
    UnavailableError,
)
from syncd.flows.ports import VaultRow
from syncd.messages import catalogue, wire
from syncd.node.audit import stored
from syncd.node.context import Aside, Context, part
from syncd.node.offload import giving_way
from syncd.node.serve.intake import Intake
from syncd.node.serve.local_service import LocalService
from syncd.store.vault import Query
from syncd.web import problem
from syncd.web.forms import Draft, Items
from syncd.web.record_forms import AuditBundle, Drill
from syncd.web.report_forms import ReportsCall, Retraction
from syncd.web.routes import AUDITORS, BINARY, HANDED_IN, Caller, route

REPORT = "report.json"
FILES = {REPORT, "bundle.tar", "report.en.html", "report.zh.html"}
KEPT_S = 86_400
MOST = 4  # that are kept at once
SPEEDS = "normal", "urgent"


def make(settings: Config, out: Path, now: int) -> None:
    """Leave a bundle and reports on it in a new directory, or nothing."""
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".") as room:
        files, made = Path(room) / "files", Path(room) / "made"
        made.mkdir()
        asyncio.run(stored.write(settings, files, now))
        audit = verify(bundle.Bundle(files), settings.alliance.fingerprint)
        for lang in catalogue.LANGUAGES:
            with catalogue.speaking(lang):
                page = report.page(audit)
            (made / f"report.{lang}.html").write_text(page)
        (made / REPORT).write_bytes(msgspec.json.encode(report.facts(audit)))
        bundle.pack(files, made / "bundle.tar")
        made.rename(out)


@part
class AuditService:
    """Makes audit bundles, and takes the steps of drills."""

    ctx: Context
    aside: Aside
    intake: Intake
    local_service: LocalService

    def __post_init__(self) -> None:
        self._at = self.ctx.home.path / "audits"
        self._last = AuditBundle(id=0)  # that was begun

    @route("POST /v1/audit/bundles", AUDITORS, "make a bundle", status=202)
    async def begin(self, caller: Caller) -> AuditBundle:
        """Begin to make one, unless one is being made."""
        if not self._last.running:
            id_ = max(self.ctx.now(), self._last.id + 1)
            self._last = AuditBundle(id=id_, running=True)
            self.aside(self._make(self._last, caller.name))
        return self._last

    @route("GET /v1/audit/bundles", AUDITORS, "list audit bundles")
    async def bundles(self) -> Items[AuditBundle]:
        """Return what is kept, newest first; what is too old goes."""
        kept = [await self.ctx.offload(_read, p) for p in self.prune()]
        if self._last.running or self._last.problem:
            kept.insert(0, self._last)
        return Items(items=tuple(kept))

    @route(
        "GET /v1/audit/bundles/{id}/{file}",
        AUDITORS,
        "download an audit bundle, or a report on it",
        media=BINARY,
    )
    async def file(self, id_: int, file: str) -> web.Response:
        """Send a file of one that is kept."""
        path = self._at / str(id_) / file
        if file not in FILES or not path.is_file():
            raise MissingError("audit: no such bundle or file is kept")
        headers = {
            "Content-Type": BINARY,
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{self.ctx.me}-{id_}-{file}"',
        }
        return web.Response(body=path.open("rb"), headers=headers)

    def prune(self) -> list[Path]:
        """Delete what is old, too much or half made; return the rest."""
        there, old = [*self._at.glob("*")], self.ctx.now() - KEPT_S
        made = [path for path in there if path.name.isdecimal()]
        made.sort(key=lambda path: -int(path.name))
        kept = [path for path in made[:MOST] if int(path.name) > old]
        for path in {*there} - {*kept}:
            if path in made or not self._last.running:
                shutil.rmtree(path, ignore_errors=True)
        return kept

    async def _make(self, one: AuditBundle, by: str) -> None:
        failed = UnavailableError("audit: the process for a bundle failed")
        made = replace(one, running=False, problem=problem.of(failed))
        try:
            self._at.mkdir(mode=0o700, exist_ok=True)
            out = self._at / str(one.id)
            await giving_way(make, self.ctx.config, out, one.id)
            made = _read(out)
            news = {"id": one.id, "by": by, "n": len(made.findings)}
            await self.ctx.own.events.now("audit", str(one.id), "audit", news)
        except SyncdError as e:
            made = replace(made, problem=problem.of(e))
        finally:
            self._last = made

    # ---------------------------------------------------------- drills

    @route("GET /v1/audit/drills", AUDITORS, "read how drills were followed")
    async def drills(self) -> Items[Drill]:
        """Return all steps, newest first, as long as receipts are kept.

        Seconds are by our clock.
        """
        book, by_name = self.ctx.own.cosigned, self.ctx.roster.by_key_name
        found, others = list[Drill](), dict.fromkeys(self.ctx.others)
        for row in await self._drilled():
            steps = [("report", row.position, row.accepted_at)]
            if row.reason:
                at = row.ended_by
                since = await book.effect_at(*at) if at else 0
                steps.insert(0, ("retract", at, since))
            for type_, at, since in steps:
                had = {
                    member.id: one.at - since
                    for one in (await book.first_receipts(*at) if at else ())
                    if (member := by_name(one.signer))
                }
                step = Drill(
                    speed=SPEEDS[row.urgent],
                    type=type_,
                    at=since,
                    followed={**others, **had},
                )
                found.append(step)
        return Items(items=(*found,))

    @route("POST /v1/audit/drills", HANDED_IN, "take a drill's next step")
    async def step(self, caller: Caller) -> Items[Drill]:
        """Take back what stands; else report an urgent and a normal in turn."""
        last = next(iter(await self._drilled()), None)
        if last and not last.reason:
            ends = Retraction(ids=(last.id,), reason="test")
            await self.local_service.retract(caller, ends)
            return await self.drills()
        urgent = not (last and last.urgent)
        draft = Draft(
            kind="url",
            value=f"{SPEEDS[urgent]}.drill.example",
            label="other",
            role="phishing_host",
            evidence="test_call",
            case=secrets.token_hex(8),  # what an earlier one left is another's
            test=True,
            urgent=urgent,
        )
        call = ReportsCall(reports=(draft,))
        [item] = (await self.intake.take_reports(caller, call)).items
        if item.problem:
            raise RefusedError(wire.read(msgspec.to_builtins(item.problem)))
        return await self.drills()

    async def _drilled(self) -> list[VaultRow]:
        values = [("url", f"{speed}.drill.example/") for speed in SPEEDS]
        since = self.ctx.now() - self.ctx.config.access.days * 86_400
        asked = Query(values=values, accepted=(since, 0), limit=1000)
        rows = await self.ctx.own.vault.page(asked)
        return [row for row in rows if getattr(row.fields, "test", False)]


def _read(path: Path) -> AuditBundle:
    """Return how a bundle is, by the report that lies beside it."""
    facts = msgspec.json.decode((path / REPORT).read_bytes())
    form = {n: facts[n] for n in ("bundle", "exit_code", "findings")}
    return msgspec.convert({"id": int(path.name), **form}, AuditBundle)
