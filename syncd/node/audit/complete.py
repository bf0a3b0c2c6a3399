"""Make an audit bundle of a home: all that it has of every log, without a daemon.

Everything is read as it is at one moment of each database. Nothing is
verified here: that is for whoever takes the bundle.
"""

from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

from syncd.audit import bundle
from syncd.audit.known import policy, vkeys
from syncd.config import Config, server
from syncd.flows import log_files
from syncd.node.audit import stored
from syncd.node.pinned import roster_files, trusted_roster
from syncd.roster.roster import Roster
from syncd.store import evidence_files
from syncd.store.snapshot import MirrorSnapshot, OwnSnapshot
from syncd.tlog import checkpoint


async def write(
    settings: Config,
    out: Path,
    now: int,
    *,
    origin: str | None = None,
    reason: str = "",
    progress: Callable[[int, int], None] = lambda *_: None,
) -> str:
    """Write a home's bundle into an empty directory; return its name.

    Args:
        origin: of one log alone; else of all, and what convicts holders.
        reason: why payloads are in it, which no erasure reaches any more.
    """
    roster, made = trusted_roster(settings).current, bundle.Writer(out)
    rosters(made, roster, roster_files(settings.home).notes())
    kept = [*_notes(settings)]  # before the logs: no larger than they are
    origins = [origin] if origin else [settings.origin, *_mirrored(settings)]
    for n, one in enumerate(origins):
        progress(n, len(origins))
        where = bundle.log_directory(one)
        with stored.served(settings, one) as log:
            async for path, raw in log_files.files(log, audit=not reason):
                made.add(f"{where}/{path}", raw)
        for path, raw in kept:
            if path.startswith(f"{where}/"):
                made.add(path, raw)
    for file in [] if origin else evidence_files.paths(settings.home):
        made.add(f"{file.relative_to(settings.home)}", file.read_bytes())
    about = bundle.About(
        alliance=roster.id,
        at=now,
        sources=(settings.member.id,),
        reason=reason,
    )
    return made.finish(about)


def rosters(made: bundle.Writer, roster: Roster, notes: list[bytes]) -> None:
    """Write whose signatures count, and how to check a bundle."""
    for version, raw in enumerate(notes, 1):
        made.add(f"roster/{version:06}.note", raw)
    made.add("vkeys", vkeys(roster))
    made.add("policy", policy(roster))
    text = resources.files("syncd.audit").joinpath("README.txt")
    made.add("README.txt", text.read_bytes())


def _mirrored(settings: Config) -> list[str]:
    with MirrorSnapshot.of(settings.home, server(settings)) as mirror:
        return [
            row.origin
            for row in mirror.logs()
            if row.origin != settings.origin
            and row.note  # what ended needs none to be held
            and mirror.bundle(row.id, 0)
        ]


def _notes(settings: Config) -> Iterator[tuple[str, bytes]]:
    """Yield each signed note that is kept beside the logs' own, and where."""
    home, where = settings.home, server(settings)
    with OwnSnapshot.of(home, where) as own:
        for row in [*own.cosigned(), *own.receipts(), *own.kept_receipts()]:
            yield bundle.note_path(row.origin, row.size, row.note), row.note
    with MirrorSnapshot.of(home, where) as mirror:
        for log in mirror.logs():
            kept = mirror.notes(log.id).values()
            for raw in (*kept, *mirror.forked(log.id)):
                size = checkpoint.size_of(raw)
                yield bundle.note_path(log.origin, size, raw), raw
