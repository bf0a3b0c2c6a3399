"""`syncd roster set`, `member`, `admin`, `auditor`, …: the edits.

Each writes a draft (`drafting`); which rule each obeys is said, and held, in
`roster.drafts`. The never-list is in `never_edits`.
"""

from pathlib import Path

from syncd.cli import drafting, terminal
from syncd.cli.command import argument, option
from syncd.cli.drafting import EditOptions, EndOptions
from syncd.cli.options import KINDS, among, pairs
from syncd.cli.roster_commands import noun
from syncd.errors import (
    MalformedError,
    RefusedError,
    UsageError,
)
from syncd.indicator import vocabulary
from syncd.roster import certificate, drafts, membership, terms
from syncd.roster.members import Auditor, Names
from syncd.roster.roster import Roster
from syncd.roster.row import Base64
from syncd.roster.terms import Cap, Erased, Quota
from syncd.tlog import note
from syncd.tlog.note import VerifierKey

NONE = "none"  # as a row's value: without the row

# ----------------------------------------------------------------- rules


class _SetOptions(EditOptions):
    threshold: int | None = option("admins that must sign", min=1)
    quota: list[str] = option(
        "[MEMBER:]PURPOSE=HOUR/DAY, or …=none: evaluations"
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


@noun.verb("set", "Draft a version with other rules; each may be given often.")
def _set_rules(args: _SetOptions) -> None:
    args.edit(lambda draft: _ruled(draft, args))


def _ruled(draft: Roster, args: _SetOptions) -> Roster:
    if args.threshold is not None:
        draft = drafts.put(draft, ("threshold",), args.threshold)
    for line in args.quota:
        draft = _quota(draft, line)
    for line in args.cap:
        draft = _cap(draft, line)
    for line in args.action:
        name, action = _pair("--action", line, "FINDING=ACTION")
        among("--action", name, draft.policy.to_json())
        among("--action", action, terms.ACTIONS)
        draft = drafts.put(draft, ("policy", name), action)
    names = ("entries", "bytes_", "lifts", "lift_percent")
    for name, most in args.given(*names).items():
        draft = drafts.put(draft, ("limits", name), most)
    return draft


def _pair(option: str, line: str, want: str, parted: str = "=") -> list[str]:
    name, mark, value = line.rpartition(parted)
    if not (mark and name and value):
        raise UsageError(
            "{option} {line}: want {form}",
            option=option,
            line=repr(line),
            form=want,
        )
    return [name, value]


def _number(option: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise UsageError(
            "{option} {text}: not a whole number",
            option=option,
            text=repr(text),
        )
    return int(text)


def _quota(draft: Roster, line: str) -> Roster:
    name, value = _pair("--quota", line, "[MEMBER:]PURPOSE=HOUR/DAY")
    member, _, purpose = name.rpartition(":")
    if member:
        drafts.named(draft, "member", member)
    rows = {terms.ALL, terms.LOOKUP, *vocabulary.FACETS["purpose"]}
    among("--quota", purpose, rows)
    if value == NONE:
        return drafts.drop(draft, ("quotas", f"{member or 'all'} {purpose}"))
    hour, day = _pair("--quota", value, "HOUR/DAY", "/")
    found = Quota(
        purpose, _number("--quota", hour), _number("--quota", day), member
    )
    return drafts.put(draft, ("quotas",), found)


def _cap(draft: Roster, line: str) -> Roster:
    name, value = _pair("--cap", line, "KIND/EVIDENCE=DAYS")
    kind, _, evidence = name.partition("/")
    if not evidence and kind not in terms.KINDS:
        kind, evidence = "", kind
    if kind:
        among("--cap", kind, terms.KINDS)
    if evidence:
        among("--cap", evidence, vocabulary.FACETS["evidence"])
    if value == NONE:
        return drafts.drop(draft, ("caps", f"{kind} {evidence}".strip()))
    cap = Cap(_number("--cap", value), kind, evidence)
    return drafts.put(draft, ("caps",), cap)


# ---------------------------------------------------------------- members


class NameOptions(EditOptions):
    """An edit that says what people call somebody."""

    name_zh: str = option("what people call it")
    name_en: str = option("what people call it")


class _MemberOptions(NameOptions):
    member: str = argument()
    url: list[str] = option("all its peer APIs, best first")
    certificate: Path | None = option("its new one, PEM or DER")
    sector: str = option("police, bank, …")
    group: str | None = option('its controller, or ""')
    via: str | None = option('whose peer API serves its log, or ""')
    info: list[str] = option("key=value; key= drops it")


@noun.verb(
    "member",
    "Draft a version in which a member is described otherwise; its own request"
    " is taken by `roster update`.",
)
def _member(args: _MemberOptions) -> None:
    args.edit(lambda draft: _described(draft, args))


def _described(draft: Roster, args: _MemberOptions) -> Roster:
    id_ = args.member
    drafts.named(draft, "member", id_)
    if args.url:
        draft = drafts.put(draft, ("members", id_, "urls"), tuple(args.url))
    if args.certificate is not None:
        der = terminal.parsed(args.certificate, certificate.load)
        draft = membership.set_certificate(draft, id_, der)
    was = draft.known(id_)
    changes = args.given("sector", "group", "via")
    if args.sector:
        among("--sector", args.sector, vocabulary.FACETS["sector"])
    if args.name_zh or args.name_en:
        changes["names"] = Names(
            args.name_zh or was.names.zh, args.name_en or was.names.en
        )
    if args.info:
        info = {**was.info, **pairs(args.info)}
        changes["info"] = {k: v for k, v in info.items() if v}
    for name, value in changes.items():
        draft = drafts.put(draft, ("members", id_, name), value)
    return draft


# ------------------------------------------------------- admins, auditors

admins = noun.noun("admin", "Who signs the roster.")


class _AddAdminOptions(EditOptions):
    key: Path = argument("the public key file")


@admins.verb(
    "add", "Draft a version with one more admin, or another key for one."
)
def _add_admin(args: _AddAdminOptions) -> None:
    key = public_key(args.key)
    args.edit(lambda draft: drafts.add_admin(draft, key))


class _RemoveAdminOptions(EditOptions):
    name: str = argument()


@admins.verb("remove", "Draft a version with one admin less.")
def _remove_admin(args: _RemoveAdminOptions) -> None:
    args.edit(lambda draft: drafts.remove_admin(draft, args.name))


def public_key(path: Path) -> VerifierKey:
    """Read the file that `syncd keys admin --out` wrote."""
    try:
        return note.parse_vkey(terminal.read_file(path).decode().strip())
    except (UnicodeDecodeError, MalformedError) as e:
        raise UsageError(
            "{path}: no public key of an admin",
            hint="syncd keys admin DIR --name NAME --alliance NAME --out FILE",
            path=path,
        ) from e


auditors = noun.noun("auditor", "Who may read logs, and no indicator.")


class _AuditorOptions(EditOptions):
    id_: str = argument(metavar="ID")


class _NewAuditorOptions(NameOptions):
    id_: str = argument(metavar="ID")
    certificate: Path = argument(
        "the auditor's own, PEM or DER", metavar="CERTIFICATE"
    )


@auditors.verb("add", "Draft a version with an auditor.")
def _add_auditor(args: _NewAuditorOptions) -> None:
    der = terminal.parsed(args.certificate, certificate.load)
    names = Names(
        args.name_zh or args.name_en or args.id_,
        args.name_en or args.name_zh or args.id_,
    )
    one = Auditor(args.id_, names, certificate.pin(der), Base64(der))
    args.edit(lambda draft: drafts.put(draft, ("auditors",), one))


@auditors.verb("remove", "Draft a version without an auditor.")
def _remove_auditor(args: _AuditorOptions) -> None:
    def edit(draft: Roster) -> Roster:
        drafts.named(draft, "auditor", args.id_)
        return drafts.drop(draft, ("auditors", args.id_))

    args.edit(edit)


# ---------------------------------------------------- keys, forks, erasing


class _RetireOptions(EditOptions):
    kind: str = argument(KINDS)
    epoch: int = argument()


@noun.verb(
    "retire",
    "Draft a version in which all entries of a token key are erased.",
)
def _retire(args: _RetireOptions) -> None:
    kind, epoch = args.kind, args.epoch

    def edit(draft: Roster) -> Roster:
        drafts.named(draft, "epoch", f"{kind} {epoch}")
        path = ("epochs", f"{kind}/{epoch}", "retired")
        return drafts.put(draft, path, True)

    if args.edit(edit).epoch(kind) is None:
        terminal.tell(
            "After this no {kind} can be reported or looked up: there is"
            " no other epoch.",
            kind=kind,
        )


class _CutOptions(EndOptions):
    origin: str = argument()
    ended: bool = option("nothing after it counts")


@noun.verb("cut", "Draft a version that says which branch of a log counts.")
def _cut(args: _CutOptions) -> None:

    def edit(draft: Roster) -> Roster:
        at = args.end(drafts.named(draft, "log", args.origin)[1])
        return membership.cut(draft, args.origin, at, ended=args.ended)

    args.edit(edit)


class _EraseOptions(EndOptions):
    origin: str = argument()
    range_: list[str] = option("FROM:TO, TO not included", needed=True)
    reason: str = option(
        ", ".join(vocabulary.FACETS["erase_reason"]), needed=True
    )


@noun.verb(
    "erase",
    "Draft a version that erases entries of a log which cannot speak any more.",
)
def _erase(args: _EraseOptions) -> None:
    among("--reason", args.reason, vocabulary.FACETS["erase_reason"])

    def edit(draft: Roster) -> Roster:
        member, log = drafts.named(draft, "log", args.origin)
        end = member.end(log)
        if end is None and member.active:
            raise RefusedError(
                "roster: {origin} can speak: it retracts by itself",
                hint="remove its member first, or end the log",
                origin=args.origin,
            )
        end = end or args.end(log)
        ranges = tuple(sorted(_range(line, end.size) for line in args.range_))
        row = Erased(args.origin, end.size, end.root, ranges, args.reason)
        return drafts.put(draft, ("erased",), row)

    args.edit(edit)


def _range(line: str, size: int) -> tuple[int, int]:
    first, last = (
        _number("--range", number)
        for number in _pair("--range", line, "FROM:TO", ":")
    )
    if not first < last <= size:
        raise UsageError(
            "--range {line}: the log has {n} entries", line=line, n=size
        )
    return first, last
