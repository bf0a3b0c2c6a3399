"""Lines of members and words of the operator, laid into the home."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from syncd.flows.ports import OwnHead
from syncd.node.publish.append_guard import FILE, brought, overridden, words
from syncd.tlog import checkpoint, cosignature, merkle, note
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.note import SigningKey

ORIGIN = "bank.example/syncd/txwz/1"
KEY = SigningKey(ORIGIN, note.ED25519, b"\1" * 32)
NOW = 1_800_000_000


def seen(member: str) -> SigningKey:
    name = f"{member}.example/syncd/txwz/seen"
    return SigningKey(name, note.COSIGNATURE, member.encode().ljust(32)[:32])


def carried(size: int, **at: int) -> bytes:
    """Return our checkpoint with members' lines, each of its time."""
    signed = checkpoint.sign(Checkpoint(ORIGIN, size, b"r" * 32), KEY)
    text = signed.text
    lines = [cosignature.cosign(text, seen(m), t) for m, t in at.items()]
    return bytes(note.add(signed, *lines))


@pytest.fixture
def home(tmp_path: Path) -> Any:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    at, of = {ORIGIN: inbox}, SimpleNamespace(log=KEY)
    return SimpleNamespace(path=tmp_path, keys=of, inbox=at.get)


def test_lines_from_after_the_start_count(home: Any, tmp_path: Path) -> None:
    """Older ones, strangers' and what does not verify do not."""
    members = [
        SimpleNamespace(id=m, keys=SimpleNamespace(seen=seen(m).verifier))
        for m in ("police", "carrier")
    ]
    roster: Any = SimpleNamespace(active=lambda: members)
    assert brought(home, roster, NOW) == {}
    inbox = tmp_path / "inbox"
    raw = carried(7, police=NOW, carrier=NOW - 1, other=NOW)
    (inbox / "checkpoint").write_bytes(raw)
    assert brought(home, roster, NOW) == {"police": raw}
    more = carried(8, carrier=NOW + 9)
    (inbox / "checkpoint-2").write_bytes(more)
    (inbox / "checkpoint-3").write_bytes(more.replace(b"\n8\n", b"\n9\n"))
    (inbox / "checkpoint-4").write_bytes(b"junk")
    (inbox / "checkpoint-5").mkdir()
    assert brought(home, roster, NOW) == {"police": raw, "carrier": more}


def test_the_words_are_for_one_start_at_one_size(
    home: Any, tmp_path: Path
) -> None:
    """Other words are none, and the right ones are used up."""
    head = OwnHead(ORIGIN, merkle.Frontier.EMPTY.extend([b"h" * 32] * 3), b"")
    path = tmp_path / FILE
    assert not overridden(home, head)
    path.write_text("yes\n")
    assert not overridden(home, head)
    path.write_text(words(head) + "\n")
    larger = OwnHead(ORIGIN, head.frontier.extend([b"h" * 32]), b"")
    assert not overridden(home, larger)
    assert overridden(home, head)
    assert not path.exists()
    assert not overridden(home, head)
