"""The settings of one member: what may stand in config.toml.

What each is for stands beside it in the config.toml of this room, which
`syncd init` writes; tests hold that, docs/configuration.md and this together.
"""

import contextlib
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import parse_qsl, urlsplit

from msgspec import Meta, structs

from syncd.errors import MalformedError
from syncd.shape import Form, Frozen


@dataclass(frozen=True, slots=True)
class Address:
    """Where an API listens: a host and port, or a unix socket's path."""

    host: str = ""
    port: int = 0  # 0: the system picks one
    path: Path | None = None

    def __str__(self) -> str:
        if self.path:
            return str(self.path)
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if host else ""

    def __bool__(self) -> bool:
        """It is an address, and not left open."""
        return bool(self.host or self.path)

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
            "{text} is not host:port, [v6]:port or /path/of/socket",
            text=repr(text),
        )
    return Address(host=match["six"] or match["host"], port=int(match["port"]))


# --------------------------------------------------------- what may stand


def _takes(takes: str, **limits: Any) -> Meta:
    """What a value may be, for people and for msgspec."""
    return Meta(extra={"takes": takes}, **limits)


def _from(least: float, most: float, unit: str = "") -> Meta:
    return _takes(f"{least}–{most} {unit}".strip(), ge=least, le=most)


def _like(shape: str, takes: str) -> Meta:
    return _takes(takes, pattern=rf"\A(?:{shape})\Z")


Text = Annotated[str, _takes("text")]
Flag = Annotated[bool, _takes("true, false")]
AutoFlag = Annotated[bool | Literal["auto"], _takes("auto, true, false")]
Short = Annotated[str, _like(r"[a-z0-9-]{1,32}", "1–32 of a–z, 0–9, -")]
Listen = Annotated[Address, _takes("host:port, [v6]:port or /path/of/socket")]
Absolute = Annotated[Path | None, _takes("an absolute path")]
HostName = Annotated[str, _like("[A-Za-z0-9.-]+", "a host name")]
HostNames = Annotated[tuple[HostName, ...], _takes("a list of host names")]

_MOMENT = "[0-9-]{10}T[0-9:]{5}(?:Z|[+-][0-9:]{5})"
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"


# ------------------------------------------------------------- settings


class Member(Frozen):
    """Who we are."""

    id: Short = ""
    domain: Annotated[
        str, _like(rf"{_LABEL}(?:\.{_LABEL})+", "a domain in lower case")
    ] = ""
    alliance: Short = ""
    generation: Annotated[int, _from(1, 9999)] = 1
    region: Annotated[str, _like(r"[A-Z]{2}", "two capital letters")] = "CN"


class Alliance(Frozen):
    """Whom we trust to begin with."""

    fingerprint: Annotated[str, _like(r"|[0-9a-f]{64}", "64 hex digits")] = ""


class PeerApi(Frozen):
    """The API for other members: mutual TLS, pinned by the roster."""

    listen: Listen = Address("127.0.0.1", 8443)


class LocalApi(Frozen):
    """The API for our own systems and command line: bearer tokens."""

    listen: Listen = Address("127.0.0.1", 8480)
    beyond_loopback: Flag = False
    tls_listen: Listen = Address()
    tls_certificate: Absolute = None
    tls_key: Absolute = None
    hosts: HostNames = ()
    workers: Annotated[int, _from(0, 64, "processes")] = 0
    max_request_bytes: Annotated[int, _from(1 << 16, 1 << 28, "bytes")] = (
        1 << 24
    )


class Console(Frozen):
    """Pages for people, at the same address as the API."""

    enabled: Flag = True
    url: Annotated[
        str,
        _like(
            r"|https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?", "https://NAME[:PORT]"
        ),
    ] = ""
    tls_listen: Listen = Address()
    staff_header: Annotated[
        str, _like("|[A-Za-z][A-Za-z0-9-]*", "a header's name")
    ] = ""
    idle_s: Annotated[int, _from(60, 86_400, "s")] = 1800
    house: Text = ""
    address: Text = ""
    hot_line: Text = ""


class Database(Frozen):
    """Where own and mirror are: files of the home, or a PostgreSQL server.

    Its password is taken from systemd's credential `syncd-database`, from the
    file, or as libpq finds it (a passfile); it never stands in the URL.
    """

    url: Annotated[str, _takes("postgresql://USER@HOST/DATABASE")] = ""
    password_file: Absolute = None

    def flaws(self) -> Iterator[str]:
        """Yield what is wrong with the URL, which is not repeated."""
        try:
            parts = urlsplit(self.url)
        except ValueError:
            yield "is no URL"
            return
        if self.url and parts.scheme not in ("postgresql", "postgres"):
            yield "want postgresql://USER@HOST/DATABASE"
        named = " ".join(dict(parse_qsl(parts.query)))  # sslpassword, too
        if parts.password or "password" in named or "secret" in named:
            yield "holds a password: put that into password_file"


class Secret(Frozen):
    """Where the passphrase is that wraps keys, shares and vault.

    The first that is there is used: SYNCD_SECRET_FILE, systemd's credential
    `syncd-secret`, the file, the prompt.
    """

    file: Absolute = None
    prompt: Flag = True


