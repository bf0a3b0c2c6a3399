"""An admin's key in a PKCS #11 token, whose private half never leaves it.

    pkcs11.json    {"id": …, "key": <vkey>, "module": …, "token": <label>}

The file lies where else the keyring would. It holds nothing secret: the PIN
opens the token. The type byte of the vkey names the algorithm. The library
that speaks to the token is needed for nothing else.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from syncd.cli import terminal
from syncd.errors import UntrustedError, UsageError
from syncd.shape import Form
from syncd.store import durable
from syncd.tlog import note
from syncd.tlog.note import Signature, VerifierKey

FILE = "pkcs11.json"
_ED25519 = bytes.fromhex("06032b6570")  # DER: 1.3.101.112, as CKA_EC_PARAMS


class HardwareKey(Form):
    """What the file says: a key that signs in its token."""

    id: bytes  # CKA_ID of both halves, ours alone
    key: str
    module: str  # the path of the token's library
    token: str

    @property
    def verifier(self) -> VerifierKey:
        """Return the public half."""
        return note.parse_vkey(self.key)

    def sign(self, text: str) -> Signature:
        """Return this key's line under a note's `text`.

        Raises:
            UntrustedError: it is another key.
            UsageError: the token does not open, or has no such key.
        """
        key, message = self.verifier, text.encode()
        with _opened(self.module, self.token) as (p11, session):
            private = session.get_key(p11.ObjectClass.PRIVATE_KEY, id=self.id)
            body = private.sign(message, mechanism=p11.Mechanism.EDDSA)
        if not key.holds(message, body):
            raise UntrustedError(
                "token {label}: signs by another key", label=self.token
            )
        return Signature(key.name, key.key_id, body)


def make(directory: Path, name: str, module: str, token: str) -> VerifierKey:
    """Have a token make a pair, and write where it is."""
    own = os.urandom(8)
    with _opened(module, token) as (p11, session):
        of = p11.Attribute
        public, _ = session.create_domain_parameters(
            p11.KeyType.EC_EDWARDS, {of.EC_PARAMS: _ED25519}, local=True
        ).generate_keypair(
            mechanism=p11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
            id=own,
            label=name,
            store=True,
            private_template={of.SENSITIVE: True, of.EXTRACTABLE: False},
        )
        point = public[of.EC_POINT][-32:]  # bare, or an OCTET STRING
    key = VerifierKey(name, note.ED25519, point)
    made = HardwareKey(id=own, key=str(key), module=module, token=token)
    durable.write(directory / FILE, msgspec.json.encode(made))
    return key


def read(directory: Path) -> HardwareKey:
    """Return the key that a directory's file names."""
    raw = terminal.read_file(directory / FILE)
    try:
        return msgspec.json.decode(raw, type=HardwareKey)
    except msgspec.DecodeError:
        raise UsageError("{file}: damaged", file=FILE) from None


@contextmanager
def _opened(module: str, token: str) -> Iterator[tuple[Any, Any]]:
    """Yield the library, and a session in a token; ask for its PIN."""
    try:
        import pkcs11
    except ImportError:
        raise UsageError("keys in tokens need python-pkcs11") from None
    try:
        found = pkcs11.lib(module).get_token(token_label=token)
        with found.open(rw=True, user_pin=terminal.pin()) as session:
            yield pkcs11, session
    except RuntimeError as e:  # all that the library raises
        raise UsageError(
            "token {label}: {path} says {why}",
            label=token,
            path=module,
            why=repr(e),
        ) from None
