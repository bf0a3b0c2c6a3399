"""`syncd roster invite`, `pending`, `admit`, `sign`: how members come in.

What waits comes from the daemon of the admin's own member, or as a file to a
machine without a network. Either way it is verified here, by the roster that
is here: whoever brought it can leave out something, and change nothing.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec

from syncd import config
from syncd.cli import drafting, keys_commands, roster_commands, terminal
from syncd.cli.command import argument, option
from syncd.cli.options import ApiOptions, ClientOptions
from syncd.cli.roster_commands import noun
from syncd.cli.terminal import tell
from syncd.errors import RefusedError, UntrustedError, UsageError
from syncd.flows import conformance
from syncd.messages import catalogue, review, wire
from syncd.messages.catalogue import t
from syncd.node.audit import checkup
from syncd.roster import drafts, join, membership, signing, spoken
from syncd.roster.roster import Roster
from syncd.shape import EMPTY
from syncd.store import durable
from syncd.web.forms import Joining


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
    tell(
        "Good once, for {sector}, for {hours} hours, and worth nothing until"
        " admins admit who comes: syncd join asks for it.",
        **wanted,
    )


# ------------------------------------------------------------- what waits


class _Waiting(Joining):
    """With what our command saw of newcomers' addresses, which is not read."""

    outside: dict[str, Any] = EMPTY  # by a request's hash


class _WaitingOptions(drafting.NewestOptions, ClientOptions):
    file: Path | None = option(
        "what roster pending --json printed, or join answer wrote; else our"
        " daemon is asked"
    )

    def waiting(self) -> _Waiting:
        """Return what waits, as it came; our daemon's roster is newer then."""
        if self.file is None:
            with self.api() as own:
                return msgspec.convert(own.get("/v1/joining"), _Waiting)
        try:
            return msgspec.json.decode(self.file.read_bytes(), type=_Waiting)
        except (msgspec.DecodeError, UnicodeDecodeError) as e:
            raise UsageError(
                "{file}: not what roster pending --json printed",
                file=self.file,
            ) from e


class _OutsideOptions(_WaitingOptions):
    private: bool = option("ask newcomers' addresses that are not public, too")


@noun.verb("pending", "List who wants in, and drafts that want signatures.")
def _pending(args: _OutsideOptions) -> None:
    waiting, current = args.waiting(), args.newest()
    lines = list[str]()
    for pair in waiting.requests:
        one = membership.applicant(*pair, current)
        differ = conformance.apart(one.request) or "✓"
        lines += review.changes(current, membership.add(current, one.request))
        seen = checkup.outside(one.request, args.private)
        waiting.outside[one.request.hash] = [*map(wire.of, seen)]
        lines += [catalogue.say(x) for x in seen]
        lines += [f"vectors  {differ}", drafting.compared(one.spoken_hash)]
    for member in current.members:
        if back := member.returning:
            lines.append(
                t(
                    "{member} is announced to return with new keys since {day};"
                    " a day later: syncd roster admit {member}",
                    member=member.id,
                    day=review.day(back.since),
                )
            )
    for text in waiting.drafts:
        _, draft = drafts.read(text.encode())
        lines.append(review.signed(text.encode(), current))
        lines += drafting.describe(current, draft)
    args.show(msgspec.to_builtins(waiting), lines or [t("nothing waits")])


# ------------------------------------------------------------ admit, sign


class _SigningOptions(_WaitingOptions):
    keys: Path | None = option("an admin's key directory")

    def show_draft(self, draft: Roster, before: Roster | None) -> None:
        """Say what is to be signed, and whose verdicts it moves."""
        moves = drafting.effect(self, draft, before)[1] if before else []
        for line in (*drafting.describe(before, draft), *moves):
            terminal.say(line)

    def sign(self, raw: bytes, before: Roster | None) -> bytes:
        if self.keys is None:
            raise UsageError("an admin's key is needed: --keys DIR")
        return signing.sign(raw, keys_commands.admin_key(self.keys), before)

    def hand_in(self, raw: bytes, before: Roster) -> None:
        """Give a signed draft to our daemon, or beside --file."""
        if self.file is not None:
            out = self.file.with_suffix(".draft")
            terminal.write_new(out, raw)
            tell("Next: syncd roster publish {file}.", file=out)
            return
        try:
            roster_commands.hand_in(self, raw)
        except UntrustedError as e:
            if " is signed by " not in e.text.template:
                raise
            drafting.tell_missing(raw, before)  # it is kept for the others


