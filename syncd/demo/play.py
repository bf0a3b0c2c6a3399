"""The steps of the demo, from founding an alliance to verifying its logs.

Each step by the commands that people use (ceremony.txt), and each result
looked at. What does not hold is red, and the exit code says so.
"""

import csv
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import typer

from syncd.cli import terminal
from syncd.demo import sample_rows
from syncd.demo.member import Member, begin, finish
from syncd.flows.draft import Draft
from syncd.flows.report import Rules
from syncd.indicator import identifier
from syncd.messages.catalogue import t
from syncd.roster import drafts, join
from syncd.roster.roster import Roster

FOUR = (
    ("police", "示范市公安局", "Demo City Police", "victim_report"),
    ("bank", "示范银行", "Demo Bank", "bank_detection"),
    ("carrier", "示范电信", "Demo Telecom", "carrier_detection"),
    ("platform", "示范平台", "Demo Platform", "platform_detection"),
)
FIFTH = ("payment", "示范支付", "Demo Payments", "")
SHARED = 20  # every so many rows, a second member has the same one
REGION = "CN"  # the members', as init leaves it
NAMED = ("kind", "value", "region", "scheme")
COLUMNS = (*NAMED, "label", "role")
T = TypeVar("T")
LISTED = ("suspected", "confirmed")
CEREMONY = Path(__file__).with_name("ceremony.txt")
LINE = "    {:10}{:>12}{:>10}{:>10}  {}"  # of the table


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
    return {name: cell for name in NAMED if (cell := getattr(row, name))}


def _ask(member: Member, row: Draft) -> dict[str, Any]:
    body = {"purpose": "test", "items": [_named(row)], "deadline_ms": 10_000}
    found: dict[str, Any] = member.ask("/v1/lookups", body)["items"][0]
    return found


def _receipts(state: dict[str, Any]) -> int:
    return sum(r["size"] == state["log"]["size"] for r in state["receipts"])


def _verified(member: Member) -> tuple[int, Any]:
    return member.result("log verify", (0, 4, 5))


def _imported(member: Member) -> tuple[int, Any]:
    token = f"--token-file secrets/{member.id}.token"
    words = f"report import lists/{member.id}.csv {token}"
    return member.result(words, (0, 1))


def _await(missing: Callable[[], str], most_s: float) -> tuple[str, float]:
    """Wait until nothing is missing; return what still is, and the seconds."""
    began, took, last = time.monotonic(), 0.0, ""
    while (left := missing()) and took < most_s:
        if left != last and took > 5:
            last = left
            terminal.say(f"    … {left}")
        time.sleep(0.25)
        took = time.monotonic() - began
    return left, took


