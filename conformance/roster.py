"""Rosters, from the pinned fingerprint on, and join requests: roster.md."""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hpke, serialization
from cryptography.hazmat.primitives.asymmetric import (
    ec,
    ed25519,
    padding,
    rsa,
    x25519,
)

from . import schema
from .logs import Log
from .notes import (
    COSIGNED,
    SIGNED,
    Json,
    Key,
    Note,
    WrongError,
    document,
    encode,
    need,
    note,
    sha256,
    unbase64,
    vkey,
)

ROSTER = schema.load("roster")
JOIN = schema.load("join")


@dataclass(frozen=True)
class Roster:
    """A version that is trusted, and the object that says all."""

    hash: str
    alliance_id: str
    body: Json

    @property
    def logs(self) -> dict[str, tuple[Key, Json]]:
        """By origin: the log's key, and whose it is."""
        found = {}
        for member in self.body["members"]:
            for generation in member["generations"]:
                key = vkey(generation["log"])
                found[key.name] = key, member
        return found

    def pins(self, origin: str) -> dict[int, str]:
        """Sizes and roots that the log goes through; the last may end it."""
        key, member = self.logs[origin]
        pins: dict[int, str] = {}
        for generation in member["generations"]:
            points = []
            if vkey(generation["log"]) == key:
                points = generation.get("cuts", [])
            elif generation.get("predecessor", {}).get("origin") == origin:
                points = [generation["predecessor"]]
            pins |= {point["size"]: point["root"] for point in points}
        return pins

    def end(self, origin: str) -> int | None:
        """The size beyond which nothing of that log counts, if any."""
        key, member = self.logs[origin]
        for generation in member["generations"]:
            own = vkey(generation["log"]) == key and "ended" in generation
            after = generation.get("predecessor", {}).get("origin") == origin
            if own or after:
                return max(self.pins(origin))
        return None

    def holds(self, log: Log) -> None:
        """The log goes through all that is pinned, and not beyond its end."""
        pins, end = self.pins(log.origin), self.end(log.origin)
        for size, root in pins.items():
            fits = size > log.size or log.root_at(size).hex() == root
            need(fits, f"{log.origin}: another branch at {size}")
        need(end is None or log.size <= end, f"{log.origin}: beyond its end")

    @property
    def cosigners(self) -> list[Key]:
        keys = [
            member["keys"][use]
            for member in self.body["members"]
            for use in ("merged", "seen")
        ]
        return [vkey(key) for key in keys + self.body.get("witnesses", [])]


def follow(notes: Iterable[bytes], fingerprint: str) -> Roster:
    """The newest of these versions, all trusted because of the pin."""
    last: Roster | None = None
    for data in notes:
        signed = note(data)
        alliance_id, body = document(signed.text, "roster")
        new = Roster(sha256(signed.text.encode()).hex(), alliance_id, body)
        check(new)
        if last is None:
            need(body["version"] == 1, "roster: does not begin with 1")
            need(new.hash == fingerprint, "roster: not the pinned one")
            need(alliance_id == sha256(encode(body)).hex(), "roster: its id")
        else:
            need(body["version"] == last.body["version"] + 1, "roster: a gap")
            need(body["previous"] == last.hash, "roster: of another chain")
            need(
                alliance_id == last.alliance_id, "roster: of another alliance"
            )
            quorum(signed, last.body)
            unchanged(last.body, body)
        quorum(signed, body)
        for epoch in body.get("epochs", []):
            if last is None or epoch not in last.body.get("epochs", []):
                agreed(epoch, new)
        last = new
    if last is None:
        raise WrongError("roster: none")
    return last


def quorum(signed: Note, body: Json) -> None:
    """So many admins of this roster signed as it asks for."""
    signers = (signed.signed(vkey(text)) for text in body["admins"])
    good = sum(time is not None for time in signers)
    need(good >= body["threshold"], f"roster: {good} admins signed")


def agreed(epoch: Json, new: Roster) -> None:
    """Each holder of its shares signed the epoch."""
    said = spelled("epoch", new.alliance_id, epoch, "agreed", "retired")
    keys = {m["id"]: m["keys"]["member"] for m in new.body["members"]}
    for name, signature in epoch.get("agreed", []):
        vkey(keys[name]).verify(bytes.fromhex(signature), said)


def spelled(what: str, alliance_id: str, body: Json, *but: str) -> bytes:
    """The three lines of a document, without some fields."""
    line = encode({n: body[n] for n in body.keys() - but}).decode()
    return f"syncd/{what}/v1\n{alliance_id}\n{line}\n".encode()


