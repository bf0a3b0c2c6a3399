"""An implementation from the documents alone, beside an alliance that runs.

It asks peer APIs with a member's keys, follows the roster, reads every log,
makes tokens with the holders, and judges: all as the members do.
"""

import asyncio
import base64
import contextlib
import io
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate

from conformance import claims, curve, logs, notes, oprf, roster, verdict
from conformance.peer_api import PeerApi
from syncd.indicator import leaf, statement
from syncd.roster import drafts, terms
from syncd.roster.members import Cut
from tests.alliance import Alliance, Member, payload
from tests.cases import once, slow
from tests.commands import syncd
from tests.sample_statements import report as say

pytestmark = slow

PHONES = [f"+120255501{n:02}" for n in range(4)]
SITES = [f"fraud{n}.example/" for n in range(8)]
END = "2199-01-01"


def about(site: str, day: str = "2026-11-20") -> Any:
    """Return what all statements on a site begin with."""
    token = claims.token(claims.url_output(site))
    return {"on": day, "kind": "url", "epoch": 1, "token": token}


def known(member: Member, site: str) -> str:
    """Return the `know` of a member that has a site."""
    return claims.know(claims.url_output(site), member.origin)


def report(member: Member, site: str, **fields: Any) -> statement.Report:
    return say(
        **{
            **about(site),
            "label": "fake_shop",
            "role": "phishing_host",
            "evidence": "user_tag",
            "expires": END,
            "know": known(member, site),
            **fields,
        }
    )


def vouch(member: Member, site: str, **fields: Any) -> statement.Vouch:
    fields = {"know": known(member, site), **fields}
    return statement.Vouch(
        **about(site), role="website", expires=END, **fields
    )


async def write(alliance: Alliance) -> None:
    """Have everything said that a log can say."""
    police, bank, carrier, platform = alliance.members.values()
    await police.report("phone", *PHONES[:2], evidence="police_case")
    await bank.report("phone", *PHONES[1:3], evidence="bank_detection")
    await carrier.report("phone", *PHONES[2:], evidence="carrier_detection")
    await platform.tell("url", f"http://{SITES[0]}")
    first = await platform.size()
    mine = (platform.origin, first)
    await platform.say(
        report(platform, SITES[1], evidence="platform_detection"),
        report(platform, SITES[2], test=True),
        report(platform, SITES[3], know="00" * 8),
        report(platform, SITES[4]),  # retracted, by what is erased
        statement.Retract(
            **about(SITES[4]), ends=(first + 3,), reason="stale"
        ),
        report(platform, SITES[5]),  # erased
        report(platform, SITES[6], spoofed=True),
        statement.Erase(ranges=((first + 4, first + 6),), reason="personal"),
    )
    await bank.say(
        report(bank, SITES[1], evidence="bank_detection"),
        report(bank, SITES[4], basis=((platform.origin, first + 3),)),
        statement.Dispute(
            **about(SITES[1]),
            reason="stale",
            due=END,
            expires=END,
            about=(mine,),
        ),
        vouch(bank, SITES[6]),
        vouch(bank, SITES[5], know="00" * 8),
    )
    await police.say(vouch(police, SITES[6]))
    await platform.say(
        statement.Answer(
            **about(SITES[1]),
            about=(mine,),
            outcome="report_stands",
            reason="case_open",
        )
    )
    await carrier.say(
        report(carrier, SITES[7]),
        report(carrier, SITES[2]),
        statement.Reassigned(
            **{**about(SITES[0]), "kind": "phone"},
            since="2026-11-02",
            know=known(carrier, SITES[0]),
        ),
    )
    await bank.retract("phone", PHONES[2])
    # Last in its log: our own writer could not go on from what is void.
    await carrier.write(
        (1, b"nonsense"),
        (2, payload(1, carrier.origin)[1]),
        (leaf.commit(carrier.origin, 8, b"s" * 16, b"?"), b"", b""),
        (leaf.commit(carrier.origin, 200, b"s" * 16, b"?"), b"", b""),
    )
    await alliance.settle()


