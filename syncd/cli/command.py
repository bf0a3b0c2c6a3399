"""Commands: a verb is a function of one struct, which are its options.

    class Add(Local):
        role: str = option("what it was used as")

    @noun.verb("add", "Report values.")
    def add(options: Add) -> int: ...

A struct takes what several verbs share from the structs it inherits
(`options`), and may be the verb itself, by its method `run`. What a verb
returns is its exit code; None is 0.
"""

import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping
from math import inf
from pathlib import Path
from typing import Any, TypeVar, dataclass_transform, get_args, get_origin

from msgspec import Struct

from syncd import config
from syncd.errors import UsageError

_EMPTY: dict[Any, Any] = {bool: False, str: "", int: 0}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parameter:
    """One option or argument of a command; a field declares it."""

    about: str
    flags: tuple[str, ...] = ()  # none: an argument
    needed: bool = False
    default: Any = None
    min: float = -inf
    max: float = inf
    place: str = ""  # of an argument, in the usage line
    name: str = ""  # of the field
    type: Any = str  # of one value
    many: bool = False


def option(about: str, *flags: str, **more: Any) -> Any:
    """Return an option; without `flags` the field's own is its name."""
    return _field(Parameter(about=about, flags=flags or ("",), **more))


def argument(about: str = "", *, needed: bool = True, place: str = "") -> Any:
    """Return an argument, in the order of the fields."""
    return _field(Parameter(about=about, needed=needed, place=place))


def _field(one: Parameter) -> Any:
    return dataclasses.field(default=one.default, metadata={"option": one})


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
            raise UsageError("no home given")
        return path.absolute()

    def settings(self) -> config.Config:
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
        taken = parameters(type(self))
        return {
            name: value
            for name, field in wanted.items()
            if (value := getattr(self, field)) != taken[field].default
        }


def parameters(struct: type[Options]) -> Mapping[str, Parameter]:
    """Return what a struct takes, its own before what it shares."""
    hints = typing.get_type_hints(struct)
    declared = {
        field.name: field.metadata["option"]
        for field in dataclasses.fields(struct)
        if "option" in field.metadata
    }
    order = [n for one in struct.__mro__ for n in inspect.get_annotations(one)]
    return {
        name: _typed(name, declared[name], hints[name])
        for name in dict.fromkeys(order)
        if name in declared
    }


def _typed(name: str, one: Parameter, hint: Any) -> Parameter:
    """Return a parameter with what its field's name and type say of it."""
    flag = "--" + name.strip("_").replace("_", "-")
    many = get_origin(hint) is list
    empty = [] if many else _EMPTY.get(hint)
    return dataclasses.replace(
        one,
        name=name,
        flags=tuple(given or flag for given in one.flags),
        type=(get_args(hint) or (hint,))[0],
        many=many,
        default=empty if one.default is None else one.default,
    )


V = TypeVar("V", bound=Callable[..., Any])


class Command(Struct, eq=False):
    """A word: what it does, if anything by itself, and the words below it."""

    about: str = ""
    options: type[Options] = Options
    run: Callable[[Any], int | None] | None = None
    below: dict[str, "Command"] = {}

    def noun(self, name: str, about: str) -> "Command":
        """Return a word below this one."""
        self.below[name] = Command(about)
        return self.below[name]

    def verb(self, name: str, about: str) -> Callable[[V], V]:
        """Return what makes a function of one struct, or its `run`, a verb."""

        def add(function: V) -> V:
            run = getattr(function, "run", function)
            struct: Any = function
            if not isinstance(function, type):
                struct, _ = typing.get_type_hints(function).values()
            self.below[name] = Command(about, struct, run)
            return function

        return add
