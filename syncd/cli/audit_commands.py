"""`syncd audit`: what others can check, without a daemon and offline."""

import asyncio
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

from msgspec import convert, to_builtins
from msgspec.structs import replace

from syncd import config
from syncd.audit import asof, bundle, disclosure, report, stamp
from syncd.audit.bundle import Bundle, Writer
from syncd.audit.result import Audit, Found
from syncd.audit.trace import anchor_of, trace
from syncd.audit.verify import verify
from syncd.cli import meter, options, terminal
from syncd.cli.command import Command, Options, argument, option
from syncd.cli.grid import Item
from syncd.cli.options import ClientOptions, KindOptions, OutputOptions
from syncd.cli.terminal import parsed, read_file, say, tell, write_new
from syncd.errors import Message, UntrustedError, UsageError
from syncd.flows import evidence
from syncd.indicator import receipt
from syncd.messages import answers
from syncd.messages.catalogue import t
from syncd.roster import certificate, trust

noun = Command()


class _EvidenceOptions(Options):
    file: Path = argument("the evidence")
    bundle: Path | None = option("whose rosters judge it; else our home's")
    fingerprint: str = option("of roster version 1, with --bundle")


@noun.verb("evidence", "Judge evidence that a holder lied.")
def _judge(args: _EvidenceOptions) -> None:
    held = parsed(args.file, evidence.parse, evidence.MAX_SIZE)
    if args.bundle:
        with opened(args.bundle) as (given,):
            rosters = trust.versions(args.fingerprint, given.rosters())
    else:
        from syncd.node.pinned import roster_files  # a home, here alone

        settings = args.settings()
        notes = roster_files(settings.home).notes()
        rosters = trust.versions(settings.alliance.fingerprint, notes)
    proven = evidence.judge(held, rosters)
    say(f"{held.accused}: {proven}")


class _VerifyOptions(OutputOptions):
    bundle: Path = argument("a directory, or a tar")
    fingerprint: str = option("of roster version 1", needed=True)
    since: list[Path] = option("an earlier bundle, or another member's")


class _CheckOptions(_VerifyOptions):
    certificates: Path | None = option("PEM: by whom a time stamp may be")


@noun.verb("verify", "Check a bundle: all that signatures and hashes prove.")
def _verify(args: _CheckOptions) -> int:
    if args.bundle.suffix in (".json", ".html"):
        given = parsed(args.bundle, disclosure.read)
        facts = disclosure.check(given, args.fingerprint)
        lines = [
            facts["found"].value,
            *(one["place"] for one in facts["entries"]),
            *(t("not seen: {text}", text=x) for x in facts["unseen"]),
            t("nothing found: everything here holds"),
        ]
        args.show(to_builtins(facts), lines)
        return 0
    stamps, file = list[Item](), stamp.place(args.bundle)
    with _audited(args) as audit:
        if args.certificates:
            try:
                roots = parsed(args.certificates, stamp.authorities)
                reply = read_file(file)
                stamps += [stamp.check(reply, audit.bundle.manifest, roots)]
            except UntrustedError as e:
                bad = Found(code="stamp_bad", place=file.name, text=e.text)
                audit.found.append(bad)
        elif file.exists():
            audit.unseen.append(
                Message("whose the time stamp beside it is: --certificates")
            )
    there = [
        t(
            "it was there at {at} UTC, says {name}",
            at=report.moment(one["at"], "UTC"),
            name=one["authority"],
        )
        for one in stamps
    ]
    found = report.facts(audit) | {"stamps": stamps}
    args.show(found, [*there, *report.lines(audit, report.BRIEF)])
    return audit.exit_code


class _StampOptions(Options):
    bundle: Path = argument("a directory, or a tar")
    out: Path = argument("a new file, to send to an authority")


@noun.verb("stamp", "Ask for an RFC 3161 time stamp of a bundle.")
def _stamp(args: _StampOptions) -> None:
    with opened(args.bundle) as (given,):
        write_new(args.out, stamp.request(given.manifest))
    tell("what comes back: {path}", path=stamp.place(args.bundle))


