"""Make an audit bundle of a home: all that it has of every log, without a daemon.

Everything is read as it is at one moment of each database. Nothing is
verified here: that is for whoever takes the bundle.
"""

from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

from syncd.audit import bundle
from syncd.audit.bundle import About, Writer
from syncd.audit.known import cosigners
from syncd.config import Config, server
from syncd.flows import log_files
from syncd.node.audit import stored
from syncd.node.pinned import roster_files, trusted_roster
from syncd.roster.roster import Roster
from syncd.store.snapshot import MirrorSnapshot, OwnSnapshot
from syncd.tlog import checkpoint


async def write(
    settings: Config,
    out: Path,
    now: int,
    *,
    reason: str = "",
    progress: Callable[[int, int], None] = lambda *_: None,
) -> str:
    """Write a home's bundle into an empty directory; return its name.

    With a `reason` payloads are in it, which no erasure reaches any more.
    """
    roster = trusted_roster(settings).current
    made = Writer(out)
    rosters(made, roster, roster_files(settings.home).notes())
    kept = dict(_notes(settings))
    logs = [None, *(o for o in _mirrored(settings) if o != settings.origin)]
    for n, origin in enumerate(logs):
        progress(n, len(logs))
        with stored.served(settings, origin) as log:
            where = bundle.log_directory(log.origin)
            async for path, raw in log_files.files(log, audit=not reason):
                made.add(f"{where}/{path}", raw)
    for path, raw in kept.items():
        made.add(path, raw)
    found = settings.home / "evidence"
    for file in sorted(found.glob("*/*.json")):
        made.add(f"evidence/{file.relative_to(found)}", file.read_bytes())
    about = About(
        alliance=roster.id,
        at=now,
        sources=(settings.member.id,),
        reason=reason,
    )
    return made.finish(about)


def rosters(made: Writer, roster: Roster, notes: list[bytes]) -> None:
    """Write whose signatures count, and how to check a bundle."""
    for version, raw in enumerate(notes, 1):
        made.add(f"roster/{version:06}.note", raw)
    keys = [g.log for m in roster.members for g in m.generations]
    lines = [f"{key}\n" for key in (*keys, *cosigners(roster))]
    made.add("vkeys", "".join(lines).encode())
    text = resources.files("syncd.audit").joinpath("README.txt")
    made.add("README.txt", text.read_bytes())


def _mirrored(settings: Config) -> list[str]:
    with MirrorSnapshot.of(settings.home, server(settings)) as mirror:
        return [
            row.origin for row in mirror.logs() if mirror.bundle(row.id, 0)
        ]


def _notes(settings: Config) -> Iterator[tuple[str, bytes]]:
    """Yield each signed note that is kept beside the logs' own, and where."""
    home, where = settings.home, server(settings)
    with OwnSnapshot.of(home, where) as own:
        rows = [*own.cosigned(), *own.receipts(), *own.kept_receipts()]
        for row in rows:
            yield bundle.note_path(row.origin, row.size, row.note), row.note
    with MirrorSnapshot.of(home, where) as mirror:
        for log in mirror.logs():
            kept = mirror.notes(log.id).values()
            for raw in (*kept, *mirror.forked(log.id)):
                size = checkpoint.size_of(raw)
                yield bundle.note_path(log.origin, size, raw), raw
