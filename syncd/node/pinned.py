"""The rosters that a home has accepted, from the pinned one on.

Apart from `node.home`, so that who only asks loads no database.
"""

import time
from pathlib import Path

from syncd.config import Config
from syncd.errors import DamagedError, MalformedError, UsageError
from syncd.roster.trust import TrustedRoster
from syncd.store.roster_files import RosterFiles

SIGN_S = 30 * 86_400  # before a roster or certificate ends: see to the next
MAX_SKEW_S = 300  # of our clock to the others', to cosign and publish


def clock() -> int:
    """Return the time in unix seconds."""
    return int(time.time())


def roster_files(home: Path) -> RosterFiles:
    """Return the directory of a home's accepted rosters."""
    return RosterFiles(home / "roster")


def trusted_roster(config: Config) -> TrustedRoster:
    """Return the chain of rosters of a home, verified from its pin on.

    Raises:
        UsageError: no roster is pinned or here yet.
        UntrustedError: the chain does not verify.
        DamagedError: a file is not a roster any more.
    """
    notes = roster_files(config.home).notes()
    if not (notes and config.alliance.fingerprint):
        raise UsageError("{home}: there is no roster here yet", config)
    try:
        return TrustedRoster(config.alliance.fingerprint, *notes)
    except MalformedError as e:
        raise DamagedError("{home}/roster: {why}", config, why=e) from e
