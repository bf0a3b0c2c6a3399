"""`syncd demo`: four members on this machine, from nothing to convergence.

Found, run, import, converge, look up, retract, admit a fifth, verify: each
step by the commands that people use, and each result looked at. What does
not hold is red, and the exit code says so.
"""

import csv
import json
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from syncd.cli import stage, terminal
from syncd.cli.stage import ALLIANCE, Actor, Stage
from syncd.errors import SyncdError, UsageError
from syncd.flows.draft import Draft
from syncd.flows.report import Desk, prepare
from syncd.indicator import identifier
from syncd.messages.catalogue import t
from syncd.roster import drafts

FOUR = (
    ("police", "police", "示范市公安局", "Demo City Police"),
    ("bank", "bank", "示范银行", "Demo Bank"),
    ("carrier", "carrier", "示范电信", "Demo Telecom"),
    ("platform", "platform", "示范平台", "Demo Platform"),
)
FIFTH = ("payment", "payment", "示范支付", "Demo Payments")
HOLDERS = ("police", "bank", "carrier")
ADMINS = ("alice", "bob")
EVIDENCE = {
    "police": "victim_report",
    "bank": "bank_detection",
    "carrier": "carrier_detection",
    "platform": "platform_detection",
}
WATCH_S = 1.0  # between two looks at the daemons
SHARED = 20  # every so many rows, a second member has the same one
SETTINGS = ("exchange.interval_s=2", "exchange.backoff_max_s=4")
SAMPLE = Path(__file__).parents[2] / "examples"
REGION = "CN"  # the members', as init leaves it
COLUMNS = ("kind", "value", "region", "scheme", "label", "role", "evidence")

# Labels of the fraud types that the Taiwanese list uses.
_REASONS = {
    "假投資": "fake_invest",
    "假交友": "romance",
    "竄改電子商務郵件": "bec",
    "假網拍": "fake_shop",
    "假冒機構": "imp_police",
    "猜猜我是誰": "imp_boss",
    "假借銀行貸款": "fake_loan",
    "中獎": "prize",
    "假綁架": "kidnap",
    "假慈善": "charity",
    "信用卡": "credit_card",
    "釣魚": "phish_notice",
    "OFAC": "sanctioned",
}


