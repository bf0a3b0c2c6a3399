"""The next version, from the first edit to the last signature."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from syncd.errors import RefusedError, UsageError
from syncd.roster import certificate, drafts, join, keys, membership, signing
from syncd.roster.drafts import between
from syncd.roster.members import Auditor, Cut, Generation, Names, Profile
from syncd.roster.roster import Roster
from syncd.roster.row import Base64
from syncd.roster.terms import Cap, Epoch, Erased, Never, Quota
from syncd.roster.trust import TrustedRoster
from syncd.tlog import note
from tests.cases import tried
from tests.refusals import malformed, misused, refused, untrusted
from tests.roster.conftest import NOW, Club, begin, with_epoch

# -------------------------------------------------------------- beginning


def test_the_founders_are_active_and_urls_have_an_epoch(club: Club) -> None:
    draft = club.founding()
    assert [m.id for m in draft.active()] == ["bank", "carrier"]
    assert draft.epoch("url") == Epoch("url", 1, 1)
    assert draft.epoch("phone") is None
    assert draft.expires - draft.issued == 90 * 86_400
    assert (draft.version, draft.previous, draft.threshold) == (1, "", 2)


def test_a_clock_that_goes_back_begins_nothing(machine: TrustedRoster) -> None:
    with refused("the clock says"):
        begin(machine, NOW - 1)


# ---------------------------------------------------------------- members


def test_a_newcomer_is_admitted(club: Club, machine: TrustedRoster) -> None:
    applicant = club.newcomer("police", machine.current.id)
    draft = membership.add(begin(machine), applicant.request)
    after = club.follow(machine, draft, "alice", "eve")
    assert [m.id for m in after.active()] == ["bank", "carrier", "police"]
    assert club.keys["police"].public.tls in after.by_tls


def test_who_is_not_admitted(club: Club, machine: TrustedRoster) -> None:
    """Who asked another alliance, and a member once more."""
    for id_, of, why in (
        ("police", "ab" * 32, "asks alliance abababababababab"),
        ("bank", machine.current.id, r"active\) is already"),
    ):
        with refused(why):
            membership.add(begin(machine), club.newcomer(id_, of).request)


@tried("past", ["keep", "annul"])
def test_a_member_is_removed(
    club: Club, machine: TrustedRoster, past: str
) -> None:
    draft = membership.remove(begin(machine), "bank", past=past)
    after = club.follow(machine, draft, "alice", "eve")
    gone = after.known("bank")
    assert (gone.status, gone.past) == ("removed", past)
    assert (gone.origin in after.authors) == (past == "keep")
    assert gone.keys.tls not in after.by_tls
    assert after.by_origin(gone.origin) is not None


def test_where_a_removed_log_ends(club: Club, machine: TrustedRoster) -> None:
    """What its key signs later counts for nobody; a larger cut stands."""
    end = Cut(7, b"\4" * 32)
    draft = membership.remove(begin(machine), "bank", end=end)
    gone = club.follow(machine, draft, "alice", "eve").known("bank")
    assert gone.end(gone.generation) == end
    later = membership.remove(
        begin(machine), "bank", past="annul", end=Cut(9, b"\5" * 32)
    )
    assert later.known("bank").end(gone.generation) == end


def test_a_cut_says_which_branch_counts(machine: TrustedRoster) -> None:
    """One of the same size is replaced, a smaller one refused; it may end."""
    draft = begin(machine)
    origin = draft.known("bank").origin
    for root in (b"\4" * 32, b"\5" * 32):
        draft = membership.cut(draft, origin, Cut(9, root))
    last = Cut(12, b"\6" * 32)
    draft = membership.cut(draft, origin, last)
    bank = draft.known("bank")
    assert bank.pins(bank.generation) == (Cut(9, root), last)
    assert bank.end(bank.generation) is None
    with refused("cannot be cut at 10"):
        membership.cut(draft, origin, Cut(10, b"\4" * 32))
    with misused("no log x"):
        membership.cut(draft, "x.example/syncd/txwz/1", Cut(10, b"\4" * 32))
    draft = membership.cut(draft, origin, last, ended=True)
    bank = draft.known("bank")
    assert bank.end(bank.generation) == last
    with refused("has ended"):
        membership.cut(draft, origin, Cut(13, b"\6" * 32))
    drafts.write(draft, machine.current)  # it is read back


def test_what_has_ended_goes_on_where_it_ended(
    bank: keys.MemberKeys, machine: TrustedRoster
) -> None:
    """The successor of an ended log takes over at its last cut."""
    draft, origin = begin(machine), machine.current.known("bank").origin
    end, request = Cut(9, b"\5" * 32), asked(bank, machine.current)
    draft = membership.cut(draft, origin, end, ended=True)
    for at in (Cut(10, end.root), Cut(9, b"\6" * 32)):
        with refused("has ended at 9"):
            membership.update(draft, request, lambda _: at)  # noqa: B023
    draft = membership.update(draft, request, lambda _: end)
    drafts.write(draft, machine.current)  # it is read back
    after = draft.known("bank")
    assert after.pins(after.generations[0]) == (end,)
    with refused("says where"):
        membership.cut(draft, origin, end)


def test_what_is_removed_twice_or_never_was(machine: TrustedRoster) -> None:
    draft = membership.remove(begin(machine), "bank")
    assert membership.remove(draft, "bank") == draft
    assert (
        membership.remove(draft, "bank", past="annul").known("bank").annulled
    )
    with misused("no member nobody"):
        membership.remove(draft, "nobody")


def test_a_removed_holder_answers_no_more(club: Club) -> None:
    draft = with_epoch(club.founding(members="bank carrier police"))
    after = membership.remove(draft, "bank")
    assert after.holders == ("carrier", "police")
    with refused("without police 1 holders"):
        membership.remove(after, "police")
    assert membership.remove(after, "police", force=True).holders == (
        "carrier",
    )


# ------------------------------------------------------- a member's request


@pytest.fixture
def bank(club: Club) -> keys.MemberKeys:
    """Bank's keys, with a log and a TLS key that the roster does not have."""
    club.request("bank")
    newer = club.draw()
    return replace(
        club.keys["bank"],
        generation=2,
        log_seed=newer.log_seed,
        tls_pem=newer.tls_pem,
        certificate=newer.certificate,
    )


