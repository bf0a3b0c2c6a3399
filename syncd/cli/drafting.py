"""What the commands that edit a roster draft share: read, change, write, show.

Every command that edits the roster reads the newest version, or a draft that
an earlier command wrote (`--onto`), and writes a new draft file; it shows
what the whole draft changes, and who must sign it. Nothing is published.
"""

from pathlib import Path
from typing import Any

import msgspec

from syncd import config
from syncd.cli import terminal
from syncd.cli.command import Options, argument, option
from syncd.cli.options import OutputOptions
from syncd.errors import SyncdError, UntrustedError, UsageError
from syncd.messages import catalogue, review
from syncd.messages.catalogue import t
from syncd.node import draft_effect
from syncd.node.audit import stored
from syncd.node.pinned import clock, trusted_roster
from syncd.roster import drafts, signing, spoken, trust
from syncd.roster.members import Cut, Generation
from syncd.roster.roster import MAX_SIZE, Roster
from syncd.tlog import checkpoint as checkpoints
from syncd.tlog import note

DAYS = option("until it expires", default=drafts.LIFE_DAYS, min=1, max=90)


class NewestOptions(OutputOptions):
    """A version of the roster that follows the newest one."""

    current: Path | None = option(
        "the newest signed roster; else that of --home"
    )

    def newest(self) -> Roster:
        """Return the roster that a draft follows."""
        if self.current is not None:
            return terminal.parsed(
                self.current,
                lambda raw: trust.read(note.parse(raw, max_size=MAX_SIZE)),
            )
        if self.home is None and config.environment().home is None:
            raise UsageError("no roster to go on from")
        return trusted_roster(self.settings()).current


class DraftOptions(NewestOptions):
    """A draft is written."""

    out: Path = argument("the draft, a new file")

    def write(self, draft: Roster, current: Roster) -> None:
        """Write the draft, and show what it changes and who must sign.

        Raises:
            MalformedError, UntrustedError: no reader would take it.
            UsageError: the file is there already.
        """
        raw = drafts.write(draft, current)
        terminal.write_new(self.out, raw)
        show(self, raw, current)


class EditOptions(DraftOptions):
    """A draft that an edit makes of the newest version, or of a draft."""

    onto: Path | None = option("go on from this draft: edits add up")
    days = drafts.LIFE_DAYS  # until it expires

    def change(self, draft: Roster) -> Roster:
        """Return the draft with what the edit is about."""
        raise NotImplementedError

    def run(self) -> None:
        """Write what the edit makes of the draft.

        Raises:
            UsageError: no roster is here, or nothing changes.
            RefusedError: the draft given does not follow the newest version.
        """
        current = self.newest()
        if self.onto is None:
            before = drafts.begin(current, now=clock(), days=self.days)
        else:
            raw = note_of(self.onto)
            if any(s.have for s in signing.signatures(raw, current)):
                terminal.tell(
                    "{path}: its signatures do not count for the new draft:"
                    " all sign again",
                    path=self.onto,
                )
            before = drafts.read(raw)[1]
        draft = self.change(before)
        if draft == before:
            raise UsageError(
                "nothing changes by that",
                hint="--help lists what can change; roster renew renews",
            )
        self.write(draft, current)


class EndOptions(EditOptions):
    """An edit that says where a log ends."""

    checkpoint: Path | None = option(
        "where its log ends; else what --home mirrors of it"
    )

    def end(self, generation: Generation) -> Cut:
        """Return a size that a log has signed: as given, or as mirrored.

        Raises:
            UsageError: we do not hold the log, and no checkpoint was given.
            UntrustedError: the checkpoint is not that log's.
        """
        origin, file = generation.origin, self.checkpoint

        def opened(raw: bytes) -> Cut:
            head, _ = checkpoints.open_(raw, generation.log)
            return Cut(head.size, head.root)

        try:
            if file is not None:
                return terminal.parsed(file, opened)
            with stored.served(self.settings(), origin) as log:
                return opened(log.checkpoint)
        except UntrustedError as e:
            raise UntrustedError(
                "{file}: not signed by {origin}: {why}",
                log=origin,
                file=file or "mirror",
                origin=origin,
                why=e,
            ) from e


def compared(hash_: str) -> str:
    """Return what two people compare by phone, in three lines: see ADR 46."""
    found = spoken.of(hash_)
    return (
        f"words    {' '.join(found.zh)}\n"
        f"         {' '.join(found.en)}\n"
        f"digits   {' '.join(found.digits)}"
    )


def note_of(path: Path) -> bytes:
    """Return the note in a file, of a roster or a draft.

    Raises:
        UsageError: it cannot be read, or is something else; names it.
        NewerError: a newer syncd wrote it.
    """
    return terminal.parsed(path, lambda raw: bytes(drafts.read(raw)[0]))


def show(args: OutputOptions, raw: bytes, current: Roster | None) -> None:
    """Say what a draft file changes, and which signatures it still wants."""
    _, draft = drafts.read(raw)
    signatures = signing.signatures(raw, current)
    value = {
        "version": draft.version,
        "hash": draft.hash,
        "changes": review.to_json(current, draft) if current else [],
        "signatures": [s._asdict() | {"wanted": s.wanted} for s in signatures],
        "complete": all(not s.wanted for s in signatures),
    }
    args.show(value, describe(current, draft))
    if not args.as_json:
        tell_missing(raw, current)


def tell_missing(raw: bytes, current: Roster | None) -> None:
    """Say which signatures a draft file still wants, and what is next."""
    wanted = [s for s in signing.signatures(raw, current) if s.wanted]
    alike = len({(s.wanted, s.missing) for s in wanted}) == 1
    for signed in wanted[:1] if alike else wanted:
        terminal.tell(
            "{wanted} of {names} must still sign"
            if alike
            else "{wanted} of {names} must still sign, as admins of version"
            " {version}",
            version=signed.version,
            wanted=signed.wanted,
            names=", ".join(signed.missing),
        )
    if wanted:
        terminal.tell("Next: syncd roster sign, by each of them.")
    elif current is None:
        terminal.tell("Complete. Next: syncd join accept, at each founder.")
    else:
        terminal.tell("Complete. Next: syncd roster publish, at any member.")


def describe(current: Roster | None, draft: Roster) -> list[str]:
    """Return what is to be signed, in words."""
    if current is None:
        head = t("fingerprint {hash}", hash=draft.hash)
        return [*review.whole(draft), head, compared(draft.hash)]
    return [
        t(
            "version {new} ({hash}…) after version {old}:",
            new=draft.version,
            hash=draft.hash[:16],
            old=current.version,
        ),
        *review.changes(current, draft),
    ]


def effect(
    args: Options, draft: Roster, current: Roster | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Return whose verdicts a draft moves, for programs and in words."""
    try:
        settings = args.settings()
        before = current or trusted_roster(settings).current
        found = draft_effect.effect(settings, before, draft, terminal.tell)
    except SyncdError as e:
        why = catalogue.of(e)
        return {}, [t("whose verdicts it moves, a home says: {why}", why=why)]
    return msgspec.to_builtins(found), review.moves(found)
