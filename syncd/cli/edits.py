"""`syncd roster set`, `member`, `admin`, `auditor`, `never`, …: the edits.

Each writes a draft (`drafting`); which rule each obeys is said, and held, in
`roster.drafts`.
"""

from pathlib import Path

from syncd.cli import drafting, terminal
from syncd.cli.command import argument, option
from syncd.cli.drafting import EditOptions, EndOptions
from syncd.cli.options import KINDS, among, pair, values
from syncd.cli.roster_commands import noun
from syncd.errors import MalformedError, RefusedError, SyncdError, UsageError
from syncd.indicator import never as protected
from syncd.indicator import vocabulary
from syncd.messages.catalogue import t
from syncd.roster import certificate, drafts, membership, terms
from syncd.roster.members import Auditor, Names
from syncd.roster.roster import Roster
from syncd.roster.row import Base64
from syncd.roster.terms import Cap, Erased, Never, Quota
from syncd.tlog import note

NONE = "none"  # as a row's value: without the row

# ----------------------------------------------------------------- rules


@noun.verb("set", "Draft a version with other rules; each may be given often.")
class _Set(EditOptions):
    threshold: int | None = option("admins that must sign", min=1)
    quota: list[str] = option(
        "[MEMBER:]PURPOSE=HOUR/DAY[/UNTIL], or …=none: evaluations"
    )
    cap: list[str] = option("KIND, EVIDENCE or KIND/EVIDENCE=DAYS, or …=none")
    action: list[str] = option("FINDING=ACTION: what a verdict leads to")
    entries: int | None = option("that one log may bring in a day", min=1)
    bytes_: int | None = option("that one log may bring in a day", min=1)
    lifts: int | None = option(
        "that others' reports may have of one member in a week", min=0
    )
    lift_percent: int | None = option(
        "of its statements that these may be", min=0, max=100
    )
    days: int = drafting.DAYS

    def change(self, draft: Roster) -> Roster:
        if self.threshold is not None:
            draft = drafts.put(draft, ("threshold",), self.threshold)
        for line in self.quota:
            draft = _quota(draft, line)
        for line in self.cap:
            draft = _cap(draft, line)
        for line in self.action:
            name, action = pair("--action", line, "FINDING=ACTION")
            among("--action", name, draft.policy.to_json())
            among("--action", action, terms.ACTIONS)
            draft = drafts.put(draft, ("policy", name), action)
        names = ("entries", "bytes_", "lifts", "lift_percent")
        for name, most in self.given(*names).items():
            draft = drafts.put(draft, ("limits", name), most)
        return draft


