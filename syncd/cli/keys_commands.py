"""`syncd keys`: an admin's signing key, kept like a member's keys."""

import secrets
from pathlib import Path

from syncd import config
from syncd.cli import terminal
from syncd.cli.command import Command, Options, argument, option
from syncd.config import Config, editing
from syncd.errors import UsageError
from syncd.roster import keys as roster_keys
from syncd.store.keyring import Keyring
from syncd.tlog.note import SigningKey

noun = Command()


class _AdminOptions(Options):
    directory: Path = argument("where the key is kept")
    name: str = option("the admin's name", needed=True)
    alliance: str = option("short name", needed=True)
    out: Path | None = option("write the public key here")


@noun.verb("admin", "Make an admin's key; prints the public one.")
def _admin(args: _AdminOptions) -> None:
    terminal.check_new(args.out)
    seed = secrets.token_bytes(32)
    key = roster_keys.admin(args.alliance, args.name, seed)
    directory = args.directory
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    ring = Keyring.create(directory, terminal.secret(Config(directory)))
    ring.put(f"admin-{args.alliance}--{args.name}", seed)
    if args.out:
        terminal.write_new(args.out, f"{key.verifier}\n".encode())
    terminal.say(str(key.verifier))


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


def admin_key(directory: Path) -> SigningKey:
    """Return the one admin key that a directory holds."""
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
