"""What a court gets of one value is checked by itself, or names its flaw."""

from syncd.audit import disclosure
from tests.audit.conftest import Made
from pathlib import Path


def test_it_proves_all_that_is_said_and_who_had_it(made: Made) -> None:
    found = disclosure.read(made.disclosed)
    page = disclosure.page(found, made.fingerprint)
    Path("/tmp/hdisc/page.html").write_text(page)
    Path("/tmp/hdisc/d.json").write_bytes(made.disclosed)
    Path("/tmp/hdisc/fp").write_text(made.fingerprint)
    assert disclosure.read(page.encode()) == found