def check(roster: Roster) -> None:
    """What the schema says, and what it cannot say."""
    body = roster.body
    schema.check(body, ROSTER)
    alliance = body["alliance"]
    need(body["threshold"] <= len(body["admins"]), "roster: threshold")
    lives = body["expires"] - body["issued"]
    need(0 < lives <= 90 * 86400, "roster: lives too long")
    keys: list[bytes] = []
    admins, witnesses, ids, domains = [], [], [], []
    for key in map(vkey, body["admins"]):
        name = key.name.removeprefix(f"{alliance}/admin/")
        need("/" not in name and key.type == SIGNED, "roster: an admin")
        admins.append(name)
        keys.append(key.public)
    for key in map(vkey, body.get("witnesses", [])):
        witnesses.append(key.name)
        keys.append(key.public)
    for auditor in body.get("auditors", []):
        need(pin(auditor) == auditor["tls"], "auditor: of another key")
        ids.append(auditor["id"])
        keys.append(bytes.fromhex(auditor["tls"]))
    members = {member["id"]: member for member in body["members"]}
    for name, member in members.items():
        domain, found = member_keys(member, alliance)
        need(member.get("via", "") != name, "member: via itself")
        need(member.get("via", name) in members, "member: via nobody")
        ids.append(name)
        domains.append(domain)
        keys += found
    for names in admins, witnesses, ids, domains:
        once(names, "a name")
    once(keys, "a key")
    _check_epochs(body, members)
    for row in body.get("erased", []):
        need(row["origin"] in roster.logs, "erased: nobody's log")
        need(row["ranges"][-1][1] <= row["size"], "erased: out of the tree")
        flat = [n for pair in row["ranges"] for n in pair]
        once(flat, "a bound of a range")
        need(flat == sorted(flat), "erased: ranges")
    rows = {
        (q.get("member", q.get("until")), q["purpose"]) for q in body["quotas"]
    }
    everybody = {(None, name) for name in ("all", "lookup", "publish")}
    need(everybody <= rows, "quotas: none for everybody")
    need({who for who, _ in rows} <= {None, *members}, "quotas: for nobody")
    caps = {cap.get("kind") for cap in body["caps"] if "evidence" not in cap}
    need(caps == {"account", "phone", "url"}, "caps: not one for each kind")


def _check_epochs(body: Json, members: Json) -> None:
    holders: set[str] = set()
    for epoch in body.get("epochs", []):
        shares = epoch.get("shares", [])
        need(epoch.get("t", 0) <= len(shares), "epoch: too few shares")
        named = [member for _, member, _ in shares]
        once(named, "a holder's share")
        once([public for _, _, public in shares], "a share")
        agreed = [member for member, _ in epoch.get("agreed", [])]
        need(sorted(agreed) == sorted(named), "epoch: not all agreed")
        holders |= {*named}
    need(holders <= members.keys(), "epoch: whose share?")
    for name in body.get("holders", []):
        need(name in holders, f"{name} holds no share")
        need(members[name]["status"] != "removed", f"{name} is removed")


def once(things: list[Any], what: str) -> None:
    need(len(set(things)) == len(things), f"roster: {what} occurs twice")


def member_keys(member: Json, alliance: str) -> tuple[str, list[bytes]]:
    """The domain and all public keys of a member, each in its place."""
    said = member["keys"]
    domain = said["member"].split("/")[0]
    prefix = f"{domain}/syncd/{alliance}/"
    found = [bytes.fromhex(said["seal"]), bytes.fromhex(said["tls"])]
    for use in "member", "merged", "seen":
        key = vkey(said[use])
        kind = SIGNED if use == "member" else COSIGNED
        need((key.name, key.type) == (prefix + use, kind), f"{use}: its name")
        found.append(key.public)
    last, before = 0, None
    for generation in member["generations"]:
        key = vkey(generation["log"])
        number = key.name.removeprefix(prefix)
        need(re.fullmatch("[1-9][0-9]{0,8}", number), "log: its name")
        need(int(number) > last and key.type == SIGNED, "log: its number")
        _check_follows(before, generation.get("predecessor"))
        last, before = int(number), generation
        found.append(key.public)
    need(pin(member) == said["tls"], "certificate: of another key")
    return domain, found


def _check_follows(before: Json | None, named: Json | None) -> None:
    need((before is None) == (named is None), "log: its predecessor")
    if before is not None and named is not None:
        cuts = {cut["size"]: cut["root"] for cut in before.get("cuts", [])}
        need(vkey(before["log"]).name == named["origin"], "log: of another")
        need("ended" not in before, "log: it ended twice")
        size, root = named["size"], named["root"]
        need(max(cuts, default=0) <= size, "log: cut after its end")
        need(cuts.get(size, root) == root, "log: two roots at its end")


