"""A draft's way through a command: begun, edited, written, looked at.

Every command that edits the roster reads the newest version, or a draft that
an earlier command wrote (`--onto`), and writes a new draft file; it shows
what the whole draft changes, and who must sign it. Nothing is published.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from syncd import config
from syncd.cli import review, terminal
from syncd.cli.daemon import settings_of
from syncd.errors import UntrustedError, UsageError
from syncd.messages.catalogue import t
from syncd.node import audit
from syncd.node.pinned import clock, trusted_roster
from syncd.roster import drafts, spoken, trust
from syncd.roster.join import Request
from syncd.roster.members import Cut, Generation
from syncd.roster.roster import MAX_SIZE, Roster
from syncd.tlog import checkpoint as checkpoints
from syncd.tlog import note

Out = Annotated[Path, typer.Argument(help="the draft, a new file")]
Current = Annotated[
    Path | None,
    typer.Option(help="the newest signed roster; else that of --home"),
]
Onto = Annotated[
    Path | None, typer.Option(help="go on from this draft: edits add up")
]
Days = Annotated[int, typer.Option(help="until it expires", min=1, max=90)]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]


class Draft:
    """The newest version, and the one that is to follow it."""

    def __init__(
        self,
        ctx: typer.Context,
        current: Path | None,
        onto: Path | None,
        days: int = drafts.LIFE_DAYS,
    ) -> None:
        """Begin a draft, or go on from one.

        Raises:
            UsageError: no roster is here.
            RefusedError: the draft given does not follow the newest version.
        """
        self._ctx = ctx
        self.current = newest(ctx, current)
        if onto is None:
            self.roster = drafts.begin(self.current, now=clock(), days=days)
            return
        raw = note_of(onto)
        if any(s.have for s in drafts.signatures(raw, self.current)):
            terminal.tell(
                t(
                    "{path}: its signatures do not count for the new draft:"
                    " all sign again",
                    path=onto,
                )
            )
        self.roster = drafts.read(raw)[1]

    def edit(
        self, edit: Callable[..., Roster], *rest: Any, **more: Any
    ) -> None:
        """Apply one edit of `roster.drafts`."""
        self.roster = edit(self.roster, *rest, **more)

    def end(self, generation: Generation, file: Path | None) -> Cut:
        """Return a size that a log has signed: as given, or as mirrored.

        Raises:
            UsageError: we do not hold the log, and no checkpoint was given.
            UntrustedError: the checkpoint is not that log's.
        """
        origin = generation.origin

        def opened(raw: bytes) -> Cut:
            head, _ = checkpoints.open_(raw, generation.log)
            return Cut(head.size, head.root)

        try:
            if file is not None:
                return terminal.parsed(file, opened)
            with audit.served(settings_of(self._ctx), origin) as log:
                return opened(log.checkpoint)
        except UntrustedError as e:
            raise UntrustedError(
                f"{file or 'mirror'}: not signed by {origin}: {e}",
                hint=t(
                    "take the checkpoint of {log} that a member serves",
                    log=origin,
                ),
            ) from e

    def write(self, out: Path, *, as_json: bool = False) -> None:
        """Write the draft, and show what it changes and who must sign.

        Raises:
            MalformedError, UntrustedError: no reader would take it.
            UsageError: the file is there already.
        """
        raw = drafts.write(self.roster, self.current)
        terminal.write_new(out, raw)
        show(raw, self.current, as_json=as_json)


def compared(asked: Request) -> list[str]:
    """Return a request's hash as two people compare it by phone, in lines."""
    said = spoken.of(asked.hash)
    return [
        f"hash     {asked.hash}",
        f"words    {' '.join(said.zh)}",
        f"         {' '.join(said.en)}",
        f"digits   {' '.join(said.digits)}",
    ]


def compared_json(asked: Request) -> dict[str, Any]:
    """Return the same for a program."""
    said = spoken.of(asked.hash)
    return {
        "id": asked.id,
        "hash": asked.hash,
        "words": {"zh": list(said.zh), "en": list(said.en)},
        "digits": list(said.digits),
    }


