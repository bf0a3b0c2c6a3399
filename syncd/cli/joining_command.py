"""`syncd join`: a newcomer's one line, from an invitation to the roster."""

import asyncio
import secrets
import sys
from pathlib import Path

from syncd import config
from syncd.cli import terminal
from syncd.cli.command import option
from syncd.cli.daemon_commands import HomeOptions, make_home
from syncd.cli.join_commands import (
    NONCE,
    REQUEST,
    SelfOptions,
    accepted,
    noun,
    open_ring,
    show,
)
from syncd.cli.options import OutputOptions, check_given, one_value
from syncd.errors import UntrustedError
from syncd.node.home import member_keys
from syncd.node.pinned import clock, roster_files
from syncd.roster import invitation, join
from syncd.roster.invitation import Invitation
from syncd.roster.trust import TrustedRoster
from syncd.store import durable

ANSWER = "join.answer"  # in the home: ours, to the challenge
INVITED = "join-invitation"  # in the keyring: the line


class _Join(SelfOptions, HomeOptions, OutputOptions):
    id: str = option("member id, if there is no home yet")
    domain: str = option("our domain, likewise")
    no_wait: bool = option("do not wait until we are in")

    def run(self) -> None:
        """Knock with an invitation, and wait until the roster lists us.

        May be stopped and called again, anywhere.
        """
        kept, home = b"", self.home_path()
        if (home / config.FILE).exists():
            kept = open_ring(self.settings()).get(INVITED) or b""
        if not kept and sys.stdin.isatty():
            terminal.tell("The invitation, as syncd roster invite printed it.")
        line = kept.decode() or one_value()
        self._join(invitation.parse(line))

    def _join(self, invited: Invitation) -> None:
        from syncd.cli.newcomer import admitted  # with all that HTTP needs

        home = self.home_path()
        if not (home / ANSWER).exists():
            self._knock(invited)
        settings, files = self.settings(), roster_files(home)
        keys = member_keys(open_ring(settings), settings)
        trusted = _checked(invited, files.notes())
        asked = terminal.parsed(home / REQUEST, join.parse)
        applicant = terminal.parsed(
            home / ANSWER, lambda raw: join.proven(asked, None, raw)
        )
        show(self, asked, Path(), applicant.spoken_hash)
        if self.no_wait:
            return
        terminal.tell(
            "Waiting for the admins of {alliance}; stop at will, and call"
            " syncd join again.",
            alliance=trusted.current.alliance,
        )
        asyncio.run(admitted(trusted, keys, invited.inviter, files.put))
        accepted(settings, trusted)
        terminal.tell("Next: syncd run.")

    def _knock(self, invited: Invitation) -> None:
        """Verify the rosters, make a home, ask, and answer the challenge."""
        from syncd.cli.newcomer import ask

        home, notes = self.home_path(), list[bytes]()
        invited.check(invited.sector, clock())
        while raw := ask(invited, "roster", b"%d" % (len(notes) + 1)):
            notes.append(raw)
        trusted = _checked(invited, notes)
        if not (home / config.FILE).exists():
            self._make(trusted.current.alliance)
        settings = self.settings()
        ring = open_ring(settings)
        for version, raw in enumerate(notes, 1):
            roster_files(home).put(version, raw)
        ring.put(INVITED, str(invited).encode())
        asked = durable.read(home / REQUEST)
        if asked is None or join.parse(asked).alliance_id != invited.alliance:
            asked = self.asked(
                settings, ring, invited.sector, invited.alliance
            )
        sealed = ask(invited, "request", asked)
        keys, nonce = member_keys(ring, settings), ring.need(NONCE)
        answer = join.answer(sealed, join.parse(asked), keys, nonce)
        ask(invited, "answer", answer)
        durable.write(home / ANSWER, answer)

    def _make(self, alliance: str) -> None:
        """Make the home, and a passphrase beside it if none is named."""
        check_given(self.given("id", "domain", "url"), "id", "domain", "url")
        environment, home = config.environment(), self.home_path()
        secret = environment.secret_file
        if not (secret or environment.credentials):
            secret = home.with_name(f"{home.name}.secret")
        if secret and not secret.exists():
            made = f"{secrets.token_urlsafe(24)}\n".encode()
            terminal.write_new(secret, made, private=True)
            terminal.tell("{path}: the passphrase: keep a copy", path=secret)
        make_home(self, alliance, secret)


noun.options, noun.run = _Join, _Join.run


def _checked(invited: Invitation, notes: list[bytes]) -> TrustedRoster:
    """Return the chain of an invitation's alliance, verified.

    Raises:
        UntrustedError: it is another's, or does not verify.
    """
    trusted = TrustedRoster(invited.fingerprint, *notes or [b""])
    if trusted.current.id != invited.alliance:
        raise UntrustedError("invitation: it names another alliance")
    return trusted
