"""The process of a local worker, which only the daemon starts.

    python -m syncd.cli.local_worker

Keys and settings come through its standard input: nothing of them is an
argument or in the environment.
"""

import asyncio
import pickle
import signal
import sys

from syncd.cli import log_output
from syncd.node import hardening
from syncd.node.local_worker import LocalWorker
from syncd.node.serve.link import Start


def main() -> None:
    """Answer look-ups until the daemon has gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the daemon's to handle
    hardening.no_core_dumps()
    hardening.give_back()
    hardening.give_way()
    start: Start = pickle.load(sys.stdin.buffer)  # noqa: S301 (the daemon's)
    log_output.configure(start.config.log.level, start.config.log.format)
    asyncio.run(_work(start))


async def _work(start: Start) -> None:
    await LocalWorker(start).run()


if __name__ == "__main__":
    main()