def asked(
    own: keys.MemberKeys,
    roster: Roster,
    alliance_id: str = "",
    **other: object,
) -> join.Request:
    profile = Profile(
        id="bank",
        names=Names("新行", "new bank"),
        sector="bank",
        urls=("https://new.example",),
    )
    return join.parse(
        join.request(
            own,
            structs.replace(profile, **other),
            now=NOW + 9,
            alliance_id=alliance_id or roster.id,
        )
    )


def ends(log: Generation) -> Cut:
    assert log.origin == "bank.example/syncd/txwz/1"
    return Cut(7, b"\4" * 32)


def test_a_member_describes_itself_anew(
    bank: keys.MemberKeys, machine: TrustedRoster
) -> None:
    """Addresses, names, certificate and TLS key, and the log it goes on in."""
    request = asked(bank, machine.current)
    assert request.made == NOW + 9
    before = machine.current.known("bank")
    after = membership.update(begin(machine), request, ends)
    found = after.known("bank")
    assert found.urls == ("https://new.example",)
    assert found.names.en == "new bank"
    assert found.certificate == bank.certificate
    assert found.keys == bank.public
    assert found.number == 2
    assert found.end(before.generation) == Cut(7, b"\4" * 32)
    drafts.write(after, machine.current)
    again = membership.update(after, request, ends)  # asked for, and there
    assert again == after


