"""A member's settings: config.toml and the environment, read once.

`load` gives a frozen `Config` or a UsageError that names file, line and key;
no other module reads TOML or the environment. Each setting carries its own
default, range and one line of explanation, so that the file that `syncd init`
writes, docs/configuration.md and the checks cannot drift apart.

What the alliance decides (caps, policy, zone of its days, who may see what)
stands in the roster, never here.
"""

import dataclasses
import difflib
import ipaddress
import json
import os
import re
import socket
import stat
import textwrap
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, NoReturn, get_args, get_type_hints

from syncd.errors import MalformedError, UsageError
from syncd.store import failpoint

FILE = "config.toml"
SECRET_LEAST = 12  # bytes of a passphrase


# ------------------------------------------------------------ addresses


@dataclass(frozen=True, slots=True)
class Address:
    """Where a door listens: a host and port, or a unix socket's path."""

    host: str = ""
    port: int = 0  # 0: the system picks one
    path: Path | None = None

    def __str__(self) -> str:
        if self.path:
            return str(self.path)
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Only this machine can reach it."""
        if self.path or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


_ADDRESS = re.compile(
    r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<host>[A-Za-z0-9.-]+))"
    r":(?P<port>0|[1-9][0-9]{0,4})",
    re.ASCII,
)


def parse_address(text: str) -> Address:
    """Read `host:port`, `[v6]:port` or an absolute path.

    Raises:
        MalformedError: it is none of them.
    """
    if text.startswith("/"):
        return Address(path=Path(text))
    match = _ADDRESS.fullmatch(text)
    if not match or int(match["port"]) > 65535:
        raise MalformedError(
            f"{text!r} is not host:port, [v6]:port or /path/of/socket"
        )
    return Address(host=match["six"] or match["host"], port=int(match["port"]))


# --------------------------------------------------------- what may stand


@dataclass(frozen=True, slots=True)
class Rule:
    """What a setting's value may be."""

    takes: str  # range and unit, for people
    parse: Callable[[object], object]  # raises MalformedError


def _whole(least: int, most: int, unit: str = "") -> Rule:
    takes = f"{least}–{most} {unit}".strip()

    def parse(value: object) -> object:
        if not isinstance(value, int) or isinstance(value, bool):
            raise MalformedError("want a whole number")
        if not least <= value <= most:
            raise MalformedError(f"{value} is not in {takes}")
        return value

    return Rule(takes, parse)


def _fraction(least: float, most: float) -> Rule:
    takes = f"{least}–{most}"

    def parse(value: object) -> object:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise MalformedError("want a number")
        if not least <= value <= most:
            raise MalformedError(f"{value} is not in {takes}")
        return float(value)

    return Rule(takes, parse)


def _flag() -> Rule:
    def parse(value: object) -> object:
        if not isinstance(value, bool):
            raise MalformedError("want true or false")
        return value

    return Rule("true, false", parse)


def _one_of(*choices: str) -> Rule:
    takes = ", ".join(choices)

    def parse(value: object) -> object:
        if value not in choices:
            raise MalformedError(f"{value!r} is not one of {takes}")
        return value

    return Rule(takes, parse)


def _text(shape: str, takes: str) -> Rule:
    def parse(value: object) -> object:
        if not isinstance(value, str):
            raise MalformedError("want a string")
        if not re.fullmatch(shape, value, re.ASCII):
            raise MalformedError(f"{value!r} is not {takes}")
        return value

    return Rule(takes, parse)


def _listen() -> Rule:
    return Rule(
        "host:port, [v6]:port or /path/of/socket",
        lambda value: parse_address(str(value)),
    )


def _host_names() -> Rule:
    def parse(value: object) -> object:
        if not isinstance(value, list) or not all(
            isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9.-]+", name)
            for name in value
        ):
            raise MalformedError("want a list of host names")
        return tuple(value)

    return Rule("a list of host names", parse)


def _absolute() -> Rule:
    def parse(value: object) -> object:
        # The value is not repeated: people put the passphrase itself here.
        if not isinstance(value, str) or value[:1] not in ("", "/"):
            raise MalformedError("want an absolute path")
        return Path(value) if value else None

    return Rule("an absolute path", parse)


_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_SHORT = _text(r"[a-z0-9-]{1,32}", "1–32 of a–z, 0–9, -")


# ------------------------------------------------------------- settings