def unchanged(old: Json, new: Json) -> None:
    """What no threshold can change did not change."""
    need(new["alliance"] == old["alliance"], "roster: another alliance")
    need(new["issued"] >= old["issued"], "roster: issued earlier")
    need(new["format"] >= old["format"], "roster: format goes back")
    members = {member["id"]: member for member in new["members"]}
    for was in old["members"]:
        need(was["id"] in members, f"roster: {was['id']} vanished")
        now = members[was["id"]]
        domain = was["keys"]["member"].split("/")[0]
        need(now["keys"]["member"].startswith(domain + "/"), "roster: domain")
        logs = [
            [(g["log"], g.get("predecessor")) for g in each["generations"]]
            for each in (was, now)
        ]
        need(logs[1][: len(logs[0])] == logs[0], "roster: a log changed")
    epochs = {(e["kind"], e["epoch"]): e for e in new.get("epochs", [])}
    newest: dict[str, int] = {}
    for e in old.get("epochs", []):
        newest[e["kind"]] = e["epoch"]
        now = epochs.pop((e["kind"], e["epoch"]), {})
        for field in "public", "suite", "normal":
            need(e.get(field) == now.get(field), f"epoch: its {field}")
        need("retired" in now or "retired" not in e, "epoch: comes back")
        shared = "t", "shares", "transcript", "agreed"
        same = all(e.get(field) == now.get(field) for field in shared)
        least = e.get("generation", 0) + (not same)
        need(now.get("generation", 0) >= least, "epoch: its generation")
    for kind, number in epochs:
        need(number > newest.get(kind, 0), "epoch: counts backwards")
    for row in old.get("erased", []):
        need(row in new.get("erased", []), "roster: an erasure vanished")


def public_key(der: bytes) -> Any:
    """The public key of a certificate."""
    try:
        return x509.load_der_x509_certificate(der).public_key()
    except ValueError as error:
        raise WrongError("certificate: not DER") from error


def spki_hash(der: bytes) -> str:
    """The pin of a certificate."""
    spki = public_key(der).public_bytes(
        serialization.Encoding.DER,
        serialization.PublicFormat.SubjectPublicKeyInfo,
    )
    return sha256(spki).hex()


def pin(whose: Json) -> str:
    """The pin of a member's or auditor's certificate."""
    return spki_hash(unbase64(whose["certificate"]))


def joining(data: bytes) -> Json:
    """What a join request asks for; all keys but `seal` showed themselves."""
    signed = note(data)
    alliance_id, body = document(signed.text, "join")
    schema.check(body, JOIN)
    log, keys = vkey(body["log"]), body["keys"]
    member = body | {"generations": [{"log": body["log"]}]}
    once(member_keys(member, log.name.split("/")[-2])[1], "a key")
    need(signed.signed(vkey(keys["member"])) is not None, "join: not signed")
    point = note(body["proofs"]["checkpoint"].encode())
    empty = base64.b64encode(sha256(b"")).decode()
    need(point.text == f"{log.name}\n0\n{empty}\n", "join: checkpoint")
    for key in log, vkey(keys["seen"]), vkey(keys["merged"]):
        need(point.signed(key) is not None, f"join: {key.name} did not sign")
    _tls(
        public_key(unbase64(body["certificate"])),
        unbase64(body["proofs"]["tls"]),
        b"syncd-join-tls-v1\0" + spelled("join", alliance_id, body, "proofs"),
    )
    return body


def _tls(key: Any, signature: bytes, message: bytes) -> None:
    sha = hashes.SHA256()
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(sha))
        elif isinstance(key, rsa.RSAPublicKey):
            pss = padding.PSS(padding.MGF1(sha), sha.digest_size)
            key.verify(signature, message, pss, sha)
        else:
            raise WrongError("join: a TLS key of another kind")
    except InvalidSignature as error:
        raise WrongError("join: the TLS key did not sign") from error


def opened(data: bytes, private: bytes) -> bytes:
    """What was sealed in a challenge to this key."""
    alliance_id, body = document(data.decode(), "challenge")
    message = unbase64(body.pop("sealed"))
    info = spelled("challenge", alliance_id, body)
    suite = hpke.Suite(
        hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_128_GCM
    )
    key = x25519.X25519PrivateKey.from_private_bytes(private)
    try:
        return suite.decrypt(message, key, info)
    except InvalidTag as error:
        raise WrongError("challenge: does not open") from error


def answering(data: bytes, request: bytes) -> bytes:
    """The secret that the answer to a challenge of this request shows."""
    asked, signed = note(request), note(data)
    alliance_id, body = document(signed.text, "answer")
    whose, newcomer = document(asked.text, "join")
    need(alliance_id == whose, "answer: of another alliance")
    need(body.keys() == {"request", "secret"}, "answer: its fields")
    need(body["request"] == sha256(asked.text.encode()).hex(), "answer: to?")
    member = vkey(newcomer["keys"]["member"])
    need(signed.signed(member) is not None, "answer: not signed")
    return bytes.fromhex(body["secret"])