class Demo:
    """The play, act by act; `good` as long as everything held."""

    def __init__(self, where: Path, data: Sequence[Draft]) -> None:
        self.where = where
        self.data = data
        self.members: list[Member] = []
        self.good = True
        self.fingerprint = ""
        self.samples: dict[str, tuple[Draft, Member]] = {}
        for name in ("homes", "secrets", "logs", "admin", "lists"):
            (where / name).mkdir(mode=0o700)

    def run(self) -> bool:
        """Play all acts; return whether everything held."""
        for act in (self.found, self.start, self.import_lists, self.converge):
            act()
        for act in (self.table, self.look_up, self.retract, self.admit):
            act()
        self.table()
        return self.good

    def _check(self, holds: bool, text: str) -> None:
        self.good = self.good and holds
        (ok if holds else bad)(text)

    def _type(self, act: str, **values: object) -> str:
        """Type the commands of an act; return what the last one printed."""
        _, _, tail = CEREMONY.read_text("utf-8").partition(f"[{act}]\n")
        lines = tail.partition("\n\n")[0].replace("\n  ", " ").splitlines()
        out = ""
        for line in lines:
            who, sign, words = line.format(**values).split(maxsplit=2)
            if sign == "$":
                terminal.say(f"  $ syncd {words}")
            out = finish(begin(self.where, words, who))
        return out

    def _roster(self, version: int) -> Roster:
        path = self.where / f"admin/roster-{version}.note"
        return drafts.read(path.read_bytes())[1]

    def _each(self, act: Callable[[Member], T]) -> list[T]:
        with ThreadPoolExecutor(len(FOUR)) as pool:
            return [*pool.map(act, self.members)]

    def found(self) -> None:
        """Four institutions found an alliance with 2-of-3 holders."""
        title(t("Four members found an alliance: 2 of 3 hold the keys"))
        terminal.say(f"  {self.where}")
        self.members = [Member(self.where, *who) for who in FOUR]
        act = partial(self._type, "prepare", alliance=join.NO_ALLIANCE)
        self._each(lambda member: act(m=member))
        self.fingerprint = self._type("found").strip()
        self._type("sign")
        self._each(partial(self._accept, "admin/roster-1.note"))
        left = [*self.where.glob("admin/founding/*.sealed")]
        short = self.fingerprint[:16]
        self._check(not left, t("founded, fingerprint {f}…", f=short))

    def _accept(self, rosters: str, member: Member) -> None:
        answer = {"rosters": rosters, "fingerprint": self.fingerprint}
        self._type("accept", m=member, **answer)
        shares = [*self.where.glob(f"admin/founding/share-{member.id}-*")]
        if shares:
            names = " ".join(str(x.relative_to(self.where)) for x in shares)
            self._type("share", m=member, shares=names)
        for path in shares:
            path.unlink()  # a share in a backup is a share

    def start(self) -> None:
        """Each member's daemon starts, a process of its own."""
        title(t("Four daemons start"))
        for member in self.members:
            member.start()
        self._each(Member.ready)
        for member in self.members:
            ok(f"{member.id:9} pid {member.pid:<8} http://{member.own}")

    def import_lists(self) -> None:
        """Each member imports its own part of the data."""
        title(t("Each imports its own list"))
        count, refused = self._deal(), 0
        for name in (member.id for member in self.members):
            words = f"report import lists/{name}.csv"
            terminal.say(f"  $ syncd --home homes/{name} {words}")
        began = time.monotonic()
        imported = self._each(_imported)
        for member, (code, output) in zip(self.members, imported, strict=True):
            text = t(
                "accepted {accepted}, known {known}, refused {refused}",
                **{k: output[k] for k in ("accepted", "known", "refused")},
            )
            agrees = code == bool(output["refused"])
            self._check(agrees, f"{member.id:9} {text}")
            refused += output["refused"]
        text = t(
            "{n} rows in {s:.1f} s, {refused} refused with their reasons",
            n=count,
            s=time.monotonic() - began,
            refused=refused,
        )
        self._check(count > refused, text)

    def _deal(self) -> int:
        """Write each member's list; return how many rows all have."""
        dealt = [
            (row, self.members[taker % len(FOUR)])
            for number, row in enumerate(self.data)
            for taker in range(number, number + 1 + (number % SHARED == 0))
        ]
        for member in self.members:
            path = self.where / "lists" / f"{member.id}.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow([*COLUMNS, "evidence"])
                for row, taker in dealt:
                    if taker is member:
                        cells = (getattr(row, name) for name in COLUMNS)
                        writer.writerow([*cells, member.evidence])
        roster = self._roster(1)
        day = datetime.fromtimestamp(roster.issued, UTC).date().isoformat()
        self.samples = sample_rows.alone(dealt, Rules(roster, day, REGION))
        return len(dealt)

    def converge(self) -> None:
        """Wait until everyone holds everything and has said so."""
        title(t("They pull, verify and merge each other's logs"))
        left, took = _await(self._waiting, 60.0 + len(self.data) / 200)
        text = t("converged after {s:.1f} s", s=took)
        if left:
            text = t("not converged: {why}", why=left)
        self._check(not left, text)

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
        heads = t("member"), t("own entries"), t("merged"), t("receipts")
        terminal.say(LINE.format(*heads, t("digest")))
        others = len(self.members) - 1
        for member, digest, (code, logs) in zip(
            self.members, digests, found, strict=True
        ):
            state = member.ask("/v1/status")
            got, own = _receipts(state), state["log"]["size"]
            merged = sum(
                log["merged"]
                for log in state["logs"]
                if log["origin"] != member.origin
            )
            good = code == 0 and digest == common and got == others
            self.good = self.good and good
            word = t("equal") if good else t("DIFFERS")
            cells = (f"{own:,}", f"{merged:,}", f"{got}/{others}", word)
            color = "green" if good else "red"
            typer.secho(LINE.format(member.id, *cells), fg=color)
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
            asker = self.members[self.members.index(owner) - 2]
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

        def listed() -> str:
            asked = {m.id: _ask(m, row)["verdict"] for m in self.members}
            return ", ".join(m for m, how in asked.items() if how != "none")

        left, took = _await(listed, 30.0)
        text = t("gone at every member after {s:.1f} s", s=took)
        if left:
            text = t("still listed at {who}", who=left)
        self._check(not left, text)
        self.converge()

    def admit(self) -> None:
        """A fifth member joins with its key, as an admin would do it."""
        title(t("A payment institution joins"))
        member = Member(self.where, *FIFTH)
        self._type("prepare", m=member, alliance=self._roster(1).id)
        self._type("admit")
        self._accept("admin/roster-1.note admin/roster-2.note", member)
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
        roster = self._roster(2)
        found = [m.described(roster.known(m.id)) for m in self.members]
        text = json.dumps(found, indent=1, ensure_ascii=False)
        terminal.replace_file(self.where / "demo.json", text.encode())
