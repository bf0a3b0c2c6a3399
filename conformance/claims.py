"""What entries say, and the digest of it: protocol.md 8 to 10."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from . import schema
from .logs import Log
from .notes import Json, WrongError, decode, sha256

SAID = [
    "report",
    "retract",
    "dispute",
    "sighting",
    "reassigned",
    "answer",
    "vouch",
]
DONE = ["anchor", "usage", "erase", "roster-accepted", "evidence"]
TYPES = dict([*enumerate(SAID, 1), *enumerate(DONE, 16)])
SCHEMAS = {number: schema.load(name) for number, name in TYPES.items()}
CLAIMS = {1, 3, 5, 6, 7}
SEALED = {8, 9}  # of format 1
KINDS = {"phone": 1, "url": 2, "account": 3}


@dataclass(frozen=True)
class Claim:
    index: int
    type: int
    body: Json
    record: bytes


@dataclass(frozen=True)
class Folded:
    """What a log says up to `merged`."""

    merged: int
    claims: list[Claim]
    void: list[int]
    erased: list[int]
    digest: dict[str, str]


def statement(type_: int, payload: bytes) -> Json | None:
    """What an open entry says; None if it is void."""
    if type_ not in SCHEMAS or len(payload) > (4096 if type_ < 16 else 61440):
        return None
    try:
        body = decode(payload)
        schema.check(body, SCHEMAS[type_])
    except WrongError:
        return None
    return body


def fold(log: Log, orders: Iterable[Json] = ()) -> Folded:
    """What a log says; `orders` are the rows `erased` of the roster."""
    said: list[Json | None] = [
        None if e.payload is None else statement(e.type, e.payload)
        for e in log.entries
    ]
    ranges = [
        (start, stop, row["size"])
        for row in orders
        if row["origin"] == log.origin and row["size"] <= log.size
        if log.root_at(row["size"]).hex() == row["root"]
        for start, stop in row["ranges"]
    ]
    for i, body in enumerate(said):
        if body and body["type"] == 18:
            ranges += [(start, stop, i) for start, stop in body["ranges"]]
    gone = {
        i
        for start, stop, by in ranges
        for i in range(start, min(stop, by))
        if 1 <= log.entries[i].type <= 7
    }
    merged = log.size
    void = []
    for i, entry in enumerate(log.entries):
        if i in gone or entry.type in SEALED:
            continue
        if entry.type not in TYPES or (
            said[i] is None and entry.payload is not None
        ):
            void.append(i)
        elif entry.payload is None:
            merged = i  # withheld
            break
    claims: dict[int, Claim] = {}
    for i, body in enumerate(said[:merged]):
        if not body or i in gone:
            continue
        if body["type"] in CLAIMS:
            claims[i] = Claim(i, body["type"], body, record(body))
        elif body["type"] == 2:
            for end in body["ends"]:
                claim = claims.get(end)
                if claim and _about(claim.body) == _about(body):
                    del claims[end]
    return Folded(
        merged,
        list(claims.values()),
        void,
        sorted(i for i in gone if i < merged),
        digest(log.origin, claims.values()),
    )


def _about(body: Json) -> tuple[str, int, str]:
    return body["kind"], body["epoch"], body["token"]


def digest(origin: str, claims: Iterable[Claim]) -> dict[str, str]:
    """By `kind/epoch`: the sum of the hashes of the claims' rows."""
    sums: dict[str, int] = {}
    for claim in claims:
        kind, epoch, token = _about(claim.body)
        row = (
            b"syncd-claim-v1\0"
            + bytes([len(origin)])
            + origin.encode()
            + claim.index.to_bytes(8, "big")
            + bytes([KINDS[kind]])
            + epoch.to_bytes(8, "big")
            + base64.urlsafe_b64decode(token + "==")
            + claim.record
        )
        name = f"{kind}/{epoch}"
        sums[name] = sums.get(name, 0) + int.from_bytes(sha256(row), "big")
    return {name: f"{n % 2**256:064x}" for name, n in sums.items()}


def record(body: Json) -> bytes:
    def days(*names: str) -> bytes:
        start = date(1970, 1, 1)
        return b"".join(
            (date.fromisoformat(body[name]) - start).days.to_bytes(4, "big")
            for name in names
        )

    def text(names: str) -> bytes:
        words = (_word(body.get(name, "")) for name in names.split())
        return " ".join(words).encode()

    kind = body["type"]
    head = bytes([kind])
    if kind == 1:
        bits = enumerate(("spoofed", "test", "case"))
        flags = sum(2**bit * (name in body) for bit, name in bits)
        return (
            head
            + bytes([flags, body["confidence"]])
            + days("on", "seen", "expires")
            + bytes.fromhex(body["know"] + body.get("case", ""))
            + text("label role channel evidence handling technique basis")
        )
    know = bytes.fromhex(body.get("know", ""))
    if kind == 3:
        head += bytes([1 * ("know" in body)]) + days("on", "due", "expires")
        return head + know + text("reason about")
    if kind == 5:
        return head + days("on", "since") + know
    if kind == 6:
        return head + days("on") + text("outcome reason about")
    return head + days("on", "expires") + know + text("role")


def _word(value: Json) -> str:
    if isinstance(value, str):
        return value
    return ",".join(
        v if isinstance(v, str) else f"{v[0]}:{v[1]}" for v in value
    )


# -- tokens: protocol.md 6 ----------------------------------------------


def url_output(expression: str) -> bytes:
    return hashlib.sha512(b"syncd-url-v1\0" + expression.encode()).digest()


def token(output: bytes) -> str:
    return base64.urlsafe_b64encode(output[:16]).decode().rstrip("=")


def know(output: bytes, origin: str) -> str:
    said = hmac.digest(
        output[16:48], b"syncd-know-v1\0" + origin.encode(), "sha256"
    )
    return said[:8].hex()