@dataclass(frozen=True, slots=True)
class Member:
    """Who we are."""

    id: Annotated[str, _SHORT, "our id in the roster"] = ""
    domain: Annotated[
        str,
        _text(rf"{_LABEL}(?:\.{_LABEL})+", "a domain in lower case"),
        "begins the names of our keys and log: an identity, not an address",
    ] = ""
    alliance: Annotated[str, _SHORT, "the alliance's short name"] = ""
    generation: Annotated[
        int,
        _whole(1, 9999),
        "which of our logs we write; a log that cannot go on starts the next",
    ] = 1
    region: Annotated[
        str,
        _text(r"[A-Z]{2}", "two capital letters"),
        "the country of phone numbers written without one",
    ] = "CN"


@dataclass(frozen=True, slots=True)
class Alliance:
    """Whom we trust to begin with."""

    fingerprint: Annotated[
        str,
        _text(r"|[0-9a-f]{64}", "64 hex digits"),
        "SHA-256 of the first roster's text, learnt by another way than the "
        "roster itself",
    ] = ""


@dataclass(frozen=True, slots=True)
class PeerDoor:
    """The door for other members: mutual TLS, pinned by the roster."""

    listen: Annotated[
        Address,
        _listen(),
        "where other members reach us, directly or forwarded",
    ] = Address("127.0.0.1", 8443)
    max_request_bytes: Annotated[
        int,
        _whole(1_048_576, 16_777_216, "bytes"),
        "a longer request is answered 413",
    ] = 1_048_576


@dataclass(frozen=True, slots=True)
class OwnDoor:
    """The door for our own systems and command line: bearer tokens."""

    listen: Annotated[
        Address, _listen(), "loopback, or a unix socket's path"
    ] = Address("127.0.0.1", 8480)
    beyond_loopback: Annotated[
        bool,
        _flag(),
        "allow another address: only where something else keeps strangers "
        "out, such as a container's network, for there is no TLS here",
    ] = False
    hosts: Annotated[
        tuple[str, ...],
        _host_names(),
        "further names that a request's Host may bear, beside loopback's",
    ] = ()
    max_request_bytes: Annotated[
        int,
        _whole(65_536, 268_435_456, "bytes"),
        "a longer request is answered 413",
    ] = 16_777_216


@dataclass(frozen=True, slots=True)
class Secret:
    """Where the passphrase is that wraps keys, shares and vault.

    The first that is there is used: SYNCD_SECRET_FILE, the credential, the
    file, the prompt.
    """

    credential: Annotated[
        str,
        _text(r"[A-Za-z0-9_.-]{1,64}", "a credential's name"),
        "a systemd credential, as in LoadCredential=syncd-secret:/path",
    ] = "syncd-secret"
    file: Annotated[
        Path | None,
        _absolute(),
        "a file of mode 0600 outside the home and its backups",
    ] = None
    prompt: Annotated[
        bool, _flag(), "ask for it if there is a terminal to ask on"
    ] = True


@dataclass(frozen=True, slots=True)
class Exchange:
    """How we follow the others' logs."""

    interval_s: Annotated[
        int, _whole(1, 3600, "s"), "a round of questions begins this often"
    ] = 60
    jitter: Annotated[
        float,
        _fraction(0.0, 0.9),
        "each pause is longer or shorter by up to this part of it",
    ] = 0.2
    backoff_max_s: Annotated[
        int,
        _whole(1, 86_400, "s"),
        "a member that fails is asked again after 1 min, 2, 4 … up to this",
    ] = 3600
    fanout: Annotated[
        int,
        _whole(1, 16, "members"),
        "so many are asked each round, at random",
    ] = 3
    poke: Annotated[
        bool,
        _flag(),
        "tell the others of an urgent report at once, and some of them of"
        " whatever else is new in the next round",
    ] = True
    connect_timeout_s: Annotated[
        int, _whole(1, 60, "s"), "to reach a member and finish the handshake"
    ] = 5
    read_timeout_s: Annotated[
        int, _whole(1, 300, "s"), "without a single byte until we give up"
    ] = 15
    request_timeout_s: Annotated[
        int, _whole(1, 3600, "s"), "for one answer, however steadily it drips"
    ] = 120


@dataclass(frozen=True, slots=True)
class Lookup:
    """How we answer look-ups."""

    deadline_ms: Annotated[
        int,
        _whole(50, 60_000, "ms"),
        "when the caller names no `deadline_ms`; 2 ms more an item",
    ] = 3000
    cache: Annotated[
        bool,
        _flag(),
        "remember, in memory only, what holders made of identifiers that we "
        "met, to answer again without asking them",
    ] = False


