"""Show what became of imported lists, and `syncd report imports`."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.cli import grid, notices, terminal
from syncd.cli.api_client import ApiClient
from syncd.cli.command import option
from syncd.cli.lookup_client import moment
from syncd.cli.options import ApiOptions, OutputOptions
from syncd.cli.report_commands import noun
from syncd.errors import UsageError
from syncd.messages import catalogue
from syncd.messages.catalogue import t

if TYPE_CHECKING:
    from syncd.cli.importing.upload import Upload

SHOWN = 8  # reasons of refused rows
LOCAL = ("added", "known", "replaced", "refused", "removed")


def tell(
    args: OutputOptions,
    upload: "Upload",
    counts: Mapping[str, Any],
    refused: Path | None,
) -> int:
    """Tell what came of a list; return the exit code."""
    from syncd.cli.importing import refused as bad

    rows = upload.target.refused
    where = ""
    if counts.get("refused") and refused is not None:
        bad.write(refused, rows())
        where = str(refused)
    more = {"import": counts.get("id"), "refused_file": where or None}
    args.show({**counts, **more}, _counted(counts))
    for (what, code), n in sorted(upload.target.counts.items()):
        if remark := _remark(what, code):
            terminal.tell(f"{n:>9,} × {remark}")
    for (field, word), n in upload.columns.ignored.most_common(SHOWN):
        line = t("{field}: {word} is ignored", field=field, word=word)
        terminal.tell(f"{n:>9,} × {line}")
    if not counts.get("refused"):
        return 0
    reasons = bad.reasons(rows())
    shown = reasons.most_common(SHOWN)
    others = reasons.total() - sum(n for _, n in shown)
    for why, n in [*shown, (t("other reasons"), others)]:
        if n:
            terminal.tell(f"{n:>9,} × {why}")
    if where:
        terminal.tell("refused rows, with reasons: {path}", path=where)
    elif "id" in counts:
        terminal.tell(
            "refused rows, with reasons: syncd report imports --refused"
            " {id} --out FILE.csv; mend them there and import that file"
            " like this one",
            id=counts["id"],
        )
    else:
        terminal.tell("write refused rows down with --refused FILE.csv")
    return 1


def _remark(what: str, code: str) -> str:
    """Return what is said of rows that went in, or did not."""
    from syncd.indicator import vocabulary

    if what == "taken_back":
        why = vocabulary.label("retract_reason", code, catalogue.language())
        return t("taken back by us before, as {reason}", reason=why)
    return notices.of({"notices": (code,)}) if what == "notice" else ""


def _counted(counts: Mapping[str, Any]) -> Iterator[str]:
    """Yield what an import came to, in words."""
    n = Counter({k: v for k, v in counts.items() if isinstance(v, int)})
    number = {name: f"{n[name]:,}" for name in (*n, *LOCAL)}
    if "id" not in counts:
        yield t(
            "local list: added {added}, already known {known}, replaced"
            " {replaced}, refused {refused}; dropped {removed}",
            **number,
        )
        return
    yield t(
        "import {id}: accepted {accepted}, already known {known}, refused"
        " {refused}",
        **{**number, "id": counts["id"]},
    )
    if n["taken_back"]:
        yield t(
            "not accepted, as we took it back before: {n} (--again REASON"
            " reports it all the same)",
            n=number["taken_back"],
        )
    if n["elsewhere"]:
        yield t(
            "accepted, but taken back by another member: {n}",
            n=number["elsewhere"],
        )
    if n["gone"]:
        yield t(
            "no more on the list: {gone}; missing twice running: {due};"
            " retracted: {dropped}",
            **number,
        )
    if n["due"] > n["dropped"]:
        yield t("--gone retract takes back what is missing twice")


class _ImportsOptions(ApiOptions):
    list_: str = option("name of a list")
    refused: int = option("id: write its refused rows to --out")
    out: Path | None = option("a new CSV file, to be mended")
    before: int = option("a smaller id only")
    limit: int = option("rows at most", default=20, min=1, max=1000)


@noun.verb("imports", "List what was imported; write down what was refused.")
def _imports(args: _ImportsOptions) -> None:
    if bool(args.refused) != (args.out is not None):
        raise UsageError("--refused ID and --out FILE go together")
    with args.api() as own:
        if args.out is not None:
            _write(own, args.refused, args.out)
            return
        page = own.get(
            "/v1/imports",
            before=args.before,
            limit=args.limit,
            list=args.list_,
        )
    items, last = page["items"], page.get("next")
    args.show(
        {"items": items, "next": last}, grid.table(HEAD, map(_row, items))
    )
    if last and not args.as_json:
        terminal.tell("more: --before {id}", id=last)


COUNTS = (
    *("accepted", "known", "taken_back", "elsewhere", "refused"),
    *("gone", "due", "dropped"),
)
HEAD = (
    *("id", "list", "file", "by", "began", "state"),
    *("accepted", "known", "taken back", "taken back by others", "refused"),
    *("gone", "gone twice", "dropped"),
)


def _row(item: Mapping[str, Any]) -> list[str]:
    state = (
        t("finished") if item["finished"] else t("at row {n}", n=item["row"])
    )
    return [
        str(item["id"]),
        *(item["list"], item["name"], item["by"]),
        moment(item["began_at"]),
        state,
        *(str(item[name]) for name in COUNTS),
    ]


def _write(own: ApiClient, import_id: int, out: Path) -> None:
    from syncd.cli.importing import refused

    terminal.check_new(out)
    state = own.get(f"/v1/imports/{import_id}")
    kept = sum(1 for one in refused.kept(own, import_id) if one.row)
    if not kept:
        raise UsageError(
            "import {id}: no refused rows are kept",
            hint="import the list again: those of its newest import are",
            id=import_id,
        )
    refused.write(out, refused.kept(own, import_id))
    terminal.tell("{n} refused rows: {path}", n=kept, path=out)
    if kept < state["refused"]:
        terminal.tell(
            "{n} of them are not kept any more", n=state["refused"] - kept
        )
