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
from pathlib import Path

from aiohttp import web

from syncd import config, errors, pinning
from syncd.cli import join_commands, terminal
from syncd.cli.api_client import problem
from syncd.cli.command import option
from syncd.cli.daemon_commands import HomeOptions, make_home
from syncd.cli.join_commands import REQUEST, SelfOptions, noun, open_ring
from syncd.cli.options import check_given, one_value
from syncd.cli.terminal import parsed, tell
from syncd.node.audit.collect import rosters
from syncd.node.home import member_keys
from syncd.node.listeners import listening
from syncd.node.pinned import clock, roster_files
from syncd.peer.client import MAX_ROSTER, PeerClient
from syncd.peer.transport import Transport, Wanted
from syncd.roster import invitation, join
from syncd.roster.invitation import Invitation
from syncd.roster.keys import MemberKeys
from syncd.roster.trust import TrustedRoster
from syncd.store import durable
from syncd.store.keyring import Keyring
from syncd.web.runner import Runner

ANSWER = "join.answer"  # in the home: ours, to the challenge
INVITED = "join-invitation"  # in the keyring: the line
PAUSE_S = 5.0  # between two members that are asked whether we are in


class _Join(SelfOptions, HomeOptions):
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
            tell("The invitation, as syncd roster invite printed it.")
        invited = invitation.parse(line.decode() if line else one_value())
        if ring is None or line is None:
            ring = self._knock(invited, ring)
        settings = self.settings()
        asked = parsed(home / REQUEST, join.parse)
        one = parsed(home / ANSWER, lambda raw: join.proven(asked, None, raw))
        join_commands.show(asked, Path(), one.spoken_hash)
        if self.no_wait:
            return
        tell(
            "Waiting for the admins of {alliance}; stop at will, and call"
            " syncd join again.",
            alliance=settings.member.alliance,
        )
        keys, notes = member_keys(ring, settings), roster_files(home).notes()
        asyncio.run(_admitted(invited, settings, keys, notes))
        join_commands.accepted(settings, invited.fingerprint, notes)
        tell("Next: syncd run.")

    def _knock(self, invited: Invitation, ring: Keyring | None) -> Keyring:
        """Verify the rosters, make a home, ask, and answer the challenge."""
        home, notes = self.home_path(), list[bytes]()
        if clock() >= invited.expires:
            raise errors.RefusedError("invitation: it has expired")
        while raw := asyncio.run(
            ask(invited, "roster", b"%d" % (len(notes) + 1))
        ):
            notes.append(raw)
        trusted = TrustedRoster(invited.fingerprint, *notes or [b""])
        if ring is None:
            if us := trusted.current.member(self.id):
                self.set_ = [*self.set_, f"member.generation={us.number + 1}"]
                tell(
                    "{member} is a member: this asks to return, with new keys"
                    " and its next log, a day after the admins have announced"
                    " it. Lost with the old home, unless you have a backup:"
                    " raw values, reports that were not published, own lists,"
                    " screening, access records, appeals, and its shares of"
                    " token keys, which the holders share out anew: syncd"
                    " ceremony.",
                    member=self.id,
                )
            self._make(trusted.current.alliance)
            ring = open_ring(self.settings())
        settings = self.settings()
        for version, raw in enumerate(notes, 1):
            roster_files(home).put(version, raw)
        asked = durable.read(home / REQUEST)
        if asked is None or join.parse(asked).alliance_id != invited.alliance:
            asked = self.asked(
                settings, ring, invited.sector, invited.alliance
            )
        sealed = asyncio.run(ask(invited, "request", asked))
        _, answer = join_commands.answered(settings, ring, sealed)
        asyncio.run(ask(invited, "answer", answer))
        durable.write(home / ANSWER, answer)
        ring.put(INVITED, str(invited).encode())
        return ring

    def _make(self, alliance: str) -> None:
        """Make the home, and a passphrase beside it if none is named."""
        check_given(self.given("id", "domain"), "id", "domain")
        environment, home = config.environment(), self.home_path()
        secret = environment.secret_file
        if not (secret or environment.credentials):
            secret = home.with_name(f"{home.name}.secret")
        if secret and not secret.exists():
            made = f"{secrets.token_urlsafe(24)}\n".encode()
            terminal.write_new(secret, made, private=True)
            tell("{path}: the passphrase: keep a copy", path=secret)
        make_home(self, alliance, secret)


noun.options, noun.run = _Join, _Join.run


async def ask(invited: Invitation, step: str, body: bytes) -> bytes:
    """Return what the inviter answers to a step of joining.

    Raises:
        UntrustedError: it does not bear the MAC, or the invitation is not
            known there.
        SyncdError: what the inviter refuses, by its name.
    """
    path = f"/join/{invited.id}/{step}"
    tls = pinning.client_context(pin=invited.pin)
    client = Transport(invited.inviter, invited.urls, tls=tls)
    try:
        raw = await client.request(Wanted(path, MAX_ROSTER, body), None)
    except errors.AbsentError as e:
        raise errors.UntrustedError(
            "invitation: {member} knows none like it that is open",
            member=invited.inviter,
        ) from e
    finally:
        await client.close()
    said, _, rest = invited.borne(path, body, raw).partition(b"\n")
    if said != b"ok":
        raise problem(json.loads(rest))
    return rest


async def _admitted(
    invited: Invitation,
    settings: config.Config,
    keys: MemberKeys,
    notes: list[bytes],
) -> None:
    """Wait until a roster lists our log; what is newer is added to notes.

    Meanwhile our peer API's address answers 404 to all: admins see from
    outside that it, the certificate's key and our clock are right.
    """
    pin, log = invited.fingerprint, keys.origin
    us = keys.certificate, keys.tls_pem
    runner = Runner(web.Application(), tls=pinning.OpenTls(*us))
    await runner.setup()
    try:
        for sock in listening(settings.peer.listen, "peer")[0]:
            await web.SockSite(runner, sock).start()
    except errors.UsageError as e:
        terminal.complain(e)
    while not (now := TrustedRoster(pin, *notes).current).by_origin(log):
        await asyncio.sleep(PAUSE_S)
        one = secrets.choice(now.active())
        tls = pinning.client_context(*us, one.keys.tls)
        client = PeerClient(one.id, one.urls, tls=tls, own_origins=frozenset())
        with contextlib.suppress(errors.UnavailableError):  # not in, or down
            await rosters(client, pin, notes)
        await client.close()
    await runner.cleanup()
