"""An auditor collects over the network what a member would export itself."""

import re
import secrets
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiohttp import web

from syncd import config, errors
from syncd.audit import bundle, result
from syncd.audit.bundle import ABOUT, MANIFEST, Bundle, Writer
from syncd.audit.verify import verify
from syncd.flows.evaluation import Exchange
from syncd.flows.evidence import Evidence
from syncd.node.audit import collect, stored
from syncd.peer.client import PeerClient
from syncd.peer.transport import Wanted
from syncd.roster import certificate, drafts
from syncd.roster import keys as roster_keys
from syncd.roster.members import Auditor, Names
from syncd.roster.roster import Roster
from syncd.roster.row import Base64
from syncd.store import evidence_files
from tests.alliance import Alliance, payload, shared
from tests.cases import tried
from tests.refusals import broken, unavailable, untrusted

IDS = ("police", "bank", "carrier")
KEYS = roster_keys.generate(
    "office.example", "x", secrets.token_bytes, now=int(time.time())
)


def listed(draft: Roster) -> Roster:
    """Add the auditor to a roster."""
    der = KEYS.certificate
    row = Auditor(
        "office", Names("审计", "Office"), certificate.pin(der), Base64(der)
    )
    return drafts.put(draft, ("auditors",), row)


async def told(alliance: Alliance) -> None:
    """Have each report and one retract; the auditor is in the roster."""
    for n, member in enumerate(alliance.members.values()):
        await member.report("url", f"http://m{n}.evil.example/")
    await alliance.settle()
    await alliance.police.retract("url", "http://m0.evil.example/")
    await alliance.settle()
    await alliance.change(listed)
    await alliance.agreed()
    await alliance.settle()


alliance = shared(told, *IDS)


def collector(
    alliance: Alliance, out: Path, fingerprint: str = ""
) -> collect.Collector:
    return collect.Collector(
        certificate=KEYS.certificate,
        key_pem=KEYS.tls_pem,
        fingerprint=fingerprint or alliance.fingerprint,
        made=Writer(out),
        now=2**32,
    )


def at(alliance: Alliance, *members: str) -> list[str]:
    """Return the addresses of members."""
    ports = (alliance.members[m].address[1] for m in members)
    return [f"https://127.0.0.1:{port}" for port in ports]


async def collected(
    alliance: Alliance, out: Path, *members: str, more: Sequence[str] = ()
) -> result.Audit:
    """Collect from members; return what there is to say of it."""
    await collector(alliance, out).run([*more, *at(alliance, *members)])
    return verify(Bundle(out), alliance.fingerprint)


async def test_it_is_the_bundle_that_the_member_exports(
    alliance: Alliance, tmp_path: Path
) -> None:
    """File by file, but for when it was made; evidence is in it."""
    for name in ("net", "disk"):
        (tmp_path / name).mkdir()
    settings = config.load(alliance.police.home)
    for accused in ("bank", "carrier"):
        held = bytes(Evidence(accused, (Exchange(b"x", b"y"),)))
        evidence_files.keep(settings.home, accused, held)
    audit = await collected(alliance, tmp_path / "net", "police")
    await stored.write(settings, tmp_path / "disk", 2**32)
    shutil.rmtree(settings.home / "evidence")
    net, disk = Bundle(tmp_path / "net"), Bundle(tmp_path / "disk")
    assert net.about == disk.about
    assert net.files == disk.files
    assert [found.code for found in audit.found] == ["convicts_nobody"] * 2
    assert len(audit.rosters) == 3


async def test_of_several_members_each_note_is_there(
    alliance: Alliance, tmp_path: Path
) -> None:
    """Then of each retraction it is known when all of them followed."""
    audit = await collected(alliance, tmp_path, *IDS)
    assert audit.found == []
    log = audit.logs[alliance.carrier.origin]
    assert {line.signer for line in log.lines} == {"police", "bank"}
    log = audit.logs[alliance.police.origin]
    (retract,) = log.positions[2]
    assert {*log.followed(retract)} == {"bank", "carrier"}
    assert audit.about.sources == ("bank", "carrier", "police")


