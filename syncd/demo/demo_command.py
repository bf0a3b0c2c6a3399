"""`syncd demo`: its options, and what it prints at the end."""

import signal
import sys
import tempfile
import time
from pathlib import Path

from syncd.cli import terminal
from syncd.cli.command import Noun, Options, option
from syncd.demo import sample_rows
from syncd.demo.member import stop
from syncd.demo.play import Demo, bad, ok, title
from syncd.errors import UsageError
from syncd.messages.catalogue import t

WATCH_S = 1.0  # between two looks at the daemons


noun = Noun()


class _DemoOptions(Options):
    once: bool = option("exit when all is seen")
    dir: Path | None = option("a new or empty directory")
    data: Path = option(
        "urls.tsv, phones.csv and accounts.csv lie here",
        default=sample_rows.SAMPLE,
        show_default=False,
    )


@noun.verb("demo", "Four members on this machine, from nothing.")
def _demo(args: _DemoOptions) -> int:
    found = sample_rows.read(
        args.data
    )  # wrong data are refused before all else
    return run(Demo(_fresh(args.dir), found), once=args.once)


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
            invite(play)
        while not once:
            tell_ended(play)
            time.sleep(WATCH_S)
    except KeyboardInterrupt:
        terminal.tell("")
        if once:
            return 130
    finally:
        stop(play.members)
    return 0 if play.good else 1


def invite(play: Demo) -> None:
    """Say what can be tried now."""
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
        terminal.say(f"  {member.id:9} http://{member.own}  {member.log_file}")
    terminal.say(f"  {play.where}/demo.json")


def tell_ended(play: Demo) -> None:
    """Tell once of each daemon that has ended, and how to start it."""
    for member in play.members:
        if (code := member.ended()) is not None:
            member.process = None
            end = t("exit {code}", code=code)
            if code < 0:
                end = t("signal {number}", number=-code)
            bad(t("{id} has ended: {end}", id=member.id, end=end))
            terminal.say(f"    syncd --home {member.home} run")


def _fresh(directory: Path | None) -> Path:
    if directory is None:
        return Path(tempfile.mkdtemp(prefix="syncd-demo-"))
    path = directory.absolute()
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(
            "{path}: is not empty", hint=t("choose a new directory"), path=path
        )
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
