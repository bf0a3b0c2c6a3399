"""An alliance of three for each test that asks for one."""

from tests.alliance import as_founded, shared
from tests.store.conftest import clock as clock
from tests.store.conftest import fresh as fresh
from tests.store.conftest import own as own
from tests.store.conftest import reopen as reopen

alliance = shared(as_founded, "bank", "carrier", "police", scope="function")
