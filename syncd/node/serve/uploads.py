"""Keep uploaded lists sealed, and have a process of its own read each.

What was uploaded goes when its import ends, or after a day. The process gets
the list in memory alone, and the local API over a socket, as whoever asked:
what it hands in is judged like anybody's.
"""

import asyncio
import os
import pickle
import secrets
import signal
import socket
from io import BytesIO
from pathlib import Path
from typing import Any

from aiohttp import web
from msgspec.structs import replace

from syncd.errors import MissingError, RefusedError, SyncdError
from syncd.lists import refused_rows
from syncd.node.context import Aside, Context, part
from syncd.node.listeners import limits
from syncd.node.offload import PYTHON, once
from syncd.node.serve.intake import Intake
from syncd.store import durable
from syncd.store.sealing import Box, VaultCipher
from syncd.web import local_api, problem
from syncd.web.forms import Items
from syncd.web.report_forms import (
    Reading,
    RefusedCells,
    RefusedQuery,
    Task,
    Upload,
    UploadPreview,
)
from syncd.web.routes import BINARY, OPERATORS, Caller, route

PROGRAM = (*PYTHON, "syncd.cli.importing.child")
KEPT_S = 86_400
MOST = 16  # that are kept at once
PREVIEW_S = 120
IMPORT_S = 3600
AT_ONCE = 3  # processes


@part
class Uploads:
    """Answers `/v1/uploads`."""

    ctx: Context
    intake: Intake
    aside: Aside

    def __post_init__(self) -> None:
        key = VaultCipher(self.ctx.home.ring.need("vault")).derived("uploads")
        self._box = Box(key)
        self._known = dict[int, Upload]()  # that were read since we run
        self._at = self.ctx.home.path / "uploads"
        self._room = asyncio.Semaphore(AT_ONCE)

    @route(
        "POST /v1/uploads",
        OPERATORS,
        "hand over a list to be read",
        status=201,
        takes_media=(BINARY,),
    )
    async def take(self, raw: bytes) -> Upload:
        """Keep a file, sealed."""
        id_ = secrets.randbelow(10**15)
        await asyncio.to_thread(self._keep, id_, raw)
        self.prune()
        return self._upload(id_)

    @route("GET /v1/uploads", OPERATORS, "list what was uploaded")
    async def uploads(self) -> Items[Upload]:
        """Return what is kept, newest first; what is too old goes."""
        return Items(items=tuple(self.prune()))

    @route(
        "POST /v1/uploads/{id}/preview",
        OPERATORS,
        "read what an import of it would bring",
    )
    async def preview(self, id_: int, how: Reading) -> UploadPreview:
        """Return what a file would bring."""
        self._note(id_, name=how.name)
        found: UploadPreview = await self._child(id_, how, PREVIEW_S)
        return found

    @route(
        "POST /v1/uploads/{id}/import",
        OPERATORS,
        "import it, as `/v1/imports` shows",
        status=202,
    )
    async def import_(self, caller: Caller, id_: int, how: Reading) -> Upload:
        """Begin to import a file; one that is being imported goes on."""
        if not self._upload(id_).running:
            self._note(id_, name=how.name, running=True, problem=None)
            self.aside(self._import(caller, id_, how))
        return self._upload(id_)

    @route(
        "POST /v1/imports/{id}/mended",
        OPERATORS,
        "hand over refused rows, mended, as a list to be read",
        status=201,
    )
    async def mend(self, id_: int, wanted: RefusedCells) -> Upload:
        """Keep all refused rows of an import as a file, some of them mended."""
        mended, rows = dict(wanted.rows), []
        at: int | None = 0
        while at is not None:
            page = await self.intake.refused_rows(id_, RefusedQuery(after=at))
            rows += [
                refused_rows.Refused(
                    *(one.row, one.problem.detail),
                    {**one.cells, **mended.get(one.row, {})},
                )
                for one in page.items
            ]
            at = page.next or None
        file = BytesIO()
        await asyncio.to_thread(refused_rows.write, file, lambda: rows, "en")
        return await self.take(file.getvalue())

    def prune(self) -> list[Upload]:
        """Delete what is a day old, and more than can be kept; return the rest."""
        there = (int(p.stem) for p in self._at.glob("*.sealed"))
        found = sorted(map(self._upload, there), key=lambda u: -u.at)
        old = self.ctx.now() - KEPT_S
        for one in [u for n, u in enumerate(found) if n >= MOST or u.at < old]:
            if not one.running:
                self._drop(one.id)
                found.remove(one)
        return found

    # --------------------------------------------------------- innards

    def _path(self, id_: int) -> Path:
        return self._at / f"{id_}.sealed"

    def _drop(self, id_: int) -> None:
        self._path(id_).unlink(missing_ok=True)
        self._known.pop(id_, None)

    def _keep(self, id_: int, raw: bytes) -> None:
        self._at.mkdir(mode=0o700, exist_ok=True)
        durable.write(self._path(id_), self._box.seal(raw, b"upload/%d" % id_))

    def _opened(self, id_: int) -> int:
        """Return the descriptor of a file in memory with what was uploaded."""
        raw = self._box.open(self._path(id_).read_bytes(), b"upload/%d" % id_)
        number = os.memfd_create("list")
        with os.fdopen(os.dup(number), "wb") as file:
            file.write(raw)
        return number

    def _upload(self, id_: int) -> Upload:
        try:
            found = self._path(id_).stat()
        except FileNotFoundError:
            raise MissingError("upload: none of that id") from None
        return self._known.get(id_) or Upload(
            id=id_, size=found.st_size, at=int(found.st_mtime)
        )

    def _note(self, id_: int, **more: object) -> None:
        self._known[id_] = replace(self._upload(id_), **more)

    async def _import(self, caller: Caller, id_: int, how: Reading) -> None:
        ours, theirs = socket.socketpair()
        lives = self.ctx.own.bearers.lives

        async def whose(_: str) -> Caller | str:
            """Take whoever has the socket for the caller."""
            return caller if await lives(caller.id) else ""

        app = local_api.app(whose, (self.intake,), limits(self.ctx.config))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            serve = asyncio.get_running_loop().connect_accepted_socket
            await serve(runner.server, ours)  # type: ignore[arg-type]
            with theirs:
                await self._child(id_, how, IMPORT_S, theirs.fileno())
            self._drop(id_)
        except SyncdError as e:
            self._note(id_, problem=problem.of(e))
        finally:
            await runner.cleanup()
            if id_ in self._known:
                self._note(id_, running=False)

    async def _child(
        self, id_: int, how: Reading, most_s: float, api: int = 0
    ) -> Any:
        """Have a process read a file; return what it made of it.

        Raises:
            SyncdError: what it met; it came to the end of its memory or time.
        """
        self._upload(id_)
        async with self._room:
            file = await asyncio.to_thread(self._opened, id_)
            task = Task(
                file=file, how=how, rules=self.intake.rules(), socket=api
            )
            inherited = [fd for fd in (file, api) if fd]
            try:
                given = pickle.dumps(task)
                out, code = await once(PROGRAM, given, most_s, *inherited)
            finally:
                os.close(file)
        if code:
            raise RefusedError(
                "upload: takes more time than reading one may"
                if code == -signal.SIGXCPU
                else "upload: takes more memory than reading one may"
                if -code in (signal.SIGKILL, signal.SIGABRT)
                else "upload: the process that reads it failed",
                hint="split the list, or import it by the command: syncd"
                " report import",
            )
        found = pickle.loads(out)  # noqa: S301 (from our child)
        if isinstance(found, SyncdError):
            raise found
        return found
