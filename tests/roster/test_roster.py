"""A roster has one spelling, and a reader takes no other."""

import base64
import contextlib
import dataclasses
import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from msgspec.structs import replace

from syncd import canonical, shape
from syncd.errors import MalformedError, NewerError
from syncd.roster import certificate, drafts, keys, roster
from syncd.roster.members import (
    Auditor,
    Cut,
    Described,
    Generation,
    Names,
    Predecessor,
    Returning,
)
from syncd.roster.roster import Roster
from syncd.roster.row import Base64
from syncd.roster.terms import Cap, Erased, Never, Quota
from syncd.tlog import note
from syncd.tlog.note import SigningKey
from tests.cases import cases, once, schema, tried
from tests.refusals import malformed, newer, untrusted
from tests.roster.conftest import NOW, Club, with_epoch

SCHEMA = schema("roster")
validator = jsonschema.Draft202012Validator(SCHEMA)


def whole(club: Club) -> Roster:
    """Return a roster in which every field says something."""
    draft = club.founding(members="bank carrier police platform")
    bank, carrier, platform, police = draft.members
    log = SigningKey("bank.example/syncd/txwz/2", note.ED25519, club.rng(32))
    bank = replace(
        bank,
        group="holding",
        via="police",
        generations=(
            replace(bank.generation, cuts=(Cut(3, b"\1" * 32),)),
            Generation(
                log.verifier,
                cuts=(Cut(8, b"\2" * 32), Cut(9, b"\3" * 32)),
                ended=True,
                predecessor=Predecessor(bank.origin, 7, b"\4" * 32),
            ),
        ),
    )
    carrier = replace(carrier, status="removed", past="annul")
    platform = replace(platform, status="suspended", suspended_until=NOW)
    lost = club.draw("police")
    told = structs.asdict(shape.part(Described, police))
    told |= {
        "keys": lost.public,
        "certificate": Base64(lost.certificate),
        "log": dataclasses.replace(lost, generation=2).log.verifier,
    }
    police = replace(
        police, vouched="0" * 128, returning=Returning(**told, since=NOW)
    )
    witness = SigningKey("sigsum.example/witness", 4, club.rng(32))
    court = club.draw("court")
    draft = replace(
        draft,
        members=(bank, carrier, platform, police),
        auditors=(
            Auditor(
                *("court", Names("法院", "court")),
                *(certificate.pin(court.certificate),),
                *(Base64(court.certificate),),
            ),
        ),
        witnesses=(witness.verifier,),
        erased=(
            Erased(carrier.origin, 9, b"\5" * 32, ((1, 3), (5, 9)), "drill"),
        ),
        never=(
            Never("phone", "cn:110", "emergency"),
            Never("url", "gov.cn/", "official"),
        ),
    )
    for kind in ("phone", "account"):
        draft = with_epoch(draft, kind)
        for name, is_ in (("retired", True), ("until", NOW)):
            draft = drafts.put(draft, ("epochs", f"{kind}/1", name), is_)
    draft = replace(draft, holders=("bank", "platform", "police"))
    draft = drafts.put(
        draft,
        ("quotas",),
        Quota("lookup", 5, 6, member="police"),
        Quota("all", 0, 7, "platform", "2027-02-01"),
    )
    draft = drafts.put(draft, ("caps",), Cap(30, "phone", "user_tag"))
    for name in ("lifts", "lift_percent"):
        draft = drafts.put(draft, ("limits", name), 7)
    second = drafts.begin(replace(draft, id="ab" * 32), now=NOW + 1)
    return roster.from_json(second.to_json(), second.id)


@once
def full(settled: Club) -> Roster:
    """Return it, once: rosters do not change, their JSON is made anew."""
    return whole(settled)


# ------------------------------------------------------------ one spelling


def test_nobody_has_to_tell_of_themselves(full: Roster) -> None:
    """What is empty is left out, and what is left out is empty."""
    plain = [replace(member, info={}) for member in full.members]
    value = replace(full, members=tuple(plain)).to_json()
    assert not any("info" in member for member in value["members"])
    assert list(roster.from_json(value, full.id).members) == plain


def parse(raw: bytes, id_: str = "") -> Roster:
    return roster.from_json(canonical.loads(raw), id_)