@noun.verb("admit", "Admit a newcomer: compare its words, draft, sign.")
class _Admit(drafting.EndOptions, _SigningOptions, _OutsideOptions):
    name: str = argument("whom `roster pending` lists")
    out: Path | None = argument(  # type: ignore[assignment]
        "the draft, a new file, to be signed elsewhere", needed=False
    )
    secret: Path | None = option("from `challenge`, if that was by files")
    days: int = drafting.DAYS
    one = None  # no request: it was announced to return

    def run(self) -> None:
        """Compare words and sign; or write the draft, and show them."""
        self.waits = self.waiting().requests
        super().run()

    def change(self, draft: Roster) -> Roster:
        kept = config.read_private(self.secret) if self.secret else None
        there = {
            one.id: (request, answer)
            for request, answer in self.waits
            for one in (join.parse(request.encode()),)
            if not draft.lists(one.log)
        }
        member = draft.member(self.name)
        if self.name not in there and member and member.returning:
            return membership.bring_back(draft, self.name, self.end)
        if self.name not in there:
            raise UsageError(
                "roster: {name} is not among those that wait",
                name=self.name,
                names=", ".join(there) or "-",
            )
        self.one = membership.applicant(*there[self.name], draft, kept)
        for seen in checkup.outside(self.one.request, self.private):
            tell(catalogue.say(seen))
        if not (kept or self.one.answer.inviter):
            raise UsageError("its challenge went by files: --secret KEPT")
        if names := conformance.apart(self.one.request):
            raise RefusedError(
                "join: the build of {member} answers otherwise to the"
                " vectors {names}",
                member=self.name,
                names=names,
            )
        return membership.add(draft, self.one.request)

    def write(self, draft: Roster, current: Roster) -> None:
        if self.out is not None:
            super().write(draft, current)
            if self.one:
                tell(drafting.compared(self.one.spoken_hash))
            return
        raw, name = drafts.write(draft, current), self.name
        self.show_draft(draft, current)
        wanted = [[name]]
        if self.one:
            wanted = [*map(list, spoken.of(self.one.spoken_hash))]
            tell(
                "Call {member} on a number that you knew before, and let it"
                " read out its six words or four groups of digits. Type them:",
                member=name,
            )
        else:
            tell("This cannot be undone. Type {name}: ", name=name)
        if sys.stdin.readline().casefold().split() not in wanted:
            raise RefusedError(
                "roster: these are not the words of {member}: nothing was"
                " signed",
                member=name,
            )
        self.hand_in(self.sign(raw, current), current)


class _SignOptions(_SigningOptions):
    draft: Path = argument("a file, signed in place; or as `pending` calls it")
    yes: bool = option("do not ask")
    final: bool = option("nor for what cannot be undone")


@noun.verb("sign", "Sign a draft with an admin's key.")
def _sign(args: _SignOptions) -> None:
    file = args.draft.is_file()
    raw = drafting.note_of(args.draft) if file else _named(args)
    _, roster = drafts.read(raw)
    before = None if roster.version == 1 else args.newest()
    signing.signatures(raw, before)  # it follows, and earlier lines hold
    if not args.as_json:
        args.show_draft(roster, before)
    if not (args.yes or terminal.agreed(t("Sign this? [y/N] "))):
        raise RefusedError("nothing was signed")
    for name in review.final(before, roster) if before else ():
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
    """Return the draft that waits under a name, or is about a member."""
    waiting, name = args.waiting(), str(args.draft)
    current = args.newest()
    for text in waiting.drafts:
        _, draft = drafts.read(text.encode())
        changed = draft.member(name) != current.member(name)
        if changed or name == draft.hash[: review.NAME]:
            return text.encode()
    raise UsageError("{path}: no file, and no draft that waits", path=name)
