"""`syncd log`: show, export and verify logs, with no daemon and no secret.

Everything is read from the home's files as they are at one moment, so a
daemon may run meanwhile. Exit codes of `verify`: 0 every byte is proven, 1
proven but not complete (payloads withheld, or signature lines of keys that
we do not know), 4 signed by nobody whom we trust, 5 damaged.
"""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from syncd import canonical, config
from syncd.cli import grid, terminal, usage
from syncd.config import Config
from syncd.errors import (
    DamagedError,
    MalformedError,
    UntrustedError,
    UsageError,
)
from syncd.flows import log_files, serve, stretch
from syncd.flows.audit import LogReport, Tally
from syncd.flows.serve import LogFiles
from syncd.indicator import claims, leaf, token
from syncd.indicator.claims import Range
from syncd.indicator.leaf import Record
from syncd.messages.catalogue import t
from syncd.node import audit as stored
from syncd.node.pinned import trusted_roster
from syncd.roster import trust
from syncd.store import home, snapshot
from syncd.store.roster_files import RosterFiles
from syncd.store.snapshot import (
    CosignRow,
    LogRow,
    MirrorSnapshot,
    OwnSnapshot,
)
from syncd.tlog import checkpoint, note, strict
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.merkle import BUNDLE
from syncd.tlog.note import VerifierKey

LAST = 10  # entries that `show` lists
COSIGNED = 14  # cosignatures on a checkpoint: readers accept 16 lines
KIND_NAMES = {code: name for name, code in token.KIND_CODES.items()}

Home = Annotated[
    Path | None,
    typer.Option("--home", help="the member's home, as before the noun"),
]
Mirror = Annotated[
    str | None,
    typer.Option(metavar="ORIGIN", help="another's log; else our own"),
]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]


def add(app: typer.Typer) -> None:
    """Add the noun to the command."""
    noun = usage.Noun("Logs: show, export, verify.")
    app.add_typer(noun, name="log")

    @noun.command("show", help="Show our log, or one that we mirror.")
    def _show(
        ctx: typer.Context,
        home_: Home = None,
        mirror: Mirror = None,
        at: Annotated[
            int | None,
            typer.Option(metavar="INDEX", help="show this one entry"),
        ] = None,
        as_json: AsJson = False,
    ) -> None:
        view = _reading(_settings(ctx, home_), mirror, _Shown(at).read)
        if as_json:
            terminal.show_json(view)
        else:
            for line in _lines(view):
                terminal.say(line)

    @noun.command("export", help="Write a log as static C2SP files.")
    def _export(
        ctx: typer.Context,
        out: Annotated[Path, typer.Argument(help="a new directory")],
        home_: Home = None,
        mirror: Mirror = None,
        for_audit: Annotated[
            bool,
            typer.Option(
                "--audit", help="for auditors: no indicator's payload"
            ),
        ] = False,
    ) -> None:
        settings = _settings(ctx, home_)
        head, count = _write_files(settings, mirror, out, audited=for_audit)
        terminal.say(
            t(
                "{origin}: {size} entries in {count} files",
                origin=head.origin,
                size=head.size,
                count=count,
            )
        )

    @noun.command(
        "verify",
        help="Verify a directory of files, or all logs and claims.",
    )
    def _verify(
        ctx: typer.Context,
        directory: Annotated[
            Path | None,
            typer.Argument(help="exported files; else the whole home"),
        ] = None,
        home_: Home = None,
        key: Annotated[
            str | None, typer.Option(help="the log's verifier key")
        ] = None,
        roster: Annotated[
            list[Path] | None,
            typer.Option(help="signed rosters from version 1 on"),
        ] = None,
        fingerprint: Annotated[
            str | None, typer.Option(help="of roster version 1")
        ] = None,
        digests: Annotated[
            bool,
            typer.Option(
                "--digests", help="only sum the claim rows, verify nothing"
            ),
        ] = False,
        as_json: AsJson = False,
    ) -> None:
        if directory is not None:
            if digests or home_ is not None:
                raise UsageError(t("a directory has no home and no digests"))
            code = _verify_files(directory, key, roster, fingerprint, as_json)
        elif key or roster or fingerprint:
            raise UsageError(
                t("--key and --roster are for a directory"),
                hint=t("a home is verified from the roster that it pins"),
            )
        elif digests:
            code = _tell_digests(_settings(ctx, home_), as_json)
        else:
            code = _verify_home(_settings(ctx, home_), as_json)
        raise typer.Exit(code)