def test_round_trip(full: Roster) -> None:
    """What we write, we read back; the schema takes what the reader takes."""
    assert parse(full.raw, full.id) == full
    jsonschema.validate(full.to_json(), SCHEMA)


def test_every_field_is_in_the_whole_one(full: Roster) -> None:
    """Or the tests below would pass by leaving things out."""
    value = full.to_json()
    assert set(value) == set(SCHEMA["properties"])
    value["generations"] = [
        log for member in value["members"] for log in member["generations"]
    ]
    defs = SCHEMA["$defs"] | {"epoch": SCHEMA["$defs"]["epoch"]["oneOf"][0]}
    for name in ("member", "generation", "epoch", "cap", "quota"):
        seen = {field for one in value[f"{name}s"] for field in one}
        assert seen == set(defs[name]["properties"])


def test_the_text_has_three_lines(full: Roster) -> None:
    *first, third = full.text.splitlines()
    assert first == ["syncd/roster/v1", full.id]
    assert third.encode() == full.raw


def test_version_1_names_the_alliance(club: Club) -> None:
    draft = club.founding()
    first = parse(draft.raw)
    assert parse(draft.raw, first.id) == first
    with malformed("does not hash to its id"):
        parse(draft.raw, "ab" * 32)


# ----------------------------------------------------------------- refused

Edit = Callable[[dict[str, Any]], object]


def steps(path: str) -> tuple[str | int, ...]:
    return tuple(
        int(step) if step.lstrip("-").isdigit() else step
        for step in path.split(".")
    )


def edited(case: Any) -> Edit:
    """Return the edit that a vector asks for."""

    def edit(value: Any) -> None:
        for one in case.get("edits", [case]):
            *path, last = steps(one["at"])
            where = at(value, tuple(path))
            if "insert" in one:
                copy = at(value, steps(one["insert"]))
                where.insert(last, json.loads(json.dumps(copy)))
            elif "copy" in one:
                where[last] = at(value, steps(one["copy"]))
            elif "set" in one:
                where[last] = one["set"]
            else:
                del where[last]

    return edit


REFUSED = {
    c["case"]: (edited(c), c["says"])
    for c in cases("syncd/rosters", "refused")
}


@tried("case", REFUSED.values(), ids=REFUSED)
def test_refused(full: Roster, case: tuple[Edit, str]) -> None:
    """Each says where, and what is wrong there."""
    edit, why = case
    value = full.to_json()
    edit(value)
    with malformed() as caught:
        roster.from_json(value, full.id)
    assert why in str(caught.value)


@tried("raw", [b"", b"[]", b"{}", b"3", b"null", b"\xff", b'{"a":1, "b":2}'])
def test_what_is_no_roster_is_malformed(raw: bytes) -> None:
    with pytest.raises((MalformedError, NewerError)):
        parse(raw, "ab" * 32)


def test_two_admins_with_one_name(full: Roster) -> None:
    value = full.to_json()
    other = keys.admin("txwz", "alice", b"\1" * 32)
    value["admins"] = sorted([*value["admins"], str(other.verifier)])
    with malformed(r"roster\.admins: one name twice"):
        roster.from_json(value, full.id)


def test_nothing_comes_before_version_1(club: Club) -> None:
    value = club.founding().to_json() | {"previous": "00" * 32}
    with malformed("version 1 has none"):
        roster.from_json(value)
    assert not validator.is_valid(value)


def test_a_log_with_a_name_beyond_its_member(club: Club) -> None:
    draft = club.founding()
    for name in ("bank.example/syncd/txwz/x", "bank.example/syncd/other/1"):
        log = SigningKey(name, note.ED25519, club.rng(32)).verifier
        logs = (Generation(log),)
        odd = drafts.put(draft, ("members", "bank", "generations"), logs)
        with malformed("a log named"):
            drafts.write(odd)


def test_keys_for_another_alliance(club: Club) -> None:
    draft = replace(club.founding(), alliance="other", admin_keys=())
    draft = drafts.add_admin(
        draft, keys.admin("other", "a", club.rng(32)).verifier
    )
    draft = replace(draft, threshold=1)
    with malformed("bank's keys are named for txwz"):
        drafts.write(draft)


def test_one_domain_for_two_members(club: Club) -> None:
    draft = club.founding()
    twin = replace(draft.members[0], id="twin")
    with malformed(r"domain bank\.example occurs"):
        drafts.write(drafts.put(draft, ("members",), twin))