async def remove(alliance: Alliance) -> None:
    """Have the carrier removed, its log ended, and some of it erased."""
    carrier = alliance.carrier
    head = await carrier.head(carrier.origin)
    end = Cut(head.merged, head.frontier.root())
    erased = terms.Erased(
        carrier.origin,
        end.size,
        end.root,
        ((end.size - 7, end.size - 6),),
        "personal",
    )
    await alliance.remove("carrier", past="keep", end=end)
    await alliance.change(lambda draft: drafts.put(draft, ("erased",), erased))
    await alliance.stop("carrier")
    await alliance.agreed()
    await alliance.settle()
    for member in alliance.up:
        await member.node.daily.run()
    await alliance.settle()


@dataclass
class Reader:
    """The second implementation, with the platform's keys."""

    trusted: roster.Roster
    certificate: Path
    key: Path
    mine: str

    def members(self) -> Any:
        return {m["id"]: m for m in self.trusted.body["members"]}

    def peer(self, member: str) -> PeerApi:
        return PeerApi(self.members()[member], self.certificate, self.key)

    def served(self, peer: PeerApi, prefix: str, origin: str) -> logs.Log:
        """Return a log as a member serves it, every byte proven."""
        key, _ = self.trusted.logs[origin]
        log = logs.read(
            lambda path: peer.ask(f"{prefix}/{path}"),
            key,
            self.trusted.cosigners,
        )
        self.trusted.holds(log)
        return log

    def folded(self, log: logs.Log) -> claims.Folded:
        return claims.fold(log, self.trusted.body["erased"])


@dataclass
class World:
    alliance: Alliance
    reader: Reader
    logs: dict[str, logs.Log]

    def folded(self) -> dict[str, claims.Folded]:
        return {o: self.reader.folded(log) for o, log in self.logs.items()}


def read_all(reader: Reader) -> dict[str, logs.Log]:
    """Return all logs as the police mirror them, and its own."""
    peer, found = reader.peer("police"), {}
    for origin, (_, member) in reader.trusted.logs.items():
        prefix = f"/mirror/{notes.sha256(origin.encode()).hex()}"
        if member["id"] == "police":
            prefix = "/log"
        found[origin] = reader.served(peer, prefix, origin)
    return found


@once
async def world(root: Path) -> AsyncIterator[World]:
    async with Alliance.found(root) as alliance:
        await write(alliance)
        await remove(alliance)
        keys = alliance.platform.keys
        pem = load_der_x509_certificate(keys.certificate)
        shown, key = root / "tls.crt", root / "tls.key"
        shown.write_bytes(pem.public_bytes(Encoding.PEM))
        key.write_bytes(keys.tls_pem)
        trusted = roster.follow(alliance.notes, alliance.fingerprint)
        reader = Reader(trusted, shown, key, keys.origin)
        found = await asyncio.to_thread(read_all, reader)
        yield World(alliance, reader, found)


def verified(home: Path) -> Any:
    """Return what `syncd log verify` says of a home, by origin."""
    with io.StringIO() as out, contextlib.redirect_stdout(out):
        assert syncd("--home", home, "log", "verify", "--json") == 0
        return {row["origin"]: row for row in json.loads(out.getvalue())}


async def test_digests(world: World) -> None:
    """Sizes, merged sizes and digests of all logs are those of the product."""
    ours = await asyncio.to_thread(verified, world.alliance.police.home)
    theirs = {
        origin: {
            "size": log.size,
            "root": base64.b64encode(log.root).decode(),
            "merged": folded.merged,
            "digest": folded.digest,
        }
        for (origin, log), folded in zip(
            world.logs.items(), world.folded().values(), strict=True
        )
    }
    assert theirs == {
        origin: {name: row[name] for name in theirs[origin]}
        for origin, row in ours.items()
    }
    assert sum(len(folded.claims) for folded in world.folded().values()) > 15


async def test_voids_and_erasures(world: World) -> None:
    """What it finds void is what members report; what is erased is gone."""
    by_log = world.folded()
    found = await world.alliance.police.findings("void")
    assert {(f.finding.origin, f.finding.index) for f in found} == {
        (origin, index)
        for origin, folded in by_log.items()
        for index in folded.void
    }
    erased = {
        (origin, index)
        for origin, folded in by_log.items()
        for index in folded.erased
    }
    assert len(erased) == 3
    assert not any(world.logs[o].entries[i].payload for o, i in erased)


