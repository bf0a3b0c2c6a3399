"""An import shows how it gets on, on a terminal that can."""

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress

from rich.cells import cell_len

from tests.cases import tried

NAME = "2026年涉诈网址名单-深圳市公安局.csv"
CODE = f"""
import time

from syncd.messages import catalogue
from syncd.cli.meter import meter
catalogue.choose({{lang!r}})
with meter({NAME!r}, 1000) as at:
    at(100, 0)
    time.sleep(0.05)
    at(500, 1234567)
    time.sleep(0.3)
"""


def lines(lang: str, columns: int, term: str) -> Iterator[str]:
    """Yield the lines that a terminal of that width is drawn."""
    master, slave = os.openpty()
    size = struct.pack("HHHH", 24, columns, 0, 0)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
    done = subprocess.Popen(
        [sys.executable, "-c", CODE.format(lang=lang)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={"PATH": os.environ["PATH"], "TERM": term},
    )
    os.close(slave)
    raw = b""
    with suppress(OSError):  # nobody writes there any more
        while piece := os.read(master, 65536):
            raw += piece
    os.close(master)
    assert done.wait(20) == 0
    for line in re.split(r"[\r\n]+", raw.decode()):
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line)
        if text.strip():
            yield text


@tried("lang", ["en", "zh"])
def test_a_bar_fits_into_80_columns(lang: str) -> None:
    """Name, bar, part, rows and time left, none of them cut off."""
    *_, last = lines(lang, 80, "xterm-256color")
    assert cell_len(last) <= 80
    assert "━" in last
    words = {
        "en": r" 50% 1,234,567 rows 00:0\d",
        "zh": r" 50% 1,234,567 行 00:0\d",
    }
    assert re.search(words[lang], last)
    assert last.startswith("2026年涉诈")


def test_a_terminal_that_cannot_draw_gets_no_escape_sequences() -> None:
    assert list(lines("en", 80, "dumb")) == []
