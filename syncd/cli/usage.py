"""Help and usage errors of the commands, in both languages.

Help texts are plain English where a command is declared: what is shown is
looked up when somebody asks, so a module can be imported before the language
is known. An argument that nobody asked for is not repeated: it may be a raw
value.
"""

import difflib
import re
import shutil
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.exceptions import TyperException

from syncd.cli import grid, terminal
from syncd.errors import Message, UsageError
from syncd.messages.catalogue import t

WIDTH = 80  # columns at most
_NAMES = 30  # columns for names, before what is said of them goes below


class _Words:
    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Read the words; each complaint knows of which command it is."""
        base: Any = super()
        try:
            return base.parse_args(ctx, args)
        except TyperException as e:
            vars(e)["ctx"] = ctx
            raise


class Command(_Words, TyperCommand):
    """A verb, with help of ours."""

    def get_help(self, ctx: Any) -> str:
        """Return the help."""
        return "\n".join(_lines(self, ctx, t("[OPTIONS]")))


class Group(_Words, TyperGroup):
    """A noun, with help of ours."""

    def get_help(self, ctx: Any) -> str:
        """Return the help."""
        lines = _lines(self, ctx, f"{t('[OPTIONS]')} {t('COMMAND [ARGS]...')}")
        verbs = [
            (name, t(verb.help or ""))
            for name, verb in self.commands.items()
            if not verb.hidden
        ]
        return "\n".join([*lines, *_section(t("Commands"), verbs)])

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Read the words; a noun alone asks for help."""
        bare = self.invoke_without_command
        if not args and not bare and not ctx.resilient_parsing:
            terminal.tell(self.get_help(ctx))
            raise typer.Exit(2)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the verb of a command line.

        Raises:
            UsageError: there is none of that name.
        """
        name = args[0]
        if name.startswith("-") or name in self.commands:
            return super().resolve_command(ctx, args)
        near = difflib.get_close_matches(name, self.commands)
        if near:
            text = t(
                "no command {name}; nearest: {near}", name=name, near=near[0]
            )
        elif self.invoke_without_command:
            text = t("more arguments than are taken")
        else:
            text = t("no command {name}", name=name)
        raise UsageError(
            text, hint=Message("{command} --help", command=ctx.command_path)
        )


class Noun(typer.Typer):
    """A place for verbs."""

    def __init__(self, about: str = "") -> None:
        super().__init__(
            cls=Group,
            help=about,
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
            add_completion=False,
        )

    def command(
        self, name: str | None = None, **settings: Any
    ) -> Callable[[Any], Any]:
        """Return what makes a function a verb."""
        return super().command(name, **{"cls": Command, **settings})


# -------------------------------------------------------------------- help


def _lines(
    command: TyperCommand | TyperGroup, ctx: Any, pieces: str
) -> Iterable[str]:
    arguments = [p for p in command.params if isinstance(p, TyperArgument)]
    options = [
        p for p in command.get_params(ctx) if isinstance(p, TyperOption)
    ]
    start = f"{t('Usage: ')}{ctx.command_path} "
    yield from textwrap.wrap(
        " ".join([pieces, *map(_place, arguments)]),
        _width(),
        initial_indent=start,
        subsequent_indent=" " * grid.width(start),
    )
    yield ""
    yield from _wrapped(t(command.help or ""), "  ")
    yield from _section(t("Arguments"), _shown(arguments, ctx))
    yield from _section(t("Options"), _shown(options, ctx))


def _shown(
    params: Sequence[TyperArgument | TyperOption], ctx: Any
) -> list[tuple[str, str]]:
    return [(_name(p, ctx), _about(p, ctx)) for p in params if not p.hidden]


def _name(param: TyperArgument | TyperOption, ctx: Any) -> str:
    if isinstance(param, TyperArgument):
        return f"{param.metavar or param.name} {_type(param, ctx)}"
    names = ", ".join(param.opts)
    return names if param.is_flag else f"{names} {_type(param, ctx)}"


def _place(argument: TyperArgument) -> str:
    name = argument.metavar or argument.name
    shown = name.upper() if argument.required else f"[{name}]"
    return shown + ("..." if argument.nargs != 1 else "")


def _type(param: TyperArgument | TyperOption, ctx: Any) -> str:
    """Return the type of a value as people say it: one of a list's."""
    label = param.display_type(ctx)
    return re.sub(r"<(?:list\[)?(\w+)(?: range|\])>", r"<\1>", label)


def _about(param: TyperArgument | TyperOption, ctx: Any) -> str:
    """Return what is said of an option, with what it takes behind it."""
    if "--help" in param.opts:
        return t("Show this message and exit.")
    default = param.get_default(ctx, call=False)
    extras = []
    if param.show_default and default not in (None, False, "", [], ()):
        extras.append(t("default: {value}", value=default))
    if limits := _range(param):
        extras.append(limits)
    if param.required:
        extras.append(t("required"))
    bracket = f"[{'; '.join(extras)}]" if extras else ""
    return "  ".join(filter(None, (t(param.help or ""), bracket)))


def _range(param: TyperArgument | TyperOption) -> str:
    least, most = param.min, param.max
    if least is None:
        return "" if most is None else f"x<={most}"
    return f"x>={least}" if most is None else f"{least}<=x<={most}"


def _section(heading: str, rows: list[tuple[str, str]]) -> Iterable[str]:
    """Yield a heading, and names with what is said of them beside."""
    if not rows:
        return
    yield from ("", f"{heading}:")
    column = min(max(grid.width(name) for name, _ in rows), _NAMES) + 4
    for name, about in rows:
        first = f"  {name}".ljust(column)
        if len(first) > column:  # too long: what is said goes below
            yield first
            first = " " * column
        yield from _wrapped(about, " " * column, first) or [first.rstrip()]


def _wrapped(text: str, indent: str, first: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        _width(),
        initial_indent=first or indent,
        subsequent_indent=indent,
    )


def _width() -> int:
    return min(shutil.get_terminal_size().columns, WIDTH) - 2


# -------------------------------------------------------------- complaints


def sentence(error: TyperException) -> str:
    """Return typer's complaint in our words.

    It is known by what it bears: typer names its classes in private.
    """
    ctx: Any = getattr(error, "ctx", None)
    option = getattr(error, "option_name", "")
    if hasattr(error, "possibilities"):
        near = error.possibilities
        if near:
            return t(
                "no option {name}; nearest: {near}", name=option, near=near[0]
            )
        return t("no option {name}", name=option)
    if option:
        takes = [p for p in ctx.command.params if option in p.opts]
        if takes and not takes[0].is_flag:
            return t("{name} needs a value", name=option)
        return t("{name} takes none", name=option)
    if isinstance(error, typer.BadParameter) and error.param is not None:
        param: Any = error.param
        name = " / ".join(param.opts)
        if hasattr(error, "param_type"):
            return t("{name} is missing", name=name)
        return t(
            "{name}: not a value that it takes: {type}",
            name=name,
            type=f"{_type(param, ctx)} {_range(param)}".rstrip(),
        )
    if isinstance(getattr(ctx, "command", None), TyperGroup):
        return t("a command is missing")
    return t("more arguments than are taken")
