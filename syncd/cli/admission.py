"""`syncd roster invite`, `pending`, `admit`, `sign`: how members come in.

What waits comes from the daemon of the admin's own member, or as a file to a
machine without a network. Either way it is verified here, by the roster that
is here: whoever brought it can leave out something, and change nothing.
"""

import sys
from pathlib import Path

import msgspec

from syncd import config
from syncd.cli import draft_effect, drafting, keys_commands, terminal
from syncd.cli.command import argument, option
from syncd.cli.drafting import EditOptions, NewestOptions
from syncd.cli.options import ApiOptions, ClientOptions
from syncd.cli.roster_commands import UTF8, noun, say_accepted
from syncd.errors import RefusedError, UntrustedError, UsageError
from syncd.flows import conformance
from syncd.messages.catalogue import t
from syncd.node.pinned import clock
from syncd.roster import drafts, join, membership, signing, spoken
from syncd.roster.join import Applicant
from syncd.roster.roster import Roster
from syncd.roster.waiting import Waiting, applicant
from syncd.store import durable

_NAME = 8  # digits of its hash by which a draft is called


class _InviteOptions(ApiOptions):
    sector: str = option("police, bank, …: of who is to come", needed=True)
    expires: str = option("HOURSh until it does", default="72h")


@noun.verb("invite", "Print an invitation for one newcomer.")
def _invite(args: _InviteOptions) -> None:
    hours = args.expires.removesuffix("h")
    if not (hours.isascii() and hours.isdecimal() and len(hours) < 5):
        raise UsageError("--expires {text}: want 72h", text=repr(args.expires))
    wanted = {"sector": args.sector, "hours": int(hours)}
    args.send("/v1/invitations", wanted, "{invitation}")
    terminal.tell(
        "Good once, for {sector}, for {hours} hours, and worth nothing until"
        " admins admit who comes: syncd join asks for it.",
        sector=args.sector,
        hours=hours,
    )


# ------------------------------------------------------------- what waits


class _WaitingOptions(NewestOptions, ClientOptions):
    file: Path | None = option(
        "what `roster pending --json` printed; else our daemon is asked"
    )

    def waiting(self) -> Waiting:
        """Return what waits, as it came."""
        if self.file is None:
            with self.api() as own:
                return msgspec.convert(own.get("/v1/joining"), Waiting)
        try:
            return msgspec.json.decode(self.file.read_bytes(), type=Waiting)
        except (msgspec.DecodeError, UnicodeDecodeError) as e:
            raise UsageError(
                "{file}: not what roster pending --json printed",
                file=self.file,
            ) from e


@noun.verb("pending", "List who wants in, and drafts that want signatures.")
def _pending(args: _WaitingOptions) -> None:
    waiting, current = args.waiting(), args.newest()  # it may be newer now
    lines = list[str]()
    for pair in waiting.requests:
        one = applicant(*pair, current)
        differ = ", ".join(conformance.apart(one.request)) or "✓"
        lines += drafting.describe(current, _with(one, current))
        lines.append(f"vectors  {differ}")
        lines += [*drafting.compared(one.spoken_hash), ""]
    for text in waiting.drafts:
        _, draft = drafts.read(text.encode())
        found = signing.signatures(text.encode(), current)
        lines.append(
            t(
                "draft {id}: signed by {have}, waiting for {names}",
                id=draft.hash[:_NAME],
                have=", ".join({n: 0 for s in found for n in s.have}),
                names=", ".join({n: 0 for s in found for n in s.missing}),
            )
        )
        lines += drafting.describe(current, draft)
    value = msgspec.to_builtins(waiting)
    args.show(value, lines or [t("nothing waits")])


# ------------------------------------------------------------ admit, sign


class _SigningOptions(_WaitingOptions):
    keys: Path | None = option("an admin's key directory")

    def sign(self, raw: bytes, current: Roster | None) -> bytes:
        """Return a draft with our signature."""
        if self.keys is None:
            raise UsageError("an admin's key is needed: --keys DIR")
        return signing.sign(raw, keys_commands.admin_key(self.keys), current)

    def hand_in(self, raw: bytes, current: Roster) -> None:
        """Give a signed draft to our daemon, or beside --file."""
        if self.file is not None:
            out = self.file.with_suffix(".draft")
            terminal.write_new(out, raw)
            terminal.tell("Next: syncd roster publish {file}.", file=out)
            return
        try:
            with self.api() as own:
                answer = own.post("/v1/roster", raw, UTF8)
        except UntrustedError as e:
            if " is signed by " not in e.text.template:
                raise
            drafting.tell_missing(raw, current)  # it is kept for the others
        else:
            say_accepted(answer)


