"""Let an operator or the roster allow appends without a majority.

    inbox/<sha256 of our origin>/checkpoint*   our checkpoint with the `seen`
                                               lines of members, made since
    append-anyway                              the operator's word, in words

A line that a member's `seen` key made after our start says what its peer API
would: the largest tree of ours that it knew then. How it came here does not
matter. The operator's file is good for one start, at one size.
"""

from collections.abc import Mapping

import structlog

from syncd.errors import SyncdError
from syncd.flows.ports import OwnHead
from syncd.node.home import Home
from syncd.peer.client import MAX_NOTE
from syncd.roster.roster import Roster
from syncd.tlog import checkpoint, cosignature, note

FILE = "append-anyway"
MOST = 64  # files that are looked into

log = structlog.get_logger("syncd.override")


def words(head: OwnHead) -> str:
    """Return what an operator must write to append without a majority."""
    return (
        f"no other member holds more of {head.origin} than"
        f" {head.frontier.size} entries"
    )


def brought(home: Home, roster: Roster, since: int) -> Mapping[str, bytes]:
    """Return by member id the checkpoint of ours that it says it knows.

    Lines from before `since`, unix seconds, count for nothing.
    """
    members = {m.keys.seen.name: m for m in roster.active()}
    keys = [m.keys.seen for m in members.values()]
    found: dict[str, bytes] = {}
    own = home.keys.log.verifier
    for path in sorted(home.inbox(own.name).glob("checkpoint*"))[:MOST]:
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_NOTE)
            head, signed = checkpoint.open_(raw, own)
            lines = note.verify(signed, [own, *keys])
        except (SyncdError, OSError) as e:
            log.warning("not an answer", file=path.name, why=str(e))
            continue
        for key, line in lines:
            if (member := members.get(key.name)) and (
                cosignature.verify(str(head), key, line) >= since
            ):
                found[member.id] = raw
    return found


def overridden(home: Home, head: OwnHead) -> bool:
    """Tell whether the operator says so; it is good for once."""
    path, wanted = home.path / FILE, words(head)
    try:
        text = path.read_text(errors="replace").strip()
    except OSError:
        return False
    if text != wanted:
        log.warning("not the words", file=str(path), wanted=wanted)
        return False
    path.unlink()
    log.critical("appending by the operator's word", words=wanted)
    return True
