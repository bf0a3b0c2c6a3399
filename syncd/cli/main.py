"""The `syncd` command: `syncd <noun> <verb>`.

`--lang` is read first of all, so that a complaint is in that language too;
`--home` before the noun says whose member's command it is.
"""

import argparse
import importlib
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from syncd.cli import terminal, usage
from syncd.cli.command import Noun
from syncd.errors import SyncdError
from syncd.messages import catalogue
from syncd.messages.catalogue import later, t

# A noun's modules are imported only when it is called, so that help and a
# mistyped word cost no database and no cryptography. The first has the noun,
# the others add verbs to it.
NOUNS = {
    "init": ("daemon_commands", later("Make a member's home, with its keys.")),
    "run": ("daemon_commands", later("Run the daemon until it is stopped.")),
    "report": (
        "report_commands retract import_command vault_command",
        later("Report, import, retract, dispute, list."),
    ),
    "dispute": (
        "dispute_commands",
        later("Disputes against us, and ours."),
    ),
    "vouch": (
        "claim_commands",
        later("Vouch for numbers, sites and accounts in our own name."),
    ),
    "reassigned": (
        "claim_commands",
        later("As a carrier, say that numbers have a new owner."),
    ),
    "lookup": ("lookup_command", later("Look up numbers, URLs and accounts.")),
    "own": (
        "own_commands",
        later("Our own lists, told nobody: exempt, note, remove, list."),
    ),
    "screening": (
        "screening_commands",
        later("Which of our own customers are listed: add, report."),
    ),
    "access": (
        "access_commands",
        later("Who looked up what for: report, about."),
    ),
    "appeal": (
        "appeal_commands",
        later("Measures to look at again: list, add, note."),
    ),
    "vocabulary": ("codes", later("The codes of labels, roles, evidence, …")),
    "status": (
        "status_command",
        later("How this member and its peers are doing."),
    ),
    "doctor": (
        "doctor_command",
        later("Look where it ends: this machine, and each member."),
    ),
    "roster": (
        "roster_commands edits never_edits",
        later("The roster: admit, remove, sign, publish, show."),
    ),
    "join": (
        "join_commands",
        later("Join an alliance: what a new member does."),
    ),
    "alliance": ("alliance", later("Found an alliance.")),
    "keys": ("keys_commands", later("Admins' keys.")),
    "token": ("token_commands", later("Bearer tokens of the local API.")),
    "audit": ("audit_commands", later("Audit: what signed replies prove.")),
    "log": ("log log_verify", later("Show, export and verify signed logs.")),
    "demo": (
        ".demo.demo_command",
        later("Four members on this machine, from nothing."),
    ),
}


def build(wanted: str = "") -> Noun:
    """Return the command, with the noun `wanted` whole and others by name."""
    app = Noun("Signed exchange of hashed fraud indicators.")

    @app.callback()
    def _common(
        ctx: typer.Context,
        home: Annotated[
            Path | None,
            typer.Option(help="the member's home; else SYNCD_HOME"),
        ] = None,
        lang: Annotated[str, typer.Option(help="en or zh")] = "en",
    ) -> None:
        ctx.obj = home

    loaded = NOUNS[wanted][0] if wanted in NOUNS else ""
    for noun, (modules, about) in NOUNS.items():
        if modules != loaded:
            app.command(noun, help=about)(_nothing)
    if loaded:
        found, *_ = [
            importlib.import_module(f".{module}", "syncd.cli")
            for module in loaded.split()
        ]
        found.noun.add_to(app, wanted, NOUNS[wanted][1])
    return app


def _nothing() -> None:
    """Stand for a noun that was not called."""


def _leading(arguments: list[str]) -> tuple[str, str]:
    """Return the language, and the first word that is no option's value."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--home", nargs="?")
    parser.add_argument("--lang", nargs="?", default="en")
    known, rest = parser.parse_known_args(arguments)
    words = (word for word in rest if not word.startswith("-"))
    return known.lang or "en", next(words, "")


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its code."""
    given = sys.argv[1:] if arguments is None else arguments
    lang, noun = _leading(given)
    if lang not in catalogue.LANGUAGES:
        terminal.tell(f"syncd: error: --lang {lang!r}: en or zh")
        raise SystemExit(2)
    if not catalogue.choose(lang):
        terminal.tell(f"syncd: no {lang} catalogue is compiled: make messages")
    terminal.lay_out()
    try:
        code = build(noun)(given, prog_name="syncd", standalone_mode=False)
        terminal.flush()
    except SyncdError as e:
        raise SystemExit(terminal.complain(e)) from None
    except TyperException as e:
        raise SystemExit(_wrong_use(e)) from None
    except (KeyboardInterrupt, typer.Abort):
        raise SystemExit(130) from None
    except BrokenPipeError:
        terminal.hang_up()
        raise SystemExit(0) from None
    except OSError as e:  # a full disk, a file of somebody else's
        terminal.hang_up()
        raise SystemExit(terminal.complain(terminal.of_system(e))) from None
    raise SystemExit(code if isinstance(code, int) else 0)


def _wrong_use(error: TyperException) -> int:
    """Say what is wrong with a command line; return the exit code."""
    terminal.tell(f"syncd: {t('error')}: {usage.sentence(error)}")
    context = getattr(error, "ctx", None)
    if context is not None:
        terminal.tell(f"syncd: {t('hint')}: {context.command_path} --help")
    return 2