def add(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("demo", help="Four members on this machine, from nothing.")
    def _demo(
        once: Annotated[
            bool, typer.Option("--once", help="exit when all is seen")
        ] = False,
        directory: Annotated[
            Path | None,
            typer.Option("--dir", help="a new or empty directory"),
        ] = None,
        data: Annotated[
            Path | None,
            typer.Option(
                "--data",
                help="urls.tsv, phones.csv and accounts.csv lie here",
            ),
        ] = None,
    ) -> int:
        return run(once, directory, data or _sample())


def _sample() -> Path:
    """Return where the sample that comes with the project is.

    Raises:
        UsageError: this is no checkout.
    """
    if not (SAMPLE / "urls.tsv").is_file():
        raise UsageError(
            "demo: the sample data is not here",
            hint="run it from a checkout, or say --data DIR",
        )
    return SAMPLE


def run(once: bool, directory: Path | None, data: Path) -> int:
    """Play the whole demo; return the exit code."""
    _check(data)
    where = _fresh(directory)
    began = time.monotonic()
    play = Demo(Stage(where), data)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        good = play.run()
        took = time.monotonic() - began
        if good:
            _ok(t("Everything held, in {s:.0f} s.", s=took))
        else:
            _bad(t("Something did not hold: see the red lines above."))
        play.leave_note()
        if not once:
            play.invite()
            play.watch()
    except KeyboardInterrupt:
        terminal.tell("")
        return 130 if once else (0 if play.good else 1)
    finally:
        play.stage.close()
    return 0 if good else 1


def _check(data: Path) -> None:
    """Read all rows once: wrong data are told of before anything is founded.

    Raises:
        UsageError: they cannot be read.
    """
    try:
        for _ in rows(data):
            pass
    except (UnicodeDecodeError, csv.Error) as e:
        raise UsageError(f"{data}: no text in UTF-8: {e}") from e


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _fresh(directory: Path | None) -> Path:
    if directory is None:
        return Path(tempfile.mkdtemp(prefix="syncd-demo-"))
    path = directory.absolute()
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(
            f"{path}: is not empty", hint=t("choose a new directory")
        )
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


# ------------------------------------------------------------ the screen


def _paint(text: str, colour: str) -> str:
    if not sys.stdout.isatty():
        return text
    return f"\x1b[{colour}m{text}\x1b[0m"


def _title(text: str) -> None:
    terminal.say(f"\n{_paint('▶ ' + text, '1')}")


def _ok(text: str) -> None:
    terminal.say(f"  {_paint('✓', '32')} {text}")


def _bad(text: str) -> None:
    terminal.say(f"  {_paint('✗ ' + text, '31')}")


def _step(words: Sequence[str | Path]) -> None:
    terminal.say(f"  $ syncd {' '.join(map(str, words))}")


# --------------------------------------------------------------- the rows


@dataclass(frozen=True, slots=True)
class Row:
    """One indicator of the data, as a member would report it."""

    kind: str
    value: str
    region: str
    scheme: str
    label: str
    role: str


def rows(data: Path) -> Iterator[Row]:
    """Yield the rows of a directory in the format of examples/.

    Raises:
        UsageError: a file is missing, or lacks a column.
    """
    with _open(data / "urls.tsv") as file:
        for line in file:
            value = line.rstrip("\n").partition("\t")[0]
            yield Row("url", value, "", "", "fake_invest", "phishing_host")
    with _open(data / "phones.csv") as file:
        for item in _columns(file, "raw", "default_region"):
            region = item["default_region"]
            yield Row(
                "phone", item["raw"], region, "", "nuisance_call", "caller"
            )
    with _open(data / "accounts.csv") as file:
        for item in _columns(file, "account", "bic_or_chain", "reason"):
            yield Row(
                "account",
                item["account"],
                "",
                item["bic_or_chain"],
                _label(item["reason"]),
                "collecting_account",
            )


class Alone:
    """Finds rows that stand alone: what one member reports, and only it.

    Nothing else that is reported answers a look-up of such a row, so it may
    be looked up at another member, and be gone once it is retracted.
    """

    def __init__(self, desk: Desk) -> None:
        """Take what the members will check reports against."""
        self._desk = desk
        self._found: dict[tuple[str, str], tuple[int, Row] | None] = {}

    def add(self, row: Row, takers: Sequence[int]) -> None:
        """Take a row and who will report it; what is refused counts not."""
        draft = Draft(
            kind=row.kind,
            value=row.value,
            region=row.region,
            scheme=row.scheme,
            label=row.label,
            role=row.role,
            evidence="user_tag",
        )
        try:
            value = prepare(draft, self._desk).value
        except SyncdError:
            return
        if row.kind == "url":  # one lists those below it
            host = value.partition("/")[0]
            value = ".".join(host.split(".")[-2:])
        key = row.kind, value
        alone = key not in self._found and len(takers) == 1
        self._found[key] = (takers[0], row) if alone else None

    def samples(self) -> dict[str, tuple[int, Row]]:
        """Return the last such row of each kind that has one, and whose."""
        return {kind: x for (kind, _), x in self._found.items() if x}


def _open(path: Path) -> Any:
    try:
        return path.open(encoding="utf-8", newline="")
    except OSError as e:
        raise UsageError(f"{path}: {e.strerror}") from e


def _columns(file: Any, *names: str) -> Iterator[dict[str, str]]:
    reader = csv.DictReader(file, restval="")
    missing = set(names) - set(reader.fieldnames or ())
    if missing:
        raise UsageError(f"{file.name}: no column {', '.join(missing)}")
    yield from reader


def _label(reason: str) -> str:
    for part, label in _REASONS.items():
        if part in reason:
            return label
    return "other"


# --------------------------------------------------------------- the play


class Demo:
    """The play, act by act; `good` as long as everything held."""

    def __init__(self, stage_: Stage, data: Path) -> None:
        self.stage = stage_
        self.data = data
        self.good = True
        self.rows = 0
        self.refused = 0
        self.rosters: list[Path] = []  # signed versions, oldest first
        self.fingerprint = ""
        self.samples: dict[str, tuple[Actor, Row]] = {}

    def check(self, holds: bool, text: str) -> None:
        """Say whether something held, and remember."""
        if holds:
            _ok(text)
        else:
            self.good = False
            _bad(text)

    def run(self) -> bool:
        """Play all acts; return whether everything held."""
        self.found()
        self.start()
        self.import_lists()
        self.converge()
        self.table()
        self.look_up()
        self.retract()
        self.admit()
        self.table()
        return self.good

    # ------------------------------------------------------------ act one

    def found(self) -> None:
        """Four institutions found an alliance with 2-of-3 holders."""
        _title(t("Four members found an alliance: 2 of 3 hold the keys"))
        terminal.say(f"  {self.stage.directory}")
        actors = [self.stage.actor(*who) for who in FOUR]
        self._each(self._prepare, actors)
        admin = self.stage.directory / "admin"
        keys = [self._admin(name) for name in ADMINS]
        founding = admin / "founding"
        requests = [w for a in actors for w in ("--request", _join(a))]
        holders = [w for h in HOLDERS for w in ("--holder", h)]
        out = self._say(
            "alliance",
            "found",
            founding,
            "--alliance",
            ALLIANCE,
            *requests,
            *holders,
            *[w for key in keys for w in ("--admin", key)],
            "--threshold",
            "2",
            "--admins-needed",
            "2",
        )
        fingerprint = out.strip()
        draft = founding / "roster-1.draft"
        for name in ADMINS:
            self._sign(draft, name)
        roster = admin / "roster-1.note"
        draft.rename(roster)
        self.rosters = [roster]
        self.fingerprint = fingerprint

        def accept(actor: Actor) -> None:
            self._accept(actor)
            shares = sorted(founding.glob(f"share-{actor.id}-*.sealed"))
            if shares:
                self._as(actor, "join", "share", *shares)
                for path in shares:
                    path.unlink()  # a share in a backup is a share

        self._each(accept, actors)
        left = list(founding.glob("*.sealed"))
        self.check(
            not left,
            t("founded, fingerprint {f}…", f=fingerprint[:16]),
        )

    def _prepare(self, actor: Actor) -> None:
        settings = [w for s in SETTINGS for w in ("--set", s)]
        self._as(
            actor,
            "init",
            "--id",
            actor.id,
            "--domain",
            actor.domain,
            "--alliance",
            ALLIANCE,
            "--peer",
            actor.peer_url.removeprefix("https://"),
            "--own",
            actor.own_url.removeprefix("http://"),
            "--token-file",
            actor.token_file,
            *settings,
        )
        self._as(
            actor,
            "join",
            "request",
            _join(actor),
            "--sector",
            actor.sector,
            "--url",
            actor.peer_url,
            "--name-zh",
            actor.name_zh,
            "--name-en",
            actor.name_en,
            *(
                ("--alliance-id", self._alliance_id())
                if actor.id == FIFTH[0]
                else ()
            ),
        )

    def _alliance_id(self) -> str:
        return self.rosters[0].read_text().split("\n", 2)[1]

    def _admin(self, name: str) -> Path:
        where = self.stage.directory
        secret = where / "secrets" / f"admin-{name}"
        stage.write_secret(secret)
        public = where / "admin" / f"{name}.pub"
        self.stage.run(
            "keys",
            "admin",
            where / "admin" / name,
            "--name",
            name,
            "--alliance",
            ALLIANCE,
            "--out",
            public,
            secret=secret,
        )
        return public

    def _sign(self, draft: Path, name: str) -> None:
        where = self.stage.directory
        words: list[str | Path] = ["roster", "sign", draft, "--yes"]
        words += ["--keys", where / "admin" / name]
        if self.rosters:
            words += ["--current", self.rosters[-1]]
        _step(words)
        self.stage.run(*words, secret=where / "secrets" / f"admin-{name}")

    def _accept(self, actor: Actor) -> None:
        self._as(
            actor,
            "join",
            "accept",
            *self.rosters,
            "--fingerprint",
            self.fingerprint,
        )

    def _say(self, *words: str | Path) -> str:
        _step(words)
        return self.stage.run(*words)

    def _as(self, actor: Actor, *words: str | Path) -> str:
        return self.stage.run(
            "--home", actor.home, *words, secret=actor.secret
        )

    def _each(
        self, act: Callable[[Actor], None], actors: Sequence[Actor]
    ) -> None:
        """Let all act at the same time.

        Raises:
            SyncdError: one of them failed.
        """
        failed: list[SyncdError] = []

        def one(actor: Actor) -> None:
            try:
                act(actor)
            except SyncdError as e:
                failed.append(e)

        threads = [threading.Thread(target=one, args=(a,)) for a in actors]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]

    # ------------------------------------------------------------ act two

    def start(self) -> None:
        """Each member's daemon starts, a process of its own."""
        _title(t("Four daemons start"))
        for actor in self.stage.actors:
            self.stage.start(actor)
        self._each(self.stage.ready, self.stage.actors)
        for actor in self.stage.actors:
            pid = actor.process.pid if actor.process else 0
            _ok(f"{actor.id:9} pid {pid:<8} {actor.own_url}")

    def import_lists(self) -> None:
        """Each member imports its own part of the data."""
        _title(t("Each imports its own list"))
        files = self._deal()
        began = time.monotonic()
        commands = []
        for actor, path in zip(self.stage.actors, files, strict=True):
            words = ("--home", actor.home, "report", "import", path)
            _step(words)
            commands.append(
                self.stage.spawn(
                    *words, "--json", "--token-file", actor.token_file
                )
            )
        for actor, command in zip(self.stage.actors, commands, strict=True):
            code, out = stage.finish(command, ok=(0, 1))
            counts = json.loads(out)
            self.refused += counts["refused"]
            self.check(
                (code == 1) == bool(counts["refused"]),
                f"{actor.id:9} "
                + t(
                    "accepted {accepted}, known {known}, refused {refused}",
                    accepted=counts["accepted"],
                    known=counts["known"],
                    refused=counts["refused"],
                ),
            )
        took = time.monotonic() - began
        least = 1000 if self.data == SAMPLE else 1
        self.check(
            self.rows - self.refused >= least,
            t(
                "{n} rows in {s:.1f} s, {refused} refused with their reasons",
                n=self.rows,
                s=took,
                refused=self.refused,
            ),
        )

    def _deal(self) -> list[Path]:
        """Deal the rows to the members; every so many to a second one too."""
        actors = self.stage.actors
        paths = [
            self.stage.directory / "lists" / f"{a.id}.csv" for a in actors
        ]
        handles = [p.open("w", encoding="utf-8", newline="") for p in paths]
        writers = [csv.writer(h) for h in handles]
        for writer in writers:
            writer.writerow(COLUMNS)
        roster = drafts.read(terminal.read_file(self.rosters[-1]))[1]
        day = datetime.fromtimestamp(roster.issued, UTC).date()
        alone = Alone(Desk(roster, day.isoformat(), REGION))
        for number, row in enumerate(rows(self.data)):
            takers = [number % 4]
            if number % SHARED == 0:
                takers.append((number + 1) % 4)
            alone.add(row, takers)
            for taker in takers:
                evidence = EVIDENCE[actors[taker].id]
                writers[taker].writerow(
                    (
                        row.kind,
                        row.value,
                        row.region,
                        row.scheme,
                        row.label,
                        row.role,
                        evidence,
                    )
                )
                self.rows += 1
        for handle in handles:
            handle.close()
        for kind, (taker, row) in alone.samples().items():
            self.samples[kind] = actors[taker], row
        return paths

    # ---------------------------------------------------------- act three

    def converge(self) -> None:
        """Wait until everyone holds everything and has said so."""
        _title(t("They pull, verify and merge each other's logs"))
        began = time.monotonic()
        limit = 60.0 + self.rows / 200
        last = ""
        while True:
            waiting = self._waiting()
            if not waiting:
                break
            if time.monotonic() - began > limit:
                self.check(False, t("not converged: {why}", why=waiting))
                return
            if waiting != last and time.monotonic() - began > 5:
                last = waiting
                terminal.say(f"    … {waiting}")
            time.sleep(0.5)
        took = time.monotonic() - began
        self.check(True, t("converged after {s:.1f} s", s=took))

    def _waiting(self) -> str:
        """Return what is not there yet, "" if all have converged."""
        actors = self.stage.actors
        states = {a.id: a.call("GET", "/v1/status") for a in actors}
        for id_, state in states.items():
            left = sum(state["vault"]["waiting"].values())
            if left:
                return f"{id_}: {left} to publish"
        for actor in actors:
            size = states[actor.id]["log"]["size"]
            for other in actors:
                if other is actor:
                    continue
                logs = {x["origin"]: x for x in states[other.id]["logs"]}
                merged = logs.get(actor.origin, {}).get("merged", 0)
                if merged != size:
                    return f"{other.id}: {merged} of {actor.id}'s {size}"
            full = [
                r
                for r in states[actor.id]["receipts"]
                if r["size"] == size and r["member"] != actor.id
            ]
            if len(full) != len(actors) - 1:
                return f"{actor.id}: {len(full)} receipts"
        return ""

    # ------------------------------------------------------------ the table

    def table(self) -> None:
        """Verify all logs and claims from their bytes; compare digests."""
        _title(t("Every log verified from its bytes, in another process"))
        actors = self.stage.actors
        reports = dict(
            zip((a.id for a in actors), self._verify(actors), strict=True)
        )
        states = {a.id: a.call("GET", "/v1/status") for a in actors}
        heads = (
            t("member"),
            t("own entries"),
            t("merged"),
            t("receipts"),
            t("digest"),
        )
        terminal.say(
            f"    {heads[0]:10}{heads[1]:>12}{heads[2]:>10}{heads[3]:>10}"
            f"  {heads[4]}"
        )
        agreed = _agreed(reports)
        for actor in actors:
            own = states[actor.id]["log"]["size"]
            merged = sum(
                x["merged"]
                for x in states[actor.id]["logs"]
                if x["origin"] != actor.origin
            )
            got = sum(r["size"] == own for r in states[actor.id]["receipts"])
            code, _ = reports[actor.id]
            good = code == 0 and actor.id in agreed
            good = good and got == len(actors) - 1
            self.good = self.good and good
            word = t("equal") if good else t("DIFFERS")
            line = (
                f"    {actor.id:10}{own:>12,}{merged:>10,}"
                f"{f'{got}/{len(actors) - 1}':>10}  {word}"
            )
            terminal.say(_paint(line, "32" if good else "31"))
            for problem in _problems(reports[actor.id][1]):
                _bad(f"{actor.id}: {problem}")

    def _verify(
        self, actors: Sequence[Actor]
    ) -> list[tuple[int, list[Mapping[str, Any]]]]:
        found = []
        for at in range(0, len(actors), 2):
            commands = [
                self.stage.spawn("--home", a.home, "log", "verify", "--json")
                for a in actors[at : at + 2]
            ]
            for command in commands:
                code, out = stage.finish(command, ok=(0, 4, 5))
                found.append((code, json.loads(out)))
        return found

    # ----------------------------------------------------------- act four

    def look_up(self) -> None:
        """Ask a member for one indicator of each kind that it never had."""
        _title(t("One of each kind, asked where it was not reported"))
        if not self.samples:
            self.check(False, t("no row is reported by one member alone"))
        for kind in sorted({*identifier.KINDS} - {*self.samples}):
            text = t("no {kind} is reported by one member alone", kind=kind)
            terminal.say(f"    {text}")
        for kind, (owner, row) in sorted(self.samples.items()):
            asker = self._another(owner)
            answer = self._ask(asker, row)
            listed = answer.get("verdict") in ("suspected", "confirmed")
            self.check(
                listed,
                t(
                    "{asker}: {kind} reported by {owner}: {verdict}, {action}",
                    asker=asker.id,
                    kind=kind,
                    owner=owner.id,
                    verdict=answer.get("verdict"),
                    action=answer.get("action") or "-",
                ),
            )

    def _another(self, owner: Actor) -> Actor:
        actors = self.stage.actors
        return actors[(actors.index(owner) + 2) % len(FOUR)]

    def _ask(self, asker: Actor, row: Row) -> Mapping[str, Any]:
        body = {
            "purpose": "test",
            "items": [self._item(row)],
            "deadline_ms": 10_000,
        }
        answer = asker.call("POST", "/v1/lookups", body)
        found: Mapping[str, Any] = answer["items"][0]
        return found

    @staticmethod
    def _item(row: Row) -> dict[str, str]:
        item = {"kind": row.kind, "value": row.value}
        if row.region:
            item["region"] = row.region
        if row.scheme:
            item["scheme"] = row.scheme
        return item

    def _first(self, *kinds: str) -> str:
        """Return the first of some kinds that has a sample, "" if none."""
        return next((kind for kind in kinds if kind in self.samples), "")

    def retract(self) -> None:
        """One report is retracted, and is gone everywhere."""
        kind = self._first("phone", "account", "url")
        if not kind:
            return
        owner, row = self.samples.pop(kind)
        _title(t("{owner} retracts: {kind}", owner=owner.id, kind=kind))
        body = {**self._item(row), "reason": "test"}
        owner.call("POST", "/v1/retractions", body)
        began = time.monotonic()
        listed = [a.id for a in self.stage.actors]
        while listed and time.monotonic() - began < 30:
            listed = [
                a.id
                for a in self.stage.actors
                if self._ask(a, row).get("verdict") != "none"
            ]
            time.sleep(0.2)
        took = time.monotonic() - began
        self.check(
            not listed,
            t("gone at every member after {s:.1f} s", s=took)
            if not listed
            else t("still listed at {who}", who=", ".join(listed)),
        )
        self.converge()

    # ----------------------------------------------------------- act five

    def admit(self) -> None:
        """A fifth member joins with its key, as an admin would do it."""
        _title(t("A payment institution joins"))
        admin = self.stage.directory / "admin"
        actor = self.stage.actor(*FIFTH)
        self._prepare(actor)
        request = _join(actor)
        challenge, kept = admin / "challenge", admin / "challenge.secret"
        answer, draft = admin / "answer", admin / "roster-2.draft"
        self._say("roster", "challenge", request, challenge, "--secret", kept)
        words = ("join", "answer", challenge, answer)
        _step(("--home", actor.home, *words))
        self._as(actor, *words)
        self._say(
            "roster",
            "admit",
            request,
            answer,
            draft,
            "--secret",
            kept,
            "--current",
            self.rosters[-1],
        )
        for name in ADMINS:
            self._sign(draft, name)
        roster = admin / "roster-2.note"
        draft.rename(roster)
        self.rosters.append(roster)
        police = self.stage.actors[0]
        publish = ("roster", "publish", roster)
        _step(("--home", police.home, *publish))
        self._as(police, *publish, "--token-file", police.token_file)
        self._accept(actor)
        self.stage.start(actor)
        self.stage.ready(actor)
        self.converge()
        kind = self._first("url", "account", "phone")
        if not kind:
            return
        found = self._ask(actor, self.samples[kind][1])
        self.check(
            found.get("verdict") in ("suspected", "confirmed"),
            t("the newcomer holds everything, and answers"),
        )

    # -------------------------------------------------------------- the end

    def leave_note(self) -> None:
        """Write demo.json: where everything is, for programs."""
        newest = terminal.read_file(self.rosters[-1])
        roster = drafts.read(newest)[1]
        found = []
        for actor in self.stage.actors:
            member = roster.known(actor.id)
            found.append(
                {
                    "id": actor.id,
                    "sector": actor.sector,
                    "home": str(actor.home),
                    "pid": actor.process.pid if actor.process else 0,
                    "own_url": actor.own_url,
                    "token_file": str(actor.token_file),
                    "peer_url": actor.peer_url,
                    "origin": actor.origin,
                    "vkey": str(member.generation.log),
                    "merged_vkey": str(member.keys.merged),
                }
            )
        path = self.stage.directory / "demo.json"
        terminal.replace_file(
            path, json.dumps(found, indent=1, ensure_ascii=False).encode()
        )

    def invite(self) -> None:
        """Say what can be tried now."""
        bank = self.stage.actors[1]
        where = self.stage.directory
        _title(t("Try it; Ctrl-C ends it"))
        terminal.say(
            f"  export PATH={Path(sys.executable).parent}:$PATH\n"
            f"  export SYNCD_HOME={bank.home} SYNCD_TOKEN_FILE="
            f"{bank.token_file}\n"
            "  syncd status\n"
            "  echo 96110 | syncd lookup --kind phone --purpose test\n"
            "  syncd log verify\n"
            f'  curl -H "Authorization: Bearer $(cat {bank.token_file})"'
            f" {bank.own_url}/v1/status"
        )
        for actor in self.stage.actors:
            terminal.say(f"  {actor.id:9} {actor.own_url}  {actor.log_file}")
        terminal.say(f"  {where}/demo.json")

    def watch(self) -> None:
        """Stay, and tell of a member that ends; Ctrl-C is the way out."""
        while True:
            self.tell_ended()
            time.sleep(WATCH_S)

    def tell_ended(self) -> None:
        """Tell once of each daemon that has ended, and how to start it."""
        for actor in self.stage.actors:
            code = actor.process.poll() if actor.process else None
            if code is None:
                continue
            actor.process = None
            end = t("exit {code}", code=code)
            if code < 0:
                end = t("signal {number}", number=-code)
            _bad(t("{id} has ended: {end}", id=actor.id, end=end))
            terminal.say(f"    syncd --home {actor.home} run")


def _join(actor: Actor) -> Path:
    return actor.home.parent.parent / "admin" / f"{actor.id}.join"


def _agreed(
    reports: Mapping[str, tuple[int, list[Mapping[str, Any]]]],
) -> set[str]:
    """Return who has the same digests of all origins as most have."""
    seen = {
        id_: json.dumps(
            {x["origin"]: (x["merged"], x["digest"]) for x in logs},
            sort_keys=True,
        )
        for id_, (_, logs) in reports.items()
    }
    votes = [*seen.values()]
    common = max(set(votes), key=votes.count)
    return {id_ for id_, text in seen.items() if text == common}


def _problems(logs: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"{log['origin']}: {problem}"
        for log in logs
        for problem in log["problems"]
    ]