@dataclass(frozen=True, slots=True)
class Holder:
    """How we ask the holders of the token keys."""

    deadline_ms: Annotated[
        int,
        _whole(50, 60_000, "ms"),
        "a holder that takes longer is left out and another quorum tried",
    ] = 2000


@dataclass(frozen=True, slots=True)
class Log:
    """What is written to standard error."""

    level: Annotated[
        str,
        _one_of("debug", "info", "warning", "error"),
        "the least that is written",
    ] = "info"
    format: Annotated[
        str,
        _one_of("auto", "json", "console"),
        "auto is console on a terminal, JSON lines elsewhere",
    ] = "auto"


@dataclass(frozen=True, slots=True)
class Access:
    """The durable record of look-ups: who, when and why, never the value."""

    days: Annotated[
        int, _whole(1, 3650, "days"), "kept this long, then deleted"
    ] = 180


@dataclass(frozen=True, slots=True)
class Sighting:
    """Telling the alliance that a reported indicator was met."""

    enabled: Annotated[
        bool,
        _flag(),
        "publish sightings once a day, rounded down and shuffled",
    ] = True


@dataclass(frozen=True, slots=True)
class Skew:
    """How wrong a clock may be."""

    max_s: Annotated[
        int,
        _whole(1, 3600, "s"),
        "if our clock differs by more from the others', we neither cosign "
        "nor publish",
    ] = 300


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of one member."""

    home: Path
    member: Member = Member()
    alliance: Alliance = Alliance()
    peer: PeerDoor = PeerDoor()
    own: OwnDoor = OwnDoor()
    secret: Secret = Secret()
    exchange: Exchange = Exchange()
    lookup: Lookup = Lookup()
    holder: Holder = Holder()
    log: Log = Log()
    access: Access = Access()
    sighting: Sighting = Sighting()
    skew: Skew = Skew()

    @property
    def origin(self) -> str:
        """The name of our own log and of its key."""
        return self.key_name(str(self.member.generation))

    def key_name(self, role: str) -> str:
        """The name of our key for `role`, e.g. `bank.example/syncd/txwz/seen`."""
        return f"{self.member.domain}/syncd/{self.member.alliance}/{role}"


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of config.toml."""

    rule: Rule
    doc: str
    default: object


def _settings(section: type) -> dict[str, Setting]:
    hints = get_type_hints(section, include_extras=True)
    found = {}
    for f in dataclasses.fields(section):
        _, rule, doc = get_args(hints[f.name])
        found[f.name] = Setting(rule, doc, f.default)
    return found


SECTIONS: Mapping[str, type] = MappingProxyType(
    {
        f.name: f.type
        for f in dataclasses.fields(Config)
        if isinstance(f.type, type) and f.name != "home"
    }
)
SETTINGS: Mapping[str, Mapping[str, Setting]] = MappingProxyType(
    {name: _settings(section) for name, section in SECTIONS.items()}
)


def toml(value: object) -> str:
    """One value as TOML writes it."""
    match value:
        case None:
            return '""'
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case tuple() | list():
            return f"[{', '.join(map(toml, value))}]"
        case _:
            return json.dumps(str(value), ensure_ascii=False)


# ------------------------------------------------------------- the file


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
            f"{path}: no such file", hint=f"syncd --home {home} init"
        ) from None
    except OSError as e:
        raise UsageError(f"{path}: {e.strerror}") from e
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
        raise UsageError(f"{path}: line {line}: not UTF-8") from None
    except tomllib.TOMLDecodeError as e:
        raise UsageError(f"{path}: {_uncapital(str(e))}") from None
    sections = {}
    for name, table in tables.items():
        if name not in SECTIONS or not isinstance(table, dict):
            kind = "section" if isinstance(table, dict) else "key"
            _unknown(path, text, kind, name, "", SECTIONS)
        sections[name] = _section(path, text, name, table)
    config = Config(home=home, **sections)
    _check_together(config, path, text)
    return config


def _section(
    path: Path, text: str, name: str, table: Mapping[str, object]
) -> Any:
    known = SETTINGS[name]
    values = {}
    for key, value in table.items():
        if key not in known:
            _unknown(path, text, "key", key, name, known)
        try:
            values[key] = known[key].rule.parse(value)
        except MalformedError as e:
            _refuse(path, text, name, key, str(e))
    return SECTIONS[name](**values)


