"""config.toml: read, and every fault in it named with its line at once.

tomllib says where a text is no TOML, and refuses doubled keys; msgspec says
what is no value of a setting. Neither says in which line a key stands, which
key may have been meant, or what else is wrong.
"""

import difflib
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import FieldInfo

from syncd import shape
from syncd.config import secret, settings
from syncd.config.settings import SECTIONS, SETTINGS, Config, takes
from syncd.errors import MalformedError, SyncdError, UsageError, joined

FILE = "config.toml"
NEEDED = ("id", "domain", "alliance")  # of [member]


def load(home: Path) -> Config:
    """Read the settings of the member whose home this is.

    Raises:
        UsageError: no such file, or something in it is wrong; says where.
    """
    path = home / FILE
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(
            "{path}: no such file",
            hint="syncd --home {home} init",
            path=path,
            home=home,
        ) from None
    return parse(raw, home)


def parse(raw: bytes, home: Path) -> Config:
    """Read the bytes of a config.toml.

    Raises:
        UsageError: it is no TOML, or a key or value cannot be.
    """
    path = home / FILE
    try:
        text = raw.decode()
        tables = tomllib.loads(text)
    except UnicodeDecodeError as e:
        line = raw.count(b"\n", 0, e.start) + 1
        raise UsageError(
            "{path}: line {line}: not UTF-8", path=path, line=line
        ) from None
    except tomllib.TOMLDecodeError as e:
        problem = str(e)
        raise UsageError(
            "{path}: {said}", path=path, said=problem[:1].lower() + problem[1:]
        ) from None
    faults = _Faults(path, text)
    values = {name: faults.values(name, tables[name]) for name in tables}
    for key in NEEDED:
        if not dict(tables.get("member") or {}).get(key):
            faults.add("member", key, f"member.{key}: is not set")
    faults.check()
    sections = {name: SECTIONS[name](**values[name]) for name in values}
    config = Config(home, **sections)
    for section, key, why, *hint in _together(config):
        faults.add(section, key, f"{section}.{key}: {why}", *hint)
    faults.check()
    return config


class _Faults(msgspec.Struct):
    path: Path
    text: str
    found: list[SyncdError] = []

    def add(self, section: str, key: str, text: str, hint: str = "") -> None:
        line = shape.line_of(self.text, section, key)
        where = f"{self.path}: line {line}:" if line else f"{self.path}:"
        error = UsageError("{where} {said}", hint=hint, where=where, said=text)
        self.found.append(error)

    def check(self) -> None:
        """Pass if nothing is wrong.

        Raises:
            UsageError: something is: says all of it.
        """
        if self.found:
            raise joined(self.found, UsageError)

    def values(self, section: str, table: object) -> dict[str, Any]:
        """Return what a section sets, as far as it can be."""
        if section not in SETTINGS or not isinstance(table, dict):
            kind = "section" if isinstance(table, dict) else "key"
            hint = _meant(section, SETTINGS)
            self.add(section, "", f"unknown {kind} {section}", hint)
            return {}
        values = {}
        for key, value in table.items():
            if key not in SETTINGS[section]:
                hint = _meant(key, SETTINGS[section], anywhere=True)
                self.add(section, key, f"unknown key {section}.{key}", hint)
                continue
            try:
                values[key] = _value(SETTINGS[section][key], value)
            except MalformedError as e:
                self.add(section, key, f"{section}.{key}: {e}")
        return values


def _meant(name: str, known: Iterable[str], *, anywhere: bool = False) -> str:
    near = difflib.get_close_matches(name, known, n=3)
    if anywhere and not near:
        near = [f"{s}.{name}" for s in SETTINGS if name in SETTINGS[s]]
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"known here: {', '.join(known)}"


def _value(setting: FieldInfo, value: object) -> object:
    """Return what a setting becomes.

    A value is not repeated: people put the passphrase itself here, and the
    address of a webhook may hold a secret.
    """
    try:
        if setting.type == settings.Listen:
            if value == "" and not setting.default:  # left open
                return setting.default
            return settings.parse_address(str(value))
        if setting.type == settings.Absolute and str(value)[:1] in ("", "/"):
            return Path(str(value)) if value else None
        return msgspec.convert(value, setting.type)
    except msgspec.ValidationError as e:
        if setting.type == settings.Targets:
            at, why = shape.fault(e)
            raise MalformedError(f"{at}: {why}" if at else why) from e
        raise MalformedError("want {takes}", takes=takes(setting)) from None


def _together(config: Config) -> Iterator[tuple[str, ...]]:
    """Yield what is each fine and not together: section, key, why; a hint."""
    own, peer, file = config.own, config.peer, config.secret.file
    interval_s = config.exchange.interval_s
    most = config.exchange.backoff_max_s
    name = config.key_name("merged")
    if len(name) > 100:
        why = f"{name!r} would be a key's name of {len(name)} bytes, above 100"
        yield "member", "domain", why
    if most < interval_s:
        why = f"{most} s is below interval_s, {interval_s} s"
        yield "exchange", "backoff_max_s", why
    if not own.listen.loopback and not own.beyond_loopback:
        why = f"{own.listen} is not loopback and the local API has no TLS"
        hint = (
            "use 127.0.0.1 or a unix socket's path, and own.tls_listen for "
            "other machines; in a container set own.beyond_loopback = true"
        )
        yield "own", "listen", why, hint
    taken = [own.listen, peer.listen]
    for section, at in ("own", own), ("console", config.console):
        listen = at.tls_listen
        if listen and not (own.tls_certificate and own.tls_key):
            why = "wants [own] tls_certificate and tls_key too"
            yield section, "tls_listen", why
        if listen.port and listen in taken:
            yield section, "tls_listen", f"{listen} is another API's"
        taken.append(listen)
    if peer.listen.path:
        why = "a unix socket cannot be reached by other members"
        yield "peer", "listen", why
    if peer.listen.port and peer.listen == own.listen:
        yield "own", "listen", f"{own.listen} is the peer API's address"
    if file and secret.inside(file, config.home):
        yield "secret", "file", secret.INSIDE, secret.ELSEWHERE
    for flaw in config.database.flaws():
        yield "database", "url", flaw
    for flaw in config.holder.flaws():
        yield "holder", "away", flaw
    names = [target.name for target in config.notify.targets]
    for target in config.notify.targets:
        for flaw in target.flaws():
            yield "notify", "targets", f"{target.name}: {flaw}"
    if len(names) != len(set(names)):
        yield "notify", "targets", "two of one name"
