"""An alliance of three for each test that asks for one."""

from tests.alliance import as_founded, shared

alliance = shared(as_founded, "bank", "carrier", "police", scope="function")