def _settings(ctx: typer.Context, given: Path | None) -> Config:
    path = terminal.home_path(given or ctx.obj.home, config.environment())
    if not path.is_dir():
        raise UsageError(f"{path}: no such directory")
    return config.load(path.absolute())


# ----------------------------------------------------------------- export


def _write_files(
    settings: Config, origin: str | None, out: Path, *, audited: bool
) -> tuple[Checkpoint, int]:
    """Write a log's files to a new directory; return its head, their number.

    They are written beside it and moved there when they are complete.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(
            f"{out}: is there already",
            hint=t("choose another name; nothing is overwritten"),
        )
    try:
        parent = out.absolute().parent
        made = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=parent))
    except OSError as e:
        raise UsageError(f"{out}: {e.strerror}") from e
    try:
        with stored.served(settings, origin) as log:
            count = asyncio.run(_fill(made, log, audited))
            head = checkpoint.parse(note.parse(log.checkpoint).text)
        made.rename(out)
    except OSError as e:
        raise UsageError(f"{out}: {e.strerror}") from e
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return head, count


async def _fill(made: Path, log: LogFiles, audited: bool) -> int:
    count = 0
    async for path, raw in log_files.files(log, audit=audited):
        file = made / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(raw)
        count += 1
    return count


# ----------------------------------------------------------------- verify


def _verify_files(
    directory: Path,
    vkey: str | None,
    rosters: list[Path] | None,
    fingerprint: str | None,
    as_json: bool,
) -> int:
    if bool(rosters) != bool(fingerprint):
        raise UsageError(t("--roster and --fingerprint go together"))
    if not (vkey or rosters):
        raise UsageError(
            t("whose log is it?"), hint=t("say --key VKEY, or --roster FILE")
        )
    key = note.parse_vkey(vkey) if vkey else None
    roster = None
    if rosters and fingerprint:
        roster = trust.load(fingerprint, roster_notes(rosters)).current

    def log_key(origin: str) -> VerifierKey:
        found = roster.by_origin(origin) if roster else None
        if roster and found is None:
            raise UntrustedError(f"roster: nobody's log is {origin[:100]}")
        if found and key and found[1].log != key:
            raise UntrustedError(f"roster: {origin} has another key")
        return key or found[1].log  # type: ignore[index]

    def erased(head: Checkpoint) -> list[Range]:
        if roster is None:
            return []
        found = stored.ordered(roster, head.origin)
        if roster.retired:  # no leaf tells of which epoch it is
            found.append((0, head.size, head.size))
        return found

    if not directory.is_dir():
        raise UsageError(f"{directory}: no such directory")
    found = log_files.check(
        _names(directory),
        _reader(directory),
        log_key=log_key,
        cosigners=stored.cosigners(roster) if roster else None,
        erased=erased,
    )
    head = found.head
    ok = not (found.unverified or found.withheld)
    if as_json:
        terminal.show_json(
            {
                "origin": head.origin,
                "size": head.size,
                "root": strict.encode(head.root),
                "types": _types(found.types),
                "signed": list(found.signed),
                "unverified": list(found.unverified),
                "withheld": list(found.withheld),
                "audit": found.audit,
                "ok": ok,
            }
        )
        return 0 if ok else 1
    terminal.say(f"{head.origin}  {head.size}  {strict.encode(head.root)}")
    for name in found.signed:
        terminal.say(t("  signed by {name}", name=name))
    for name in found.unverified:
        terminal.say(t("  not verified: the line of {name}", name=name))
    if found.withheld:
        terminal.say(
            t(
                "  withheld: {count} payloads, the first of entry {index}",
                count=len(found.withheld),
                index=found.withheld[0],
            )
        )
    if found.unverified:
        terminal.tell(t("Give --roster and --fingerprint to verify them."))
    return 0 if ok else 1


def roster_notes(paths: list[Path]) -> list[bytes]:
    """Return rosters' notes from files, and from directories of them."""
    found: list[bytes] = []
    for path in paths:
        if path.is_dir():
            found += RosterFiles(path).notes()
        else:
            found.append(terminal.read_file(path))
    return found