# ---------------------------------------------------------- newer software


def test_the_id_is_no_field(full: Roster) -> None:
    """It stands in line 2."""
    with newer(r"roster\.id: unknown field"):
        roster.from_json({**full.to_json(), "id": full.id}, full.id)


# Objects, in each of which a field of tomorrow is set, and codes of today.
NEWER: list[tuple[str | int, ...]] = [
    ("zzz",),
    ("members", 0, "zzz"),
    ("members", 0, "names", "zzz"),
    ("members", 0, "keys", "zzz"),
    ("members", 0, "generations", 1, "zzz"),
    ("members", 0, "generations", 1, "predecessor", "zzz"),
    ("members", 0, "generations", 1, "cuts", 0, "zzz"),
    *((name, 0, "zzz") for name in ("auditors", "epochs", "erased", "never")),
    *((name, 0, "zzz") for name in ("quotas", "caps")),
    *((name, "zzz") for name in ("limits", "policy")),
    *(("members", 0, "status"), ("epochs", 0, "kind"), ("epochs", 0, "suite")),
    *(("never", 0, "kind"), ("policy", "official")),
]


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


@tried("path", NEWER, ids=str)
def test_an_unknown_field_or_code_to_act_on_is_newer(
    full: Roster, path: tuple[str | int, ...]
) -> None:
    value, field = full.to_json(), path[-1] == "zzz"
    at(value, path[:-1])[path[-1]] = "telepathy"
    with newer("zzz: unknown field, newer" * field or "newer software"):
        roster.from_json(value, full.id)
    assert not validator.is_valid(value)


def test_an_unknown_sector_is_taken(full: Roster) -> None:
    """The vocabulary may grow: it reads as `other`."""
    value = full.to_json()
    value["members"][0]["sector"] = "telepathy"
    assert roster.from_json(value, full.id).members[0].sector == "telepathy"
    assert validator.is_valid(value)


# -------------------------------------------------------------- properties

LEAVES = st.one_of(
    st.integers(0, 5),
    st.booleans(),
    st.text(max_size=3),
    st.sampled_from(
        ["active", "removed", "keep", "annul", "url", "phone", "bank", "hold"]
    ),
    st.just({}),
    st.just([]),
    st.lists(st.integers(0, 3), max_size=3),
)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Any:
    """Yield the path of everything in a JSON value."""
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*path, key))
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from paths(item, (*path, n))


@settings(max_examples=150)
@given(data=st.data())
def test_reader_and_schema_agree(full: Roster, data: st.DataObject) -> None:
    """Any change gives a roster that the schema takes too, or an error.

    The schema cannot say everything, so what it takes may be refused; what
    it refuses is never taken.
    """
    value = canonical.loads(canonical.dumps(full.to_json()))
    for _ in range(data.draw(st.integers(1, 2))):
        everywhere = list(paths(value))[1:]
        path = everywhere[data.draw(st.integers(0, len(everywhere) - 1))]
        parent, last = at(value, path[:-1]), path[-1]
        match data.draw(st.integers(0, 3)):
            case 0:
                del parent[last]
            case 1 if isinstance(parent, list):
                parent.insert(0, parent[-1])
            case 2 if isinstance(parent[last], int):
                parent[last] += data.draw(st.sampled_from([1, 2**40]))
            case _:
                parent[last] = data.draw(LEAVES)
    with contextlib.suppress(MalformedError, NewerError):
        assert roster.from_json(value, full.id).to_json() == value
        assert validator.is_valid(value)


@settings(max_examples=100)
@given(at_=st.integers(0, 10_000), byte=st.binary(min_size=1, max_size=2))
def test_total(full: Roster, at_: int, byte: bytes) -> None:
    """Any bytes at all give a roster or an error of ours, and one spelling."""
    at_ %= len(full.raw)
    raw = full.raw[:at_] + byte + full.raw[at_ + 1 :]
    with contextlib.suppress(MalformedError, NewerError):
        assert parse(raw, full.id).raw == raw


# ---------------------------------------------------------------- questions