@tried(
    "change, given, why",
    [
        ({"generation": 1}, {}, "an old request"),
        ({"member_seed": b"m" * 32}, {}, "other keys than bank"),
        ({"seal_private": b"m" * 32}, {}, "other keys than bank"),
        ({}, {"alliance_id": "ab" * 32}, "asks alliance abab"),
        ({}, {"id": "nobody"}, "no member nobody"),
    ],
)
def test_what_a_request_cannot_change(
    bank: keys.MemberKeys,
    machine: TrustedRoster,
    change: Any,
    given: Any,
    why: str,
) -> None:
    """A member is known by its keys; a log's key never changes."""
    request = asked(replace(bank, **change), machine.current, **given)
    with pytest.raises((RefusedError, UsageError)) as caught:
        membership.update(begin(machine), request, ends)
    assert why in f"{caught.value} {caught.value.hint}"


def test_a_removed_member_asks_in_vain(
    bank: keys.MemberKeys, machine: TrustedRoster
) -> None:
    out = membership.remove(begin(machine), "bank")
    with refused("bank is removed"):
        membership.update(out, asked(bank, machine.current), ends)


# ------------------------------------------------------------ plain edits

EDITS: dict[
    str, tuple[Callable[[Roster], Roster], Callable[[Roster], object], object]
] = {
    "urls": (
        lambda d: drafts.put(
            d, ("members", "bank", "urls"), ("https://b.example",)
        ),
        lambda r: r.known("bank").urls,
        ("https://b.example",),
    ),
    "never": (
        lambda d: drafts.put(
            d,
            ("never",),
            Never("url", "gov.cn/", "official"),
            Never("phone", "cn:110", "e"),
        ),
        lambda r: [n.value for n in r.never],
        ["cn:110", "gov.cn/"],
    ),
    "quota for all": (
        lambda d: drafts.put(d, ("quotas",), Quota("lookup", 1, 2)),
        lambda r: (r.quota("bank", "lookup").hour, len(r.quotas)),
        (1, 6),
    ),
    "policy": (
        lambda d: drafts.put(
            drafts.put(d, ("policy", "confirmed"), "restrict"),
            ("policy", "ceiling"),
            "hold",
        ),
        lambda r: (r.policy.confirmed, r.policy.ceiling, r.policy.official),
        ("restrict", "hold", "hold"),
    ),
}


@tried("case", EDITS.values(), ids=EDITS)
def test_edit(
    club: Club, machine: TrustedRoster, case: tuple[Any, Any, object]
) -> None:
    edit, look, want = case
    assert look(club.follow(machine, edit(begin(machine)))) == want


def test_an_auditor_comes_and_goes(club: Club, machine: TrustedRoster) -> None:
    court = club.draw("court")
    pinned = court.public.tls, Base64(court.certificate)
    one = Auditor("court", Names("法院", "court"), *pinned)
    draft = drafts.put(begin(machine), ("auditors",), one)
    checked = drafts.read(drafts.write(draft, machine.current))[1]
    assert checked.auditors[0] == one
    assert not drafts.drop(checked, ("auditors", "court")).auditors
    with refused("nothing at auditors jury"):
        drafts.drop(checked, ("auditors", "jury"))


@tried(
    "edit, why",
    [
        (lambda d: drafts.remove_admin(d, "mallory"), "no admin mallory"),
        (
            lambda d: drafts.remove_admin(
                drafts.remove_admin(d, "eve"), "bob"
            ),
            "1 admins would be left for a threshold of 2",
        ),
        (
            lambda d: drafts.put(d, ("policy", "fate"), "hold"),
            "nothing at policy fate",
        ),
        (
            lambda d: drafts.put(d, ("epochs", "url/2", "retired"), True),
            "nothing at epochs url/2",
        ),
        (lambda d: drafts.drop(d, ("never", "phone 110")), "nothing at never"),
    ],
)
def test_refused_edits(
    machine: TrustedRoster, edit: Callable[[Roster], Roster], why: str
) -> None:
    with pytest.raises((RefusedError, UsageError), match=why):
        edit(begin(machine))


def test_an_admins_key_is_named_as_one(
    club: Club, machine: TrustedRoster
) -> None:
    for name in ("txwz/admin", "other/admin/zoe", "txwz/admin/z/oe"):
        key = note.SigningKey(name, note.ED25519, club.rng(32))
        draft = drafts.add_admin(begin(machine), key.verifier)
        with malformed("is out of place"):
            drafts.write(draft, machine.current)


