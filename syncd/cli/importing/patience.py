"""Patience: what is worth waiting for, how long, and what is said of it.

A daemon that is restarted is back in seconds, one that asks us to come back
later says when. Both beat an operator who runs the command again by hand.
Waiting ends where it does not help: the import is resumable anyway.
"""

import time

from syncd.cli import terminal
from syncd.cli.text import t
from syncd.errors import QuotaError, StaleError, SyncdError

RESTART_S = 300  # in all, for a daemon that has answered before
STEP_S = 10  # in all, for a step of a run that was killed
QUOTA_S = 3600  # in all, as the daemon asks
_LONGEST_S = 15  # between two tries


class Patience:
    """How long one trouble may last; a new one for each."""

    def __init__(self) -> None:
        self._waited_s = 0
        self._pause_s = 1

    def wait(self, error: SyncdError, *, begun: bool) -> None:
        """Return when it is time to try again, the operator being told.

        Args:
            error: what happened.
            begun: whether the daemon has answered us before.

        Raises:
            SyncdError: waiting does not help: the error itself.
        """
        if isinstance(error, QuotaError):
            pause, most = max(error.retry_after_s, 1), QUOTA_S
        else:
            pause = self._pause_s
            self._pause_s = min(2 * pause, _LONGEST_S)
            most = STEP_S if isinstance(error, StaleError) else RESTART_S
        if not begun and not isinstance(error, QuotaError):
            most = 0
        if self._waited_s + pause > most:
            raise error
        terminal.tell(
            t("{error}: tried again in {pause} s", error=error, pause=pause)
        )
        self._waited_s += pause
        time.sleep(pause)