def _names(directory: Path) -> set[str]:
    """Return the path of everything in a directory that is none itself."""
    try:
        return {
            path.relative_to(directory).as_posix()
            for path in directory.rglob("*")
            if path.is_symlink() or not path.is_dir()
        }
    except OSError as e:
        raise DamagedError(f"{directory}: {e}") from e


def _reader(directory: Path) -> log_files.Read:
    def read(path: str, limit: int) -> bytes:
        try:
            with (directory / path).open("rb") as file:
                raw = file.read(limit + 1)
        except OSError as e:
            raise DamagedError(f"{path}: {e.strerror}") from e
        if len(raw) > limit:
            raise DamagedError(f"{path}: is over {limit} bytes")
        return raw

    return read


def _verify_home(settings: Config, as_json: bool) -> int:
    roster = trusted_roster(settings).current
    reports = stored.verify_home(settings, roster)
    ok = all(report.ok for report in reports)
    if as_json:
        terminal.show_json([_report_json(r) for r in reports])
        return 0 if ok else DamagedError.exit_code
    for r in reports:
        state = t("ok") if r.ok else t("DAMAGED")
        more = t(", contested") if r.contested else ""
        terminal.say(
            t(
                "{origin}: {size} entries, {merged} merged, {rows} claims"
                " stand: {state}",
                origin=r.origin,
                size=r.size,
                merged=r.merged,
                rows=r.rows,
                state=state + more,
            )
        )
        for name, value in _digest_json(r.digest).items():
            terminal.say(f"  {name:12} {value}")
        for problem in r.problems:
            terminal.tell(f"syncd: {t('error')}: {r.origin}: {problem}")
    return 0 if ok else DamagedError.exit_code


def _tell_digests(settings: Config, as_json: bool) -> int:
    """Sum the claim rows as they are: no log is read, nothing is proven."""

    def job(mirror: MirrorSnapshot) -> list[dict[str, Any]]:
        rows = {row.origin: row for row in mirror.logs()}
        sums, _ = stored.tallies(mirror, rows)
        found = []
        for origin, row in rows.items():
            tally = sums.get(row.id, Tally())
            found.append(
                {
                    "origin": origin,
                    "size": row.size,
                    "merged": row.merged,
                    "digest": _digest_json(tally.digest),
                    "rows": tally.standing,
                }
            )
        return found

    found = snapshot.of_mirror(settings.home / home.MIRROR, job)
    if as_json:
        terminal.show_json(found)
        return 0
    for log in found:
        terminal.say(f"{log['origin']}  {log['merged']}  {log['rows']}")
        for name, value in log["digest"].items():
            terminal.say(f"  {name:12} {value}")
    return 0


def _key_name(key: int) -> str:
    kind, epoch = claims.kind_epoch(key)
    return f"{KIND_NAMES.get(kind, str(kind))}/{epoch}"


def _digest_json(digest: Mapping[int, int]) -> dict[str, str]:
    return {
        _key_name(key): claims.digest_bytes(value).hex()
        for key, value in sorted(digest.items())
    }


def _report_json(r: LogReport) -> dict[str, Any]:
    return {
        "origin": r.origin,
        "size": r.size,
        "merged": r.merged,
        "root": strict.encode(r.root),
        "digest": _digest_json(r.digest),
        "rows": r.rows,
        "contested": r.contested,
        "ok": r.ok,
        "problems": r.problems,
    }


def _types(counted: Counter[int]) -> dict[str, int]:
    return {str(type_): n for type_, n in sorted(counted.items())}


# ------------------------------------------------------------------- show


