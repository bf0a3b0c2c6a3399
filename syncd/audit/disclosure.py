"""What a court gets: one value, and all that proves what is said of it.

    value ── blind, exchanges with t holders ──► token, named in the payload
    payload, salt ──► leaf ── tlog-proof ──► checkpoint, and who signed it

A file is JSON (schemas/disclosure.json), or a page that has this JSON in it
and checks what a browser can. It is judged alone, by the chain of rosters in
it and the fingerprint. Whoever makes one asks anew, for this value: batches
of before convince nobody else (docs/adr/0012).
"""

import hashlib
from collections.abc import Iterator, Mapping
from importlib import resources
from operator import attrgetter
from typing import Annotated, Any, Literal

import msgspec
from markupsafe import Markup
from msgspec import Meta

from syncd.audit.known import Keys
from syncd.audit.report import has, moments, rendered
from syncd.audit.result import Line
from syncd.errors import MalformedError, SyncdError, UntrustedError
from syncd.flows import evaluation
from syncd.flows.evaluation import Exchange
from syncd.indicator import identifier, leaf, statement, token
from syncd.indicator.identifier import Identifier
from syncd.indicator.notation import Natural
from syncd.indicator.statement import NAMES
from syncd.messages.catalogue import phrase, t
from syncd.oprf import group, threshold, voprf
from syncd.oprf.threshold import Blinded
from syncd.roster import trust
from syncd.roster.roster import Roster
from syncd.shape import Form
from syncd.tlog import checkpoint, note, proof, strict

DATA = '<script type="application/json">'  # where a page has it
_Texts = Annotated[tuple[str, ...], Meta(min_length=1)]


class Evaluation(Form):
    """How t holders made a token of the value."""

    blind: bytes  # the scalar that hid it from them
    exchanges: Annotated[tuple[Exchange, ...], Meta(min_length=1)]
    # the same request to each of the quorum, in its order


class Entry(Form):
    """One entry on the value's token, and what proves it."""

    origin: str
    index: Natural
    leaf: Annotated[bytes, Meta(min_length=34, max_length=34)]
    salt: bytes  # none if it is erased, and nothing is said
    payload: bytes
    proofs: _Texts  # C2SP tlog-proofs


class Disclosure(Form):
    """One value, and all that proves what is said of it."""

    format: Literal["syncd/disclosure/v1"] = "syncd/disclosure/v1"
    at: Natural  # unix seconds, by the clock of whoever made it
    by: str  # member id
    kind: str
    value: str  # normal form
    rosters: _Texts  # the chain, from the first
    evaluations: tuple[Evaluation, ...]  # of a url none
    entries: tuple[Entry, ...]


def read(raw: bytes) -> Disclosure:
    """Read a file or page, of which nothing is proven yet.

    Raises:
        MalformedError: it is none.
    """
    _, _, inside = raw.partition(DATA.encode())
    try:
        data = inside.partition(b"</script>")[0] or raw
        return msgspec.json.decode(data, type=Disclosure)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise MalformedError("disclosure: not of that form") from e


def check(found: Disclosure, fingerprint: str) -> dict[str, Any]:
    """Return what a disclosure proves: all of it holds.

    Raises:
        MalformedError, UntrustedError: names the part that does not.
    """
    notes = [one.encode() for one in found.rosters]
    rosters = trust.versions(fingerprint, notes)
    one = identifier.parse_normal(found.kind, found.value)
    epochs = [e for e in rosters[0].epochs if e.kind == one.kind]
    part, keys, entries = "evaluation", Keys(rosters), []
    try:
        made = dict(_made(x, one, rosters[0]) for x in found.evaluations)
        if one.kind == "url":
            short = token.encode(token.token(token.url_output(one)))
            made = {e.epoch: (short, list[str]()) for e in epochs}
        for entry in found.entries:
            part = f"{entry.origin[:100]}:{entry.index}"
            said = _said(entry, one.kind, made)
            about = {"place": part, "type": NAMES[entry.leaf[1]], "said": said}
            entries.append(about | _signed(entry, keys))
    except SyncdError as e:
        raise UntrustedError("{place}: {why}", place=part, why=e) from e
    return {
        "alliance": rosters[0].alliance,
        "zone": rosters[0].zone,
        "rosters": len(rosters),
        **{
            name: getattr(found, name)
            for name in ("kind", "value", "by", "at")
        },
        "tokens": made,
        "retired": [e.label for e in epochs if e.retired],
        "entries": entries,
    }


