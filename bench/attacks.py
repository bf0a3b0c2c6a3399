"""One attacker of bench/hostile.py, a process of its own.

    python bench/attacks.py NAME WHERE SECONDS

Attacks the member that `WHERE/target.json` names for so long, by the keys of
another one or by none, and prints how many bytes it sent.
"""

import contextlib
import http.client
import json
import secrets
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syncd.flows.evaluation import Request
from syncd.oprf import group
from syncd.pinning import client_context
from syncd.tlog import checkpoint, merkle
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.note import ED25519, SigningKey

STRANGER = ("127.0.0.2", 0)  # the address of whoever has no certificate
PURPOSES = ["transaction_check", "call_check", "content_check", "loan_check"]


@dataclass
class Attack:
    """What an attacker has, until when it goes on, and what it sent."""

    target: dict[str, Any]
    until: float
    sent: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def on(self) -> bool:
        return time.monotonic() < self.until

    def count(self, size: int) -> None:
        with self.lock:
            self.sent += size

    def tls(self) -> ssl.SSLContext:
        der, pem = (bytes.fromhex(self.target[x]) for x in ("der", "pem"))
        return client_context(der, pem, self.target["pin"])

    def stranger(self) -> socket.socket:
        return socket.create_connection(
            ("127.0.0.1", self.target["port"]), 5, STRANGER
        )

    def member(self, timeout_s: float = 60) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            "127.0.0.1",
            int(self.target["port"]),
            timeout=timeout_s,
            context=self.tls(),
        )

    def ask(
        self,
        path: str,
        body: Callable[[], bytes] = lambda: b"",
        at_once: int = 4,
        headers: Mapping[str, str] = {},
        *,
        local: bool = False,
    ) -> None:
        """Ask again and again, on so many connections."""

        def one() -> None:
            while self.on:
                host, port = "127.0.0.1", self.target["own_port"]
                peer = (
                    http.client.HTTPConnection(host, port, timeout=60)
                    if local
                    else self.member()
                )
                try:
                    while self.on:
                        raw = body()
                        verb = "POST" if raw else "GET"
                        peer.request(verb, path, raw, headers)
                        self.count(len(raw) + 55)
                        peer.getresponse().read()
                except (OSError, http.client.HTTPException):
                    time.sleep(0.01)  # it was cut off, and comes again
                peer.close()

        with ThreadPoolExecutor(at_once) as pool:
            for _ in range(at_once):
                pool.submit(one)


def silent(a: Attack) -> None:
    """Waves of 400 connections on which nothing is sent."""
    while a.on:
        wave = []
        with contextlib.suppress(OSError):
            for _ in range(400):
                wave.append(a.stranger())
                a.count(40)  # no byte of it is payload
        time.sleep(0.5)
        for one in wave:
            one.close()


def flood(a: Attack, make: Callable[[], bytes]) -> None:
    """A new connection for the same beginning, as fast as they go."""
    while a.on:
        raw = make()
        with contextlib.suppress(OSError), a.stranger() as one:
            one.sendall(raw)
            a.count(len(raw))


def hello(a: Attack) -> None:
    """ClientHellos and nothing after them."""
    out = ssl.MemoryBIO()
    end = a.tls().wrap_bio(ssl.MemoryBIO(), out)
    with contextlib.suppress(ssl.SSLWantReadError):
        end.do_handshake()
    raw = out.read()
    flood(a, lambda: raw)


def garbage(a: Attack) -> None:
    """What is no TLS."""
    flood(a, lambda: secrets.token_bytes(16_384))


def idle(a: Attack) -> None:
    """A member's connections that never ask."""
    kept: list[http.client.HTTPSConnection] = []
    while a.on:
        if len(kept) < 500:
            one = a.member(5)
            with contextlib.suppress(OSError):
                one.connect()
                kept.append(one)
                a.count(1500)  # of a handshake
                continue
        time.sleep(0.05)


def files(a: Attack) -> None:
    """One log file that has to be made, ten at once."""
    a.ask(f"{a.target['log']}/payload/000.p/255", at_once=10)


def deaf(a: Attack) -> None:
    """Sixty readers of 15 MB who do not read."""
    kept = []
    for _ in range(60):
        one = a.member()
        with contextlib.suppress(OSError):
            one.connect()
            one.sock.sendall(
                f"GET {a.target['log']}/audit/000 HTTP/1.1\r\n"
                "Host: x\r\n\r\n".encode()
            )
            a.count(100)
            kept.append(one)
    while a.on:
        time.sleep(0.1)


def pokes(a: Attack) -> None:
    """Its own log, larger each time, of which there is nothing."""
    key = SigningKey(
        a.target["origin"], ED25519, bytes.fromhex(a.target["seed"])
    )
    size = 10**6
    lock = threading.Lock()

    def fiction() -> bytes:
        nonlocal size
        with lock:
            size += 1
        head = Checkpoint(key.name, size, merkle.EMPTY_ROOT)
        return bytes(checkpoint.sign(head, key))

    a.ask("/poke", fiction)


def junk(a: Attack) -> None:
    """A megabyte of empty lists to evaluate."""
    raw = b"[" + b"[]," * (340 << 10) + b"[]]"
    a.ask("/oprf/v1/evaluate", lambda: raw)


def _evaluate(a: Attack, n: int, *, fresh: bool) -> None:
    group.ready()
    kept = tuple(
        group.multiply_base(group.random_scalar(secrets.token_bytes))
        for _ in range(n)
    )

    def body() -> bytes:
        point = group.multiply_base(group.random_scalar(secrets.token_bytes))
        return bytes(
            Request(
                "phone",
                1,
                1,
                tuple(a.target["quorum"]),
                secrets.choice(PURPOSES),
                secrets.token_hex(16),
                (point,) if fresh else kept,
            )
        )

    a.ask("/oprf/v1/evaluate", body)


def debits(a: Attack) -> None:
    """One element a request, each debited, 17,280 rows in the book."""
    _evaluate(a, 1, fresh=True)


def repeats(a: Attack) -> None:
    """The same thousand elements, which are not debited again."""
    _evaluate(a, 1000, fresh=False)


def encoded(a: Attack) -> None:
    """Bodies that are said to be gzip and are not."""
    gzip = {"Content-Encoding": "gzip"}
    a.ask("/poke", lambda: b"x" * 50, headers=gzip)


def commas(a: Attack) -> None:
    """A look-up of 16 MB of commas, with a reader's token."""
    raw = b'{"purpose":"test","items":[' + b"0," * (8 * 10**6) + b"0]}"
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {a.target['token']}",
    }
    a.ask("/v1/lookups", lambda: raw, 2, headers, local=True)


ATTACKS = {
    one.__name__: one
    for one in (
        *(silent, hello, garbage, idle, files, deaf, pokes, junk),
        *(debits, repeats, encoded, commas),
    )
}


def main(name: str, where: str, seconds: str) -> None:
    target = json.loads(Path(where, "target.json").read_text())
    print("ready", flush=True)
    attack = Attack(target, time.monotonic() + float(seconds))
    ATTACKS[name](attack)
    print(attack.sent, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
