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
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from markupsafe import Markup
from msgspec import Meta, structs

from syncd.audit.known import Keys
from syncd.audit.report import has, moments, rendered, type_name
from syncd.audit.result import Line
from syncd.errors import MalformedError, SyncdError, UntrustedError
from syncd.flows import evaluation
from syncd.flows.evaluation import Exchange
from syncd.indicator import identifier, leaf, statement, token
from syncd.indicator.identifier import Identifier
from syncd.indicator.notation import Natural
from syncd.indicator.statement import NAMES
from syncd.messages import catalogue
from syncd.messages.catalogue import t
from syncd.oprf import group, threshold, voprf
from syncd.oprf.threshold import Blinded
from syncd.roster import trust
from syncd.roster.roster import Roster
from syncd.shape import Form
from syncd.tlog import checkpoint, note, proof, strict
from syncd.tlog.note import VerifierKey

DATA = '<script type="application/json">'  # where a page has it
MAX_SIZE = 64 << 20  # bytes
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


class Proven(NamedTuple):
    """An entry that is in its log, and about the value."""

    place: str
    entry: Entry
    said: Any  # statement, None if it is closed
    proofs: list[tuple[str, int, list[VerifierKey]]]
    # with the size of the tree, and who signed it
    lines: list[Line]  # the first of each signer and role


class Checked(NamedTuple):
    """A disclosure that holds."""

    found: Disclosure
    rosters: list[Roster]
    made: Mapping[int, tuple[str, list[str]]]  # by epoch: token, holders
    entries: list[Proven]


def is_one(path: Path) -> bool:
    """Tell by its first byte that it is one, and no bundle."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(1) in (b"{", b"<")


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


def check(found: Disclosure, fingerprint: str) -> Checked:
    """Return what a disclosure proves: all of it holds.

    Raises:
        MalformedError, UntrustedError: names the part that does not.
    """
    notes = [one.encode() for one in found.rosters]
    rosters = trust.versions(fingerprint, notes)
    one = identifier.parse_normal(found.kind, found.value)
    if one.kind == "url":
        made_of = token.encode(token.token(token.url_output(one)))
        epochs = (e for e in rosters[0].epochs if e.kind == "url")
        made = {e.epoch: (made_of, list[str]()) for e in epochs}
    else:
        with _part("evaluation"):
            made = dict(_made(x, one, rosters[0]) for x in found.evaluations)
    keys, entries = Keys(rosters), []
    for entry in found.entries:
        place = f"{entry.origin[:100]}:{entry.index}"
        with _part(place):
            said = _said(entry, one.kind, made)
            entries.append(Proven(place, entry, said, *_signed(entry, keys)))
    return Checked(found, rosters, made, entries)


@contextmanager
def _part(name: str) -> Iterator[None]:
    """Name the part that does not hold."""
    try:
        yield
    except SyncdError as e:
        raise UntrustedError("{place}: {why}", place=name, why=e) from e


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
) -> Any:
    """Return what an entry says of the value, None if it is closed."""
    _, type_, *_ = entry.leaf
    if not entry.salt:
        return None
    opened = leaf.commit(entry.origin, type_, entry.salt, entry.payload)
    if opened != entry.leaf:
        raise UntrustedError("salt or payload is not its leaf's")
    said = statement.decode(entry.payload, type_)
    about = [getattr(said, name, "") for name in ("kind", "epoch", "token")]
    if about not in [[kind, n, short] for n, (short, _) in made.items()]:
        raise UntrustedError("it is not about the value")
    return said


def _signed(
    entry: Entry, keys: Keys
) -> tuple[list[tuple[str, int, list[VerifierKey]]], list[Line]]:
    """Return an entry's proofs with who signed each; and when, the first."""
    _, generation = keys.log(entry.origin)
    signed, lines = [], dict[tuple[str, str], Line]()
    for text in entry.proofs:
        made = proof.check(text, entry.index, entry.leaf)
        head, _ = checkpoint.open_(bytes(made), generation.log)
        known = [generation.log, *keys.by_id.values()]
        verified = note.verify(made, known)
        signed.append((text, head.size, [key for key, _ in verified]))
        for key, line in verified:
            if key != generation.log:
                at = int.from_bytes(line.body[:8])
                who = keys.signer(key.name)
                here = Line(*who, head.size, at, entry.origin)
                lines[who] = min(here, lines.get(who, here), key=_when)
    return signed, sorted(lines.values(), key=_when)


def _when(line: Line) -> int:
    return line.at


# ------------------------------------------------------------------ for people


def page(checked: Checked) -> str:
    """Return one HTML page, whole in itself, in the language that is spoken.

    It has the data in it, and checks what a browser can.
    """
    script = resources.files("syncd").joinpath("console/static/verify.js")
    verifier = script.read_text("utf-8")
    data = msgspec.json.encode(checked.found).decode()
    return rendered(
        "disclosure.html",
        checked._asdict(),
        newest=checked.rosters[0],
        when=moments(checked.rosters),
        type_name=type_name,
        said=_said_in_words,
        encode=strict.encode,
        has=has,
        tokens=[*_tokens(checked)],
        unseen=[*_unseen(checked)],
        data=Markup(DATA + data.replace("<", "\\u003c")),  # noqa: S704  JSON
        verifier=Markup(verifier),  # noqa: S704  ours
        hash=strict.encode(hashlib.sha256(verifier.encode()).digest()),
    )


def lines(checked: Checked) -> Iterator[str]:
    """Yield what is proven for a terminal, in the language that is spoken."""
    when = moments(checked.rosters)
    yield "{kind} {value}".format(**structs.asdict(checked.found))
    yield from _tokens(checked)
    for one in checked.entries:
        yield f"{one.place} {type_name(one.entry.leaf[1])}"
        yield from (f"  {name}: {text}" for name, text in _said_in_words(one))
        yield from (f"  {has(line._asdict(), when)}" for line in one.lines)
    for text in _unseen(checked):
        yield t("not seen: {text}", text=text)


def _tokens(checked: Checked) -> Iterator[str]:
    for epoch, (short, holders) in checked.made.items():
        yield t(
            "its token in {epoch} is {token}, proved by {members}",
            epoch=f"{checked.found.kind}/{epoch}",
            token=short,
            members=", ".join(holders) or t("the address itself"),
        )


def _unseen(checked: Checked) -> Iterator[str]:
    """Yield what it does not show."""
    for epoch in checked.rosters[0].epochs:
        if epoch.kind == checked.found.kind and epoch.retired:
            yield t(
                "what was said in {epoch}, which has ended: its key and its"
                " entries are gone",
                epoch=epoch.label,
            )
    yield t(
        "that nothing else is said of it: these are the entries that {member}"
        " had merged",
        member=checked.found.by,
    )


def _said_in_words(one: Proven) -> Iterator[tuple[str, str]]:
    """Yield what an entry says, codes by their names."""
    fields = msgspec.json.decode(one.entry.payload) if one.said else {}
    for name, value in fields.items():
        yield name, catalogue.field(NAMES[one.entry.leaf[1]], name, value)
