"""The steps of the demo, from founding an alliance to verifying its logs.

Each step by the commands that people use (ceremony.txt), and each result
looked at. What does not hold is red, and the exit code says so.
"""

import csv
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from msgspec import Struct
from rich.console import Console

from syncd.cli.terminal import say
from syncd.demo.member import Member, run
from syncd.errors import UsageError
from syncd.messages.catalogue import later, t
from syncd.roster import join
from syncd.store import durable

FOUR = (
    ("police", "示范市公安局", "Demo City Police", "victim_report"),
    ("bank", "示范银行", "Demo Bank", "bank_detection"),
    ("carrier", "示范电信", "Demo Telecom", "carrier_detection"),
    ("platform", "示范平台", "Demo Platform", "platform_detection"),
)
FIFTH = ("payment", "示范支付", "Demo Payments", "")
HOLDERS = 3
SHARED = 20  # every so many rows, a second member has the same one
KINDS = ("phone", "account", "url")
NAMED = ("kind", "value", "region", "scheme")
LISTED = ("suspected", "confirmed")
CEREMONY = Path(__file__).with_name("ceremony.txt")
LINE = "    {:10}{:>12}{:>10}{:>10}  {}"  # of the table
# In colour on a terminal; texts as they are.
SCREEN = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
Row = dict[str, str]  # of a list to import, by the names of its columns


def title(text: str) -> None:
    """Begin an act."""
    SCREEN.print(f"\n▶ {text}", style="bold")


def _named(row: Row) -> Row:
    return {name: cell for name in NAMED if (cell := row.get(name))}


def _ask(member: Member, rows: Sequence[Row]) -> list[dict[str, Any]]:
    items = [*map(_named, rows)]
    body = {"purpose": "test", "items": items, "deadline_ms": 10_000}
    return [*member.ask("/v1/lookups", body)["items"]] if items else []


def _receipts(state: dict[str, Any]) -> int:
    return sum(r["size"] == state["log"]["size"] for r in state["receipts"])


