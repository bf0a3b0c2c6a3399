"""What a newcomer does on the network before anybody knows it.

It knocks where its invitation says, believes what bears the MAC of its
secret, and then waits until the members' servers let its certificate in: that
is how it learns that a roster lists it.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable

from syncd import pinning
from syncd.cli.api_client import problem
from syncd.errors import AbsentError, UnavailableError, UntrustedError
from syncd.peer.client import MAX_ROSTER, PeerClient
from syncd.peer.transport import Transport, Wanted
from syncd.roster.invitation import Invitation
from syncd.roster.keys import MemberKeys
from syncd.roster.trust import TrustedRoster

FIRST_S, LAST_S = 1.0, 30.0  # between two looks whether we are in
AT_ONCE = 3  # members that are asked each time


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


async def admitted(
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
