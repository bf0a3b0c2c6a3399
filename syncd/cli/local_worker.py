"""The process of a local worker, which only the daemon starts.

    python -m syncd.cli.local_worker FD

FD is its end of a socket pair: keys and settings come through it, nothing of
them is an argument or in the environment.
"""

import asyncio
import signal
import socket
import sys

from syncd.cli import log_output
from syncd.node import hardening
from syncd.node.local_worker import Daemon, LocalWorker
from syncd.node.serve.link import Link


def main() -> None:
    """Answer look-ups until the daemon has gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the daemon's to handle
    hardening.no_core_dumps()
    hardening.give_back()
    hardening.give_way()
    asyncio.run(_work(socket.socket(fileno=int(sys.argv[1]))))


async def _work(ends: socket.socket) -> None:
    link = await Link.of(ends)
    start = await link.told()
    log_output.configure(start.config.log.level, start.config.log.format)
    await LocalWorker(Daemon(link), start).run()


if __name__ == "__main__":
    main()