@contextmanager
def _audited(args: _VerifyOptions) -> Iterator[Audit]:
    """Give what came of checking a bundle, which is there meanwhile."""
    with opened(args.bundle, *args.since) as (given, *earlier):
        with meter.meter(args.bundle.name, len(given.files)) as progress:
            audit = verify(given, args.fingerprint, earlier, progress)
        yield audit


@contextmanager
def opened(*paths: Path) -> Iterator[list[Bundle]]:
    """Give bundles, of directories or of tars that are unpacked meanwhile."""
    with tempfile.TemporaryDirectory(prefix="syncd-audit-") as room:
        found = []
        for n, path in enumerate(paths):
            where = path
            if path.is_file():
                where = Path(room) / str(n)
                bundle.unpack(path, where)
            found.append(Bundle(where))
        yield found


class _CollectOptions(Options):
    out: Path = argument("a new directory; or a new file NAME.tar")
    address: list[str] = option("URL of a member's peer API", needed=True)
    fingerprint: str = option("of roster version 1", needed=True)
    certificate: Path = option("the auditor's, PEM or DER", needed=True)
    key: Path = option("its private key, PEM", needed=True)


@noun.verb("collect", "Make a bundle over the network, by an auditor's key.")
def _collect(args: _CollectOptions) -> None:
    from syncd.node.audit.collect import Collector  # loads the network
    from syncd.node.pinned import clock

    der = parsed(args.certificate, certificate.load)
    key = read_file(args.key)
    with (
        terminal.new_directory(args.out) as made,
        meter.meter(args.out.name, 1) as progress,
    ):
        collector = Collector(
            certificate=der,
            key_pem=key,
            fingerprint=args.fingerprint,
            made=Writer(made),
            now=clock(),
            progress=progress,
        )
        name = asyncio.run(collector.run(args.address))
        for what in Bundle(made).about.unreached:
            tell("not collected: {what}", what=what)
    say("bundle {name}", name=name)


class _ReportOptions(_VerifyOptions):
    page: Path | None = option("write one HTML page there")


@noun.verb("report", "What an auditor takes home: text, JSON, or a page.")
def _report(args: _ReportOptions) -> int:
    with _audited(args) as audit:
        if args.page:
            write_new(args.page, report.page(audit).encode())
        else:
            args.show(report.facts(audit), report.lines(audit))
    return audit.exit_code


class _InspectOptions(ClientOptions):
    out: Path = argument("a new directory")
    quarter: str = option("as 2026Q4, in the roster's zone", needed=True)


@noun.verb("inspect", "An inspector's set of a quarter: XLSX, and A4 to sign.")
def _inspect(args: _InspectOptions) -> None:
    from syncd.cli import inspection  # a home and its daemon, here alone
    from syncd.node.pinned import trusted_roster

    if not re.fullmatch("20[0-9]{2}Q[1-4]", args.quarter):
        told = repr(args.quarter)
        raise UsageError("--quarter {told}: want 2026Q4", told=told)
    settings = args.settings()
    roster = trusted_roster(settings).current
    answers = inspection.Answers(
        {name: getattr(roster, name) for name in inspection.ROSTER},
        quarter=args.quarter,
        member=settings.member.id,
        origin=settings.origin,
    )
    with args.api() as answers.own, terminal.new_directory(args.out) as made:
        for name, raw in inspection.files(answers):
            write_new(made / name, raw, private=True)


class _PageOptions(options.ValueOptions, KindOptions, ClientOptions):
    page: Path = option("a new HTML page; - is standard output", needed=True)

    def answer(self, path: str) -> tuple[Any, str]:
        """Return what the member says of one value, and the value."""
        self.check_kind()
        value = options.one_value(self.file)
        with self.api() as own:
            return own.post(path, {**self.named, "value": value}), value