def show_compared(asked: Request, out: Path, as_json: bool) -> None:
    """Show what an admin reads out, so that the newcomer can compare it."""
    say = terminal.tell if str(out) == "-" else terminal.say
    if as_json:
        say(terminal.as_json(compared_json(asked)))
        return
    for line in compared(asked):
        say(line)
    terminal.tell(
        t(
            "By phone, on a number that you know already, let the admin read"
            " out the words or digits: all must agree."
        )
    )


def note_of(path: Path) -> bytes:
    """Return the note in a file, of a roster or a draft.

    Raises:
        UsageError: it cannot be read, or is something else; names it.
        NewerError: a newer syncd wrote it.
    """

    def checked(raw: bytes) -> bytes:
        drafts.read(raw)
        return raw

    return terminal.parsed(path, checked)


def newest(ctx: typer.Context, current: Path | None) -> Roster:
    """Return the roster that a draft follows."""
    if current is not None:
        return terminal.parsed(
            current, lambda raw: trust.read(note.parse(raw, max_size=MAX_SIZE))
        )
    if ctx.obj.home is None and config.environment().home is None:
        raise UsageError(
            t("no roster to go on from"),
            hint=t("say syncd --home DIR roster …, or --current FILE"),
        )
    return trusted_roster(settings_of(ctx)).current


def named(found: Any, what: str, name: str, known: Any) -> Any:
    """Return what was found under a name.

    Raises:
        UsageError: nothing was; the hint says what there is.
    """
    if found is None:
        raise UsageError(
            f"roster: no {what} {name}",
            hint=t("it has {names}", names=", ".join(known) or "-"),
        )
    return found


def show(raw: bytes, current: Roster | None, *, as_json: bool = False) -> None:
    """Say what a draft file changes, and which signatures it still wants."""
    _, draft = drafts.read(raw)
    signatures = drafts.signatures(raw, current)
    if as_json:
        terminal.show_json(
            {
                "version": draft.version,
                "hash": draft.hash,
                "changes": review.to_json(current, draft) if current else [],
                "signatures": [
                    {
                        "version": s.version,
                        "threshold": s.threshold,
                        "have": list(s.have),
                        "missing": list(s.missing),
                        "wanted": s.wanted,
                    }
                    for s in signatures
                ],
                "complete": all(not s.wanted for s in signatures),
            }
        )
        return
    for line in describe(current, draft):
        terminal.say(line)
    tell_missing(raw, current)


def tell_missing(raw: bytes, current: Roster | None) -> None:
    """Say which signatures a draft file still wants, and what is next."""
    wanted = [s for s in drafts.signatures(raw, current) if s.wanted]
    if len({(s.wanted, s.missing) for s in wanted}) == 1:
        terminal.tell(
            t(
                "{wanted} of {names} must still sign",
                wanted=wanted[0].wanted,
                names=", ".join(wanted[0].missing),
            )
        )
    else:
        for signed in wanted:
            terminal.tell(
                t(
                    "{wanted} of {names} must still sign, as admins of version"
                    " {version}",
                    version=signed.version,
                    wanted=signed.wanted,
                    names=", ".join(signed.missing),
                )
            )
    if wanted:
        terminal.tell(t("Next: syncd roster sign, by each of them."))
    elif current is None:
        terminal.tell(t("Complete. Next: syncd join accept, at each founder."))
    else:
        terminal.tell(
            t("Complete. Next: syncd roster publish, at any member.")
        )


def describe(current: Roster | None, draft: Roster) -> list[str]:
    """Return what is to be signed, in words."""
    if current is None:
        return [
            *review.whole(draft),
            t("fingerprint {hash}", hash=draft.hash),
        ]
    return [
        t(
            "version {new} ({hash}…) after version {old}:",
            new=draft.version,
            hash=draft.hash[:16],
            old=current.version,
        ),
        *review.changes(current, draft),
    ]
