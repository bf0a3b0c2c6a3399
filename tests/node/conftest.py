"""An alliance of three for each test that asks for one, and its members."""

import pytest

from tests.alliance import Alliance, Member, as_founded, shared
from tests.store.conftest import clock as clock
from tests.store.conftest import fresh as fresh
from tests.store.conftest import own as own
from tests.store.conftest import reopen as reopen

alliance = shared(as_founded, "bank", "carrier", "police", scope="function")


@pytest.fixture
def bank(alliance: Alliance) -> Member:
    return alliance.bank


@pytest.fixture
def carrier(alliance: Alliance) -> Member:
    return alliance.carrier


@pytest.fixture
def police(alliance: Alliance) -> Member:
    return alliance.police
