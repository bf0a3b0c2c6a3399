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
from typing import Final

from syncd.indicator import statement as statements
from syncd.indicator import token as tokens
from syncd.indicator.claims import REPORT, Claim, Row
from syncd.indicator.statement import Report

Frame = tuple[int, bytes, bytes]  # (key, record before know, and after)
_frames: dict[bytes, Frame] = {}  # valid ones
FRAMES_KEPT: Final = 16_384
_CASE_KEY: Final = b'{"case":"'
_KNOW_KEY: Final = b'"know":"'
_TAIL: Final = b'","type":1}'
_KNOW_AT: Final = 15  # offset in a report's record


def rows(
    reports: Sequence[tuple[int, bytes]],
) -> tuple[list[Row], list[tuple[int, bytes]]]:
    """Return the rows of reports, (index, payload), and those without one.

    Of the latter only `statement.decode` can say what is wrong, if anything.
    """
    odd: list[tuple[int, bytes]] = []
    plain, cased = _Framed(8), _Framed(16)
    for report in reports:
        _, payload = report
        if payload.startswith(_CASE_KEY):
            framed = cased
            at = payload.find(_KNOW_KEY, 25) + 8
            bare = _CASE_KEY + payload[25:at] + payload[at + 16 : -33]
            hexes = payload[at : at + 16] + payload[9:25]
        else:
            framed = plain
            at = payload.find(_KNOW_KEY) + 8
            bare = payload[:at] + payload[at + 16 : -33]
            hexes = payload[at : at + 16]
        frame = _frames.get(bare) or _learn(bare, payload, at)
        if frame is None or at < 8 or not payload.endswith(_TAIL):
            odd.append(report)
            continue
        framed.reports.append(report)
        framed.frames.append(frame)
        framed.hexes.append(hexes)
        framed.names.append(payload[-33:-11])
    found: list[Row] = []
    for framed in plain, cased:
        made = framed.rows()
        if made is None:  # one of them is no token, no know or no case
            odd += framed.reports
        else:
            found += made
    return found, odd


class _Framed:
    """Reports whose frames are known, to be decoded in one go."""

    def __init__(self, width: int) -> None:
        """`width`: bytes between the record's parts, of know and case."""
        self.width = width
        self.reports: list[tuple[int, bytes]] = []
        self.frames: list[Frame] = []
        self.hexes: list[bytes] = []  # know and case
        self.names: list[bytes] = []  # tokens

    def rows(self) -> list[Row] | None:
        """Return the rows; None if a name is no token or a know not hex."""
        text = b"".join(self.hexes).decode("latin-1")
        found = tokens.decode_many(self.names)
        try:
            octets = bytes.fromhex(text)
        except ValueError:
            return None
        if found is None or octets.hex() != text:
            return None
        width = self.width
        return [
            (token, index, number, head + octets[at : at + width] + tail)
            for token, at, (index, _), (number, head, tail) in zip(
                found,
                range(0, len(octets), width),
                self.reports,
                self.frames,
                strict=True,
            )
        ]


def _learn(bare: bytes, payload: bytes, at: int) -> Frame | None:
    """Return the frame of a report, and keep it; None if it has none."""
    report = statements.decode(payload, REPORT)
    cased = payload.startswith(_CASE_KEY)
    if (
        not isinstance(report, Report)
        or report.know.encode() != payload[at : at + 16]
        or report.token.encode() != payload[-33:-11]
        or (cased and report.case.encode() != payload[9:25])
    ):
        return None
    _, _, number, record = Claim("", 0, report).row()
    if len(_frames) >= FRAMES_KEPT:
        _frames.clear()
    after = _KNOW_AT + (16 if cased else 8)
    found = number, record[:_KNOW_AT], record[after:]
    _frames[bare] = found
    return found
