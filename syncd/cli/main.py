"""The `syncd` command: `syncd <noun> <verb>`.

`--lang` is read first of all, so that a complaint is in that language too;
`--home` before the noun says whose member's command it is.
"""

import argparse
import importlib
import io
import sys
from pathlib import Path

from syncd.cli import terminal, usage
from syncd.cli.command import Command, Options, option, parameters
from syncd.errors import SyncdError, UsageError
from syncd.messages import catalogue
from syncd.messages.catalogue import later

NOUNS = {
    "init": later("Make a member's home, with its keys."),
    "run": later("Run the daemon until it is stopped."),
    "report": later("Report, import, retract, dispute, list."),
    "dispute": later("Disputes against us, and ours."),
    "vouch": later("Vouch for numbers, sites and accounts in our own name."),
    "reassigned": later("As a carrier, say that numbers have a new owner."),
    "lookup": later("Look up numbers, URLs and accounts."),
    "pending": later("What waits for a second person: list, show, confirm."),
    "own": later("Our own lists, told nobody: exempt, note, remove, list."),
    "screening": later("Which of our own customers are listed: add, report."),
    "access": later("Who looked up what for: report, about."),
    "appeal": later("Measures to look at again: list, add, note."),
    "vocabulary": later("The codes of labels, roles, evidence, …"),
    "status": later("How this member and its peers are doing."),
    "doctor": later("Look where it ends: this machine, and each member."),
    "roster": later("The roster: admit, remove, sign, publish, show."),
    "join": later("Join an alliance: what a new member does."),
    "alliance": later("Found an alliance."),
    "keys": later("Admins' keys."),
    "token": later("Bearer tokens of the local API."),
    "audit": later("Audit: what signed replies prove."),
    "log": later("Show, export and verify signed logs."),
    "db": later("Move a member's databases to a server."),
    "demo": later("Four members on this machine, from nothing."),
}
# A noun's modules are imported only when it is called, so that help and a
# mistyped word cost no database and no cryptography. The first has the noun,
# the others add verbs to it; of NOUN it is `NOUN_commands` if not said here.
MODULES = {
    "init": "daemon_commands",
    "run": "daemon_commands",
    "report": "report_commands retract import_command vault_command",
    "vouch": "claim_commands",
    "reassigned": "claim_commands",
    "lookup": "lookup_command",
    "vocabulary": "codes",
    "status": "status_command",
    "doctor": "doctor_command",
    "roster": "roster_commands edits never_edits",
    "alliance": "alliance",
    "log": "log",
    "demo": ".demo.demo_command",
}


class _Leading(Options):
    """What stands before the noun."""

    home: Path | None = option("the member's home; else SYNCD_HOME")
    lang: str = option("en or zh", default="en")


def build(wanted: str = "") -> Command:
    """Return the command, with the noun `wanted` whole and others by name."""
    app = Command("Signed exchange of hashed fraud indicators.")
    app.options = _Leading
    for name, about in NOUNS.items():
        app.noun(name, about)
    if wanted in NOUNS:
        found, *_ = [
            importlib.import_module(f".{module}", "syncd.cli")
            for module in MODULES.get(wanted, f"{wanted}_commands").split()
        ]
        found.noun.about = NOUNS[wanted]
        app.below[wanted] = found.noun.below.get(wanted, found.noun)
    return app


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its code."""
    given = sys.argv[1:] if arguments is None else arguments
    taken = parameters(_Leading)
    reader = usage.parser(taken)
    reader.add_argument("words", nargs=argparse.REMAINDER)
    if isinstance(sys.stdout, io.TextIOWrapper):  # whatever it can show
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        leading, rest = usage.parsed(reader.parse_known_args, given, taken)
        words = [*rest, *leading.get("words", ())]
        lang = leading.get("lang", "en")
        if lang not in catalogue.LANGUAGES:
            raise UsageError("--lang {lang}: en or zh", lang=repr(lang))
        if not catalogue.choose(lang):
            terminal.tell(
                f"syncd: no {lang} catalogue is compiled: make messages"
            )
        app = build(words[0] if words else "")
        code = usage.call(app, words, leading.get("home"))
        print(end="", flush=True)  # somebody can still be told if not
    except SyncdError as e:
        raise SystemExit(terminal.complain(e)) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        terminal.hang_up()
        raise SystemExit(0) from None
    except OSError as e:  # a full disk, a file of somebody else's
        terminal.hang_up()
        raise SystemExit(terminal.complain(terminal.of_system(e))) from None
    raise SystemExit(code or 0)
