"""Work that is killed again and again: what test_kills.py drives.

    python -m tests.whole.kill_driver HOME [mark|release]

One line on standard input is one life: a plan as SYNCD_FAILPOINTS has it,
`random MS` for a kill from outside, or `finish` for a life that ends well.
Each life is forked off this process, so that dying costs milliseconds, and
opens the home anew. In it one member imports rows of an endless file,
publishes and retracts them, pulls another's endless log, folds its own and
signs receipts, until it is killed.

What it says goes to standard output at the moment that it is so, for an
observer outside to remember: `ack` rows that were acknowledged, `released` a
checkpoint that may be served, `receipt` a cosigned one, `refused` why a home
does not open, `failpoint` where it died, `end` how.

The second word is a wrong build that the test must catch: it lets a checkpoint
out (and with `mark` writes the high-water mark) before the commit.
"""

import asyncio
import base64
import hashlib
import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from syncd import canonical, config
from syncd.errors import SyncdError
from syncd.flows import cosign, merge, publish, pull, tokenise
from syncd.flows.draft import NewReport
from syncd.flows.merge import PullContext
from syncd.flows.ports import OwnHead
from syncd.flows.publish import Writer
from syncd.flows.submission import ImportBegin, ImportMark
from syncd.indicator import codec, statement, token
from syncd.indicator.identifier import Identifier
from syncd.indicator.statement import Report, Retract
from syncd.node.pinned import clock
from syncd.store import failpoint, own, sealing
from syncd.store.home_stores import OwnStore, open_mirror
from syncd.store.retracting import Terms
from syncd.store.server import Server
from syncd.tlog.merkle import Frontier
from syncd.tlog.note import COSIGNATURE, ED25519, SigningKey
from tests.flows.growing import FakeSource, Log, offload

OWN = SigningKey("bank.example/syncd/txwz/1", ED25519, b"b" * 32)
OTHER = SigningKey("police.example/syncd/txwz/1", ED25519, b"p" * 32)
MERGED = SigningKey("bank.example/syncd/txwz/merged", COSIGNATURE, b"m" * 32)
TODAY = "2026-11-21"
BATCH = 23  # rows of the file in one step: not a part of 256
STEP = 41  # entries of the other's log in one pull
MOST = 30_000  # entries that the other's log has at all
FULL = 256
FIELDS: Any = {
    "label": "other",
    "role": "phishing_host",
    "evidence": "user_tag",
    "confidence": 50,
    "seen": TODAY,
    "expires": "2199-01-01",
    "handling": "open",
}


def tell(*words: str) -> None:
    """Write one line at once: the next moment may not come."""
    os.write(1, (" ".join(words) + "\n").encode())


def line(n: int) -> str:
    """Return row `n` of the endless file; all are equally long."""
    return f"fraud{n:09}.example/"


def report(origin: str, n: int) -> Report:
    """Return a report about the n-th URL."""
    output = token.url_output(Identifier("url", line(n)))
    return Report(
        on=TODAY,
        kind="url",
        epoch=1,
        token=token.encode(token.token(output)),
        know=token.know(output, origin).hex(),
        **FIELDS,
    )


def entry_of(n: int) -> tuple[int, bytes]:
    """Return the n-th entry of the other's log: every seventh takes back."""
    found: Report | Retract = report(OTHER.name, n)
    if n % 7 == 6:
        found = Retract(
            on=TODAY,
            kind="url",
            epoch=1,
            token=report(OTHER.name, n - 3).token,
            ends=(n - 3,),
            reason="false_positive",
        )
    return statement.type_of(found), statement.encode(found)


class Other(FakeSource):
    """Another member's endless log, the same in every life."""

    def __init__(self) -> None:
        log = Log(OTHER)
        log.add(*map(entry_of, range(MOST)))
        super().__init__(log, "police")
        self.records = log.records
        self.hashes = codec.leaf_hashes(self.records)

    def note(self, size: int) -> bytes:
        """Return the signed checkpoint of its first `size` entries."""
        tree = Frontier.EMPTY.extend(self.hashes[:size])
        return OwnHead.signed(OTHER, tree).note


class Observed(own.OwnLogStore):
    """The own log, with somebody outside who sees each release at once."""

    def _release(self, note: bytes) -> None:
        super()._release(note)
        tell("released", base64.b64encode(note).decode())


class SwappedMark(Observed):
    """A wrong build: mark and release first, then the commit."""

    def let_out(self, note: bytes) -> None:
        """Release, mark and all."""
        self._release(note)

    async def append(
        self, old: OwnHead, new: OwnHead, *rest: Any, **more: Any
    ) -> None:
        """Release, then commit."""
        self.let_out(new.note)
        await super().append(old, new, *rest, **more)


class SwappedRelease(SwappedMark):
    """A wrong build that releases before the commit, and then marks."""

    def let_out(self, note: bytes) -> None:
        """Release from memory."""
        self._released = note
        tell("released", base64.b64encode(note).decode())


BUILDS = {"": Observed, "mark": SwappedMark, "release": SwappedRelease}