async def test_heads(world: World) -> None:
    """Heads are canonical; all in them is signed, receipts by `merged`."""
    reader = world.reader
    raw = await asyncio.to_thread(reader.peer("bank").ask, "/heads")
    heads = notes.decode(raw)
    assert sorted(heads) == ["cursor", "notes", "receipts", "roster", "time"]
    assert heads["roster"] == {
        "hash": reader.trusted.hash,
        "version": len(world.alliance.notes),
    }
    for text in heads["notes"]:
        head = notes.note(text.encode())
        origin, size, _ = head.text.split("\n", 2)
        assert head.signed(reader.trusted.logs[origin][0]) == 0
        assert int(size) == world.logs[origin].size
        assert origin != reader.mine
    (receipt,) = (notes.note(text.encode()) for text in heads["receipts"])
    merged = notes.vkey(reader.members()["bank"]["keys"]["merged"])
    assert receipt.text.startswith(f"{reader.mine}\n")
    assert receipt.signed(merged)
    path = f"/monitor/{notes.sha256(reader.mine.encode()).hex()}/checkpoint"
    asked = await asyncio.to_thread(
        reader.peer("bank").ask, f"{path}?key=merged"
    )
    assert notes.note(asked).text == receipt.text


def tokenise(reader: Reader, normals: list[str]) -> list[bytes]:
    """Return the outputs of phone numbers, from the holders themselves."""
    body = reader.trusted.body
    epoch = next(e for e in body["epochs"] if e["kind"] == "phone")
    holders = {
        index: member
        for index, member, _ in epoch["shares"]
        if member in body["holders"]
    }
    inputs = [oprf.oprf_input("phone", normal) for normal in normals]
    points = list(map(oprf.hash_to_group, inputs))
    blinds = [secrets.randbelow(curve.ORDER - 1) + 1 for _ in points]
    asked = {
        "elements": b"".join(map(oprf.blinded, points, blinds)).hex(),
        "generation": epoch["generation"],
        "id": secrets.token_hex(16),
        "key": ["phone", epoch["epoch"]],
        "purpose": "call_check",
        "quorum": sorted(holders)[: epoch["t"]],
    }
    request = notes.encode(asked)
    answers = []
    for index in asked["quorum"]:
        name = holders[index]
        answers.append(
            oprf.reply(
                request,
                reader.peer(name).ask("/oprf/v1/evaluate", request),
                (name, notes.vkey(reader.members()[name]["keys"]["member"])),
                epoch,
                reader.trusted.alliance_id,
            )
        )
    evaluated = map(oprf.unblinded, blinds, zip(*answers, strict=True))
    return list(map(oprf.output, inputs, evaluated))


def judged(world: World, kind: str, output: bytes) -> verdict.Verdict:
    """Return the verdict on the one form whose output that is."""
    body = world.reader.trusted.body
    everything = []
    lies = set()
    for origin, folded in world.folded().items():
        _, member = world.reader.trusted.logs[origin]
        author = verdict.Author(
            member["id"],
            member["sector"],
            member.get("group", member["id"]),
            annulled=member.get("past") == "annul",
        )
        for claim in folded.claims:
            found = verdict.Claim((origin, claim.index), author, claim.body)
            everything.append(found)
            know = claim.body.get("know")
            if know and know != claims.know(output, origin):
                lies.add(found.position)
    token = (kind, 1, claims.token(output))
    here = [c for c in everything if c.token == token]
    rules = verdict.Rules(
        date.fromisoformat(world.alliance.police.node.ctx.today()),
        body["caps"],
        body["policy"],
        bad_know=frozenset(lies & {c.position for c in here}),
    )
    return verdict.judge(here, rules, everything)


async def test_verdicts(world: World) -> None:
    """It makes the holders' tokens, and of the claims what look-ups do."""
    police = world.alliance.police
    outputs = await asyncio.to_thread(tokenise, world.reader, PHONES)
    asked = [("phone", p, o) for p, o in zip(PHONES, outputs, strict=True)]
    asked += [("url", s, claims.url_output(s)) for s in SITES]
    words = set()
    for kind, value, output in asked:
        (ours,) = await police.lookup(kind, value)
        theirs = judged(world, kind, output)
        words.add(theirs.word)
        assert (theirs.word, theirs.action, theirs.unattended) == (
            ours.verdict,
            ours.action or "",
            ours.unattended or "",
        ), value
        assert theirs.ordered() == list(ours.reasons), value
    assert words == {"confirmed", "suspected", "disputed", "protected", "none"}
