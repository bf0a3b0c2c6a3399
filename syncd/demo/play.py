"""The play: found, run, import, converge, look up, retract, admit, verify.

Each step by the commands that people use, and each result looked at. What
does not hold is red, and the exit code says so.
"""

import csv
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from syncd.cli import terminal
from syncd.demo import rows
from syncd.demo.member import ALLIANCE, Member, begin, finish, write_secret
from syncd.flows.draft import Draft
from syncd.flows.report import Desk
from syncd.indicator import identifier
from syncd.messages.catalogue import t
from syncd.roster import drafts
from syncd.roster.roster import Roster

FOUR = (
    ("police", "示范市公安局", "Demo City Police"),
    ("bank", "示范银行", "Demo Bank"),
    ("carrier", "示范电信", "Demo Telecom"),
    ("platform", "示范平台", "Demo Platform"),
)
FIFTH = ("payment", "示范支付", "Demo Payments")
HOLDERS = ("police", "bank", "carrier")
ADMINS = ("alice", "bob")
EVIDENCE = (  # of the four, in order
    "victim_report",
    "bank_detection",
    "carrier_detection",
    "platform_detection",
)
SHARED = 20  # every so many rows, a second member has the same one
REGION = "CN"  # the members', as init leaves it
COLUMNS = ("kind", "value", "region", "scheme", "label", "role")
LISTED = ("suspected", "confirmed")


def ok(text: str) -> None:
    """Say what held."""
    typer.echo(f"  {typer.style('✓', fg='green')} {text}")


def bad(text: str) -> None:
    """Say what did not hold."""
    typer.secho(f"  ✗ {text}", fg="red")


def title(text: str) -> None:
    """Begin an act."""
    typer.secho(f"\n▶ {text}", bold=True)


def _named(row: Draft) -> dict[str, str]:
    cells = {name: getattr(row, name) for name in COLUMNS[:4]}
    return {name: cell for name, cell in cells.items() if cell}


def _ask(member: Member, row: Draft) -> dict[str, Any]:
    body = {"purpose": "test", "items": [_named(row)], "deadline_ms": 10_000}
    found: dict[str, Any] = member.ask("/v1/lookups", body)["items"][0]
    return found


def _receipts(state: dict[str, Any]) -> int:
    return sum(r["size"] == state["log"]["size"] for r in state["receipts"])


def _verified(member: Member) -> tuple[int, list[dict[str, Any]]]:
    command = member.begin("log verify --json")
    logs = json.loads(finish(command, ok=(0, 4, 5)))
    return command.returncode, logs


