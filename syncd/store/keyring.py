"""The keyring: a home's private keys, useless without a secret kept elsewhere.

    keys/            mode 0700
      master         mode 0600, JSON: the master key under the secret
      <name>.key     mode 0600: nonce ‖ AES-256-GCM(master key, value), the
                     name as associated data

The secret (a passphrase file, a systemd credential, a prompt) goes through
scrypt; cost and salt stand in `master`, beside a check sum that tells a
damaged file from a wrong secret. Names: log, member, seen, merged, tls, seal,
vault, access, share-<kind>-<epoch>-<generation>-<ceremony>, and what else a member has.
"""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Literal, Self

import msgspec

from syncd.errors import DamagedError, UntrustedError, UsageError, becoming
from syncd.store import durable
from syncd.store.sealing import Box

DIRECTORY = "keys"
MASTER = "master"
SUFFIX = ".key"
COST = 2**17  # scrypt n: 128 MiB, half a second; `master` says its own
_MOST_COST = 2**20  # of a file that we read: 1 GiB
_BLOCK, _LANES = 8, 1  # scrypt r, p
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)


class Keyring:
    """A home's keys, opened by its secret. Values are bytes."""

    def __init__(self, directory: Path, master: bytes) -> None:
        self._directory = directory
        self._box = Box(master)

    def __repr__(self) -> str:
        return f"Keyring({self._directory.name!r})"

    @classmethod
    def create(cls, home: Path, secret: bytes, *, cost: int = COST) -> Self:
        """Make the directory and a fresh master key.

        Raises:
            UsageError: there is a keyring already.
        """
        directory = home / DIRECTORY
        directory.mkdir(mode=0o700, exist_ok=True)
        directory.chmod(0o700)  # whatever the umask
        if (directory / MASTER).exists():
            raise UsageError(
                "{file}: there is a keyring already", file=DIRECTORY
            )
        master = os.urandom(32)
        _write_master(directory, master, secret, cost)
        return cls(directory, master)

    @classmethod
    def open(cls, home: Path, secret: bytes) -> Self:
        """Open the keyring.

        Raises:
            UsageError: there is none, or others can read it.
            UntrustedError: the secret is not its.
            DamagedError: a file does not hold.
        """
        directory = home / DIRECTORY
        _check_mode(directory, 0o700)
        return cls(directory, _read_master(directory, secret))

    def change_secret(
        self, old: bytes, new: bytes, *, cost: int = COST
    ) -> None:
        """Wrap the master key by another secret.

        Raises:
            UntrustedError: `old` is not the secret.
        """
        master = _read_master(self._directory, old)
        _write_master(self._directory, master, new, cost)

    def names(self) -> list[str]:
        """Return the names of the keys that there are, sorted."""
        return sorted(
            path.name.removesuffix(SUFFIX)
            for path in self._directory.glob(f"*{SUFFIX}")
        )

    def get(self, name: str) -> bytes | None:
        """Return a key, or None if there is none of that name.

        Raises:
            UsageError: others can read its file.
            DamagedError: it was not written by this keyring, under this name.
        """
        path = self._path(name)
        if not path.exists():
            return None
        _check_mode(path, 0o600)
        raw = durable.read(path) or b""
        file = f"{DIRECTORY}/{path.name}"
        with becoming(
            "{file}: does not open", DamagedError, DamagedError, file=file
        ):
            return self._box.open(raw, _context(name))

    def need(self, name: str) -> bytes:
        """Return a key that must be there.

        Raises:
            DamagedError: it is not.
        """
        found = self.get(name)
        if found is None:
            file = f"{DIRECTORY}/{name}{SUFFIX}"
            raise DamagedError("{file}: missing", file=file)
        return found

    def put(self, name: str, value: bytes) -> None:
        """Keep a key under a name, durably, in place of an older one."""
        durable.write(self._path(name), self._box.seal(value, _context(name)))

    def drop(self, name: str) -> None:
        """Delete a key if it is there, durably."""
        self._path(name).unlink(missing_ok=True)
        durable.sync_directory(self._directory)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name) or name == MASTER:
            raise UsageError("keys: {name} is no key name", name=repr(name))
        return self._directory / f"{name}{SUFFIX}"


def _context(name: str) -> bytes:
    return b"syncd-key-v1\0" + name.encode()


def _check_mode(path: Path, want: int) -> None:
    try:
        mode = path.stat().st_mode & 0o777
    except FileNotFoundError:
        raise UsageError("{path}: missing", path=path) from None
    if mode & 0o077:
        raise UsageError(
            "{path}: others can read it (mode {mode:04o})",
            path=path,
            mode=mode,
            want=want,
        )


def _wrap_key(secret: bytes, salt: bytes, cost: int) -> bytes:
    return hashlib.scrypt(
        secret,
        salt=salt,
        n=cost,
        r=_BLOCK,
        p=_LANES,
        maxmem=128 * _BLOCK * cost + (1 << 20),
        dklen=32,
    )


class _Master(msgspec.Struct, forbid_unknown_fields=True):
    """The file `master`."""

    n: int  # scrypt's cost
    salt: str  # hex
    sealed: str  # hex: the master key
    kdf: Literal["scrypt"] = "scrypt"
    p: Literal[1] = 1
    r: Literal[8] = 8
    sum: str = ""  # hex: SHA-256 of the rest
    version: Literal[1] = 1

    def total(self) -> str:
        """Return what `sum` is to be."""
        value = {**msgspec.to_builtins(self)}
        del value["sum"]
        raw = json.dumps(value, sort_keys=True).encode()
        return hashlib.sha256(b"syncd-master-v1\0" + raw).hexdigest()


def _write_master(
    directory: Path, master: bytes, secret: bytes, cost: int
) -> None:
    if not secret:
        raise UsageError("{file}: the secret is empty", file=DIRECTORY)
    salt = os.urandom(16)
    box = Box(_wrap_key(secret, salt, cost))
    value = _Master(cost, salt.hex(), box.seal(master, b"master").hex())
    value.sum = value.total()
    raw = msgspec.json.encode(value, order="sorted")
    durable.write(directory / MASTER, msgspec.json.format(raw) + b"\n")


def _read_master(directory: Path, secret: bytes) -> bytes:
    path = directory / MASTER
    _check_mode(path, 0o600)
    damaged = DamagedError("{file}: damaged", file=f"{DIRECTORY}/{MASTER}")
    try:
        found = msgspec.json.decode(durable.read(path) or b"", type=_Master)
        salt, sealed = bytes.fromhex(found.salt), bytes.fromhex(found.sealed)
    except (msgspec.DecodeError, ValueError) as e:
        raise damaged from e
    cost = found.n
    fit = cost.bit_count() == 1 and cost <= _MOST_COST
    if not fit or found.sum != found.total():
        raise damaged
    with becoming(
        "{file}: the secret does not open them",
        UntrustedError,
        DamagedError,
        file=DIRECTORY,
    ):
        return Box(_wrap_key(secret, salt, cost)).open(sealed, b"master")