# -------------------------------------------------------------- signatures


def complete(raw: bytes, current: Roster) -> bool:
    """Whether it can be published: as many have signed as must."""
    return not any(x.wanted for x in signing.signatures(raw, current))


def test_a_draft_says_who_must_still_sign(
    club: Club, machine: TrustedRoster
) -> None:
    """Zoe comes, eve goes: two of the old, two of the new."""
    draft = drafts.add_admin(begin(machine), club.admin("zoe").verifier)
    draft = drafts.remove_admin(draft, "eve")
    old = machine.current
    raw = drafts.write(draft, old)
    current, after = signing.signatures(raw, old)
    assert (current.version, current.have, current.wanted) == (1, (), 2)
    assert (after.version, after.missing) == (2, ("alice", "bob", "zoe"))
    raw = signing.sign(raw, club.admin("eve"), old)
    raw = signing.sign(raw, club.admin("zoe"), old)
    current, after = signing.signatures(raw, old)
    assert (current.have, current.missing) == (("eve",), ("alice", "bob"))
    assert (after.have, after.missing) == (("zoe",), ("alice", "bob"))
    assert signing.signers(raw) == after
    assert not complete(raw, old)
    with untrusted():
        machine.update(raw)
    raw = signing.sign(raw, club.admin("bob"), old)
    assert complete(raw, old)
    assert machine.update(raw).version == 2


def test_a_draft_that_went_to_each_admin_is_merged(
    club: Club, machine: TrustedRoster
) -> None:
    old = machine.current
    raw = drafts.write(begin(machine), old)
    copies = [signing.sign(raw, club.admin(a), old) for a in ("alice", "bob")]
    assert not any(complete(c, old) for c in copies)
    assert complete(signing.merge(raw, *copies), old)
    other = drafts.write(begin(machine, NOW + 61), old)
    with refused("different texts"):
        signing.merge(raw, other)


def test_only_an_admin_signs(club: Club, machine: TrustedRoster) -> None:
    raw = drafts.write(begin(machine), machine.current)
    with refused("txwz/admin/mallory is no admin"):
        signing.sign(raw, club.admin("mallory"), machine.current)


def test_a_draft_of_yesterday_is_not_signed(
    club: Club, machine: TrustedRoster
) -> None:
    """Somebody else's version was published in between."""
    stale = drafts.write(begin(machine, NOW + 1), machine.current)
    club.follow(machine, begin(machine))
    with refused("does not follow version 2"):
        signing.sign(stale, club.admin("bob"), machine.current)


def test_a_bad_line_is_named_and_a_strangers_counts_for_nothing(
    club: Club, machine: TrustedRoster
) -> None:
    old = machine.current
    signed, draft = drafts.read(drafts.write(begin(machine), old))
    bad = note.add(signed, club.admin("bob").sign(draft.text + "x"))
    with untrusted("does not verify"):
        signing.signatures(bytes(bad), old)
    odd = note.add(signed, club.admin("mallory").sign(draft.text))
    assert [s.have for s in signing.signatures(bytes(odd), old)] == [(), ()]
    with untrusted("no signature of a known key"):
        signing.signers(bytes(odd))


@tried("raw", [b"", b"\n\n", b"\xff\n\n", b"text\n"])
def test_what_is_no_draft(raw: bytes) -> None:
    with malformed():
        drafts.read(raw)


# ------------------------------------------------------------------ review