def _check_together(config: Config, path: Path, text: str) -> None:
    """Refuse settings that are each fine, and not together."""
    for key in ("id", "domain", "alliance"):
        if not getattr(config.member, key):
            _refuse(path, text, "member", key, "is not set")
    name = config.key_name("merged")
    if len(name) > 100:
        _refuse(
            *(path, text, "member", "domain"),
            f"{name!r} would be a key's name of {len(name)} bytes, above 100",
        )
    if config.exchange.backoff_max_s < config.exchange.interval_s:
        _refuse(
            *(path, text, "exchange", "backoff_max_s"),
            f"{config.exchange.backoff_max_s} s is below interval_s, "
            f"{config.exchange.interval_s} s",
        )
    if not config.own.listen.loopback and not config.own.beyond_loopback:
        _refuse(
            *(path, text, "own", "listen"),
            f"{config.own.listen} is not loopback and this door has no TLS",
            hint="use 127.0.0.1 or a unix socket's path; in a container set "
            "own.beyond_loopback = true",
        )
    if config.peer.listen.path:
        _refuse(
            *(path, text, "peer", "listen"),
            "a unix socket cannot be reached by other members",
        )
    if config.peer.listen.port and config.peer.listen == config.own.listen:
        _refuse(
            *(path, text, "own", "listen"),
            f"{config.own.listen} is the peer door's address",
        )
    if config.secret.file:
        where = _line(text, "secret", "file")
        _outside(
            config.secret.file, config.home, f"{path}:{where} secret.file"
        )


def _refuse(
    path: Path, text: str, section: str, key: str, why: str, hint: str = ""
) -> NoReturn:
    where = _line(text, section, key)
    raise UsageError(f"{path}:{where} {section}.{key}: {why}", hint=hint)


def _unknown(
    path: Path,
    text: str,
    kind: str,
    key: str,
    section: str,
    known: Mapping[str, object],
) -> NoReturn:
    """Refuse a name that we do not know, and say which it may have been."""
    where = _line(text, section or key, key if section else "")
    name = f"{section}.{key}" if section else key
    near = difflib.get_close_matches(key, known, n=3)
    if section and not near:
        near = [f"{s}.{key}" for s in SECTIONS if key in SETTINGS[s]]
    hint = f"did you mean {' or '.join(near)}?" if near else ""
    if not hint:
        hint = f"known here: {', '.join(known)}"
    raise UsageError(f"{path}:{where} unknown {kind} {name}", hint=hint)


def _line(text: str, section: str, key: str) -> str:
    """Say where a key stands: tomllib does not tell."""
    here = ""
    for number, line in enumerate(text.split("\n"), 1):
        if header := re.match(r"\s*\[\s*[\"']?([^\]\"']*?)[\"']?\s*\]", line):
            here = header[1].strip()
            if here == section and not key:
                return f" line {number}:"
            continue
        name = re.match(r"\s*[\"']?([A-Za-z0-9_.-]+)[\"']?\s*=", line)
        if name and (
            (here == section and name[1] == key)
            or (not here and name[1] in (section, f"{section}.{key}"))
        ):
            return f" line {number}:"
    return ""


def _uncapital(text: str) -> str:
    return text[:1].lower() + text[1:]


def write_default(
    home: Path, values: Mapping[str, Mapping[str, object]]
) -> str:
    """Write the home's config.toml and return it.

    What `values` holds by section and key is set; everything else stands
    there as a comment with its default and its explanation.

    Raises:
        UsageError: a value cannot be, or there is a config.toml already.
    """
    for section, given in values.items():
        for key in given:
            if key not in SETTINGS.get(section, {}):
                raise UsageError(f"config: unknown key {section}.{key}")
    lines = ["# Settings of this member; docs/configuration.md explains them."]
    for section, settings in SETTINGS.items():
        given = values.get(section, {})
        summary = (SECTIONS[section].__doc__ or "").partition("\n")[0]
        lines += ["", f"[{section}]  # {summary}"]
        for key, setting in settings.items():
            value = toml(given.get(key, setting.default))
            comment = "" if key in given else "# "
            lines += textwrap.wrap(
                setting.doc, 76, initial_indent="# ", subsequent_indent="# "
            )
            lines += [f"{comment}{key} = {value}"]
    text = "\n".join(lines) + "\n"
    parse(text.encode(), home)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        fd = os.open(home / FILE, flags, 0o600)
    except FileExistsError:
        raise UsageError(
            f"{home / FILE}: is there already",
            hint="choose another --home, or edit the file",
        ) from None
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return text


