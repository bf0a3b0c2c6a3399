"""`syncd roster set`, `member`, `admin`, `auditor`, `never`, …: the edits.

Each writes a draft (`drafting`); which rule each obeys is said, and held, in
`roster.drafts`.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from syncd.cli import drafting, terminal, usage
from syncd.cli.drafting import AsJson, Current, Days, Draft, Onto, Out
from syncd.cli.report import values
from syncd.errors import (
    MalformedError,
    RefusedError,
    SyncdError,
    UsageError,
)
from syncd.indicator import identifier, vocabulary
from syncd.indicator import never as protected
from syncd.messages.catalogue import t
from syncd.roster import certificate, drafts, terms
from syncd.roster.members import Names
from syncd.roster.roster import Roster
from syncd.roster.terms import Cap, Erased, Never, Quota
from syncd.tlog import note
from syncd.tlog.note import VerifierKey

NONE = "none"  # as a row's value: without the row
Name = Annotated[str, typer.Option(help="what people call it")]


def add(noun: typer.Typer) -> None:
    """Add the edits to `syncd roster`."""
    _add_set(noun)
    _add_member(noun)
    _add_admin(noun)
    _add_auditor(noun)
    _add_never(noun)
    _add_retire(noun)
    _add_cut(noun)
    _add_erase(noun)


def group(noun: typer.Typer, name: str, help_: str) -> typer.Typer:
    """Add a word with verbs of its own."""
    made = usage.Noun(help_)
    noun.add_typer(made, name=name)
    return made


# ----------------------------------------------------------------- rules


def _add_set(noun: typer.Typer) -> None:
    @noun.command(
        "set",
        help="Draft a version with other rules; each may be given often.",
    )
    def _set(
        ctx: typer.Context,
        out: Out,
        quota: Annotated[
            list[str] | None,
            typer.Option(
                help="[MEMBER:]PURPOSE=HOUR/DAY, or …=none: evaluations"
            ),
        ] = None,
        cap: Annotated[
            list[str] | None,
            typer.Option(
                help="KIND, EVIDENCE or KIND/EVIDENCE=DAYS, or …=none"
            ),
        ] = None,
        action: Annotated[
            list[str] | None,
            typer.Option(help="FINDING=ACTION: what a verdict leads to"),
        ] = None,
        entries: Annotated[
            int | None,
            typer.Option(help="that one log may bring in a day", min=1),
        ] = None,
        bytes_: Annotated[
            int | None,
            typer.Option(
                "--bytes", help="that one log may bring in a day", min=1
            ),
        ] = None,
        threshold: Annotated[
            int | None, typer.Option(help="admins that must sign", min=1)
        ] = None,
        days: Days = drafts.LIFE_DAYS,
        current: Current = None,
        onto: Onto = None,
        as_json: AsJson = False,
    ) -> None:
        draft = Draft(ctx, current, onto, days)
        before = draft.roster
        for line in quota or ():
            draft.roster = _quota(draft.roster, line)
        for line in cap or ():
            draft.roster = _cap(draft.roster, line)
        for line in action or ():
            draft.roster = _action(draft.roster, line)
        limits = draft.roster.limits
        limits = replace(
            limits,
            entries=entries or limits.entries,
            bytes=bytes_ or limits.bytes,
        )
        draft.edit(drafts.set_limits, limits)
        if threshold is not None:
            draft.edit(drafts.set_threshold, threshold)
        _changed(before, draft.roster)
        draft.write(out, as_json=as_json)


def _changed(before: Roster, after: Roster) -> None:
    """Pass if an edit did anything.

    Raises:
        UsageError: it did not.
    """
    if before == after:
        raise UsageError(
            t("nothing changes by that"),
            hint=t("--help lists what can change; roster renew renews"),
        )


def _pair(option: str, line: str, want: str) -> tuple[str, str]:
    name, equals, value = line.rpartition("=")
    if not (equals and name and value):
        raise UsageError(f"{option} {line!r}: {t('want {form}', form=want)}")
    return name, value


def _number(option: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise UsageError(f"{option} {text!r}: {t('not a whole number')}")
    return int(text)


def _quota(roster: Roster, line: str) -> Roster:
    name, value = _pair("--quota", line, "[MEMBER:]PURPOSE=HOUR/DAY")
    member, _, purpose = name.rpartition(":")
    if member:
        _member(roster, member)
    rows = {terms.ALL, terms.LOOKUP, *vocabulary.FACETS["purpose"]}
    _among("--quota", purpose, rows)
    if value == NONE:
        return drafts.drop_quota(roster, member, purpose)
    hour, slash, day = value.partition("/")
    if not slash:
        raise UsageError(
            f"--quota {line!r}: {t('want {form}', form='HOUR/DAY')}"
        )
    found = Quota(
        purpose, _number("--quota", hour), _number("--quota", day), member
    )
    return drafts.set_quota(roster, found)


def _cap(roster: Roster, line: str) -> Roster:
    name, value = _pair("--cap", line, "KIND/EVIDENCE=DAYS")
    kind, _, evidence = name.partition("/")
    if not evidence and kind not in terms.KINDS:
        kind, evidence = "", kind
    if kind:
        _among("--cap", kind, terms.KINDS)
    if evidence:
        _among("--cap", evidence, vocabulary.FACETS["evidence"])
    if value == NONE:
        return drafts.drop_cap(roster, kind, evidence)
    return drafts.set_cap(roster, Cap(_number("--cap", value), kind, evidence))


def _action(roster: Roster, line: str) -> Roster:
    name, value = _pair("--action", line, "FINDING=ACTION")
    _among("--action", name, roster.policy.to_json())
    _among("--action", value, terms.ACTIONS)
    return drafts.set_policy(roster, **{name: value})


def _among(option: str, code: str, known: Iterable[str]) -> None:
    if code not in known:
        raise UsageError(
            f"{option} {code!r}: {t('no such code')}",
            hint=t("use {names}", names=", ".join(known)),
        )


def _member(roster: Roster, id_: str) -> None:
    drafting.named(
        roster.member(id_), "member", id_, (m.id for m in roster.members)
    )


# ---------------------------------------------------------------- members


def _add_member(noun: typer.Typer) -> None:
    @noun.command(
        "member",
        help=(
            "Draft a version in which a member is described otherwise; its"
            " own request is taken by `roster update`."
        ),
    )
    def _edit(
        ctx: typer.Context,
        member: Annotated[str, typer.Argument()],
        out: Out,
        url: Annotated[
            list[str] | None,
            typer.Option(help="all its peer doors, best first"),
        ] = None,
        certificate_: Annotated[
            Path | None,
            typer.Option("--certificate", help="its new one, PEM or DER"),
        ] = None,
        name_zh: Name = "",
        name_en: Name = "",
        sector: Annotated[str, typer.Option(help="police, bank, …")] = "",
        group_: Annotated[
            str | None,
            typer.Option("--group", help='its controller, or ""'),
        ] = None,
        via: Annotated[
            str | None,
            typer.Option(help='whose door serves its log, or ""'),
        ] = None,
        info: Annotated[
            list[str] | None, typer.Option(help="key=value; key= drops it")
        ] = None,
        current: Current = None,
        onto: Onto = None,
        as_json: AsJson = False,
    ) -> None:
        draft = Draft(ctx, current, onto)
        before = draft.roster
        _member(before, member)
        if url:
            draft.edit(drafts.set_urls, member, *url)
        if certificate_ is not None:
            der = terminal.parsed(certificate_, certificate.load)
            draft.edit(drafts.set_certificate, member, der)
        was = before.known(member)
        changes: dict[str, object] = {}
        if name_zh or name_en:
            changes["names"] = Names(
                name_zh or was.names.zh, name_en or was.names.en
            )
        if sector:
            _among("--sector", sector, vocabulary.FACETS["sector"])
            changes["sector"] = sector
        if group_ is not None:
            changes["group"] = group_
        if via is not None:
            changes["via"] = via
        if info:
            told = dict(was.info)
            for line in info:
                key, equals, value = line.partition("=")
                if not equals:
                    raise UsageError(
                        f"--info {line!r}: {t('want {form}', form='key=value')}"
                    )
                told[key] = value
            changes["info"] = {k: v for k, v in told.items() if v}
        draft.edit(drafts.set_member, member, **changes)
        _changed(before, draft.roster)
        draft.write(out, as_json=as_json)


# ----------------------------------------------------------------- admins


def _add_admin(noun: typer.Typer) -> None:
    admin = group(noun, "admin", "Who signs the roster.")

    @admin.command(
        "add",
        help="Draft a version with one more admin, or another key for one.",
    )
    def _more(
        ctx: typer.Context,
        key: Annotated[Path, typer.Argument(help="the public key file")],
        out: Out,
        threshold: Annotated[
            int | None, typer.Option(help="admins that must sign", min=1)
        ] = None,
        current: Current = None,
        onto: Onto = None,
        as_json: AsJson = False,
    ) -> None:
        draft = Draft(ctx, current, onto)
        draft.edit(drafts.add_admin, public_key(key))
        if threshold is not None:
            draft.edit(drafts.set_threshold, threshold)
        draft.write(out, as_json=as_json)

    @admin.command("remove", help="Draft a version with one admin less.")
    def _less(
        ctx: typer.Context,
        name: Annotated[str, typer.Argument()],
        out: Out,
        threshold: Annotated[
            int | None, typer.Option(help="admins that must sign", min=1)
        ] = None,
        current: Current = None,
        onto: Onto = None,
        as_json: AsJson = False,
    ) -> None:
        draft = Draft(ctx, current, onto)
        drafting.named(
            draft.roster.admins.get(name), "admin", name, draft.roster.admins
        )
        if threshold is not None:
            draft.edit(drafts.set_threshold, threshold)
        draft.edit(drafts.remove_admin, name)
        draft.write(out, as_json=as_json)


def public_key(path: Path) -> VerifierKey:
    """Read the file that `syncd keys admin --out` wrote.

    Raises:
        UsageError: it is no public key.
    """
    try:
        return note.parse_vkey(terminal.read_file(path).decode().strip())
    except (UnicodeDecodeError, MalformedError) as e:
        raise UsageError(
            f"{path}: {t('no public key of an admin')}",
            hint="syncd keys admin DIR --name NAME --alliance NAME --out FILE",
        ) from e


# --------------------------------------------------------------- auditors


def _add_auditor(noun: typer.Typer) -> None:
    auditor = group(noun, "auditor", "Who may read logs, and no indicator.")

    @auditor.command("add", help="Draft a version with an auditor.")
    def _more(
        ctx: typer.Context,
        id_: Annotated[str, typer.Argument(metavar="ID")],
        certificate_: Annotated[
            Path,
            typer.Argument(
                metavar="CERTIFICATE",
                help="the auditor's own, PEM or DER",
            ),
        ],
        out: Out,
        name_zh: Name = "",
        name_en: Name = "",
        current: Current = None,
        onto: Onto = None,
        as_json: AsJson = False,
    ) -> None:
        draft = Draft(ctx, current, onto)
        der = terminal.parsed(certificate_, certificate.load)
        names = Names(name_zh or name_en or id_, name_en or name_zh or id_)
        draft.edit(drafts.add_auditor, id_, names, der)
        draft.write(out, as_json=as_json)

    @auditor.command("remove", help="Draft a version without an auditor.")
    def _less(
        ctx: typer.Context,
        id_: Annotated[str, typer.Argument(metavar="ID")],
        out: Out,
        current: Current = None,
        onto: Onto = None,
        as_json: AsJson = False,
    ) -> None:
        draft = Draft(ctx, current, onto)
        known = {a.id: a for a in draft.roster.auditors}
        drafting.named(known.get(id_), "auditor", id_, known)
        draft.edit(drafts.remove_auditor, id_)
        draft.write(out, as_json=as_json)


# ------------------------------------------------------------- never-list


def _add_never(noun: typer.Typer) -> None:
    never = group(noun, "never", "Values that are never listed.")
    Values = Annotated[
        Path | None,
        typer.Option(
            help="lines of value, or KIND TAB value TAB why; else stdin"
        ),
    ]
    Kind = Annotated[str, typer.Option(help="phone, url, account")]

    @never.command(
        "add", help="Draft a version in which more is never listed."
    )
    def _more(
        ctx: typer.Context,
        out: Out,
        kind: Kind = "",
        why: Annotated[
            str, typer.Option(help="emergency, official, …")
        ] = "official",
        file: Values = None,
        current: Current = None,
        onto: Onto = None,
        as_json: AsJson = False,
    ) -> None:
        _never(
            ctx,
            out,
            _rows(file, kind, why),
            drafts.add_never,
            current,
            onto,
            as_json,
        )

    @never.command(
        "default",
        help="Draft a version that has all of our own list.",
    )
    def _ours(
        ctx: typer.Context,
        out: Out,
        current: Current = None,
        onto: Onto = None,
        as_json: AsJson = False,
    ) -> None:
        rows = [
            Never(x.kind, x.value, x.owner.category)
            for x in protected.default()
        ]
        _never(ctx, out, rows, _add_missing, current, onto, as_json)

    @never.command(
        "remove",
        help="Draft a version in which something may be listed again.",
    )
    def _less(
        ctx: typer.Context,
        out: Out,
        kind: Kind = "",
        file: Values = None,
        current: Current = None,
        onto: Onto = None,
        as_json: AsJson = False,
    ) -> None:
        _never(
            ctx,
            out,
            _rows(file, kind, ""),
            _remove_never,
            current,
            onto,
            as_json,
        )


def _never(
    ctx: typer.Context,
    out: Path,
    rows: list[Never],
    edit: Callable[..., Roster],
    current: Path | None,
    onto: Path | None,
    as_json: bool,
) -> None:
    draft = Draft(ctx, current, onto)
    before = draft.roster
    draft.edit(edit, *rows)
    _changed(before, draft.roster)
    draft.write(out, as_json=as_json)


def _add_missing(draft: Roster, *rows: Never) -> Roster:
    """Add what is not there; what is there keeps the reason it has."""
    there = {(n.kind, n.value) for n in draft.never}
    fresh = (row for row in rows if (row.kind, row.value) not in there)
    return drafts.add_never(draft, *fresh)


def _remove_never(draft: Roster, *rows: Never) -> Roster:
    there = {(n.kind, n.value) for n in draft.never}
    for number, row in enumerate(rows, 1):
        if (row.kind, row.value) not in there:
            raise UsageError(
                t("line {n}: is not on the never-list", n=number),
                hint=t("syncd roster show --json lists it"),
            )
        draft = drafts.remove_never(draft, row.kind, row.value)
    return draft


def _rows(file: Path | None, kind: str, why: str) -> list[Never]:
    """Read values as `report add` does: never from an argument."""
    if kind:
        _among("--kind", kind, identifier.KINDS)
        lines = [f"{kind}\t{value}\t{why}" for value in values(file)]
    else:
        lines = values(file)
    return never_rows(lines, str(file or t("standard input")), why)


def never_rows(
    lines: Iterable[str], where: str, why: str = "official"
) -> list[Never]:
    """Read `kind TAB value [TAB why [TAB …]]` lines; # begins a comment.

    Raises:
        UsageError: a line does not normalise; says which, not what.
    """
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        kind, _, rest = line.partition("\t")
        value, _, more = rest.partition("\t")
        reason = more.partition("\t")[0]
        try:
            one = protected.row(kind.strip(), value.strip())
        except SyncdError as e:
            raise UsageError(
                f"{where}: {t('line {n}', n=number)}: {e}",
                hint=e.hint or t("say --kind, or write KIND TAB value"),
            ) from e
        found.append(Never(one.kind, one.value, reason.strip() or why))
    return found


# ------------------------------------------------------- forks, erasing


def _add_cut(noun: typer.Typer) -> None:
    @noun.command(
        "cut",
        help="Draft a version that says which branch of a log counts.",
    )
    def _cut_(
        ctx: typer.Context,
        origin: Annotated[str, typer.Argument()],
        out: Out,
        checkpoint: Annotated[
            Path | None,
            typer.Option(
                help="of that branch; else what --home mirrors of the log"
            ),
        ] = None,
        ended: Annotated[
            bool, typer.Option("--ended", help="nothing after it counts")
        ] = False,
        current: Current = None,
        onto: Onto = None,
        as_json: AsJson = False,
    ) -> None:
        draft = Draft(ctx, current, onto)
        _, log = drafting.named(
            draft.roster.by_origin(origin),
            "log",
            origin,
            draft.roster.origins(),
        )
        at = draft.end(log, checkpoint)
        draft.edit(drafts.cut, origin, at, ended=ended)
        draft.write(out, as_json=as_json)


def _add_retire(noun: typer.Typer) -> None:
    @noun.command(
        "retire",
        help="Draft a version in which all entries of a token key are erased.",
    )
    def _retire(
        ctx: typer.Context,
        kind: Annotated[str, typer.Argument(help="phone, url, account")],
        epoch: Annotated[int, typer.Argument()],
        out: Out,
        current: Current = None,
        onto: Onto = None,
        as_json: AsJson = False,
    ) -> None:
        draft = Draft(ctx, current, onto)
        known = (f"{e.kind} {e.epoch}" for e in draft.roster.epochs)
        found = draft.roster.epoch(kind, epoch)
        drafting.named(found, "epoch", f"{kind} {epoch}", known)
        draft.edit(drafts.retire_epoch, kind, epoch)
        if draft.roster.epoch(kind) is None:
            terminal.tell(
                t(
                    "After this no {kind} can be reported or looked up: there"
                    " is no other epoch.",
                    kind=kind,
                )
            )
        draft.write(out, as_json=as_json)


def _add_erase(noun: typer.Typer) -> None:
    @noun.command(
        "erase",
        help=(
            "Draft a version that erases entries of a log which cannot speak"
            " any more."
        ),
    )
    def _erase(
        ctx: typer.Context,
        origin: Annotated[str, typer.Argument()],
        out: Out,
        range_: Annotated[
            list[str],
            typer.Option("--range", help="FROM:TO, TO not included"),
        ],
        reason: Annotated[
            str,
            typer.Option(help=", ".join(vocabulary.FACETS["erase_reason"])),
        ],
        checkpoint: Annotated[
            Path | None,
            typer.Option(help="of that log; else what --home mirrors of it"),
        ] = None,
        current: Current = None,
        onto: Onto = None,
        as_json: AsJson = False,
    ) -> None:
        _among("--reason", reason, vocabulary.FACETS["erase_reason"])
        draft = Draft(ctx, current, onto)
        found = draft.roster.by_origin(origin)
        member, log = drafting.named(
            found, "log", origin, draft.roster.origins()
        )
        end = member.end(log)
        if end is None and member.active:
            raise RefusedError(
                f"roster: {origin} can speak: it retracts by itself",
                hint=t("remove its member first, or end the log"),
            )
        end = end or draft.end(log, checkpoint)
        ranges = tuple(sorted(_range(line, end.size) for line in range_))
        row = Erased(origin, end.size, end.root, ranges, reason)
        draft.edit(drafts.add_erased, row)
        draft.write(out, as_json=as_json)


def _range(line: str, size: int) -> tuple[int, int]:
    start, colon, stop = line.partition(":")
    if not colon:
        raise UsageError(
            f"--range {line!r}: {t('want {form}', form='FROM:TO')}"
        )
    first, last = _number("--range", start), _number("--range", stop)
    if not first < last <= size:
        raise UsageError(
            f"--range {line}: {t('the log has {n} entries', n=size)}"
        )
    return first, last