@noun.verb(
    "admit", "Admit a newcomer: compare its words, draft, sign; or by files."
)
class _Admit(_SigningOptions, EditOptions):
    name: str = argument("whom `roster pending` lists; or its request, a file")
    answer: Path | None = argument(
        "with a request: to the challenge", needed=False
    )
    out: Path | None = argument(  # type: ignore[assignment]
        "with a request: the draft, a new file", needed=False
    )
    secret: Path | None = option("with a request: from `challenge`")
    days: int = drafting.DAYS

    def run(self) -> None:
        """Compare words, draft and sign; or draft, by files."""
        if self.answer is not None:
            super().run()
            return
        waiting, current = self.waiting(), self.newest()
        there = (applicant(*pair, current) for pair in waiting.requests)
        found = {one.request.id: one for one in there}
        if self.name not in found:
            raise UsageError(
                "roster: {name} is not among those that wait",
                name=self.name,
                names=", ".join(found) or "-",
            )
        one = found[self.name]
        draft = _with(one, current, self.days)
        for line in drafting.describe(current, draft):
            terminal.say(line)
        conformance.check(one.request)
        _check_spoken(one)
        raw = drafts.write(draft, current)
        self.hand_in(self.sign(raw, current), current)

    def change(self, draft: Roster) -> Roster:
        answer, secret = self.answer, self.secret
        if answer is None or secret is None or self.out is None:
            raise UsageError("a request wants its answer, --secret and OUT")
        asked = terminal.parsed(Path(self.name), join.parse)
        kept = config.read_private(secret)
        one = terminal.parsed(
            answer, lambda raw: join.proven(asked, kept, raw)
        )
        conformance.check(asked)
        for line in drafting.compared(one.spoken_hash):
            terminal.tell(line)
        return membership.admit(draft, one)


def _with(
    one: Applicant, current: Roster, days: int = drafts.LIFE_DAYS
) -> Roster:
    """Return the next version with a newcomer."""
    draft = drafts.begin(current, now=clock(), days=days)
    return membership.admit(draft, one)


def _check_spoken(one: Applicant) -> None:
    """Pass if an admin types what the newcomer reads out.

    Raises:
        RefusedError: it is something else.
    """
    member = one.request.id
    terminal.tell(
        "Call {member} on a number that you knew before, and let it read out"
        " its six words or four groups of digits. Type them:",
        member=member,
    )
    typed = (*sys.stdin.readline().casefold().split(),)
    if typed not in spoken.of(one.spoken_hash):
        raise RefusedError(
            "roster: these are not the words of {member}: nothing was signed",
            member=member,
        )


class _SignOptions(_SigningOptions):
    draft: Path = argument("a file, signed in place; or as `pending` calls it")
    yes: bool = option("do not ask")
    final: bool = option("nor for what cannot be undone")


@noun.verb("sign", "Sign a draft with an admin's key.")
def _sign(args: _SignOptions) -> None:
    file = args.draft.exists()
    raw = drafting.note_of(args.draft) if file else _named(args)
    _, roster = drafts.read(raw)
    before = None if roster.version == 1 else args.newest()
    signing.signatures(raw, before)  # it follows, and earlier lines hold
    if not args.as_json:
        moves = draft_effect.effect(args, roster, before)[1] if before else []
        for line in (*drafting.describe(before, roster), *moves):
            terminal.say(line)
    if not (args.yes or terminal.agreed(t("Sign this? [y/N] "))):
        raise RefusedError("nothing was signed")
    for name in draft_effect.final(before, roster) if before else ():
        question = t("This cannot be undone. Type {name}: ", name=name)
        if not (args.final or terminal.agreed(question, [name])):
            raise RefusedError("nothing was signed")
    done = args.sign(raw, before)
    if before is not None and not file:
        args.hand_in(done, before)
        return
    durable.write(args.draft, done, mode=0o666)
    if args.as_json:
        drafting.show(args, done, before)
    else:
        drafting.tell_missing(done, before)


def _named(args: _SignOptions) -> bytes:
    """Return the draft that waits under a name, or lets somebody in."""
    waiting, name = args.waiting(), str(args.draft)
    current = args.newest()
    for text in waiting.drafts:
        _, draft = drafts.read(text.encode())
        new = draft.member(name) and not current.member(name)
        if new or name == draft.hash[:_NAME]:
            return text.encode()
    raise UsageError("{path}: no file, and no draft that waits", path=name)
