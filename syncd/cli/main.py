"""The `syncd` command: `syncd <noun> <verb>`.

`--lang` is read before the commands are built, because their help is text as
well; `--home` before the noun says whose member's command it is.
"""

import importlib
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer._click.core import Context
from typer.exceptions import TyperException

from syncd.cli import terminal, text, usage
from syncd.cli.text import t
from syncd.errors import SyncdError


class State:
    """What stands before the noun."""

    home: Path | None = None


# Each noun's module is imported only when it is called, so that help and a
# mistyped word cost no database and no cryptography.
NOUNS = {
    "init": ("daemon", "Make a member's home, with its keys."),
    "run": ("daemon", "Run the daemon until it is stopped."),
    "report": ("reporting", "Report, import, retract, dispute, list."),
    "lookup": ("lookup", "Look up numbers, URLs and accounts."),
    "own": ("own", "Our own lists, told nobody: exempt, note, remove, list."),
    "vocabulary": ("codes", "The codes of labels, roles, evidence, …"),
    "status": ("status", "How this member and its peers are doing."),
    "roster": ("roster", "The roster: admit, remove, sign, publish, show."),
    "join": ("join", "Join an alliance: what a new member does."),
    "alliance": ("alliance", "Found an alliance."),
    "keys": ("keys", "Admins' keys."),
    "token": ("token", "Bearer tokens of the own door."),
    "audit": ("audit", "Audit: what signed replies prove."),
    "log": ("log", "Show, export and verify signed logs."),
    "demo": ("demo", "Four members on this machine, from nothing."),
}


def build(wanted: str = "") -> typer.Typer:
    """Return the command, with the noun `wanted` whole and others by name."""
    Context.formatter_class = usage.Formatter
    app = typer.Typer(
        name="syncd",
        help=t("Signed exchange of hashed fraud indicators."),
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
    )

    @app.callback()
    def _common(
        ctx: typer.Context,
        home: Annotated[
            Path | None,
            typer.Option(help=t("the member's home; else SYNCD_HOME")),
        ] = None,
        lang: Annotated[
            str, typer.Option(help=t("en or zh"))
        ] = text.language(),
    ) -> None:
        state = State()
        state.home = home
        ctx.obj = state

    loaded = NOUNS[wanted][0] if wanted in NOUNS else ""
    for noun, (module, about) in NOUNS.items():
        if module != loaded:
            app.command(noun, help=t(about))(_nothing)
    if loaded:
        importlib.import_module(f"syncd.cli.{loaded}").add(app)
    return app


def _nothing() -> None:
    """Stand for a noun that was not called."""


def _noun(arguments: list[str]) -> str:
    """Return the first word that is no option of ours, nor its value."""
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument in ("--home", "--lang"):
            skip = True
        elif not argument.startswith("-"):
            return argument
    return ""


def _language(arguments: list[str]) -> str:
    for i, argument in enumerate(arguments):
        if argument == "--lang" and i + 1 < len(arguments):
            return arguments[i + 1]
        if argument.startswith("--lang="):
            return argument.removeprefix("--lang=")
    return "en"


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its code."""
    given = sys.argv[1:] if arguments is None else arguments
    lang = _language(given)
    if lang not in text.LANGUAGES:
        terminal.tell(f"syncd: error: --lang {lang!r}: en or zh")
        raise SystemExit(2)
    text.choose(lang)
    terminal.lay_out()
    try:
        code = build(_noun(given))(
            given, prog_name="syncd", standalone_mode=False
        )
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
    if type(error).__name__ == "NoArgsIsHelpError":
        terminal.tell(error.format_message())
        return 2
    said = usage.said(error.format_message())
    terminal.tell(f"syncd: {t('error')}: {said}")
    context = getattr(error, "ctx", None)
    if context is not None:
        terminal.tell(f"syncd: {t('hint')}: {context.command_path} --help")
    return 2
