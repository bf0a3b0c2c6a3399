"""An auditor collects over the network what a member would export itself."""

import re
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from syncd import config
from syncd.audit.bundle import ABOUT, MANIFEST, Bundle, Writer
from syncd.audit.verify import verify
from syncd.errors import (
    BrokenSourceError,
    NotAdmittedError,
    UnavailableError,
    UntrustedError,
)
from syncd.node.audit import complete
from syncd.node.audit.collect import Collector
from syncd.peer.client import PeerClient
from syncd.peer.transport import Wanted
from syncd.roster import certificate, drafts
from syncd.roster import keys as roster_keys
from syncd.roster.members import Auditor, Names
from syncd.roster.roster import Roster
from syncd.roster.row import Base64
from tests.alliance import Alliance, shared

pytestmark = pytest.mark.asyncio(loop_scope="module")

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
) -> Collector:
    return Collector(
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


async def test_it_is_the_bundle_that_the_member_exports(
    alliance: Alliance, tmp_path: Path
) -> None:
    """File by file, but for when it was made."""
    for name in ("net", "disk"):
        (tmp_path / name).mkdir()
    await collector(alliance, tmp_path / "net").run(at(alliance, "police"))
    settings = config.load(alliance.police.home)
    await complete.write(settings, tmp_path / "disk", 2**32)
    net, disk = Bundle(tmp_path / "net"), Bundle(tmp_path / "disk")
    assert net.about == disk.about
    assert net.files == disk.files
    audit = verify(net, alliance.fingerprint)
    assert (audit.found, len(audit.rosters)) == ([], 3)


async def test_of_several_members_each_note_is_there(
    alliance: Alliance, tmp_path: Path
) -> None:
    """Then of each retraction it is known when all of them followed."""
    await collector(alliance, tmp_path).run(at(alliance, *IDS))
    audit = verify(Bundle(tmp_path), alliance.fingerprint)
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
    with pytest.raises(UnavailableError, match="cannot reach"):
        await collector(alliance, tmp_path).run([nobody])
    asked = [nobody, *at(alliance, "police")]
    await collector(alliance, tmp_path).run(asked)
    audit = verify(Bundle(tmp_path), alliance.fingerprint)
    about = audit.about
    assert (about.sources, about.unreached) == (("police",), (nobody,))
    assert any(nobody in str(text) for text in audit.unseen)


async def test_whom_nobody_knows(alliance: Alliance, tmp_path: Path) -> None:
    """Neither an auditor who is not listed, nor another alliance's roster."""
    wrong = collector(alliance, tmp_path, "ab" * 32)
    with pytest.raises(UntrustedError, match="not the pinned one"):
        await wrong.run(at(alliance, "police"))
    stranger = roster_keys.generate(
        "x.example", "x", secrets.token_bytes, now=int(time.time())
    )
    other = Collector(
        certificate=stranger.certificate,
        key_pem=stranger.tls_pem,
        fingerprint=alliance.fingerprint,
        made=Writer(tmp_path),
        now=1,
    )
    with pytest.raises(NotAdmittedError):
        await other.run(at(alliance, "police"))
    assert not (tmp_path / MANIFEST).exists()
    assert not (tmp_path / ABOUT).exists()


@pytest.mark.parametrize("path", ["checkpoint", "notes/", "tile/0"])
async def test_who_answers_wrongly_is_named(
    path: str,
    alliance: Alliance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing of it is taken, and nobody else is made to look guilty."""
    asked = PeerClient.files

    async def files(
        client: PeerClient, origin: str, paths: Sequence[str]
    ) -> Sequence[bytes]:
        found = await asked(client, origin, paths)
        if client.name != "police" or not paths[0].startswith(path):
            return found
        return [raw.replace(b"\n", b"\n\n") + b" " for raw in found]

    monkeypatch.setattr(PeerClient, "files", files)
    with pytest.raises(BrokenSourceError, match=r"^police: "):
        await collector(alliance, tmp_path).run(at(alliance, *IDS))


async def test_notes_without_end(
    alliance: Alliance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member that gives one page for ever is asked for no more of them."""
    asked = PeerClient.files

    async def files(
        client: PeerClient, origin: str, paths: Sequence[str]
    ) -> Sequence[bytes]:
        start = [re.sub("notes/.*", "notes/0", path) for path in paths]
        return await asked(client, origin, start)

    monkeypatch.setattr(PeerClient, "files", files)
    await collector(alliance, tmp_path).run(at(alliance, *IDS))
    assert verify(Bundle(tmp_path), alliance.fingerprint).found == []


async def test_rosters_without_end(
    alliance: Alliance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first version is not the next one, however often it is given."""
    asked = PeerClient.get

    async def get(client: PeerClient, wanted: Wanted) -> bytes:
        if wanted.path.startswith("/roster/"):
            wanted = Wanted("/roster/1", wanted.limit)
        return await asked(client, wanted)

    monkeypatch.setattr(PeerClient, "get", get)
    with pytest.raises(UntrustedError, match="no version 2"):
        await collector(alliance, tmp_path).run(at(alliance, "police"))