def set_fingerprint(home: Path, fingerprint: str) -> None:
    """Pin the alliance's first roster in a home's config.toml.

    Raises:
        UsageError: the file is not as `write_default` wrote it there.
    """
    _set(home, "alliance", "fingerprint", fingerprint)


def set_generation(home: Path, generation: int) -> None:
    """Write in a home's config.toml which of its logs it writes.

    Raises:
        UsageError: the file is not as `write_default` wrote it there.
    """
    _set(home, "member", "generation", generation)


def set_secret_file(home: Path, path: Path) -> None:
    """Write in a home's config.toml which file holds the passphrase.

    Raises:
        UsageError: the file is not as `write_default` wrote it there.
    """
    _set(home, "secret", "file", path)


def _set(home: Path, section: str, key: str, value: object) -> None:
    path = home / FILE
    text = path.read_text(encoding="utf-8")
    line = f"{key} = {toml(value)}"
    changed, count = re.subn(rf"(?m)^(?:# )?{key} = .*$", line, text, count=1)
    if not count:
        raise UsageError(
            f"{path}: no line for {key}",
            hint=f"write under [{section}]: {line}",
        )
    parse(changed.encode(), home)
    new = path.with_name(f"{FILE}.new")
    new.write_text(changed, encoding="utf-8")
    new.chmod(0o600)
    new.replace(path)


# ------------------------------------------------------ the environment


@dataclass(frozen=True, slots=True)
class Environment:
    """What the process was started with, apart from its arguments."""

    home: Path | None = None  # SYNCD_HOME
    secret_file: Path | None = None  # SYNCD_SECRET_FILE
    token_file: Path | None = None  # SYNCD_TOKEN_FILE
    credentials: Path | None = None  # CREDENTIALS_DIRECTORY, from systemd
    listen_fds: Mapping[str, int] = field(default_factory=dict)  # by name
    notify_socket: str = ""  # NOTIFY_SOCKET, from systemd
    watchdog_s: float = 0.0  # WATCHDOG_USEC: 0 if none
    failpoints: failpoint.Plan | None = None  # SYNCD_FAILPOINTS, tests only

    def sockets(self) -> dict[str, socket.socket]:
        """Take the listening sockets that were handed down, by door.

        Names are `peer` and `own`, as in FileDescriptorName=.

        Raises:
            UsageError: one is not open, or no listening socket.
        """
        found = {}
        for name, fd in self.listen_fds.items():
            try:
                sock = socket.socket(fileno=fd)
            except OSError as e:
                raise UsageError(
                    f"LISTEN_FDS: descriptor {fd} ({name}): {e.strerror}"
                ) from e
            if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                sock.close()
                raise UsageError(f"LISTEN_FDS: {name} does not listen")
            sock.set_inheritable(False)
            sock.setblocking(False)
            found[name] = sock
        return found


def environment(
    variables: Mapping[str, str] | None = None, *, pid: int | None = None
) -> Environment:
    """Read the environment: the only place that does.

    Descriptors count only when LISTEN_PID is our own process, as systemd
    sets it; `sh -c 'LISTEN_PID=$$ exec syncd run'` does the same by hand.

    Raises:
        UsageError: a variable of ours that makes no sense.
    """
    env = os.environ if variables is None else variables
    ours = str(os.getpid() if pid is None else pid)
    watchdog = env.get("WATCHDOG_USEC", "0")
    if env.get("WATCHDOG_PID", ours) != ours:
        watchdog = "0"
    if not re.fullmatch(r"[0-9]{1,18}", watchdog, re.ASCII):
        raise UsageError(f"WATCHDOG_USEC: {watchdog!r} is no number")
    return Environment(
        home=_path(env, "SYNCD_HOME"),
        secret_file=_path(env, "SYNCD_SECRET_FILE"),
        token_file=_path(env, "SYNCD_TOKEN_FILE"),
        credentials=_path(env, "CREDENTIALS_DIRECTORY"),
        listen_fds=_listen_fds(env, ours),
        notify_socket=env.get("NOTIFY_SOCKET", ""),
        watchdog_s=int(watchdog) / 1_000_000,
        failpoints=_failpoints(env.get("SYNCD_FAILPOINTS", "")),
    )