class Demo:
    """The play, act by act; `good` as long as everything held."""

    def __init__(self, where: Path, data: Sequence[Draft]) -> None:
        self.where = where
        self.data = data
        self.members: list[Member] = []
        self.good = True
        self.rosters: list[str] = []  # signed versions, oldest first
        self.fingerprint = ""
        self.samples: dict[str, tuple[Draft, Member]] = {}
        for name in ("homes", "secrets", "logs", "admin", "lists"):
            (where / name).mkdir(mode=0o700)

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

    def _check(self, holds: bool, text: str) -> None:
        self.good = self.good and holds
        (ok if holds else bad)(text)

    def _show(self, words: str, who: str = "") -> str:
        terminal.say(f"  $ syncd {words}")
        return finish(begin(self.where, words, who))

    def _roster(self) -> Roster:
        newest = (self.where / self.rosters[-1]).read_bytes()
        return drafts.read(newest)[1]

    def _each(self, act: Callable[[Member], object]) -> None:
        with ThreadPoolExecutor(len(FOUR)) as pool:
            [*pool.map(act, self.members)]

    def found(self) -> None:
        """Four institutions found an alliance with 2-of-3 holders."""
        title(t("Four members found an alliance: 2 of 3 hold the keys"))
        terminal.say(f"  {self.where}")
        self.members = [Member(self.where, *who) for who in FOUR]
        self._each(self._prepare)
        words = f"alliance found admin/founding --alliance {ALLIANCE}"
        words += " --threshold 2 --admins-needed 2"
        words += "".join(f" --request admin/{who[0]}.join" for who in FOUR)
        words += "".join(f" --holder {holder}" for holder in HOLDERS)
        for admin in ADMINS:
            write_secret(self.where, admin)
            key = f"keys admin admin/{admin} --name {admin} --alliance"
            key += f" {ALLIANCE} --out admin/{admin}.pub"
            finish(begin(self.where, key, admin))
            words += f" --admin admin/{admin}.pub"
        self.fingerprint = self._show(words).strip()
        self._sign("admin/founding/roster-1.draft")
        self._each(self._accept)
        left = [*self.where.glob("admin/founding/*.sealed")]
        short = self.fingerprint[:16]
        self._check(not left, t("founded, fingerprint {f}…", f=short))

    def _prepare(self, member: Member) -> None:
        member.run(
            f"init --id {member.id} --domain {member.domain} --alliance"
            f" {ALLIANCE} --peer {member.peer} --own {member.own} --token-file"
            f" secrets/{member.id}.token --set exchange.interval_s=2"
            " --set exchange.backoff_max_s=4"
        )
        words = f"join request admin/{member.id}.join --sector {member.id}"
        words += f" --url https://{member.peer} --name-zh {member.names[0]}"
        words += f" --name-en '{member.names[1]}'"
        if self.rosters:  # a founder cannot know it yet
            first = (self.where / self.rosters[0]).read_text()
            words += f" --alliance-id {first.splitlines()[1]}"
        member.run(words)

    def _sign(self, draft: str) -> None:
        words = f"roster sign {draft} --yes"
        if self.rosters:
            words += f" --current {self.rosters[-1]}"
        for admin in ADMINS:
            self._show(f"{words} --keys admin/{admin}", admin)
        self.rosters.append(f"admin/roster-{len(self.rosters) + 1}.note")
        (self.where / draft).rename(self.where / self.rosters[-1])

    def _accept(self, member: Member) -> None:
        rosters = " ".join(self.rosters)
        member.run(f"join accept {rosters} --fingerprint {self.fingerprint}")
        shares = [*self.where.glob(f"admin/founding/share-{member.id}-*")]
        if shares:
            names = (str(path.relative_to(self.where)) for path in shares)
            member.run(f"join share {' '.join(names)}")
        for path in shares:
            path.unlink()  # a share in a backup is a share

    def start(self) -> None:
        """Each member's daemon starts, a process of its own."""
        title(t("Four daemons start"))
        for member in self.members:
            member.start()
        self._each(Member.ready)
        for member in self.members:
            pid = member.process.pid if member.process else 0
            ok(f"{member.id:9} pid {pid:<8} http://{member.own}")

    def import_lists(self) -> None:
        """Each member imports its own part of the data."""
        title(t("Each imports its own list"))
        count, refused = self._deal(), 0
        began = time.monotonic()
        commands = []
        for member in self.members:
            words = f"report import lists/{member.id}.csv"
            terminal.say(f"  $ syncd --home homes/{member.id} {words}")
            words += f" --json --token-file secrets/{member.id}.token"
            commands.append(member.begin(words))
        for member, command in zip(self.members, commands, strict=True):
            told = json.loads(finish(command, ok=(0, 1)))
            text = t(
                "accepted {accepted}, known {known}, refused {refused}",
                **{k: told[k] for k in ("accepted", "known", "refused")},
            )
            agrees = command.returncode == bool(told["refused"])
            self._check(agrees, f"{member.id:9} {text}")
            refused += told["refused"]
        text = t(
            "{n} rows in {s:.1f} s, {refused} refused with their reasons",
            n=count,
            s=time.monotonic() - began,
            refused=refused,
        )
        self._check(count > refused, text)

    def _deal(self) -> int:
        dealt = [
            (row, taker % len(FOUR))
            for number, row in enumerate(self.data)
            for taker in range(number, number + 1 + (number % SHARED == 0))
        ]
        for number, member in enumerate(self.members):
            path = self.where / "lists" / f"{member.id}.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow([*COLUMNS, "evidence"])
                for row, taker in dealt:
                    if taker == number:
                        cells = (getattr(row, name) for name in COLUMNS)
                        writer.writerow([*cells, EVIDENCE[number]])
        roster = self._roster()
        day = datetime.fromtimestamp(roster.issued, UTC).date().isoformat()
        alone = rows.alone(dealt, Desk(roster, day, REGION))
        for kind, (row, taker) in alone.items():
            self.samples[kind] = row, self.members[taker]
        return len(dealt)

    def converge(self) -> None:
        """Wait until everyone holds everything and has said so."""
        title(t("They pull, verify and merge each other's logs"))
        began, took, last = time.monotonic(), 0.0, ""
        while waiting := self._waiting():
            if took > 60.0 + len(self.data) / 200:
                self._check(False, t("not converged: {why}", why=waiting))
                return
            if waiting != last and took > 5:
                last = waiting
                terminal.say(f"    … {waiting}")
            time.sleep(0.5)
            took = time.monotonic() - began
        ok(t("converged after {s:.1f} s", s=took))

    def _waiting(self) -> str:
        for member in self.members:
            state = member.ask("/v1/status")
            if left := sum(state["vault"]["waiting"].values()):
                return f"{member.id}: {left} to publish"
            if (got := _receipts(state)) < len(self.members) - 1:
                return f"{member.id}: {got} receipts"
        return ""

    def table(self) -> None:
        """Verify all logs and claims from their bytes; compare digests."""
        title(t("Every log verified from its bytes, in another process"))
        with ThreadPoolExecutor(2) as pool:
            found = [*pool.map(_verified, self.members)]
        digests = [
            {log["origin"]: (log["merged"], log["digest"]) for log in logs}
            for _, logs in found
        ]
        common = max(digests, key=digests.count)
        line = "    {:10}{:>12}{:>10}{:>10}  {}"
        heads = t("member"), t("own entries"), t("merged"), t("receipts")
        terminal.say(line.format(*heads, t("digest")))
        others = len(self.members) - 1
        for member, digest, (code, logs) in zip(
            self.members, digests, found, strict=True
        ):
            state = member.ask("/v1/status")
            of_others = (
                log["merged"]
                for log in state["logs"]
                if log["origin"] != member.origin
            )
            got = _receipts(state)
            good = code == 0 and digest == common and got == others
            self.good = self.good and good
            word = t("equal") if good else t("DIFFERS")
            own, merged = state["log"]["size"], sum(of_others)
            cells = (f"{own:,}", f"{merged:,}", f"{got}/{others}", word)
            text = line.format(member.id, *cells)
            typer.secho(text, fg="green" if good else "red")
            for log in logs:
                for problem in log["problems"]:
                    bad(f"{member.id}: {log['origin']}: {problem}")

    def look_up(self) -> None:
        """Ask a member for one indicator of each kind that it never had."""
        title(t("One of each kind, asked where it was not reported"))
        if not self.samples:
            self._check(False, t("no row is reported by one member alone"))
        for kind in sorted(identifier.KINDS):
            if kind not in self.samples:
                why = t("no {kind} is reported by one member alone", kind=kind)
                terminal.say(f"    {why}")
                continue
            row, owner = self.samples[kind]
            number = self.members.index(owner) + 2
            asker = self.members[number % len(FOUR)]
            found = _ask(asker, row)
            text = t(
                "{asker}: {kind} reported by {owner}: {verdict}, {action}",
                asker=asker.id,
                kind=kind,
                owner=owner.id,
                verdict=found["verdict"],
                action=found.get("action") or "-",
            )
            self._check(found["verdict"] in LISTED, text)

    def retract(self) -> None:
        """One report is retracted, and is gone everywhere."""
        if not self.samples:
            return
        kind = min(self.samples, key=("phone", "account", "url").index)
        row, owner = self.samples.pop(kind)
        title(t("{owner} retracts: {kind}", owner=owner.id, kind=kind))
        owner.ask("/v1/retractions", {**_named(row), "reason": "test"})
        began, took, listed = time.monotonic(), 0.0, [owner.id]
        while listed and took < 30:
            time.sleep(0.2)
            asked = {m.id: _ask(m, row)["verdict"] for m in self.members}
            listed = [id_ for id_, found in asked.items() if found != "none"]
            took = time.monotonic() - began
        text = t("gone at every member after {s:.1f} s", s=took)
        if listed:
            text = t("still listed at {who}", who=", ".join(listed))
        self._check(not listed, text)
        self.converge()

    def admit(self) -> None:
        """A fifth member joins with its key, as an admin would do it."""
        title(t("A payment institution joins"))
        member = Member(self.where, *FIFTH)
        self._prepare(member)
        request = f"admin/{member.id}.join"
        challenge, answer = "admin/challenge", "admin/answer"
        kept, draft = "--secret admin/kept", "admin/roster-2.draft"
        on = f"--current {self.rosters[-1]}"
        self._show(f"roster challenge {request} {challenge} {kept}")
        home = f"--home homes/{member.id}"
        self._show(f"{home} join answer {challenge} {answer}", member.id)
        self._show(f"roster admit {request} {answer} {draft} {kept} {on}")
        self._sign(draft)
        publish = f"roster publish {self.rosters[-1]}"
        publish += " --token-file secrets/police.token"
        self._show(f"--home homes/police {publish}", "police")
        self._accept(member)
        self.members.append(member)
        member.start()
        member.ready()
        self.converge()
        if self.samples:
            row, _ = self.samples[max(self.samples)]
            listed = _ask(member, row)["verdict"] in LISTED
            text = t("the newcomer holds everything, and answers")
            self._check(listed, text)

    def leave_note(self) -> None:
        """Write demo.json: where everything is, for programs."""
        roster = self._roster()
        found = [m.told(roster.known(m.id)) for m in self.members]
        text = json.dumps(found, indent=1, ensure_ascii=False)
        terminal.replace_file(self.where / "demo.json", text.encode())
