"""`syncd init` makes a member's home, `syncd run` is its daemon."""

import asyncio
import contextlib
import secrets
import signal
import tomllib
from dataclasses import replace
from pathlib import Path

from syncd import config, pinning
from syncd.cli import terminal
from syncd.cli.command import Command, Options, option
from syncd.cli.options import pair
from syncd.errors import UsageError
from syncd.flows.ports import OwnHead
from syncd.node import hardening
from syncd.node.home import keep_keys
from syncd.node.pinned import clock
from syncd.oprf import group
from syncd.roster import keys as roster_keys
from syncd.store import failpoint
from syncd.store.home_stores import OwnStore, open_mirror
from syncd.store.keyring import Keyring
from syncd.store.sealing import VaultCipher

noun = Command()


class HomeOptions(Options):
    """What a member's home is made of."""

    id: str = option("member id", needed=True)
    domain: str = option("our domain", needed=True)
    region: str = option("country of phones without one", default="CN")
    peer: str = option("peer API, host:port", default="127.0.0.1:8443")
    own: str = option(
        "local API, host:port or a path", default="127.0.0.1:8480"
    )
    token_file: Path | None = option("write the operator's bearer token here")
    set_: list[str] = option("another setting: section.key=value in TOML")


class _InitOptions(HomeOptions):
    alliance: str = option("short name", needed=True)


@noun.verb("init", "Make a member's home, with its keys.")
def _init(args: _InitOptions) -> None:
    make_home(args, args.alliance, config.environment().secret_file)
    terminal.tell("Next: syncd join request OUT, and send it to an admin.")


def make_home(
    args: HomeOptions, alliance: str, secret_file: Path | None
) -> None:
    """Make a home, and say what is in it.

    Raises:
        UsageError: it is there already, or a setting cannot be.
    """
    home = args.home_path()
    names = ("id", "domain", "region")
    member = {name: getattr(args, name) for name in names}
    values: dict[str, dict[str, object]] = {
        "member": member | {"alliance": alliance},
        "peer": {"listen": args.peer},
        "own": {"listen": args.own},
    }
    for line in args.set_:
        form = "section.key=value"
        name, value = pair("--set", line, form)
        section, key = pair("--set", name, form, ".")
        try:
            read = tomllib.loads(f"it = {value}")["it"]
        except tomllib.TOMLDecodeError:
            raise UsageError(
                "--set {name}: {value} is no TOML value",
                name=name,
                value=repr(value),
            ) from None
        values.setdefault(section, {})[key] = read
    if secret_file:
        values["secret"] = {"file": str(secret_file)}
    terminal.check_new(args.token_file)
    text = config.editing.create(home, values)
    try:
        settings = config.parse(text.encode(), home)
        token = asyncio.run(make(settings))
    except BaseException:
        (home / config.FILE).unlink()
        raise
    if args.token_file:
        raw = f"{token}\n".encode()
        terminal.write_new(args.token_file, raw, private=True)
    terminal.say("home   {home}", home=home)
    terminal.say("log    {origin}", origin=settings.origin)
    if not args.token_file:
        terminal.say("token  {token}", token=token)
        terminal.tell(
            "This token is shown this once: keep it where your systems"
            " read it."
        )


@noun.verb("run", "Run the daemon until it is stopped.")
def _run_daemon(args: Options) -> None:
    hardening.no_core_dumps()
    hardening.give_back()
    environment = config.environment()
    settings = config.load(args.home_path())
    group.ready()
    if environment.failpoints:
        failpoint.arm(environment.failpoints)
    secret = terminal.secret(settings)
    hardening.give_way()
    asyncio.run(run(settings, environment, secret))


async def make(settings: config.Config) -> str:
    """Fill a new home: keys, databases, an empty log, an operator's token.

    Returns the token.
    """
    member = settings.member
    keys = roster_keys.generate(
        member.domain, member.alliance, secrets.token_bytes, now=clock()
    )
    keys = replace(keys, generation=member.generation)
    pinning.rehearse(keys.certificate, keys.tls_pem)
    ring = Keyring.create(settings.home, terminal.secret(settings))
    keep_keys(ring, keys)
    for name in ("vault", "access"):
        ring.put(name, secrets.token_bytes(32))
    server = config.server(settings)
    own = OwnStore(
        settings.home,
        cipher=VaultCipher(ring.need("vault")),
        access_key=ring.need("access"),
        clock=clock,
        server=server,
    )
    try:
        await own.log.found(OwnHead.signed(keys.log))
        token = await own.bearers.add("operator", "operator")
    finally:
        own.close()
    open_mirror(settings.home, clock=clock, server=server).close()
    return token


async def run(
    settings: config.Config, environment: config.Environment, secret: bytes
) -> None:
    """Run the daemon until SIGINT or SIGTERM.

    Raises:
        SyncdError: it cannot start; the message says why.
    """
    # Imported here: help and the other commands do without the web server.
    import sdnotify

    from syncd.cli import log_output
    from syncd.node.daemon import Daemon
    from syncd.node.home import Home

    log_output.configure(settings.log.level, settings.log.format)
    home = Home.open(settings, secret)
    try:
        daemon = Daemon(home)
    except BaseException:
        home.close()
        raise
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    systemd = sdnotify.SystemdNotifier()  # nobody, where there is none
    try:
        await daemon.start()
        systemd.notify("READY=1")
        while not stop.is_set():  # the loop still turns, if anybody asked
            systemd.notify("WATCHDOG=1")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(environment.watchdog_s / 2 or None):
                    await stop.wait()
    finally:
        systemd.notify("STOPPING=1")
        await daemon.stop()