def test_who_is_behind_a_key_or_a_name(full: Roster) -> None:
    bank, _removed, _suspended, police = full.members
    assert full.by_tls == {m.keys.tls: m for m in (bank, police)}
    assert full.member("bank") == full.known("bank") == bank
    assert full.member("nobody") is None
    with untrusted("no member nobody"):
        full.known("nobody")
    for log in bank.generations:
        assert full.by_origin(log.origin) == (bank, log)
    assert full.by_origin("x.example/syncd/txwz/1") is None
    assert full.by_key_name("bank.example/syncd/txwz/seen") == bank
    assert full.by_key_name("x.example/syncd/txwz/seen") is None


def test_what_a_member_is(full: Roster) -> None:
    bank, carrier, platform, police = full.members
    assert [m.active for m in full.members] == [True, False, False, True]
    assert full.active() == (bank, police)
    assert (bank.domain, bank.alliance) == ("bank.example", "txwz")
    assert (bank.controller, police.controller) == ("holding", "police")
    assert bank.origin == "bank.example/syncd/txwz/2"
    assert carrier.annulled
    assert full.authors == {
        log.origin: member
        for member in (bank, platform, police)
        for log in member.generations
    }


def test_where_a_log_ends(full: Roster) -> None:
    bank, _, _, police = full.members
    first, second = bank.generations
    assert bank.end(first) == Cut(7, b"\4" * 32)
    assert bank.pins(first)[-1] == Cut(7, b"\4" * 32)
    assert bank.end(second) == Cut(9, b"\3" * 32)
    assert police.end(police.generation) is None


def test_origins_begin_with_those_that_grow(full: Roster) -> None:
    assert full.origins() == (
        "bank.example/syncd/txwz/2",
        "police.example/syncd/txwz/1",
        "bank.example/syncd/txwz/1",
        "carrier.example/syncd/txwz/1",
        "platform.example/syncd/txwz/1",
    )


def test_the_newest_epoch_in_use(full: Roster) -> None:
    assert full.epoch("phone") is None  # retired
    retired = full.epoch("phone", 1)
    assert retired is not None
    assert retired.index("carrier") == 2
    assert retired.index("nobody") is None
    assert full.epoch("phone", 2) is None
    more = replace(retired, epoch=2, retired=False)
    roster = replace(full, epochs=(*full.epochs, replace(more, epoch=3), more))
    assert roster.in_use("phone") == (3, 2)
    assert roster.epoch("phone") == roster.epoch("phone", 3)


def test_who_answers_for_a_key(full: Roster) -> None:
    """A holder that was removed or suspended answers no more."""
    epoch = full.epoch("phone", 1)
    assert epoch is not None
    answering = full.holders_of(epoch)
    assert {n: m.id for n, m in answering.items()} == {1: "bank", 4: "police"}


def test_the_closest_quota_applies(full: Roster) -> None:
    assert full.quota("police", "lookup").hour == 5
    assert full.quota("police", "publish").hour == 200_000
    assert full.quota("bank", "lookup") == Quota("lookup", 10_000, 50_000)
    assert full.quota("bank", "census") == Quota("all", 260_000, 4_900_000)
    assert full.quota("bank", "never") == Quota("never", 50_000, 50_000)
    assert full.quota("platform", "census").hour == 0


def test_the_closest_cap_applies(full: Roster) -> None:
    for kind, code, days in (
        ("phone", "user_tag", 30),
        ("phone", "police_case", 1095),
        ("phone", "victim_report", 180),
        ("url", "user_tag", 90),
        ("account", "", 730),
    ):
        assert full.cap(kind, code) == days


def test_a_certificate_of_an_authority_may_be_renewed(club: Club) -> None:
    """The pin is the public key's: another certificate of it fits."""
    draft = club.founding()
    key = load_pem_private_key(club.keys["bank"].tls_pem, None)
    assert isinstance(key, Ed25519PrivateKey)
    other = keys.self_signed(key, "other.example", NOW + 1000)
    assert other != draft.known("bank").certificate
    at = ("members", "bank", "certificate")
    drafts.write(drafts.put(draft, at, Base64(other)))


def test_the_default_rules_are_those_of_the_design(club: Club) -> None:
    value = json.loads(club.founding().raw)
    assert value["policy"] == {
        "ceiling": "delay",
        "confirmed": "delay",
        "disputed": "warn",
        "disputed_vouched": "verify",
        "official": "hold",
        "spoofed": "warn",
        "suspected": "warn",
    }
    assert value["zone"] == "Asia/Shanghai"
    assert base64.b64decode(value["members"][0]["certificate"])
