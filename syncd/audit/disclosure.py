"""What a court gets: one value, and all that proves what is said of it.

    value ── blind, exchanges with t holders ──► token, named in the payload
    payload, salt ──► leaf ── tlog-proof ──► checkpoint, and who signed it

A file is JSON (schemas/disclosure.json), or a page that has this JSON in it
and checks what a browser can. It is judged alone, by the chain of rosters in
it and the fingerprint. Whoever makes one asks anew, for this value: batches
of before convince nobody else (docs/adr/0012).
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from markupsafe import Markup
from msgspec import Meta, structs

from syncd.audit import report
from syncd.audit.known import Keys
from syncd.errors import MalformedError, SyncdError, UntrustedError, becoming
from syncd.flows import evaluation
from syncd.indicator import identifier, leaf, statement, token
from syncd.indicator.notation import Natural
from syncd.messages.catalogue import t
from syncd.oprf import group, threshold, voprf
from syncd.roster import trust
from syncd.roster.roster import Roster
from syncd.shape import Form
from syncd.tlog import checkpoint, note, proof, strict

DATA = '<script type="application/json">'  # where a page has it
_Texts = Annotated[tuple[str, ...], Meta(min_length=1)]


class Disclosed(Form, kw_only=False):
    """One entry on the value's token, and what proves it."""

    origin: str
    index: Natural
    leaf: Annotated[bytes, Meta(min_length=34, max_length=34)]
    salt: bytes
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
    evaluations: tuple[evaluation.Proof, ...]  # of a url none
    entries: tuple[Disclosed, ...]


def read(raw: bytes) -> Disclosure:
    """Read a file or page, of which nothing is proven yet.

    Raises:
        MalformedError: it is none.
    """
    _, _, inside = raw.partition(DATA.encode())
    with becoming(
        "disclosure: not of that form",
        MalformedError,
        msgspec.DecodeError,
        UnicodeDecodeError,
    ):
        data = inside.partition(b"</script>")[0] or raw
        return msgspec.json.decode(data, type=Disclosure)


def check(found: Disclosure, fingerprint: str) -> report.Facts:
    """Return what a disclosure proves, all of which holds.

    Raises:
        MalformedError, UntrustedError: names the part that does not.
    """
    notes = [one.encode() for one in found.rosters]
    roster, *_ = rosters = trust.versions(fingerprint, notes)
    one = identifier.parse_normal(found.kind, found.value)
    epochs = [e for e in roster.epochs if e.kind == one.kind]
    part, entries = "evaluation", []
    try:
        made = dict(_made(x, one, roster) for x in found.evaluations)
        if one.kind == "url":
            short = token.encode(token.token(token.url_output(one)))
            made = {e.label: (short, list[str]()) for e in epochs}
        for entry in found.entries:
            part = f"{entry.origin[:100]}:{entry.index}"
            entries.append(_entry(entry, made, Keys(rosters)))
    except SyncdError as e:
        raise UntrustedError("{place}: {why}", place=part, why=e) from e
    return {
        "zone": roster.zone,
        "rosters": len(rosters),
        "found": found,
        "tokens": made,
        "entries": entries,
        "unseen": [
            t(
                "what was said in {epoch}, which has ended: its key and its"
                " entries are gone",
                epoch=epoch.label,
            )
            for epoch in epochs
            if epoch.retired
        ],
    }


def _made(
    given: evaluation.Proof, one: identifier.Identifier, roster: Roster
) -> tuple[str, tuple[str, list[str]]]:
    """Return of which epoch a token is that holders made; it, and who."""
    asked, body = token.oprf_input(one), given.exchanges[0].request
    request = evaluation.parse(body)
    epoch = roster.epoch(one.kind, request.epoch)
    element = group.multiply(given.blind, voprf.hash_to_group([asked])[0])
    bodies = [each.request for each in given.exchanges]
    same = request.kind == one.kind and request.elements == (element,)
    if not (epoch and same) or bodies != [body] * len(request.quorum):
        raise UntrustedError("the request is not for this value")
    evaluation.check_quorum(request, epoch, request.quorum[0])
    holders, points = [], []
    for index, each in zip(request.quorum, given.exchanges, strict=True):
        member, share = epoch.shares[index]
        reply, _ = evaluation.open_reply(each.reply, body, roster, member)
        points.append(evaluation.check_reply(reply, request, index, share))
        holders.append(member)
    blinded = threshold.Blinded((asked,), (given.blind,), [element])
    [output] = threshold.finish(blinded, points)
    return epoch.label, (token.encode(token.token(output)), holders)


def _entry(
    entry: Disclosed, made: Mapping[str, tuple[str, list[str]]], keys: Keys
) -> report.Facts:
    """Return an entry, what it says of the value, and who had it when."""
    type_, payload = entry.leaf[1], entry.payload
    if leaf.commit(entry.origin, type_, entry.salt, payload) != entry.leaf:
        raise UntrustedError("salt or payload is not its leaf's")
    said: Any = statement.decode(payload, type_)
    epoch = f"{getattr(said, 'kind', '')}/{getattr(said, 'epoch', '')}"
    if epoch not in made or made[epoch][0] != said.token:
        raise UntrustedError("it is not about the value")
    _, generation = keys.log(entry.origin)
    known, trees = [generation.log, *keys.by_id.values()], []
    for text in entry.proofs:
        signed = proof.check(text, entry.index, entry.leaf)
        head, _ = checkpoint.open_(bytes(signed), generation.log)
        lines = [
            (
                str(key),
                int.from_bytes(line.body[:8]) if key in keys.since else 0,
            )
            for key, line in note.verify(signed, known)
        ]
        trees.append((text, head.size, lines))
    return {
        **structs.asdict(entry),
        "place": f"{entry.origin}:{entry.index}",
        "type": statement.NAMES[type_],
        "said": msgspec.json.decode(payload),
        "trees": trees,
    }


def page(found: Disclosure, fingerprint: str, verifier: str) -> str:
    """Return a page with it, in the language that is spoken.

    It is whole in itself; the script `verifier` checks what a browser can.

    Raises:
        As `check`.
    """
    data = msgspec.json.encode(found).decode().replace("<", "\\u003c")
    return report.rendered(
        "disclosure.html",
        **check(found, fingerprint),
        encode=strict.encode,
        data=Markup(DATA + data),  # noqa: S704  JSON
        verifier=Markup(verifier),  # noqa: S704  ours
    )