class Exchange(Frozen):
    """How we follow the others' logs."""

    interval_s: Annotated[int, _from(1, 3600, "s")] = 60
    jitter: Annotated[float, _from(0.0, 0.9)] = 0.2
    backoff_max_s: Annotated[int, _from(1, 86_400, "s")] = 3600
    fanout: Annotated[int, _from(1, 16, "members")] = 3
    poke: Flag = True
    outbox: Absolute = None
    read_timeout_s: Annotated[int, _from(1, 300, "s")] = 15
    request_timeout_s: Annotated[int, _from(1, 3600, "s")] = 120
    proxy: Annotated[
        str, _like(r"(?:http://[A-Za-z0-9.-]+:[0-9]+)?", "http://HOST:PORT")
    ] = ""
    proxy_password_file: Absolute = None


class Lookup(Frozen):
    """How we answer look-ups."""

    deadline_ms: Annotated[int, _from(50, 60_000, "ms")] = 3000
    cache: Flag = False
    token_share: Annotated[int, _from(1, 100, "%")] = 50
    token_urls: Annotated[int, _from(1, 10_000_000, "an hour")] = 20_000


class Holder(Frozen):
    """How we ask the holders of the token keys, of whom we may be one."""

    deadline_ms: Annotated[int, _from(50, 60_000, "ms")] = 2000
    away: Annotated[
        str, _like(f"(?:{_MOMENT}/{_MOMENT})?", "START/END, with their zones")
    ] = ""

    @property
    def window(self) -> tuple[int, int]:
        """From when to when we are away (unix seconds)."""
        if not self.away:
            return 0, 0
        start, end = map(datetime.fromisoformat, self.away.split("/"))
        return int(start.timestamp()), int(end.timestamp())

    def flaws(self) -> Iterator[str]:
        """Yield that there are no such times, or not in that order."""
        with contextlib.suppress(ValueError):
            if self.window <= self.window[::-1]:
                return
        yield "want two times, the earlier first"


class Log(Frozen):
    """What is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class Access(Frozen):
    """The durable record of look-ups: who, when and why, never the value."""

    days: Annotated[int, _from(184, 3650, "days")] = 1100


class Sighting(Frozen):
    """Telling the alliance that a reported indicator was met."""

    enabled: AutoFlag = "auto"


class Screening(Frozen):
    """Telling which of our own customers become listed."""

    enabled: Flag = False
    days: Annotated[int, _from(1, 400, "days")] = 400


class Review(Frozen):
    """What a second person looks at, once there is a reviewer's token."""

    above: Annotated[int, _from(0, 1_000_000, "values")] = 100
    own_lists: Flag = True


Role = Literal["duty", "reviewer", "compliance", "admin"]


class Target(Form, kw_only=False):
    """Whom to tell, of what, and how: a command or a webhook."""

    name: Short
    roles: Annotated[tuple[Role, ...], Meta(min_length=1)]
    command: tuple[str, ...] = ()  # absolute path, arguments
    url: str = ""
    secret: str = ""  # file that a webhook is signed with

    def flaws(self) -> Iterator[str]:
        """Yield what is wrong with it; no address is repeated."""
        if bool(self.command) == bool(self.url):
            yield "want either command or url"
        if self.command and not self.command[0].startswith("/"):
            yield "command: want an absolute path"
        if bool(self.url) != self.secret.startswith("/"):
            yield "secret: want an absolute path, with a url"
        if self.url and not _safe(self.url):
            yield "url: want https, or http to this machine"


def _safe(url: str) -> bool:
    """Tell whether nobody on the way can read what is posted there."""
    try:
        parts = urlsplit(url)
        near = Address(parts.hostname or "", parts.port or 0).loopback
    except ValueError:
        return False
    there = parts.hostname and not parts.username and not parts.fragment
    safe = parts.scheme == "https" or (parts.scheme == "http" and near)
    return bool(there) and safe


Targets = Annotated[
    tuple[Target, ...], _takes("a list of targets", max_length=16)
]


class Notify(Frozen):
    """Who is told what happens here, without looking."""

    targets: Targets = ()


class Config(Frozen, kw_only=False):
    """All settings of one member."""

    home: Path
    member: Member = Member()
    alliance: Alliance = Alliance()
    peer: PeerApi = PeerApi()
    own: LocalApi = LocalApi()
    console: Console = Console()
    database: Database = Database()
    secret: Secret = Secret()
    exchange: Exchange = Exchange()
    lookup: Lookup = Lookup()
    holder: Holder = Holder()
    log: Log = Log()
    access: Access = Access()
    sighting: Sighting = Sighting()
    screening: Screening = Screening()
    review: Review = Review()
    notify: Notify = Notify()

    @property
    def origin(self) -> str:
        """The name of our own log and of its key."""
        return self.key_name(str(self.member.generation))

    def key_name(self, role: str) -> str:
        """The name of our key for `role`, e.g. `bank.example/syncd/txwz/seen`."""
        return f"{self.member.domain}/syncd/{self.member.alliance}/{role}"


SECTIONS: dict[str, Any] = {
    field.name: field.type
    for field in structs.fields(Config)
    if field.name != "home"
}
SETTINGS = {
    name: {field.name: field for field in structs.fields(section)}
    for name, section in SECTIONS.items()
}


def takes(setting: structs.FieldInfo) -> str:
    """Return what a value may be, for people: range and unit, or words."""
    for meta in getattr(setting.type, "__metadata__", ()):
        return str(meta.extra["takes"])
    return ", ".join(get_args(setting.type))  # a literal's