def test_whoever_signs_sees_every_change(
    club: Club, machine: TrustedRoster
) -> None:
    old = machine.current
    asked = club.newcomer("police", old.id).request
    draft = membership.add(begin(machine), asked)
    draft = drafts.put(draft, ("policy", "confirmed"), "hold")
    draft = drafts.put(
        draft, ("never",), Never("phone", "cn:110", "emergency")
    )
    draft = drafts.put(
        draft, ("members", "bank", "urls"), ("https://new.example",)
    )
    draft = drafts.put(draft, ("quotas",), Quota("all", 1, 2, member="bank"))
    draft = drafts.put(draft, ("caps",), Cap(7, kind="phone"))
    draft = with_epoch(drafts.remove_admin(draft, "eve"))
    eve = old.admins["eve"]
    assert seen(old, draft) == [
        f"- admins {eve.name}",
        "~ caps phone days",
        "+ epochs phone/1",
        "~ expires",
        "+ holders bank",
        "+ holders carrier",
        "+ holders police",
        "- members bank urls https://bank.example:8443",
        "+ members bank urls https://new.example",
        "+ members police",
        "+ never phone cn:110",
        "~ policy confirmed",
        "+ quotas bank all",
    ]
    assert seen(old, old) == []


def seen(old: Roster, draft: Roster) -> list[str]:
    marks = {(True, False): "+", (False, True): "-", (False, False): "~"}
    return [
        " ".join([marks[c.old is None, c.new is None], *c.path])
        for c in between(old, draft)
    ]


def test_another_order_is_a_change(machine: TrustedRoster) -> None:
    """The first of a member's addresses is asked first."""
    one, two = "https://a.example", "https://b.example"
    old = drafts.put(machine.current, ("members", "bank", "urls"), (one, two))
    draft = drafts.put(old, ("members", "bank", "urls"), (two, one))
    (change,) = between(old, draft)
    assert change.path == ("members", "bank", "urls")
    assert (change.old, change.new) == ([one, two], [two, one])


def test_another_key_of_an_admin_is_one_change(machine: TrustedRoster) -> None:
    old = machine.current
    key = keys.admin(old.alliance, "eve", b"n" * 32).verifier
    (change,) = between(old, drafts.add_admin(old, key))
    assert change.old == str(old.admins["eve"])
    assert change.new == str(key)


def test_what_members_say_of_themselves(machine: TrustedRoster) -> None:
    at = ("members", "bank", "info", "contact")
    draft = drafts.put(begin(machine), at, "noc@bank.example")
    checked = drafts.read(drafts.write(draft, machine.current))[1]
    assert checked.known("bank").info["contact"] == "noc@bank.example"
    assert drafts.drop(draft, at).members == machine.current.members
    with refused("nothing at members bank info"):
        drafts.drop(machine.current, at)
    assert drafts.put(draft, ("never",)) is draft


def test_a_row_that_is_dropped_falls_back(machine: TrustedRoster) -> None:
    """On everybody's quota, on the cap of the kind; others cannot go."""
    old = machine.current
    more = drafts.put(old, ("quotas",), Quota("all", 1, 2, member="bank"))
    assert drafts.drop(more, ("quotas", "bank all")) == old
    more = drafts.put(old, ("caps",), Cap(7, "phone", "honeypot"))
    assert drafts.drop(more, ("caps", "phone honeypot")) == old
    with refused("nothing at quotas bank all"):
        drafts.drop(old, ("quotas", "bank all"))
    with refused("nothing at caps phone honeypot"):
        drafts.drop(old, ("caps", "phone honeypot"))
    with malformed("quotas: none for all"):
        drafts.write(drafts.drop(begin(machine), ("quotas", "all all")), old)


def test_a_change_in_anything_is_seen(machine: TrustedRoster) -> None:
    """A log key, a cut, an erasure: whatever has a label of its own."""
    old = machine.current
    bank = old.known("bank")
    erased = Erased(bank.origin, 9, b"\1" * 32, ((1, 2),), "retention")
    draft = drafts.put(old, ("erased",), erased)
    assert seen(old, draft) == [f"+ erased {bank.origin} 9 [[1, 2]]"]
    draft = membership.cut(old, bank.origin, Cut(3, b"\1" * 32))
    (change,) = between(old, draft)
    assert change.path[-2:] == ("cuts", "3")


def test_a_new_certificate_brings_its_pin(club: Club) -> None:
    draft, other = begin(club.trusted()), club.keys["carrier"].certificate
    draft = membership.set_certificate(draft, "bank", other)
    bank = draft.known("bank")
    assert (bank.certificate, bank.keys.tls) == (other, certificate.pin(other))
