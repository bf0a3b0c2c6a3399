"""A verifier of C2SP logs accepts every log of ours, and only that."""

import asyncio
import http.client
import random
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from conformance import c2sp_verifier
from syncd import pinning
from syncd.roster import certificate
from tests.alliance import Alliance, Member, payload
from tests.cases import once, slow, tried
from tests.commands import syncd

MEMBERS = ("police", "bank", "carrier")
SIZES = (1, 255, 256, 257)
SIGNATURE = "— ".encode()
pytestmark = slow


def export(home: Path, out: Path, *more: str) -> Path:
    """Run `syncd log export`; return where the log's files are."""
    assert syncd("--home", home, "log", "export", out, *more) == 0
    (log,) = (out / "log").iterdir()
    shutil.rmtree(log / "notes", ignore_errors=True)  # not C2SP's
    return log


def vkey(member: Member) -> str:
    return str(member.keys.log.verifier)


async def grow(member: Member, size: int) -> None:
    """Let a member's log have exactly so many entries."""
    while not await member.size():  # noqa: ASYNC110  its roster comes first
        await asyncio.sleep(0.01)
    more = size - await member.size()
    assert more >= 0
    if more:
        await member.write(*[payload(n, member.origin) for n in range(more)])


@dataclass
class Exported:
    """What an alliance wrote: directories by size, and one of each served."""

    root: Path
    alliance: Alliance
    key: str
    own: dict[int, Path] = field(default_factory=dict)
    mirrored: dict[int, Path] = field(default_factory=dict)

    async def take(self, size: int) -> None:
        """Export the police's log, and the bank's mirror of it."""
        police, bank = self.alliance.police, self.alliance.bank
        self.own[size] = await asyncio.to_thread(
            export, police.home, self.root / f"own{size}"
        )
        if size:
            self.mirrored[size] = await asyncio.to_thread(
                export,
                bank.home,
                self.root / f"mirrored{size}",
                "--mirror",
                police.origin,
            )


@once
async def exported(root: Path) -> AsyncIterator[Exported]:
    """An alliance whose logs were exported while the daemons ran."""
    async with Alliance.found(root, MEMBERS, start=False) as alliance:
        found = Exported(root, alliance, vkey(alliance.police))
        await found.take(0)
        await alliance.start()
        for size in SIZES:
            await grow(alliance.police, size)
            await alliance.settle()
            await found.take(size)
        yield found


@tried("size", [0, *SIZES])
def test_exported_logs(exported: Exported, size: int) -> None:
    """A log is accepted as it was exported, by its owner or from a mirror."""
    fetch = c2sp_verifier.directory(exported.own[size])
    found = c2sp_verifier.verify(fetch, exported.key)
    assert found[1] == size
    if size:
        lines = fetch("checkpoint").count(b"\n" + SIGNATURE)
        assert lines == 1 + 2  # the log's, and two receipts
        mirrored = c2sp_verifier.directory(exported.mirrored[size])
        assert c2sp_verifier.verify(mirrored, exported.key) == found


def serve(member: Member, to: Member, prefix: str) -> c2sp_verifier.Fetch:
    """Return what reads a log from a peer API, as another verifier would."""
    keys = to.keys
    context = pinning.client_context(
        keys.certificate,
        keys.tls_pem,
        certificate.pin(member.keys.certificate),
    )

    def fetch(path: str) -> bytes:
        connection = http.client.HTTPSConnection(
            *member.address, context=context
        )
        try:
            connection.request("GET", f"{prefix}/{path}")
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise c2sp_verifier.Refused(f"{path}: {answer.status}")
        return body

    return fetch


async def test_served_logs(exported: Exported) -> None:
    """A log is accepted as its owner serves it, and a mirror's."""
    alliance = exported.alliance
    police, bank = alliance.police, alliance.bank
    size = await police.size()
    for server, prefix in ((police, "/log"), (bank, f"/mirror/{police.hash}")):
        fetch = serve(server, alliance.carrier, prefix)
        found = await asyncio.to_thread(
            c2sp_verifier.verify, fetch, exported.key
        )
        assert found[:2] == (police.origin, size)
        with pytest.raises(c2sp_verifier.Refused, match="404"):
            await asyncio.to_thread(fetch, "tile/0/000.p/0")