class Urls(tokenise.Tokeniser):
    """Tokens of URLs: nobody needs to be asked."""

    def __init__(self) -> None:
        pass

    async def outputs(
        self, identifiers: Iterable[Identifier], **_: object
    ) -> dict[Identifier, bytes]:
        """Return the outputs."""
        return {one: token.url_output(one) for one in identifiers}

    def epoch(self, kind: str, number: int = 0) -> Any:
        """Return something that has an `epoch`."""
        return SimpleNamespace(epoch=1)


def open_own(home: Path) -> OwnStore:
    """Open the member's own.db."""
    return OwnStore(
        home,
        cipher=sealing.VaultCipher(b"v" * 32),
        access_key=b"a" * 32,
        clock=clock,
        server=server(home),
    )


def server(home: Path) -> Server | None:
    """Return the server that a file beside the home names."""
    named = home.with_name("server")
    return Server(named.read_text()) if named.exists() else None


class Life:
    """One life of the member."""

    def __init__(self, home: Path, build: type[Observed], other: Other):
        self.own = open_own(home)
        self.mirror = open_mirror(home, clock=clock, server=server(home))
        self.log = build(
            self.own.database, home / "high-water.note", self.own.clock
        )
        self.other = other
        self.writer = Writer(
            own=self.log,
            key=OWN,
            offload=offload,
            rng=os.urandom,
            may_append=lambda: None,
        )

    async def work(self, *, finish: bool) -> None:
        """Do a little of everything, for ever or until all is done."""
        try:
            await self.log.head()
        except SyncdError:
            await self.log.found(OwnHead.signed(OWN))
        if not finish:
            while True:
                await self.take_in()
                await self.publish()
                await self.pull()
        while await self.publish():
            pass
        await self.fold()
        await self.receipt()

    async def take_in(self) -> None:
        """Import the next rows of the file."""
        vault = self.own.vault
        wanted = ImportBegin(name="endless.txt", size=1 << 40, file="")
        state = await self.own.imports.begin(wanted)
        first = state.row
        last = first + BATCH
        text = "\n".join(map(line, range(last))).encode()
        mark = ImportMark(
            id=state.id,
            old_offset=state.offset,
            offset=len(text),
            row=last,
            prefix=hashlib.sha256(text).hexdigest(),
        )
        fields = canonical.dumps(FIELDS)
        await vault.accept(
            [NewReport("url", line(n), fields) for n in range(first, last)],
            mark,
        )
        tell("ack", str(first), str(last))

    async def publish(self) -> bool:
        """Publish what waits, and retract every fifth row."""
        vault = self.own.vault
        rows = await vault.waiting(BATCH * 2, ["url"])
        if rows:
            await publish.publish(
                rows, Urls(), self.writer, today=TODAY, timeout_s=1
            )
        wrong = [row.id for row in rows if row.id % 5 == 0]
        if wrong:
            done = await vault.retract(wrong, Terms("false_positive", TODAY))
            tell("ending", *map(str, done.ids))
        ended = await vault.ending(100)
        if ended:
            await publish.retract(ended, self.writer, TODAY)
        return bool(rows or ended)

    async def pull(self) -> None:
        """Pull a little more of the other's log; fold our own."""
        head = await self.mirror.head(OTHER.name)
        size = min(head.mirrored + STEP, len(self.other.records))
        await pull.pull(
            self.other.note(size),
            OTHER.verifier,
            PullContext(
                sources=[self.other], mirror=self.mirror, offload=offload
            ),
        )
        await self.receipt()
        await self.fold()

    async def receipt(self) -> None:
        """Sign what is merged."""
        signed = await cosign.Cosigner(
            mirror=self.mirror,
            log_key=OTHER.verifier,
            book=self.own.cosigned,
            now=clock(),
        ).merged(MERGED)
        if signed is not None:
            tell("receipt", base64.b64encode(signed.note).decode())

    async def fold(self) -> None:
        """Merge our own log into the claims."""
        await merge.own(self.log, self.mirror, offload)

    def close(self) -> None:
        """Close both databases."""
        self.mirror.close()
        self.own.close()


def live(home: Path, plan: str, build: type[Observed], other: Other) -> int:
    """Live one life; return how it exits if nobody kills it."""
    os.dup2(1, 2)
    if plan != "finish" and not plan.startswith("random"):
        read = config.environment({"SYNCD_FAILPOINTS": plan})
        failpoint.arm(read.failpoints)
    try:
        life = Life(home, build, other)
    except SyncdError as e:
        tell("refused", str(e))
        return 1
    try:
        asyncio.run(life.work(finish=plan == "finish"))
    except SyncdError as e:
        tell("failed", type(e).__name__, str(e))
        return 1
    life.close()
    return 0


def main() -> None:
    """Live the lives that standard input asks for."""
    home, build = Path(sys.argv[1]), BUILDS["".join(sys.argv[2:])]
    home.mkdir(exist_ok=True)
    other = Other()
    for text in sys.stdin:
        plan = text.strip()
        child = os.fork()
        if child == 0:
            os._exit(live(home, plan, build, other))
        if plan.startswith("random "):
            time.sleep(int(plan.split(" ")[1]) / 1000)
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        tell("end", str(os.waitstatus_to_exitcode(status)))


if __name__ == "__main__":
    main()