def _reading(
    settings: Config,
    origin: str | None,
    job: Callable[..., dict[str, Any]],
) -> dict[str, Any]:
    path = settings.home
    if origin is not None and origin != settings.origin:

        def mirrored(s: MirrorSnapshot) -> dict[str, Any]:
            return job(s, stored.mirrored_row(s, origin), [])

        return snapshot.of_mirror(path / home.MIRROR, mirrored)

    def ours(s: OwnSnapshot) -> dict[str, Any]:
        row, _ = stored.own_row(s)
        receipts = [r for r in s.receipts() if r.origin == row.origin]
        return job(s, row, receipts)

    return snapshot.of_own(path / home.OWN, ours)


@dataclass(frozen=True, slots=True)
class _Shown:
    at: int | None

    def read(
        self,
        s: MirrorSnapshot | OwnSnapshot,
        row: LogRow,
        receipts: list[CosignRow],
    ) -> dict[str, Any]:
        """Return what is shown of a log."""
        if self.at is not None:
            return {"origin": row.origin, **_entry_at(s, row, self.at)}
        counted: Counter[int] = Counter()
        last: list[dict[str, Any]] = []
        for bundle in s.bundles(row.id):
            records = serve.records(row.origin, bundle)
            counted.update(_type(r) for r in records)
            for i in range(len(records) - 1, -1, -1):
                if len(last) == LAST:
                    break
                last.append(_entry(bundle.n * BUNDLE + i, records[i]))
        return {
            "origin": row.origin,
            "size": row.size,
            "root": strict.encode(
                checkpoint.parse(note.parse(row.note).text).root
            ),
            "note": row.note.decode(),
            "types": _types(counted),
            "last": last[::-1],
            "receipts": [{"key": r.name, "size": r.size} for r in receipts],
        }


def _type(record: Record) -> int:
    head = record[0]
    return head[1] if len(head) == leaf.LEAF_SIZE and head[0] == 1 else 0


def _entry_at(
    s: MirrorSnapshot | OwnSnapshot, row: LogRow, index: int
) -> dict[str, Any]:
    inside = 0 <= index < row.size
    bundle = s.bundle(row.id, index // BUNDLE) if inside else None
    if bundle is None or index % BUNDLE >= bundle.width:
        raise UsageError(f"--at {index}: the log has {row.size} entries")
    stretch.inflate(bundle.gz)
    record = serve.records(row.origin, bundle)[index % BUNDLE]
    return {
        **_entry(index, record),
        "leaf": record[0].hex(),
        "statement": _abridged(record[2]),
    }


def _entry(index: int, record: Record) -> dict[str, Any]:
    said = _abridged(record[2])
    return {
        "index": index,
        "type": _type(record),
        "day": _word(said, "on"),
        "kind": _word(said, "kind"),
        "token": said.get("token", ""),
        "open": bool(record[1]),
    }


def _word(said: Mapping[str, Any], name: str) -> str:
    """Return a field that is a text; a void statement may hold anything."""
    found = said.get(name)
    return found if isinstance(found, str) else ""


def _abridged(payload: bytes) -> dict[str, Any]:
    """Return a statement with its token as the first 8 hex digits."""
    try:
        said = canonical.loads(payload) if payload else {}
    except MalformedError:
        return {"void": "not canonical JSON"}
    if not isinstance(said, dict):
        return {"void": "no object"}
    said.pop("know", None)
    if isinstance(said.get("token"), str):
        try:
            said["token"] = token.decode(said["token"]).hex()[:8]
        except MalformedError:
            said["token"] = ""
    return said


def _lines(view: Mapping[str, Any]) -> Iterator[str]:
    for name in ("origin", "size", "root"):
        if name in view:
            yield f"{name:8} {view[name]}"
    if "statement" in view:
        yield f"index    {view['index']}"
        yield f"type     {view['type']}"
        yield f"leaf     {view['leaf']}"
        said = canonical.dumps(view["statement"]).decode()
        yield f"says     {grid.clean(said)}"
        return
    for type_, n in view["types"].items():
        yield f"type {type_:>3} {n}"
    for entry in view["last"]:
        shown = (
            f"{entry['index']:>8} {entry['type']:>3} {entry['day']:10}"
            f" {entry['kind']:8} {entry['token']}"
        )
        yield grid.clean(shown).rstrip()
    for receipt in view["receipts"]:
        yield f"receipt  {receipt['key']} {receipt['size']}"
