"""What an inspector takes home of a member's quarter: an XLSX, and A4 to sign.

A template asks the member's own local API, and says what it answers: the page.
The workbook has what is on the page, a sheet for each heading. The rows of
both lie beside them and are named by their hash: the same rows give the same
bytes, for no clock is asked, and days are those of the roster's zone.
"""

import hashlib
import html
import json
import re
import statistics
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from syncd.audit import report
from syncd.cli import sheet_file, terminal
from syncd.cli.api_client import pages
from syncd.cli.compliance_commands import who
from syncd.console import page as tables
from syncd.messages import catalogue

ROSTER = ("version", "hash", "alliance", "zone")  # known of it
_CELL = re.compile('<(h[12]|p|tr|th|td)( class="n")?[^>]*>([^<]*)')


class Answers(dict[str, Any]):
    """What is known of a set: what it is of, and the rows of each section."""

    own: Any = ()  # the ApiClient, which is asked while nothing is known

    def ask(self, path: str, name: str, **query: str) -> Any:
        """Return something of an answer; a first count is waited for."""
        while self.own:
            found = self.own.get(path, **query)
            if found.get("as_of") != 0:
                return found.get(name)
            time.sleep(1)
        return ()

    def listed(self, path: str, cursor: str, **query: str) -> Any:
        """Return a whole list, whose pages go on by a cursor."""
        if not self.own:
            return ()
        return pages(partial(self.own.get, path, **query), cursor)[0]

    def keep(self, name: str, rows: Any) -> Any:
        """Return the rows of a section, as they are known from now on."""
        return self.setdefault(name, json.loads(json.dumps(rows)))


def files(answers: Answers) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a set: what it is made of, then in two languages."""
    shows = {"of": answers, "tables": tables, "catalogue": catalogue}
    shows |= {"who": who, "median": statistics.median}
    shows["zone"] = answers["zone"]
    page = partial(report.rendered, "inspection.html", **shows)
    page(made_of="")
    answers.own = ()  # all is known
    made = terminal.as_json(answers).encode()
    yield "inspection.json", made
    for lang in ("zh", "en"):
        with catalogue.speaking(lang):
            text = page(made_of=hashlib.sha256(made).hexdigest())
        yield f"inspection.{lang}.html", text.encode()
        rows = list[list[str | int]]()
        sheets = dict[str, list[list[str | int]]]()
        for tag, number, said in _CELL.findall(text):
            if tag in ("h1", "h2"):
                rows = sheets[said if sheets else answers["quarter"]] = []
            if tag not in ("th", "td"):
                rows.append([])
            if tag != "tr":
                cell = html.unescape(said)
                rows[-1].append(int(cell) if number else cell)
        yield f"inspection.{lang}.xlsx", sheet_file.book(sheets)
