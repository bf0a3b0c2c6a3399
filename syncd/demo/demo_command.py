"""`syncd demo`: its options, and what it prints at the end."""

import csv
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from syncd.cli import terminal
from syncd.cli.command import Command, Options, option
from syncd.demo.member import stop
from syncd.demo.play import Demo, Row, title
from syncd.errors import UsageError
from syncd.messages.catalogue import later, t
from syncd.store.sessions import TICKET_S

SAMPLE = Path(__file__).with_name("sample") / "reports.csv"

noun = Command()


class _DemoOptions(Options):
    once: bool = option("exit when all is seen")
    dir: Path | None = option("a new or empty directory, which stays")
    data: Path = option(
        "a list to import with kind, value, label and role", default=SAMPLE
    )


@noun.verb("demo", "Four members on this machine, from nothing.")
def _demo(args: _DemoOptions) -> int:
    rows = read(args.data)  # wrong data are refused before all else
    with tempfile.TemporaryDirectory(prefix="syncd-demo-") as gone:
        where = (args.dir or Path(gone)).absolute()
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(where.iterdir()):
            hint = t("choose a new directory")
            raise UsageError("{path}: is not empty", hint=hint, path=where)
        return run(Demo(where, rows), once=args.once)


def read(path: Path) -> list[Row]:
    """Return the rows of a list in CSV for `syncd report import`."""
    lines = terminal.decoded(terminal.read_file(path), str(path)).splitlines()
    rows = [*csv.DictReader(lines, restval="")]
    if not rows or not {"kind", "value"} <= rows[0].keys():
        raise UsageError("{path}: no rows with kind and value", path=path)
    return rows


def run(play: Demo, *, once: bool) -> int:
    """Play the whole demo; return the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    began = time.monotonic()
    try:
        play.run()
        end = later("Something did not hold: see the red lines above.")
        if good := play.good:
            end = later("Everything held, in {s:.0f} s.")
        play.check(good, t(end, s=time.monotonic() - began))
        play.leave_note()
        if not once:
            watch(play)
    finally:
        stop(play.running)
    return int(not good)


def watch(play: Demo) -> None:
    """Say what can be tried now, until Ctrl-C."""
    bank = play.members[1]
    title(t("Try it; Ctrl-C ends it"))
    terminal.say(
        f"  export PATH={Path(sys.executable).parent}:$PATH\n"
        f"  export SYNCD_HOME={bank.home}"
        f" SYNCD_TOKEN_FILE={bank.token_file}\n"
        "  syncd status\n"
        "  echo 96110 | syncd lookup --kind phone --purpose test\n"
        "  syncd log verify\n"
        f'  curl -H "Authorization: Bearer $(cat {bank.token_file})"'
        f" http://{bank.own}/v1/status"
    )
    for member in play.members:
        terminal.say(f"  {member.id:9} {member.link()}  {member.log_file}")
    text = t(
        "Each link opens a console once, within {n} minutes; then a token does:"
        " {path}",
        n=TICKET_S // 60,
        path=play.where / "secrets" / "*.token",
    )
    terminal.say(f"  {text}")
    with suppress(KeyboardInterrupt):  # as soon as the last line is there
        terminal.say(f"  {play.where}/demo.json")
        signal.pause()
    terminal.tell("")