def changeable(path: str, raw: bytes) -> range:
    """Return the bytes of a file of which each one must be noticed.

    Of a checkpoint, its text: lines of keys that the verifier does not know
    are to be ignored, and base64 may have spare bits.
    """
    return range(raw.index(SIGNATURE) if path == "checkpoint" else len(raw))


def flipped(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes((raw[at] ^ 1 << at % 8,)) + raw[at + 1 :]


@tried("size", [0, 1, 255, 257])
def test_any_byte(exported: Exported, size: int) -> None:
    """A change of any byte of checkpoint text, tile or entries is refused.

    Of larger logs, of a few hundred bytes: with a fixed seed, and the first
    and the last one of each file among them.
    """
    fetch = c2sp_verifier.directory(exported.own[size])
    files: dict[str, bytes] = {}

    def record(path: str) -> bytes:
        files[path] = fetch(path)
        return files[path]

    c2sp_verifier.verify(record, exported.key)
    rng = random.Random(size)
    for path, raw in files.items():
        every = changeable(path, raw)
        chosen = rng.sample(every, 60) if len(every) > 250 else every
        for at in {every[0], every[-1], *chosen}:
            changed = {**files, path: flipped(raw, at)}
            with pytest.raises((c2sp_verifier.Refused, KeyError)):
                c2sp_verifier.verify(changed.__getitem__, exported.key)


def test_log_line(exported: Exported) -> None:
    """A change in the log's own line is refused, spare bits excepted."""
    fetch = c2sp_verifier.directory(exported.own[1])
    files = {p: fetch(p) for p in verified_paths(exported.own[1])}
    raw = files["checkpoint"]
    start = raw.index(SIGNATURE)
    # 68 bytes are 92 characters: `=` at the end, 2 spare bits before it
    for at in range(start, raw.index(b"\n", start) - 2):
        changed = {**files, "checkpoint": flipped(raw, at)}
        with pytest.raises(c2sp_verifier.Refused):
            c2sp_verifier.verify(changed.__getitem__, exported.key)


def verified_paths(root: Path) -> list[str]:
    """Return the files that the verifier reads at all."""
    tiles = (p for p in root.glob("tile/**/*") if p.is_file())
    return ["checkpoint", *(p.relative_to(root).as_posix() for p in tiles)]


def test_missing_file(exported: Exported, tmp_path: Path) -> None:
    """No file of the log's size may be missing."""
    for path in verified_paths(exported.own[257]):
        copy = tmp_path / "copy"
        shutil.copytree(exported.own[257], copy)
        (copy / path).unlink()
        with pytest.raises(c2sp_verifier.Refused):
            c2sp_verifier.verify(c2sp_verifier.directory(copy), exported.key)
        shutil.rmtree(copy)


def test_other_key(exported: Exported) -> None:
    """Another log's key opens nothing."""
    fetch = c2sp_verifier.directory(exported.own[1])
    with pytest.raises(c2sp_verifier.Refused, match="not signed"):
        c2sp_verifier.verify(fetch, vkey(exported.alliance.bank))


async def test_large_log(tmp_path: Path) -> None:
    """70,000 entries: three levels of tiles, all partial at the end."""
    async with Alliance.found(tmp_path, MEMBERS) as alliance:
        police, bank = alliance.police, alliance.bank
        await grow(police, 70_000)
        await alliance.settle()
        mirror = (tmp_path / "mirrored", "--mirror", police.origin)
        own = await asyncio.to_thread(export, police.home, tmp_path / "own")
        other = await asyncio.to_thread(export, bank.home, *mirror)
        key = vkey(police)
    for root in (own, other):
        fetch = c2sp_verifier.directory(root)
        assert c2sp_verifier.verify(fetch, key)[1] == 70_000
    names = {p for p in verified_paths(own) if "entries" not in p}
    assert len(names) == 1 + 274 + 2 + 1
    assert {"tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"} <= names
    rng = random.Random(70_000)
    for path in rng.sample(sorted(verified_paths(own)), 8):
        raw = (own / path).read_bytes()
        at = rng.choice(changeable(path, raw))
        (own / path).write_bytes(flipped(raw, at))
        with pytest.raises(c2sp_verifier.Refused):
            c2sp_verifier.verify(c2sp_verifier.directory(own), key)
        (own / path).write_bytes(raw)