def _made(
    given: Evaluation, one: Identifier, roster: Roster
) -> tuple[int, tuple[str, list[str]]]:
    """Return of which epoch a token is that holders made; it, and who."""
    asked, body = token.oprf_input(one), given.exchanges[0].request
    request = evaluation.parse(body)
    epoch = roster.epoch(one.kind, request.epoch)
    element = group.multiply(given.blind, voprf.hash_to_group([asked])[0])
    bodies = [each.request for each in given.exchanges]
    same = request.kind == one.kind and request.elements == (element,)
    if epoch is None or not same or bodies != [body] * len(request.quorum):
        raise UntrustedError("the request is not for this value")
    evaluation.check_quorum(request, epoch, request.quorum[0])
    holders, points = [], []
    for index, each in zip(request.quorum, given.exchanges, strict=True):
        member, share = epoch.shares[index]
        reply, _ = evaluation.open_reply(each.reply, body, roster, member)
        points.append(evaluation.check_reply(reply, request, index, share))
        holders.append(member)
    blinded = Blinded((asked,), (given.blind,), [element])
    [output] = threshold.finish(blinded, points)
    return epoch.epoch, (token.encode(token.token(output)), holders)


def _said(
    entry: Entry, kind: str, made: Mapping[int, tuple[str, list[str]]]
) -> dict[str, Any]:
    """Return what an entry says of the value; nothing if it is closed."""
    type_, salt, payload = entry.leaf[1], entry.salt, entry.payload
    if not salt:
        return {}
    if leaf.commit(entry.origin, type_, salt, payload) != entry.leaf:
        raise UntrustedError("salt or payload is not its leaf's")
    if not isinstance(statement.decode(payload, type_), statement.Void):
        said: dict[str, Any] = msgspec.json.decode(payload)
        short, _ = made.get(said.get("epoch", 0), ("", ""))
        if (said.get("kind"), said.get("token")) == (kind, short):
            return said
    raise UntrustedError("it is not about the value")


def _signed(entry: Entry, keys: Keys) -> dict[str, Any]:
    """Return an entry's proofs; and of who signed trees, when they first did."""
    _, generation = keys.log(entry.origin)
    proofs, lines = [], list[Line]()
    for text in entry.proofs:
        made = proof.check(text, entry.index, entry.leaf)
        head, _ = checkpoint.open_(bytes(made), generation.log)
        known = [generation.log, *keys.by_id.values()]
        signed = note.verify(made, known)
        vkeys = [str(key) for key, _ in signed]
        proofs.append({"proof": text, "size": head.size, "keys": vkeys})
        for key, line in signed:
            if key != generation.log:
                at = int.from_bytes(line.body[:8])
                who = keys.signer(key.name)
                lines.append(Line(*who, head.size, at, entry.origin))
    lines.sort(key=attrgetter("at"), reverse=True)
    first = {line[:2]: line._asdict() for line in lines}
    return {"proofs": proofs, "lines": [*first.values()][::-1]}


# ------------------------------------------------------------------ for people


def written(found: Disclosure, fingerprint: str) -> tuple[str, str]:
    """Return its JSON, and a page in the language that is spoken.

    The page is whole in itself, and checks what a browser can.

    Raises:
        As `check`.
    """
    room = resources.files("syncd.console.static")
    verifier = room.joinpath("verify.js").read_text("utf-8")
    data = msgspec.json.encode(found).decode().replace("<", "\\u003c")
    checked = check(found, fingerprint)
    return data, rendered(
        "disclosure.html",
        checked,
        entries=zip(checked["entries"], found.entries, strict=True),
        when=moments(checked["zone"]),
        has=has,
        phrase=phrase,
        encode=strict.encode,
        sentences=sentences(checked),
        data=Markup(DATA + data),  # noqa: S704  JSON
        verifier=Markup(verifier),  # noqa: S704  ours
        hash=strict.encode(hashlib.sha256(verifier.encode()).digest()),
    )


def lines(checked: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is proven for a terminal, in the language that is spoken."""
    when = moments(checked["zone"])
    tokens, unseen = sentences(checked)
    yield from ("{kind} {value}".format(**checked), *tokens)
    for one in checked["entries"]:
        yield f"{one['place']} {phrase('type', one['type'])}"
        yield from (f"  {name}: {x}" for name, x in one["said"].items())
        yield from (f"  {has(line, when)}" for line in one["lines"])
    yield from (t("not seen: {text}", text=text) for text in unseen)


def sentences(checked: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return who made its tokens, and what is not shown, in words."""
    tokens = [
        t(
            "its token in {epoch} is {token}, proved by {members}",
            epoch=f"{checked['kind']}/{epoch}",
            token=short,
            members=", ".join(holders) or t("the address itself"),
        )
        for epoch, (short, holders) in checked["tokens"].items()
    ]
    unseen = [
        t(
            "what was said in {epoch}, which has ended: its key and its"
            " entries are gone",
            epoch=epoch,
        )
        for epoch in checked["retired"]
    ]
    return tokens, [
        *unseen,
        t(
            "that nothing else is said of it: these are the entries that"
            " {member} had merged",
            member=checked["by"],
        ),
    ]