async def test_who_is_silent_is_named(
    alliance: Alliance, tmp_path: Path
) -> None:
    """The others are asked; only if nobody answers, nothing is made."""
    nobody = "https://127.0.0.1:1"
    with unavailable("cannot reach"):
        await collected(alliance, tmp_path, more=[nobody])
    audit = await collected(alliance, tmp_path, "police", more=[nobody])
    about = audit.about
    assert (about.sources, about.unreached) == (("police",), (nobody,))
    assert any(nobody in str(text) for text in audit.unseen)


@tried(
    "path, lost, codes",
    [
        ("/notes/", IDS, set[str]()),
        ("/log/audit/", ("police",), {"ahead"}),
        ("/evidence/", (), set[str]()),
    ],
)
async def test_who_falls_silent_in_the_middle(
    path: str,
    lost: Sequence[str],
    codes: set[str],
    alliance: Alliance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The others' copies are taken, also where they have less of its log."""
    monkeypatch.setattr(collect, "TRIES", 1)
    monkeypatch.setattr(collect, "AT_ONCE", 1)
    police, dead = alliance.police, False
    await police.write(payload(0, police.origin))

    async def die(request: web.Request) -> None:
        nonlocal dead
        dead = dead or path in request.path
        if dead and request.transport is not None:
            request.transport.abort()

    alone, both = tmp_path / "alone", tmp_path / "both"
    with police.lying_at("/", die):
        with unavailable():
            await collected(alliance, alone, "police")
        dead = False
        audit = await collected(alliance, both, "police", "bank")
    await alliance.settle()
    assert not (alone / MANIFEST).exists()
    assert {found.code for found in audit.found} == codes
    assert audit.about.sources == ("bank", "police")
    [said] = audit.about.unreached
    logs = [bundle.log_directory(alliance.members[m].origin) for m in lost]
    assert said.startswith("police: ")
    assert {*said[8:].split(", ")} == {*logs, "evidence"}
    assert any(said in str(text) for text in audit.unseen)


async def test_whom_nobody_knows(alliance: Alliance, tmp_path: Path) -> None:
    """Neither an auditor who is not listed, nor another alliance's roster."""
    wrong = collector(alliance, tmp_path, "ab" * 32)
    with untrusted("not the pinned one"):
        await wrong.run(at(alliance, "police"))
    stranger = roster_keys.generate(
        "x.example", "x", secrets.token_bytes, now=int(time.time())
    )
    other = collector(alliance, tmp_path)
    other.certificate, other.key_pem = stranger.certificate, stranger.tls_pem
    with pytest.raises(errors.NotAdmittedError):
        await other.run(at(alliance, "police"))
    assert not (tmp_path / MANIFEST).exists()
    assert not (tmp_path / ABOUT).exists()


@tried(
    "path, raw",
    [
        *((path, b"x") for path in ("checkpoint", "notes/", "tile/0")),
        ("/evidence/", b"x"),
        ("/evidence/", bytes(Evidence("../x", (Exchange(b"x", b"y"),)))),
    ],
)
async def test_who_answers_wrongly_is_named(
    path: str, raw: bytes, alliance: Alliance, tmp_path: Path
) -> None:
    """Nothing of it is taken, and nobody else is made to look guilty."""
    with alliance.police.lying_with(path, raw), broken(r"^police: "):
        await collected(alliance, tmp_path, *IDS)
    assert not (tmp_path / "evidence").exists()


def repeated(patch: pytest.MonkeyPatch, page: str) -> None:
    """Have all give one page of theirs for any other."""
    asked, others = PeerClient.get, page.replace("/", r"/\d+")[:-1]

    async def get(client: PeerClient, wanted: Wanted) -> bytes:
        path = re.sub(f"{others}$", page, wanted.path)
        return await asked(client, wanted._replace(path=path))

    patch.setattr(PeerClient, "get", get)


async def test_notes_without_end(
    alliance: Alliance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member that gives one page for ever is asked for no more of them."""
    repeated(monkeypatch, "notes/0")
    assert (await collected(alliance, tmp_path, *IDS)).found == []


async def test_rosters_without_end(
    alliance: Alliance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first version is not the next one, however often it is given."""
    repeated(monkeypatch, "roster/1")
    with untrusted("no version 2"):
        await collected(alliance, tmp_path, "police")