def _number(option: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise UsageError(
            "{option} {text}: not a whole number",
            option=option,
            text=repr(text),
        )
    return int(text)


def _quota(draft: Roster, line: str) -> Roster:
    name, value = pair("--quota", line, "[MEMBER:]PURPOSE=HOUR/DAY")
    member, _, purpose = name.rpartition(":")
    if member:
        drafts.named(draft, "member", member)
    rows = {terms.ALL, terms.LOOKUP, *vocabulary.FACETS["purpose"]}
    among("--quota", purpose, rows)
    if value == NONE:
        return drafts.drop(draft, ("quotas", f"{member or 'all'} {purpose}"))
    hour, day = pair("--quota", value, "HOUR/DAY", "/")
    day, _, until = day.partition("/")
    most = _number("--quota", hour), _number("--quota", day)
    found = Quota(purpose, *most, member, until)
    return drafts.put(draft, ("quotas",), found)


def _cap(draft: Roster, line: str) -> Roster:
    name, value = pair("--cap", line, "KIND/EVIDENCE=DAYS")
    kind, _, evidence = name.partition("/")
    if not evidence and kind not in terms.KINDS:
        kind, evidence = "", kind
    if kind:
        among("--cap", kind, terms.KINDS)
    if evidence:
        among("--cap", evidence, vocabulary.FACETS["evidence"])
    if value == NONE:
        return drafts.drop(draft, ("caps", f"{kind} {evidence}".strip()))
    cap = Cap(_number("--cap", value), kind, evidence)  # type: ignore[arg-type]
    return drafts.put(draft, ("caps",), cap)


# ---------------------------------------------------------------- members


class NameOptions(EditOptions):
    """An edit that says what people call somebody."""

    name_zh: str = option("what people call it")
    name_en: str = option("what people call it")


@noun.verb(
    "member",
    "Draft a version in which a member is described otherwise; its own request"
    " is taken by `roster update`.",
)
class _Member(NameOptions):
    member: str = argument()
    url: list[str] = option('all its peer APIs, best first; "": none')
    certificate: Path | None = option("its new one, PEM or DER")
    sector: str = option("police, bank, …")
    group: str | None = option('its controller, or ""')
    via: str | None = option('member to which it pushes its log, or ""')
    info: list[str] = option("key=value; key= drops it")
    no_return: bool = option("its announced return is not to be")

    def change(self, draft: Roster) -> Roster:
        id_ = self.member
        was = drafts.named(draft, "member", id_)
        changes = self.given("sector", "group", "via")
        if self.url:
            changes["urls"] = tuple(filter(None, self.url))
        if self.certificate is not None:
            der = terminal.parsed(self.certificate, certificate.load)
            draft = membership.set_certificate(draft, id_, der)
        if self.sector:
            among("--sector", self.sector, vocabulary.FACETS["sector"])
        if self.name_zh or self.name_en:
            changes["names"] = Names(
                self.name_zh or was.names.zh, self.name_en or was.names.en
            )
        if self.info:
            given = dict(pair("--info", x, "key=value") for x in self.info)
            info = {**was.info, **given}
            changes["info"] = {k: v for k, v in info.items() if v}
        if self.no_return:
            changes["returning"] = None
        for name, value in changes.items():
            draft = drafts.put(draft, ("members", id_, name), value)
        return draft


# ------------------------------------------------------- admins, auditors

admins = noun.noun("admin", "Who signs the roster.")


@admins.verb(
    "add", "Draft a version with one more admin, or another key for one."
)
class _AddAdmin(EditOptions):
    key: Path = argument("the public key file")

    def change(self, draft: Roster) -> Roster:
        return drafts.add_admin(draft, public_key(self.key))


@admins.verb("remove", "Draft a version with one admin less.")
class _RemoveAdmin(EditOptions):
    name: str = argument()

    def change(self, draft: Roster) -> Roster:
        return drafts.remove_admin(draft, self.name)


def public_key(path: Path) -> note.VerifierKey:
    """Read the file that `syncd keys admin --out` wrote."""
    try:
        return note.parse_vkey(terminal.read_file(path).decode().strip())
    except (UnicodeDecodeError, MalformedError) as e:
        raise UsageError("{path}: no public key of an admin", path=path) from e


auditors = noun.noun("auditor", "Who may read logs, and no indicator.")


@auditors.verb("add", "Draft a version with an auditor.")
class _AddAuditor(NameOptions):
    id_: str = argument()
    certificate: Path = argument("the auditor's own, PEM or DER")

    def change(self, draft: Roster) -> Roster:
        der = terminal.parsed(self.certificate, certificate.load)
        names = Names(
            self.name_zh or self.name_en or self.id_,
            self.name_en or self.name_zh or self.id_,
        )
        one = Auditor(self.id_, names, certificate.pin(der), Base64(der))
        return drafts.put(draft, ("auditors",), one)


@auditors.verb("remove", "Draft a version without an auditor.")
class _RemoveAuditor(EditOptions):
    id_: str = argument()

    def change(self, draft: Roster) -> Roster:
        drafts.named(draft, "auditor", self.id_)
        return drafts.drop(draft, ("auditors", self.id_))


# ---------------------------------------------------- keys, forks, erasing


@noun.verb(
    "retire", "Draft a version in which all entries of a token key are erased."
)
class _Retire(EditOptions):
    kind: str = argument(KINDS)
    epoch: int = argument()

    def change(self, draft: Roster) -> Roster:
        kind, epoch = self.kind, self.epoch
        drafts.named(draft, "epoch", f"{kind} {epoch}")
        path = ("epochs", f"{kind}/{epoch}", "retired")
        draft = drafts.put(draft, path, True)
        if draft.epoch(kind) is None:
            terminal.tell(
                "After this no {kind} can be reported or looked up: there is"
                " no other epoch.",
                kind=kind,
            )
        return draft


@noun.verb("cut", "Draft a version that says which branch of a log counts.")
class _Cut(EndOptions):
    origin: str = argument()
    ended: bool = option("nothing after it counts")

    def change(self, draft: Roster) -> Roster:
        at = self.end(drafts.named(draft, "log", self.origin)[1])
        return membership.cut(draft, self.origin, at, ended=self.ended)


@noun.verb(
    "erase",
    "Draft a version that erases entries of a log which cannot speak any more.",
)
class _Erase(EndOptions):
    origin: str = argument()
    range_: list[str] = option("FROM:TO, TO not included", needed=True)
    reason: str = option(
        ", ".join(vocabulary.FACETS["erase_reason"]), needed=True
    )

    def change(self, draft: Roster) -> Roster:
        among("--reason", self.reason, vocabulary.FACETS["erase_reason"])
        member, log = drafts.named(draft, "log", self.origin)
        end = member.end(log)
        if end is None and member.active:
            raise RefusedError(
                "roster: {origin} can speak: it retracts by itself", self
            )
        end = end or self.end(log)
        ranges = []
        for line in self.range_:
            parts = pair("--range", line, "FROM:TO", ":")
            first, last = (_number("--range", part) for part in parts)
            if not first < last <= end.size:
                raise UsageError(
                    "--range {line}: the log has {n} entries",
                    line=line,
                    n=end.size,
                )
            ranges.append((first, last))
        ordered = tuple(sorted(ranges))
        row = Erased(self.origin, end.size, end.root, ordered, self.reason)
        return drafts.put(draft, ("erased",), row)


# --------------------------------------------------------- the never-list
never = noun.noun("never", "Values that are never listed.")


class NeverOptions(EditOptions):
    """Values, which stand on no command line."""

    kind: str = option(KINDS, needed=True)
    file: Path | None = option("values, one a line; else stdin")

    def rows(self, why: str) -> list[Never]:
        """Read values as `report add` does."""
        found = []
        for number, value in enumerate(values(self.file), 1):
            try:
                one = protected.row(self.kind, value)
            except SyncdError as e:
                raise UsageError(
                    "{where}: line {n}: {why}",
                    hint=e.way_out,
                    where=self.file or t("standard input"),
                    n=number,
                    why=e,
                ) from e
            found.append(Never(one.kind, one.value, why))  # type: ignore[arg-type]
        return found


@never.verb("add", "Draft a version in which more is never listed.")
class _Add(NeverOptions):
    why: str = option("emergency, official, …", default="official")

    def change(self, draft: Roster) -> Roster:
        return drafts.put(draft, ("never",), *self.rows(self.why))


@never.verb("default", "Draft a version that has all of our own list.")
class _AddDefault(EditOptions):
    def change(self, draft: Roster) -> Roster:
        there = {n.label for n in draft.never}
        fresh = [row for row in ours() if row.label not in there]
        return drafts.put(draft, ("never",), *fresh)


@never.verb(
    "remove", "Draft a version in which something may be listed again."
)
class _Remove(NeverOptions):
    def change(self, draft: Roster) -> Roster:
        there = {n.label for n in draft.never}
        for n, row in enumerate(self.rows(""), 1):
            if row.label not in there:
                raise UsageError("line {n}: is not on the never-list", n=n)
            draft = drafts.drop(draft, ("never", row.label))
        return draft


def ours() -> list[Never]:
    """Return emergency, official and clearing numbers, big hosts, shorteners."""
    return [
        Never(one.kind, one.value, one.owner.category)  # type: ignore[arg-type]
        for one in protected.default()
    ]
