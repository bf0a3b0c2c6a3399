"""`syncd join`: a newcomer's one line, from an invitation to the roster.

It knocks where the line says, believes what bears the MAC of its secret, and
then waits until the members' servers let its certificate in: that is how it
learns that a roster lists it.
"""

import asyncio
import contextlib
import json
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

from syncd import config, pinning
from syncd.cli import terminal
from syncd.cli.api_client import problem
from syncd.cli.command import option
from syncd.cli.daemon_commands import HomeOptions, make_home
from syncd.cli.join_commands import (
    REQUEST,
    SelfOptions,
    accepted,
    answered,
    noun,
    open_ring,
    show,
)
from syncd.cli.options import OutputOptions, check_given, one_value
from syncd.errors import AbsentError, UnavailableError, UntrustedError
from syncd.node.home import member_keys
from syncd.node.pinned import clock, roster_files
from syncd.peer.client import MAX_ROSTER, PeerClient
from syncd.peer.transport import Transport, Wanted
from syncd.roster import invitation, join
from syncd.roster.invitation import Invitation
from syncd.roster.keys import MemberKeys
from syncd.roster.trust import TrustedRoster
from syncd.store import durable
from syncd.store.keyring import Keyring

ANSWER = "join.answer"  # in the home: ours, to the challenge
INVITED = "join-invitation"  # in the keyring: the line
FIRST_S, LAST_S = 1.0, 30.0  # between two looks whether we are in
AT_ONCE = 3  # members that are asked each time


class _Join(SelfOptions, HomeOptions, OutputOptions):
    id: str = option("member id, if there is no home yet")
    domain: str = option("our domain, likewise")
    no_wait: bool = option("do not wait until we are in")

    def run(self) -> None:
        """Knock with an invitation, and wait until the roster lists us.

        May be stopped and called again, anywhere.
        """
        home, ring, line = self.home_path(), None, None
        if (home / config.FILE).exists():
            ring = open_ring(self.settings())
            line = ring.get(INVITED)
        if line is None and sys.stdin.isatty():
            terminal.tell("The invitation, as syncd roster invite printed it.")
        invited = invitation.parse(line.decode() if line else one_value())
        if ring is None or not (home / ANSWER).exists():
            ring = self._knock(invited, ring)
        settings, files = self.settings(), roster_files(home)
        trusted = _checked(invited, files.notes())
        asked = terminal.parsed(home / REQUEST, join.parse)
        one = terminal.parsed(
            home / ANSWER, lambda raw: join.proven(asked, None, raw)
        )
        show(self, asked, Path(), one.spoken_hash)
        if self.no_wait:
            return
        terminal.tell(
            "Waiting for the admins of {alliance}; stop at will, and call"
            " syncd join again.",
            alliance=trusted.current.alliance,
        )
        keys = member_keys(ring, settings)
        asyncio.run(_admitted(trusted, keys, invited.inviter, files.put))
        accepted(settings, trusted)
        terminal.tell("Next: syncd run.")

    def _knock(self, invited: Invitation, ring: Keyring | None) -> Keyring:
        """Verify the rosters, make a home, ask, and answer the challenge."""
        home, notes = self.home_path(), list[bytes]()
        invited.check(invited.sector, clock())
        while raw := ask(invited, "roster", b"%d" % (len(notes) + 1)):
            notes.append(raw)
        trusted = _checked(invited, notes)
        if ring is None:
            self._make(trusted.current.alliance)
            ring = open_ring(self.settings())
        settings = self.settings()
        for version, raw in enumerate(notes, 1):
            roster_files(home).put(version, raw)
        ring.put(INVITED, str(invited).encode())
        asked = durable.read(home / REQUEST)
        if asked is None or join.parse(asked).alliance_id != invited.alliance:
            asked = self.asked(
                settings, ring, invited.sector, invited.alliance
            )
        sealed = ask(invited, "request", asked)
        _, answer = answered(settings, ring, sealed)
        ask(invited, "answer", answer)
        durable.write(home / ANSWER, answer)
        return ring

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


def ask(invited: Invitation, step: str, body: bytes) -> bytes:
    """Return what the inviter answers to a step of joining.

    Raises:
        UntrustedError: it does not bear the MAC, or the invitation is not
            known there.
        SyncdError: what the inviter refuses, by its name.
    """
    path = f"/join/{invited.id}/{step}"
    tls = pinning.client_context(pin=invited.pin)

    async def post() -> bytes:
        client = Transport(invited.inviter, invited.urls, tls=tls)
        try:
            return await client.request(Wanted(path, MAX_ROSTER, body), None)
        except AbsentError as e:
            raise UntrustedError(
                "invitation: {member} knows none like it that is open",
                member=invited.inviter,
            ) from e
        finally:
            await client.close()

    answer = invited.borne(path, body, asyncio.run(post()))
    said, _, rest = answer.partition(b"\n")
    if said != b"ok":
        raise problem(json.loads(rest))
    return rest


async def _admitted(
    trusted: TrustedRoster,
    keys: MemberKeys,
    inviter: str,
    keep: Callable[[int, bytes], None],
) -> None:
    """Wait until a roster lists our log; each newer version is kept."""
    pause_s = FIRST_S
    while trusted.current.by_origin(keys.origin) is None:
        await asyncio.sleep(pause_s)
        pause_s = min(1.3 * pause_s, LAST_S)
        members = trusted.current.active()
        first = sorted(members, key=lambda m: m.id != inviter)
        for member in first[:AT_ONCE]:
            pem, pin = keys.tls_pem, member.keys.tls
            client = PeerClient(
                member.id,
                member.urls,
                tls=pinning.client_context(keys.certificate, pem, pin),
                own_origins=frozenset(),
            )
            with contextlib.suppress(UnavailableError):  # not in, or down
                while True:
                    version = trusted.version + 1
                    raw = await client.roster(version)
                    trusted.update(raw)
                    keep(version, raw)
            await client.close()
