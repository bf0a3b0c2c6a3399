"""What a member signs, but is no statement, stops nobody."""

from pathlib import Path

from syncd.indicator import leaf
from tests.alliance import Alliance, payload
from tests.flows.growing import Said

ORIGIN = "police.example/syncd/txwz/1"
GOOD = payload(1, ORIGIN)[1]
RETRACT = (
    b'{"ends":[0],"epoch":1,"kind":"url","on":"2026-11-20",'
    b'"reason":"false_positive","token":"AAAAAAAAAAAAAAAAAAAAAA","type":2}'
)
VOID: dict[str, Said] = {
    "empty": (1, b""),
    "no JSON": (1, b"nonsense"),
    "not canonical": (1, GOOD.replace(b":", b": ", 1)),
    "of no schema": (1, b'{"type":1}'),
    "a field too many": (1, GOOD[:-1] + b',"zzz":1}'),
    "too long": (1, b'{"a":"' + b"x" * 5000 + b'"}'),
    "another type than its leaf": (1, RETRACT),
    "a report in the leaf of a retract": (2, GOOD),
    "an undefined type": (leaf.commit(ORIGIN, 200, b"s" * 16, b"?"), b"", b""),
    "type 0": (leaf.commit(ORIGIN, 0, b"s" * 16, b"?"), b"", b""),
    "a leaf of another version": (b"\2" + b"x" * 33, b"", b""),
    "a short leaf": (b"\1\1short", b"", b""),
}


async def test_void_entries_are_counted_and_passed_over(
    tmp_path: Path,
) -> None:
    """Each is in the tree, a finding and no claim; the log goes on."""
    async with Alliance.found(tmp_path) as alliance:
        police = alliance.police
        await alliance.settle()
        first = await police.size()
        await police.write(*VOID.values())
        await police.write(payload(1, ORIGIN))
        await alliance.settle()
        voids = set(range(first, first + len(VOID)))
        for member in alliance.up:
            found = {k.finding.index for k in await member.findings("void")}
            assert found == voids
            counts = await member.node.home.mirror.counts()
            assert counts[ORIGIN] == 1
            answers = await member.lookup("url", "http://fraud1.example/")
            assert [a.verdict for a in answers] == ["suspected"]
        assert len({await m.digest(ORIGIN) for m in alliance.up}) == 1
        # Who gets it all at once, and from a mirror, agrees.
        payer = await alliance.admit("payer")
        alliance.cut("payer", "police")
        await alliance.agreed()
        await payer.round()
        assert await payer.digest(ORIGIN) == await police.digest(ORIGIN)
