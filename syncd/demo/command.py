"""`syncd demo`, as it is called."""

import signal
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from syncd.cli import terminal
from syncd.demo import rows
from syncd.demo.member import stop
from syncd.demo.play import Demo, bad, ok
from syncd.errors import UsageError
from syncd.messages.catalogue import t

WATCH_S = 1.0  # between two looks at the daemons


def add(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("demo", help="Four members on this machine, from nothing.")
    def _demo(
        once: Annotated[
            bool, typer.Option("--once", help="exit when all is seen")
        ] = False,
        directory: Annotated[
            Path | None,
            typer.Option("--dir", help="a new or empty directory"),
        ] = None,
        data: Annotated[
            Path,
            typer.Option(
                "--data",
                help="urls.tsv, phones.csv and accounts.csv lie here",
                show_default=False,
            ),
        ] = rows.SAMPLE,
    ) -> int:
        found = rows.read(data)  # wrong data are told of before all else
        return run(Demo(_fresh(directory), found), once=once)


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
