"""Help and usage errors of the commands, in both languages.

Help texts are plain English where a command is declared: what is shown is
looked up when somebody asks, so a module can be imported before the language
is known. An argument that nobody asked for is not repeated: it may be a raw
value.
"""

import difflib
import re
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.exceptions import TyperException

from syncd.cli import terminal
from syncd.errors import Message, UsageError
from syncd.messages.catalogue import t

# -------------------------------------------------------------------- help


class _Words:
    """The words of typer's help; typer lays them out."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Read the words; each complaint knows of which command it is."""
        base: Any = super()
        try:
            return base.parse_args(ctx, args)
        except TyperException as e:
            vars(e)["ctx"] = ctx
            raise

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Write how the command is called."""
        pieces = [t("[OPTIONS]"), *map(_place, _of(TyperArgument, ctx))]
        if isinstance(self, TyperGroup):
            pieces.insert(1, t("COMMAND [ARGS]..."))
        formatter.write_usage(ctx.command_path, " ".join(pieces), t("Usage: "))

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Write what the command is for."""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(t(ctx.command.help or ""))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write what it takes: names, with what is said of them beside."""
        sections = {
            heading: [
                (_plain(names[0]), _about(p, ctx))
                for p in _of(kind, ctx)
                if (names := p.get_help_record(ctx))
            ]
            for heading, kind in (
                (t("Arguments"), TyperArgument),
                (t("Options"), TyperOption),
            )
        }
        if isinstance(self, TyperGroup):
            sections[t("Commands")] = [
                (name, t(verb.help or ""))
                for name, verb in self.commands.items()
            ]
        for heading, rows in sections.items():
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)


class Command(_Words, TyperCommand):
    """A verb, with help of ours."""


class Group(_Words, TyperGroup):
    """A noun, with help of ours."""

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


def _of(kind: type[Any], ctx: Any) -> list[Any]:
    """Return a command's arguments, or its options."""
    return [p for p in ctx.command.get_params(ctx) if isinstance(p, kind)]


def _place(argument: TyperArgument) -> str:
    name = argument.metavar or argument.name
    shown = name.upper() if argument.required else f"[{name}]"
    return shown + ("..." if argument.nargs != 1 else "")


def _plain(label: str) -> str:
    """Return a label with its type as people say it: one of a list's."""
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
            type=f"{_plain(param.display_type(ctx))} {_range(param)}".rstrip(),
        )
    if isinstance(getattr(ctx, "command", None), TyperGroup):
        return t("a command is missing")
    return t("more arguments than are taken")