@noun.verb(
    "certificate",
    "Say for the person concerned that a listing ended: of a value from"
    " standard input, once a second person agreed.",
)
def _certificate(args: _PageOptions) -> None:
    found, value = args.answer("/v1/certificates")
    page = report.rendered("certificate.html", **found, value=value)
    write_new(args.page, page.encode(), private=True)


@noun.verb(
    "disclose",
    "Hand a court what is said of one value, with proofs: of standard input,"
    " or asked for.",
)
def _disclose(args: _PageOptions) -> None:
    given, _ = args.answer("/v1/audit/disclosures")
    found = convert(given, disclosure.Disclosure)
    fingerprint = args.settings().alliance.fingerprint
    script = resources.files("syncd.console.static") / "verify.js"
    page = disclosure.page(found, fingerprint, script.read_text("utf-8"))
    write_new(args.page, page.encode(), private=True)


class _TraceOptions(_VerifyOptions):
    entry: str = argument("ORIGIN:INDEX", place="ORIGIN:INDEX")


@noun.verb("trace", "One entry's life, each step with a proof of its own.")
def _trace(args: _TraceOptions) -> int:
    ((origin, index),) = options.positions([args.entry], "entry")
    with _audited(args) as audit:
        found = trace(audit, origin, index)
    args.show(found, _life(found, report.moments(audit)))
    return audit.exit_code


class _VerdictOptions(_TraceOptions):
    member: str = option("whose", needed=True)
    as_of: str = option("seconds, or 2026-11-30T17:00+08:00", needed=True)


@noun.verb("verdict", "What a member could know then, and had to conclude.")
def _verdict(args: _VerdictOptions) -> int:
    (about,) = options.positions([args.entry], "entry")
    at = _moment(args.as_of)
    with _audited(args) as audit:
        found = asof.as_of(audit, args.member, at, about)
    args.show(found, _concluded(found, report.moments(audit)))
    return audit.exit_code


def _moment(text: str) -> int:
    try:
        if text.isdecimal() and len(text) < 11:
            return int(text)
        return int(datetime.strptime(text, "%Y-%m-%dT%H:%M%z").timestamp())
    except ValueError:
        raise UsageError("--as-of {told}: no time", told=f"{text!r}") from None


def _concluded(found: Item, when: report.Moments) -> Iterator[str]:
    yield answers.name("verdict", found["verdict"])
    least = found["least"]
    words = least["verdict"], least["action"], *least["reasons"]
    yield t("by what it had signed: {words}", words=" ".join(words))
    yield from (f"{origin}:{n}" for origin, n in least["positions"])
    for origin, n in found["unsure"]:
        yield t("it may have had {place}", place=f"{origin}:{n}")
    for row in found["logs"]:
        yield f"{row['origin']}: {row['size']}–{row['most']}, {when(row['at'])}"
    yield from (t("not seen: {text}", text=text) for text in found["unseen"])


class _ReceiptOptions(_VerifyOptions):
    file: Path = argument("of one look-up")


@noun.verb("receipt", "Who has the anchor that names a look-up's receipt.")
def _receipt(args: _ReceiptOptions) -> int:
    one = parsed(args.file, receipt.parse)
    if not one.named:
        from syncd.store.snapshot import OwnSnapshot  # a home, here alone

        own = args.settings()
        with OwnSnapshot.of(own.home, config.server(own)) as store:
            one = replace(one, named=store.anchored(one.hash))
    with _audited(args) as audit:
        found = trace(audit, one.origin, anchor_of(audit, one))
    args.show(to_builtins(one), _life(found, report.moments(audit)))
    return audit.exit_code


def _life(found: Item, when: report.Moments) -> Iterator[str]:
    yield "{origin}:{index}  {leaf}".format(**found)
    for step in found["steps"]:
        yield t(
            "{at} {signer} ({role}) has {size} entries: {place}",
            **step | {"at": when(step["at"])},
        )
    if public := found["quorum"]:
        names = ", ".join(public["members"])
        yield t("a quorum has it, by {names}", names=names)
    for row in found["later"]:
        yield f"{when(row['first'])} {row['what']}: {row['origin']}:{row['index']}"
