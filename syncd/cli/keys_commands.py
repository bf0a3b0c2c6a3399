"""`syncd keys`: an admin's signing key, kept like a member's keys."""

import secrets
from pathlib import Path

from syncd import config
from syncd.cli import hardware, terminal
from syncd.cli.command import Command, Options, argument, option
from syncd.config import Config, editing
from syncd.errors import UsageError
from syncd.roster import keys as roster_keys
from syncd.roster.signing import Signer
from syncd.store import keyring
from syncd.store.keyring import Keyring

noun = Command()


class _AdminOptions(Options):
    directory: Path = argument("where the key is kept")
    name: str = option("the admin's name", needed=True)
    alliance: str = option("short name", needed=True)
    out: Path | None = option("write the public key here")
    module: str = option("have a PKCS #11 token make it: its library")
    token: str = option("with --module: the token's label")


@noun.verb("admin", "Make an admin's key; prints the public one.")
def _admin(args: _AdminOptions) -> None:
    terminal.check_new(args.out)
    name = roster_keys.admin_name(args.alliance, args.name)
    directory = args.directory
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for new in (hardware.FILE, keyring.DIRECTORY):
        terminal.check_new(directory / new)
    if args.module:
        key = hardware.make(directory, name, args.module, args.token)
    else:
        seed = secrets.token_bytes(32)
        key = roster_keys.admin(args.alliance, args.name, seed).verifier
        ring = Keyring.create(directory, terminal.secret(Config(directory)))
        ring.put(f"admin-{args.alliance}--{args.name}", seed)
    if args.out:
        terminal.write_new(args.out, f"{key}\n".encode())
    terminal.say(str(key))


class _PassphraseOptions(Options):
    directory: Path = argument()
    new_file: Path = option("a file with the new passphrase", needed=True)


@noun.verb("passphrase", "Wrap a home's keys by another one.")
def _rewrap(args: _PassphraseOptions) -> None:
    directory, new_file = args.directory, args.new_file
    home = (directory / config.FILE).exists()
    settings = config.load(directory) if home else Config(directory)
    old = terminal.secret(settings)
    found = config.read_private(new_file).rstrip(b"\r\n")
    new = config.long_enough(found, str(new_file))
    Keyring.open(directory, old).change_secret(old, new)
    terminal.tell("The passphrase was changed.")
    if settings.secret.file:
        path = new_file.absolute()
        editing.change(directory, "secret", "file", path)
        terminal.tell("[secret] file is {path} now", path=path)
    else:
        terminal.tell(
            "Give the new one from now on, wherever the old one was."
        )


def admin_key(directory: Path) -> Signer:
    """Return the one admin key that a directory holds, or names."""
    if (directory / hardware.FILE).exists():
        return hardware.read(directory)
    ring = Keyring.open(directory, terminal.secret(Config(directory)))
    names = [n for n in ring.names() if n.startswith("admin-")]
    if len(names) != 1:
        raise UsageError(
            "{directory}: {n} admin keys, want one",
            directory=directory,
            n=len(names),
        )
    alliance, _, name = names[0].removeprefix("admin-").partition("--")
    return roster_keys.admin(alliance, name, ring.need(names[0]))
