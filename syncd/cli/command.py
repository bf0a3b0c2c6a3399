"""Nouns and verbs: a verb is a function of one struct, which are its options.

    class Add(Local):
        role: str = option("what it was used as")

    @noun.verb("add", "Report values.")
    def add(options: Add) -> int: ...

A struct takes what several verbs share from the structs it inherits
(`options`), and may be the verb itself, by its method `run`. What a verb returns is its exit code; None is 0.
"""

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import (
    Annotated,
    Any,
    TypeVar,
    dataclass_transform,
    get_origin,
    get_type_hints,
)

import typer

from syncd import config
from syncd.cli import usage
from syncd.config import Config
from syncd.errors import UsageError

_EMPTY: dict[Any, Any] = {bool: False, str: "", int: 0}


def option(
    about: str,
    *names: str,
    default: Any = None,
    needed: bool = False,
    **more: Any,
) -> Any:
    """Return an option; without `names` the field's own is its name."""
    return _field(typer.Option, about, names, default, needed, more)


def argument(
    about: str = "", *, default: Any = None, needed: bool = True, **more: Any
) -> Any:
    """Return an argument, in the order of the fields."""
    return _field(typer.Argument, about, (), default, needed, more)


def _field(
    kind: Callable[..., Any],
    about: str,
    names: Sequence[str],
    default: Any,
    needed: bool,
    more: dict[str, Any],
) -> Any:
    about_it = {"kind": kind, "about": about, "names": names, "needed": needed}
    return dataclasses.field(
        default=default, metadata={"option": {**about_it, "more": more}}
    )


@dataclass_transform(
    eq_default=False, kw_only_default=True, field_specifiers=(option, argument)
)
@dataclasses.dataclass(eq=False, kw_only=True)
class Options:
    """What a command is about: a home, and options of the verb's own."""

    home: Path | None  # that stands before the noun

    def __init_subclass__(cls) -> None:
        dataclasses.dataclass(eq=False, kw_only=True)(cls)

    def home_path(self) -> Path:
        """Return the home that the command is about."""
        path = self.home or config.environment().home
        if path is None:
            raise UsageError(
                "no home given",
                hint="say syncd --home DIR …, or set SYNCD_HOME",
            )
        return path.absolute()

    def settings(self) -> Config:
        """Return the settings of that home."""
        home = self.home_path()
        if not home.is_dir():
            raise UsageError("{home}: no such directory", home=home)
        return config.load(home)

    def given(self, *names: str, **others: str) -> dict[str, Any]:
        """Return the given values of some options, by the names on the wire.

        That is an option's own name, or the name that `others` has for it.
        """
        wanted = {name.strip("_"): name for name in names} | others
        empty = defaults(type(self))
        known = {name: getattr(self, field) for name, field in wanted.items()}
        return {k: v for k, v in known.items() if v != empty[wanted[k]]}


V = TypeVar("V", bound=Callable[..., Any])


class Noun(typer.Typer):
    """A word with verbs, or verbs that stand for themselves."""

    def __init__(self, about: str = "") -> None:
        super().__init__(
            cls=usage.Group,
            help=about,
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
            add_completion=False,
        )

    def noun(self, name: str, about: str) -> "Noun":
        """Return a word below this one."""
        made = Noun(about)
        self.add_typer(made, name=name)
        return made

    def add_to(self, app: typer.Typer, name: str, about: str) -> None:
        """Add it to the command, as a word or by its verbs."""
        if name in {verb.name for verb in self.registered_commands}:
            app.add_typer(self)
            return
        if self.registered_callback is None:
            self.callback()(lambda: None)  # a word, though it has one verb
        app.add_typer(self, name=name, help=about)

    def alone(self, function: V) -> V:
        """Make a function of one struct what the word does without a verb."""
        run = _of_one_struct(function)

        def unless_verb(ctx: typer.Context, **given: Any) -> int | None:
            return None if ctx.invoked_subcommand else run(ctx=ctx, **given)

        vars(unless_verb)["__signature__"] = inspect.signature(run)
        self.callback(invoke_without_command=True)(unless_verb)
        return function

    def verb(self, name: str, about: str) -> Callable[[V], V]:
        """Return what makes a function of one struct, or its `run`, a verb."""

        def add(function: V) -> V:
            made = _of_one_struct(function)
            self.command(name, help=about, cls=usage.Command)(made)
            return function

        return add


def _of_one_struct(
    function: Callable[..., Any],
) -> Callable[..., int | None]:
    """Return a function of options, which calls one of their struct."""
    struct: Any = function
    if isinstance(function, type):
        function = struct.run
    else:
        hints = get_type_hints(function)
        hints.pop("return")
        (struct,) = hints.values()

    def run(ctx: typer.Context, **given: Any) -> int | None:
        code: int | None = function(struct(home=ctx.obj, **given))
        return code

    keyword = inspect.Parameter.KEYWORD_ONLY
    first = inspect.Parameter("ctx", keyword, annotation=typer.Context)
    taken = [first, *_parameters(struct)]
    setattr(run, "__signature__", inspect.Signature(taken))  # noqa: B010
    return run


def _parameters(struct: Any) -> Iterator[inspect.Parameter]:
    """Yield a struct's options as typer reads them, its own ones first."""
    hints = get_type_hints(struct)
    empty = defaults(struct)
    for name, field in _fields(struct).items():
        spec = field.metadata["option"]
        flags = spec["names"]
        if spec["kind"] is typer.Option and not flags:
            flags = ("--" + name.strip("_").replace("_", "-"),)
        yield inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if spec["needed"] else empty[name],
            annotation=Annotated[
                hints[name],
                spec["kind"](*flags, help=spec["about"], **spec["more"]),
            ],
        )


def _fields(struct: Any) -> dict[str, dataclasses.Field[Any]]:
    """Return the fields that are options, a struct's own before shared ones."""
    known = {field.name: field for field in dataclasses.fields(struct)}
    order = [n for one in struct.__mro__ for n in inspect.get_annotations(one)]
    return {
        name: known[name]
        for name in dict.fromkeys(order)
        if "option" in known[name].metadata
    }


def defaults(struct: Any) -> Mapping[str, Any]:
    """Return what each option is where it is not given."""
    hints = get_type_hints(struct)
    found = {}
    for name, field in _fields(struct).items():
        many = get_origin(hints[name]) is list
        empty = [] if many else _EMPTY.get(hints[name])
        found[name] = empty if field.default is None else field.default
    return found
