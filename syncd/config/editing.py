"""config.toml, written: by `syncd init`, and where a setting is changed."""

import re
from collections.abc import Mapping
from pathlib import Path

import tomlkit

from syncd.config.file import FILE, parse
from syncd.errors import UsageError
from syncd.store import durable

DEFAULT = Path(__file__).with_name(FILE)  # all as comments, explained
Values = Mapping[str, Mapping[str, object]]  # by section and key


def create(home: Path, values: Values) -> str:
    """Write the home's config.toml and return it.

    What `values` holds is set; everything else stands there as a comment with
    its default and its explanation.

    Raises:
        UsageError: a value cannot be, or there is a config.toml already.
    """
    text = _with(DEFAULT.read_text(encoding="utf-8"), values, home)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = home / FILE
    try:
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise UsageError("{home}: is there already", home=path) from None
    durable.write(path, text.encode())
    return text


def change(home: Path, section: str, key: str, value: object) -> None:
    """Set one key in a home's config.toml; the rest stays as it is.

    Raises:
        UsageError: the file is wrong, or would be.
    """
    raw = (home / FILE).read_bytes()
    parse(raw, home)
    text = _with(raw.decode(), {section: {key: value}}, home)
    durable.write(home / FILE, text.encode())


def _with(text: str, values: Values, home: Path) -> str:
    for section, given in values.items():
        for key in given:  # where the default is a comment, in its place
            before = rf"(?ms)(^\[{section}\](?:(?!^\[).)*?^)"
            text = re.sub(f"{before}# ({key} = )", r"\1\2", text, count=1)
    document = tomlkit.parse(text)
    for section, given in values.items():
        table = document.setdefault(section, tomlkit.table())
        for key, value in given.items():
            plain = isinstance(value, int | float | list)
            table[key] = value if plain else str(value)
    text = tomlkit.dumps(document)
    parse(text.encode(), home)
    return text