def for_child(secret: Path | None) -> dict[str, str]:
    """Return the environment for a `syncd` that we start ourselves.

    Nothing that a service manager told us is told on.
    """
    ours = ("SYNCD_", "LISTEN_", "NOTIFY_", "WATCHDOG_")
    child = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    if secret is not None:
        child["SYNCD_SECRET_FILE"] = str(secret)
    return child


def _path(env: Mapping[str, str], name: str) -> Path | None:
    return Path(env[name]).absolute() if env.get(name) else None


def _listen_fds(env: Mapping[str, str], pid: str) -> Mapping[str, int]:
    count = env.get("LISTEN_FDS", "")
    if not count or env.get("LISTEN_PID") != pid:
        return {}
    if not re.fullmatch(r"[0-9]{1,2}", count, re.ASCII):
        raise UsageError(f"LISTEN_FDS: {count!r} is no small number")
    names = env.get("LISTEN_FDNAMES", "").split(":")
    if len(names) != int(count) or not set(names) <= {"peer", "own"}:
        raise UsageError(
            f"LISTEN_FDNAMES: {':'.join(names)!r} for {count} sockets",
            hint="name each `peer` or `own` with FileDescriptorName=",
        )
    if len(set(names)) != len(names):
        raise UsageError(
            f"LISTEN_FDNAMES: {':'.join(names)!r} names one twice"
        )
    return {name: 3 + i for i, name in enumerate(names)}


def _failpoints(text: str) -> failpoint.Plan | None:
    """Read `append.head:3,merge.claims` or `seed=7,one_in=40,append.head`.

    With a seed, names say where its coin is tossed; with none, at which hit
    (the first, if no number stands there) the process ends itself.
    """
    if not text:
        return None
    at: dict[str, int] = {}
    numbers: dict[str, int] = {}
    for part in text.split(","):
        name = re.fullmatch(r"([a-z.]+)(?::([1-9][0-9]*))?", part, re.ASCII)
        number = re.fullmatch(r"(seed|one_in)=([1-9][0-9]*)", part, re.ASCII)
        if name and name[1] in failpoint.POINTS:
            at[name[1]] = int(name[2] or 1)
        elif number:
            numbers[number[1]] = int(number[2])
        else:
            raise UsageError(
                f"SYNCD_FAILPOINTS: {part!r} is no point, seed or one_in"
            )
    if "seed" not in numbers:
        return failpoint.Plan(at=at)
    only = frozenset(at or failpoint.POINTS)
    one_in = numbers.get("one_in", 50)
    return failpoint.Plan(seed=numbers["seed"], one_in=one_in, only=only)


# ------------------------------------------------------------ the secret


def passphrase(
    config: Config, environment: Environment, ask: Callable[[], str] | None
) -> bytes:
    """Find the secret that wraps keys, shares and vault.

    `ask` reads it from a terminal; None where there is none to ask on.

    Raises:
        UsageError: there is none, others can read it, it is too short, or it
            lies in the home that it protects.
    """
    path = secret_file(config.secret, environment)
    if path:
        _outside(path, config.home, str(path))
        return _long_enough(read_private(path).rstrip(b"\r\n"), str(path))
    if config.secret.prompt and ask:
        return _long_enough(ask().encode(), "passphrase")
    raise UsageError(
        "secret: no passphrase file, credential or terminal to ask on",
        hint="set SYNCD_SECRET_FILE, or [secret] file in config.toml",
    )


def secret_file(secret: Secret, environment: Environment) -> Path | None:
    """The file that the passphrase is read from, if any."""
    if environment.secret_file:
        return environment.secret_file
    if environment.credentials:
        passed = environment.credentials / secret.credential
        if passed.exists():
            return passed
    return secret.file


def _outside(path: Path, home: Path, where: str) -> None:
    if path.resolve().is_relative_to(home.resolve()):
        raise UsageError(
            f"{where}: lies inside the home that it protects",
            hint="move it elsewhere, e.g. to /etc/syncd/secret",
        )


def _long_enough(found: bytes, where: str) -> bytes:
    if len(found) < SECRET_LEAST:
        raise UsageError(
            f"{where}: {len(found)} bytes, want {SECRET_LEAST} or more"
        )
    return found


def read_private(path: Path) -> bytes:
    """Read a file that only its owner may read.

    Raises:
        UsageError: it is missing, or others can read it.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise UsageError(
                    f"{path}: mode {mode:04o} lets others read it",
                    hint=f"chmod 600 {path}",
                )
            return file.read()
    except OSError as e:
        raise UsageError(f"{path}: {e.strerror}") from e
