"""Read many reports fast, by decoding what they have in common once.

A frame is a report's payload without what is hardly ever the same twice, the
values of `know`, `token` and `case`:

    {"case":"<16>" … "know":"<16>","label": … "token":"<22>","type":1}

Whether a payload is canonical and valid depends on its frame, and on those
being 8 bytes in hex, a token and 8 bytes in hex; its row depends on the
frame, and holds them. So a frame is decoded once, and most payloads of most
logs share theirs with others. A report with a `basis` has its case further
in: there the case is part of the frame.
"""

from collections.abc import Sequence

from syncd.indicator import statement as statements
from syncd.indicator.claims import REPORT, Claim
from syncd.indicator.statement import Report
from syncd.indicator.token import decode_many

CELL = b"%b%017d%017d%b"  # of a row, as `folding.Rows` has it
Frame = tuple[bytes, bytes]  # (key's digits and record before know, after)
Numbered = tuple[int, bytes]  # (index, payload)
FRAMES_KEPT = 16_384  # of either sort
_CASE_KEY = b'{"case":"'
_KNOW_KEY = b'"know":"'
_TAIL = b'","type":1}'
_KNOW_AT = 15  # offset in a report's record
_CASED = 25  # bytes of a payload up to the end of its case
_frames: dict[int, dict[bytes, Frame]] = {0: {}, _CASED: {}}  # valid ones


def cells(reports: Sequence[Numbered]) -> tuple[list[bytes], list[Numbered]]:
    """Return the cells of reports, and those that have none.

    Of the latter only `statement.decode` can say what is wrong, if anything.
    """
    cased = [r for r in reports if r[1].startswith(_CASE_KEY)]
    if cased:
        reports = [r for r in reports if not r[1].startswith(_CASE_KEY)]
    found, odd = _cells(reports, 0)
    more, left = _cells(cased, _CASED)
    return found + more, odd + left


def _cells(
    reports: Sequence[Numbered], start: int
) -> tuple[list[bytes], list[Numbered]]:
    """Return the cells of reports whose frames begin at an offset."""
    odd, framed = list[Numbered](), list[Numbered]()
    frames, hexes, ends = list[Frame](), list[bytes](), list[bytes]()
    known = _frames[start].get
    for report in reports:
        payload = report[1]
        at = payload.find(_KNOW_KEY, start) + 8
        bare = payload[start:at] + payload[at + 16 : -33]
        frame = known(bare) or _learn(bare, payload, at, start)
        if frame is None or at < 8:
            odd.append(report)
            continue
        framed.append(report)
        frames.append(frame)
        hexes.append(payload[at : at + 16])
        ends.append(payload[-33:])
    width = 8  # bytes between the record's parts, of know and case
    if start:
        width = 16
        hexes = [
            know + payload[9:25]
            for know, (_, payload) in zip(hexes, framed, strict=True)
        ]
    *names, _ = b"".join(ends).split(_TAIL)
    tokens = decode_many(names) if len(names) == len(ends) else None
    octets = _octets(hexes)
    if tokens is None or octets is None:  # one of them is no token, know, case
        return [], [*reports]
    join = b"".join
    return [
        join((token, b"%017d" % index, head, octets[at : at + width], tail))
        for token, at, (index, _), (head, tail) in zip(
            tokens, range(0, len(octets), width), framed, frames, strict=True
        )
    ], odd


def _octets(hexes: list[bytes]) -> bytes | None:
    """Return what is written in lower-case hex; None if something is not."""
    text = b"".join(hexes).decode("latin-1")
    try:
        octets = bytes.fromhex(text)
    except ValueError:
        return None
    return octets if octets.hex() == text else None


def _learn(bare: bytes, payload: bytes, at: int, start: int) -> Frame | None:
    """Return the frame of a report, and keep it; None if it has none."""
    report = statements.decode(payload, REPORT)
    if (
        not isinstance(report, Report)
        or report.know.encode() != payload[at : at + 16]
        or report.token.encode() != payload[-33:-11]
        or (start and report.case.encode() != payload[9:25])
    ):
        return None
    _, _, number, record = Claim("", 0, report).row()
    frames = _frames[start]
    if len(frames) >= FRAMES_KEPT:
        frames.clear()
    after = _KNOW_AT + (16 if start else 8)
    found = b"%017d" % number + record[:_KNOW_AT], record[after:]
    frames[bare] = found
    return found