class Demo(Struct):
    """The play, act by act; `good` as long as everything held."""

    where: Path
    data: Sequence[Row]
    members: list[Member] = []
    running: list[Member] = []
    good: bool = True
    fingerprint: str = ""
    samples: dict[str, tuple[Row, Member]] = {}

    def __post_init__(self) -> None:
        for name in ("homes", "secrets", "logs", "admin", "lists", "audit"):
            (self.where / name).mkdir(mode=0o700)

    def run(self) -> None:
        """Play all acts."""
        for act in (
            *(self.found, self.start, self.draw),
            *(self.import_lists, self.converge, self.table, self.look_up),
            *(self.retract, self.admit),
            *(self.table, self.audit),
        ):
            act()

    def check(self, holds: bool, text: str) -> None:
        """Say what holds, or does not."""
        self.good = self.good and holds
        sign, color = ("✓", "green") if holds else ("✗", "red")
        SCREEN.print(f"  {sign} {text}", style=color)

    def _type(self, act: str, **values: object) -> str:
        """Type the commands of an act; return what the last one printed."""
        _, _, tail = CEREMONY.read_text("utf-8").partition(f"[{act}]\n")
        lines = tail.partition("\n\n")[0].replace("\n  ", " ").splitlines()
        out = ""
        for line in lines:
            who, sign, words = line.format(**values).split(maxsplit=2)
            if sign == "$":
                say(f"  $ syncd {words}")
            _, out = run(self.where, words, who)
        return out

    def _each(
        self, act: Callable[[Member], Any], most: int | None = None
    ) -> list[Any]:
        with ThreadPoolExecutor(len(FOUR)) as pool:
            return [*pool.map(act, self.members[:most])]

    def _await(self, what: str, missing: Callable[[], str]) -> None:
        began, took = time.monotonic(), 0.0
        while (left := missing()) and took < 60 + len(self.data) / 200:
            time.sleep(0.25)
            took = time.monotonic() - began
        text = t("{what} after {s:.1f} s", what=what, s=took)
        if left:
            text = t("not {what}: {left}", what=what, left=left)
        self.check(not left, text)

    def found(self) -> None:
        """Four institutions found an alliance."""
        title(t("Four members found an alliance"))
        say(f"  {self.where}")
        self.members = [Member(self.where, *who) for who in FOUR]
        no = join.NO_ALLIANCE
        self._each(lambda m: self._type("prepare", m=m, alliance=no))
        self.fingerprint = self._type("found").strip()
        self._type("sign")
        self._each(self._accept)
        short = self.fingerprint[:16]
        self.check(True, t("founded, fingerprint {f}…", f=short))

    def _accept(self, member: Member) -> None:
        notes = sorted(self.where.glob("admin/roster-*.note"))
        rosters = " ".join(f"admin/{note.name}" for note in notes)
        given = self.fingerprint
        self._type("accept", m=member, rosters=rosters, fingerprint=given)

    def start(self) -> None:
        """Each member's daemon starts, a process of its own."""
        title(t("Four daemons start"))
        self._start(*self.members)

    def _start(self, *members: Member) -> None:
        for m in members:
            m.start()
            self.running.append(m)
        for m in members:
            m.ready()
            pid = m.process.pid
            self.check(True, f"{m.id:9} pid {pid:<8} http://{m.own}")

    def draw(self) -> None:
        """Three of them draw the token keys, which no one ever has."""
        title(t("Three draw the token keys together: nobody has one of them"))
        drawn = self._each(lambda m: self._type("draw", m=m), HOLDERS)
        self.check(all(drawn), t("all have agreed"))
        self._type("keys")
        self._await(
            t("in force at every member"),
            lambda: ", ".join(
                m.id for m in self.members if not m.ask("/v1/status")["keys"]
            ),
        )

    def import_lists(self) -> None:
        """Each member imports its own part of the data."""
        title(t("Each imports its own list"))
        self._deal()
        imported = self._each(self._import)
        said = later("accepted {accepted}, known {known}, refused {refused}")
        for m, (code, output) in zip(self.members, imported, strict=True):
            text = f"{m.id:9} {t(said, **output)}"
            self.check(code == bool(output["refused"]), text)

    def _import(self, m: Member) -> tuple[int, Any]:
        words = f"report import lists/{m.id}.csv --evidence {m.evidence}"
        words += f" --token-file secrets/{m.id}.token"
        say(f"  $ syncd --home homes/{m.id} {words}")
        return m.result(words, 1)

    def _deal(self) -> None:
        """Write each member's list: every fourth row, and some of another's."""
        for place, member in enumerate(self.members):
            path = self.where / "lists" / f"{member.id}.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, self.data[0])
                writer.writeheader()
                for number, row in enumerate(self.data):
                    second = number + (number % SHARED == 0)
                    if place in (number % len(FOUR), second % len(FOUR)):
                        writer.writerow(row)

    def converge(self) -> None:
        """Wait until everyone holds everything and has said so."""
        title(t("They pull, verify and merge each other's logs"))
        self._await(t("converged"), self._waiting)

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
        found = self._each(lambda member: member.result("log verify", 4, 5))
        digests = [
            {log["origin"]: (log["merged"], log["digest"]) for log in logs}
            for _, logs in found
        ]
        common = max(digests, key=digests.count)
        heads = t("member"), t("own entries"), t("merged"), t("receipts")
        say(LINE.format(*heads, t("digest")))
        others = len(self.members) - 1
        for member, digest, (code, logs) in zip(
            self.members, digests, found, strict=True
        ):
            got = _receipts(member.ask("/v1/status"))
            merged = {log["origin"]: log["merged"] for log in logs}
            own = merged.pop(member.origin, 0)
            good = code == 0 and digest == common and got == others
            self.good = self.good and good
            word = t("equal") if good else t("DIFFERS")
            sizes = (f"{own:,}", f"{sum(merged.values()):,}")
            line = LINE.format(member.id, *sizes, f"{got}/{others}", word)
            SCREEN.print(line, style="green" if good else "red")
            for log in logs:
                for why in log["problems"]:
                    self.check(False, f"{member.id}: {log['origin']}: {why}")

    def look_up(self) -> None:
        """Ask a member for one indicator of each kind that it never had.

        It rests on one report alone, so that nothing answers for it any more
        once that is retracted.
        """
        title(t("One of each kind, asked where it was not reported"))
        asker, *others = self.members
        owners = {member.origin: member for member in others}
        for kind in KINDS:
            rows = [row for row in self.data if row["kind"] == kind][-SHARED:]
            for row, found in zip(rows, _ask(asker, rows), strict=True):
                origins = [origin for origin, _ in found.get("positions", ())]
                if len(origins) == 1 and (owner := owners.get(origins[0])):
                    self.samples[kind] = row, owner
                    break
            else:
                why = t("no {kind} is reported by one member alone", kind=kind)
                say(f"    {why}")
                continue
            who = {"asker": asker.id, "owner": owner.id, "kind": kind}
            text = t(
                "{asker}: {kind} reported by {owner}: {verdict}, {action}",
                **{"action": "-", **found, **who},
            )
            self.check(found["verdict"] in LISTED, text)
        if not self.samples:
            raise UsageError("no row is reported by one member alone")

    def retract(self) -> None:
        """One report is retracted, and is gone everywhere."""
        kind = next(iter(self.samples))
        row, owner = self.samples.pop(kind)
        title(t("{owner} retracts: {kind}", owner=owner.id, kind=kind))
        owner.ask("/v1/retractions", {**_named(row), "reason": "test"})

        def listed() -> str:
            asked = {m.id: _ask(m, [row])[0]["verdict"] for m in self.members}
            return ", ".join(m for m, what in asked.items() if what != "none")

        self._await(t("gone at every member"), listed)
        self.converge()

    def admit(self) -> None:
        """A fifth member joins with its key, as an admin would do it."""
        title(t("A payment institution joins"))
        member = Member(self.where, *FIFTH)
        _, id_, *_ = (self.where / "admin/roster-1.note").read_text().split()
        self._type("prepare", m=member, alliance=id_)
        self._type("admit")
        self._accept(member)
        self.members.append(member)
        self._start(member)
        self.converge()
        left = [row for row, _ in self.samples.values()]
        listed = (found["verdict"] in LISTED for found in _ask(member, left))
        text = t("the newcomer holds everything, and answers")
        self.check(all(listed), text)

    def audit(self) -> None:
        """An auditor who trusts nobody checks what a member hands over."""
        title(t("An auditor checks it all, offline, by the fingerprint alone"))
        who = {"m": self.members[1], "fingerprint": self.fingerprint}
        for line in self._type("audit", **who).splitlines():
            say(f"    {line}")
        page = self.where / "audit" / "report.html"
        self.check(page.exists(), t("the report to print: {page}", page=page))

    def leave_note(self) -> None:
        """Write demo.json: where everything is, for programs."""
        members = [
            {
                "id": m.id,
                "home": str(m.home),
                "pid": m.process.pid,
                "own_url": f"http://{m.own}",
                "token_file": str(m.token_file),
                "peer_url": f"https://{m.peer}",
            }
            for m in self.members
        ]
        text = json.dumps(members, indent=1, ensure_ascii=False)
        durable.write(self.where / "demo.json", text.encode(), mode=0o666)
