"""What our cosigner keys sign: never less than before, never unverified."""

from typing import Any

from msgspec.structs import replace

from syncd.errors import StaleError
from syncd.flows import cosign
from syncd.flows.ports import Cosigned
from syncd.indicator import codec
from syncd.tlog import cosignature, note, witness
from syncd.tlog.note import SigningKey
from syncd.tlog.witness import Judgement
from tests.cases import tried
from tests.flows import growing
from tests.flows.growing import KEY, ORIGIN, FakeMirror, Log, Pull
from tests.refusals import forked

SEEN = SigningKey("a.example/syncd/txwz/seen", note.COSIGNATURE, b"\2" * 32)
MERGED = SigningKey(
    "a.example/syncd/txwz/merged", note.COSIGNATURE, b"\3" * 32
)
NOW = 1_800_000_000


def signed(size: int, salt: bytes = b"s") -> bytes:
    return Log().reports(size, salt).signed


async def root_of(size: int) -> bytes:
    return Log().reports(size).frontier.root()


class Book:
    """What was cosigned, in memory."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Cosigned] = {}
        self.race: Cosigned | None = None

    async def cosigned(self, role: str, origin: str) -> Cosigned | None:
        return self.rows.get((role, origin))

    async def cosign(
        self, role: str, origin: str, old: Cosigned | None, new: Cosigned
    ) -> None:
        if self.race is not None:
            self.rows[role, origin], self.race = self.race, None
        if self.rows.get((role, origin)) != old:
            raise StaleError("cosign: moved")
        self.rows[role, origin] = new


async def mirror_of(
    merged: int, *sizes: int, contested: bool = False
) -> FakeMirror:
    """Return a mirror of so many entries, with checkpoints of some sizes."""
    to = Pull()
    await to(Log().reports(merged))
    to.mirror.kept = {size: signed(size) for size in sizes}
    to.mirror.held = replace(to.mirror.held, contested=contested)
    return to.mirror


def cosigner(book: Book, mirror: FakeMirror | None = None, **more: Any) -> Any:
    return cosign.Cosigner(
        mirror=mirror or FakeMirror(),
        log_key=KEY.verifier,
        book=book,
        now=NOW,
        **more,
    )


async def sign(book: Book, raw: bytes, **more: Any) -> Any:
    return await cosigner(book, **more).sign("seen", raw, SEEN, root_of)


async def test_a_line_that_verifies() -> None:
    """What is signed is the checkpoint's text, under the log's own line."""
    read = note.parse((await sign(Book(), signed(5))).note)
    assert [s.name for s in read.signatures] == [ORIGIN, SEEN.name]
    assert (
        cosignature.verify(read.text, SEEN.verifier, read.signatures[1]) == NOW
    )


async def test_never_smaller() -> None:
    """An older checkpoint is no news, and leaves no line."""
    book = Book()
    await sign(book, signed(5))
    assert await sign(book, signed(4)) is None
    assert await sign(book, signed(5)) is None
    assert book.rows["seen", ORIGIN].size == 5


@tried(
    "size, why", [(5, "another root at size 5"), (9, "does not extend size 5")]
)
async def test_only_what_extends_what_we_signed(size: int, why: str) -> None:
    """What came to the witness endpoint may be of another branch."""
    book = Book()
    await sign(book, signed(5, salt=b"t"))
    with forked(why):
        await sign(book, signed(size))
    assert book.rows["seen", ORIGIN].size == 5


async def test_the_branch_that_the_roster_chose() -> None:
    """Signed from the first larger size on: no second root of any size."""
    book = Book()
    raw = signed(5, salt=b"t")
    await sign(book, raw)

    for size, signs in ((4, False), (5, False), (6, True)):
        made = await sign(book, signed(size), rejected={note.parse(raw).text})
        assert (made is not None) == signs


async def test_others_lines_are_left_out() -> None:
    """Lines that we did not verify do not stand beside ours."""
    raw = note.parse(signed(5))
    more = note.add(raw, cosignature.cosign(raw.text, MERGED, NOW))
    assert MERGED.name.encode() not in (await sign(Book(), bytes(more))).note


async def receipt(mirror: FakeMirror, book: Book) -> Any:
    return await cosigner(book, mirror).merged(MERGED)


async def test_a_receipt_covers_what_is_merged_and_extends_the_last() -> None:
    """Though what we signed then may have been of a mirror since lost."""
    book = Book()
    first = await receipt(await mirror_of(7, 7, 12), book)
    made = await receipt(await mirror_of(12, 7, 12), book)
    # The largest signed size up to `merged`, nothing above it.
    assert (first.size, made.size) == (7, 12)
    book.rows["merged", ORIGIN] = made._replace(size=7)  # another root
    with forked("does not extend size 7"):
        await receipt(await mirror_of(12, 7, 12), book)


async def test_no_receipt() -> None:
    """None below the first signed size, and none of a forked log."""
    for mirror in (
        await mirror_of(5),
        await mirror_of(5, 9),
        await mirror_of(5, 5, contested=True),
    ):
        assert await receipt(mirror, Book()) is None


async def test_no_receipt_for_another_root() -> None:
    """A kept note that is not what we merged is a fork."""
    mirror = await mirror_of(5, 5)
    mirror.kept[5] = signed(5, salt=b"t")
    with forked():
        await receipt(mirror, Book())


# ---------------------------------------------------------------- witness


def ask(
    old: int, new: int, salt: bytes = b"s", proof: list[bytes] | None = None
) -> bytes:
    log = Log().reports(new, salt)
    if proof is None:
        proof = growing.proof(codec.leaf_hashes(log.records), old)
    return bytes(witness.Request(old, proof, note.parse(log.signed)))


async def post(book: Book, body: bytes, known: bool = True) -> Judgement:
    return await cosign.witness_checkpoint(
        body,
        log_keys={ORIGIN: KEY.verifier} if known else {},
        key=SEEN,
        book=book,
        now=NOW,
    )


async def test_witness_walks_along() -> None:
    """Each consistent step is answered by a line, durable before."""
    book = Book()
    for old, new in ((0, 3), (3, 8), (8, 8), (8, 300)):
        judged = await post(book, ask(old, new))
        assert judged.status == 200
        assert judged.body.startswith(f"— {SEEN.name} ")
        assert book.rows["seen", ORIGIN].size == new


@tried("body, status", [(b"", 400), (ask(2, 9), 409), (ask(0, 3), 409)])
async def test_witness_statuses(body: bytes, status: int) -> None:
    """As `witness.judge` has them, after a cosigned size of 3."""
    book = Book()
    await post(book, ask(0, 3))
    judged = await post(book, body)
    assert judged.status == status
    if status == 409:
        assert (judged.body, judged.content_type) == (
            "3\n",
            "text/x.tlog.size",
        )
    assert book.rows["seen", ORIGIN].size == 3
    assert (await post(Book(), ask(0, 3), known=False)).status == 404


async def test_witness_race() -> None:
    """Who loses the compare-and-swap is told the size that won."""
    book = Book()
    book.race = (await sign(Book(), signed(6)))._replace(size=6)
    judged = await post(book, ask(0, 3))
    assert (judged.status, judged.body) == (409, "6\n")


async def test_what_is_mirrored_is_seen_unless_it_is_contested() -> None:
    """The largest checkpoint that we hold; of no log that has forked."""
    book = Book()
    mirror = await mirror_of(3, contested=True)
    assert await cosigner(book, mirror).seen(SEEN) is None
    made = await cosigner(book, await mirror_of(3)).seen(SEEN)
    assert made.size == 3
    assert book.rows["seen", ORIGIN] == made
