"""`syncd demo`, as it is called."""

import signal
import tempfile
import time
from pathlib import Path

from syncd.cli import terminal
from syncd.cli.command import Noun, Options, option
from syncd.demo import rows
from syncd.demo.member import stop
from syncd.demo.play import Demo, bad, ok
from syncd.errors import UsageError
from syncd.messages.catalogue import t

WATCH_S = 1.0  # between two looks at the daemons


noun = Noun()


class _Demo(Options):
    once: bool = option("exit when all is seen")
    dir: Path | None = option("a new or empty directory")
    data: Path = option(
        "urls.tsv, phones.csv and accounts.csv lie here",
        default=rows.SAMPLE,
        show_default=False,
    )


@noun.verb("demo", "Four members on this machine, from nothing.")
def _demo(said: _Demo) -> int:
    found = rows.read(said.data)  # wrong data are told of before all else
    return run(Demo(_fresh(said.dir), found), once=said.once)


def run(play: Demo, *, once: bool) -> int:
    """Play the whole demo; return the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    began = time.monotonic()
    try:
        if play.run():
            took = time.monotonic() - began
            ok(t("Everything held, in {s:.0f} s.", s=took))
        else:
            bad(t("Something did not hold: see the red lines above."))
        play.leave_note()
        if not once:
            play.invite()
        while not once:
            play.tell_ended()
            time.sleep(WATCH_S)
    except KeyboardInterrupt:
        terminal.tell("")
        if once:
            return 130
    finally:
        stop(play.members)
    return 0 if play.good else 1


def _fresh(directory: Path | None) -> Path:
    if directory is None:
        return Path(tempfile.mkdtemp(prefix="syncd-demo-"))
    path = directory.absolute()
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(
            f"{path}: is not empty", hint=t("choose a new directory")
        )
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
