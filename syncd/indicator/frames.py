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

from binascii import unhexlify
from collections.abc import Sequence

from syncd.indicator import statement as statements
from syncd.indicator.claims import REPORT, Claim
from syncd.indicator.token import decode_many

CELL = b"%b%017d%017d%b"  # of a row, as `folding.Rows` has it
Frame = tuple[bytes, bytes]  # (key's digits and record before know, after)
Numbered = tuple[int, bytes]  # (index, payload)
FRAMES_KEPT = 32_768
_CASE_KEY = b'{"case":"'
_KNOW_KEY = b'"know":"'
_TAIL = b'","type":1}'
_KNOW_AT = 15  # offset in a report's record
_frames: dict[bytes, Frame] = {}  # valid ones


def cells(reports: Sequence[Numbered]) -> tuple[list[bytes], list[Numbered]]:
    """Return the cells of reports, and those that have none.

    Of the latter only `statement.decode` can say what is wrong, if anything.
    """
    odd, framed = list[Numbered](), list[tuple[int, Frame]]()
    hexes, ends = list[bytes](), list[bytes]()
    known = _frames.get
    for report in reports:
        index, payload = report
        at = payload.find(_KNOW_KEY) + 8
        bare, case = payload[:at] + payload[at + 16 : -33], b""
        if bare.startswith(_CASE_KEY):
            # a know found inside of it has a quote there, which is no hex
            bare, case = bare[:9] + bare[25:], bare[9:25]
        frame = known(bare) or _learn(bare, payload, at, case)
        if frame is None or at < 8:
            odd.append(report)
            continue
        framed.append((index, frame))
        hexes.append(payload[at : at + 16] + case)
        ends.append(payload[-33:])
    *names, _ = b"".join(ends).split(_TAIL)
    tokens = decode_many(names) if len(names) == len(ends) else None
    octets = _octets(hexes)
    if tokens is None or octets is None:  # one of them is no token, know, case
        return [], [*reports]
    join = b"".join
    return [
        join((token, b"%017d" % index, head, shown, tail))
        for token, shown, (index, (head, tail)) in zip(
            tokens, octets, framed, strict=True
        )
    ], odd


def _octets(hexes: list[bytes]) -> list[bytes] | None:
    """Return what is written in lower-case hex; None if something is not."""
    try:
        octets = [*map(unhexlify, hexes)]
    except ValueError:
        return None
    same = b"".join(octets).hex().encode() == b"".join(hexes)
    return octets if same else None


def _learn(bare: bytes, payload: bytes, at: int, case: bytes) -> Frame | None:
    """Return the frame of a report, and keep it; None if it has none."""
    report = statements.decode(payload, REPORT)
    if (
        not isinstance(report, statements.Report)
        or report.know.encode() != payload[at : at + 16]
        or report.token.encode() != payload[-33:-11]
        or case not in (b"", report.case.encode())
    ):
        return None
    _, _, number, record = Claim("", 0, report).row()
    if len(_frames) >= FRAMES_KEPT:
        _frames.clear()
    after = _KNOW_AT + 8 + len(case) // 2
    found = b"%017d" % number + record[:_KNOW_AT], record[after:]
    _frames[bare] = found
    return found
