"""The command, run as it is, before one of two local APIs.

One is false and fails when told to; one is real, with an alliance behind it.
"""

import asyncio
import contextlib
import csv
import io
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from syncd.cli import lookup_client
from syncd.cli.main import main
from syncd.messages import catalogue

if TYPE_CHECKING:
    from tests.alliance import Alliance

TOKEN = "syncd_operator-of-the-tests"
SAME = "--kind url --label fake_shop --role phishing_host --evidence user_tag"
CONST = SAME.split()


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def ended(self, code: int, *said: str) -> "Ran":
        """Pass if it ended with a code, and said all that on standard error."""
        assert self.code == code, self.err
        for text in said:
            assert text in self.err
        return self

    def printed(self, *said: str) -> "Ran":
        """Pass if it ended well, and said all that on standard output."""
        assert self.code == 0, self.err
        for text in said:
            assert text in self.out
        return self


Run = Callable[..., Ran]


class Terminal(io.StringIO):
    """Standard input at which somebody has typed something."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before something is asked again."""
    monkeypatch.setattr(lookup_client, "PAUSE_S", 0.0)


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Run `syncd WORDS…` with bytes, text or a `Terminal` to read from."""
    for name in ("SYNCD_HOME", "SYNCD_TOKEN_FILE", "SYNCD_SECRET_FILE"):
        monkeypatch.delenv(name, raising=False)

    def one(*words: object, stdin: Any = b"") -> Ran:
        if isinstance(stdin, str):
            stdin = stdin.encode()
        if isinstance(stdin, bytes):
            stdin = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", stdin)
        capsys.readouterr()
        try:
            main([str(word) for word in words])
        except SystemExit as e:
            code = e.code
        else:
            code = 0
        assert isinstance(code, int)
        got = capsys.readouterr()
        assert "Traceback" not in got.err
        return Ran(code, got.out, got.err)

    yield one
    catalogue.choose("en")


# ------------------------------------------------------------ a false one


def refused(detail: str, status: int = 422, type_: str = "refused") -> Any:
    return {
        "type": f"urn:syncd:problem:{type_}",
        "title": "no",
        "status": status,
        "detail": detail,
    }


NOTHING = (
    *("accepted", "known", "taken_back", "refused", "elsewhere"),
    *("gone", "due", "dropped"),
)


@dataclass
class FalseApi:
    """The local API as the contract has it, over a dict; fails when told to.

    Values that begin with "bad" are refused. `fail` names a point and how
    often it is passed first: "before" and "after" the commit of a step.
    """

    vault: dict[str, int] = field(default_factory=dict)
    imports: Any = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    answers: Any = field(default_factory=dict)
    fail: dict[str, int] = field(default_factory=dict)
    largest: int = 0  # bytes of a request
    host: str = ""  # whose name was asked for
    hint: str = ""  # how to mend a value that is refused

    def reached(self, point: str) -> bool:
        """Tell whether it fails at a point, this time."""
        if point not in self.fail:
            return False
        self.fail[point] -= 1
        if self.fail[point] < 0:
            del self.fail[point]
            return True
        return False

    @property
    def calls(self) -> Any:
        """What was asked, without where."""
        return [body for _, _, body in self.asked]

    def answer(self, method: str, path: str, body: Any) -> Any:
        """Return a value; a problem has its status, and others may."""
        bare = path.partition("?")[0]
        if bare in self.answers:
            answer = self.answers[bare]
            return answer(body) if callable(answer) else answer
        if (method, bare) == ("POST", "/v1/reports"):
            return self.take(body)
        if (method, bare) == ("GET", "/v1/imports"):
            return {"items": [public(s) for s in self.imports.values()][::-1]}
        if bare == "/v1/imports":
            return self.begin(body)
        if bare.startswith("/v1/own/"):
            return self.own(bare, body)
        if found := re.fullmatch(r"/v1/imports/(\d+)(?:/(\w+))?", bare):
            state = self.imports[int(found[1])]
            if found[2] == "refused":
                return self.refused_rows(state, body)
            if found[2]:
                state |= {"finished": True, "ended": body}
            return public(state)
        return refused("no such path", 404, "absent")

    def begin(self, body: Any) -> Any:
        names = ("list", "file", "size", "options")
        key = json.dumps([body[name] for name in names])
        for state in self.imports.values():
            if state["list"] != body["list"] or state["finished"]:
                continue
            if body["anew"]:
                state["finished"] = True
            elif state["key"] == key:
                return public(state)
            elif state["row"]:
                why = f"list: its import {state['id']} stopped"
                return refused(why, 400, "usage")
        id_ = len(self.imports) + 1
        self.imports[id_] = {
            "key": key,
            "rows": {},
            "id": id_,
            "list": body["list"],
            "name": body["name"],
            "by": "cli",
            "began_at": 0,
            **dict.fromkeys(NOTHING, 0),
            "offset": 0,
            "row": 0,
            "prefix": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca4959"
            "91b7852b855",
            "finished": False,
        }
        return public(self.imports[id_])

    def take(self, body: Any) -> Any:
        if self.reached("before"):
            raise ConnectionAbortedError
        mark = body.get("import")
        state = self.imports[mark["id"]] if mark else None
        if state and (
            state["finished"] or state["offset"] != mark["old_offset"]
        ):
            return refused("not at that byte", 409, "stale")
        items: list[Any] = []
        for report in body["reports"]:
            key = json.dumps(report, sort_keys=True)
            if report.get("value", "").startswith("bad"):
                why = {**refused("the value is bad"), "hint": self.hint}
                items.append({"state": "refused", "problem": why})
            elif key in self.vault:
                items.append({"state": "known", "id": self.vault[key]})
            else:
                self.vault[key] = len(self.vault) + 1
                items.append({"state": "accepted", "id": self.vault[key]})
        counts = {
            s: sum(i["state"] == s for i in items)
            for s in ("accepted", "known", "refused")
        }
        if state:
            for name in ("offset", "row", "prefix"):
                state[name] = mark[name]
            for name, count in counts.items():
                state[name] += count
            state["refused"] += len(mark["refused"])
            taken = [
                {"row": n, **item}
                for n, item in zip(mark["rows"], items, strict=True)
                if "problem" in item
            ]
            for one in (*mark["refused"], *taken):
                state["rows"][one["row"]] = one
        if self.reached("after"):
            raise ConnectionAbortedError
        return {"items": items, **counts}

    def own(self, path: str, body: Any) -> Any:
        """Load a local list: what the last load had is in `vault`."""
        if path.endswith("/removals"):
            return {"removed": 0, "entries": len(self.vault)}
        if path.endswith("/loads"):
            return {"load": 7, "entries": 0}
        answer = self.take({"reports": body["reports"]})
        for item in answer["items"]:
            item["state"] = item["state"].replace("accepted", "added")
        return answer

    def refused_rows(self, state: Any, body: Any) -> Any:
        """Keep the cells of refused rows, or return what there is."""
        if body is None:
            rows = sorted(state["rows"].values(), key=lambda one: one["row"])
            return {"items": rows}
        for n, cells in body["rows"]:
            state["rows"][n]["cells"] = cells
        return {"kept": len(body["rows"])}

    @property
    def reports(self) -> Any:
        return [json.loads(key) for key in self.vault]

    @property
    def values(self) -> list[str]:
        return [r["value"] for r in self.reports]


def public(state: Any) -> Any:
    hidden = ("key", "rows", "ended")
    return {k: v for k, v in state.items() if k not in hidden}


class _Server(ThreadingHTTPServer):
    member: FalseApi
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: it hangs up on purpose."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer
    server: _Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        member = self.server.member
        length = int(self.headers.get("Content-Length", 0))
        member.largest = max(member.largest, length)
        member.host = self.headers["Host"]
        raw = self.rfile.read(length)
        body = None
        if "json" in self.headers.get("Content-Type", ""):
            body = json.loads(raw)
        member.asked.append((self.command, self.path, body))
        open_ = self.path == "/readyz"
        if open_ or self.headers["Authorization"] == f"Bearer {TOKEN}":
            value = member.answer(self.command, self.path, body)
        else:
            value = refused("a token is needed", 401, "x")
        status = value.get("status", 200) if isinstance(value, dict) else 200
        if isinstance(value, tuple):
            status, reply = value
        else:
            reply = json.dumps(value).encode()
        self.send_response(status)
        media = "problem+json" if status >= 400 else "json"
        self.send_header("Content-Type", f"application/{media}")
        self.send_header("Content-Length", str(len(reply)))
        if status == 429:
            self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(reply)


@pytest.fixture(scope="session")
def _server() -> Iterator[_Server]:
    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}
    )
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def false(_server: _Server) -> FalseApi:
    """A fresh false local API."""
    _server.member = FalseApi()
    return _server.member


def furnish(home: Path, own: str) -> None:
    """Make a home with settings and a token beside it."""
    home.mkdir()
    (home / "config.toml").write_text(
        '[member]\nid = "bank"\ndomain = "bank.example"\nalliance = "txwz"\n'
        f'[own]\nlisten = "{own}"\n'
    )
    keep_token(home, TOKEN)


def keep_token(home: Path, token: str) -> Path:
    """Keep a secret in a file of its own beside a home."""
    path = home.with_suffix(".token")
    path.touch(0o600)
    path.write_text(f"{token}\n")
    return path


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a file that was written for spreadsheets."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        return [*csv.DictReader(file)]


@dataclass(frozen=True)
class Node:
    """A member whose command is run."""

    home: Path
    run: Run
    bearer: str = ""  # whose token it shows, if not the operator's

    def __call__(
        self, *words: object, stdin: Any = b"", lang: str = "en"
    ) -> Ran:
        """Run `syncd --home HOME WORDS… --token-file FILE`."""
        before = ("--lang", lang, "--home", self.home)
        token = self.home.with_name(f"{self.bearer or self.home.name}.token")
        return self.run(*before, *words, "--token-file", token, stdin=stdin)


def lookup(member: Node, value: str, kind: str = "phone") -> Any:
    """Return a member's answer on a value."""
    words = ("lookup", "--kind", kind, "--purpose", "test", "--json")
    return member(*words, stdin=value).json["items"][0]


@pytest.fixture
def member(
    run: Run, false: FalseApi, _server: _Server, tmp_path: Path
) -> Node:
    """A member's command before a false local API."""
    home = tmp_path / "home"
    furnish(home, f"127.0.0.1:{_server.server_port}")
    return Node(home, run)


# ------------------------------------------------------------- a real one


class Real:
    """An alliance that runs beside the tests, in a thread of its own."""

    def __init__(self, root: Path, settings: Any = None) -> None:
        self._root = root
        self._settings = settings or {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._stack = contextlib.AsyncExitStack()
        self.alliance: Alliance

    def do(self, job: Any) -> Any:
        """Run a coroutine beside the daemons."""
        return asyncio.run_coroutine_threadsafe(job, self._loop).result(60)

    def __enter__(self) -> "Real":
        self._thread.start()
        self.do(self._open())
        return self

    async def _open(self) -> None:
        # Only few tests need an alliance: it is slow to import.
        from tests.alliance import Alliance

        made = Alliance.found(
            self._root,
            ("police", "bank", "carrier"),
            local_apis=True,
            settings=self._settings,
        )
        self.alliance = await self._stack.enter_async_context(made)
        for member in self.alliance.members.values():
            bearers = member.own.bearers
            keep_token(member.home, await bearers.add("cli", "operator"))

    def __exit__(self, *_: object) -> None:
        self.do(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def settle(self) -> None:
        """Run rounds until all agree."""
        self.do(self.alliance.settle())

    def member(self, id_: str, run: Run, bearer: str = "") -> Node:
        """Return a member's command."""
        return Node(self.alliance.members[id_].home, run, bearer)

    def bearer(self, name: str, *more: Any) -> None:
        """The bank has one more, whose token is kept under the name."""
        bank = self.alliance.bank
        token = self.do(bank.own.bearers.add(name, *more))
        keep_token(bank.home.with_name(name), token)


@pytest.fixture(scope="module")
def real(request: pytest.FixtureRequest, root: Path) -> Iterator[Real]:
    """Three members, their daemons running with a module's settings."""
    settings = getattr(request.module, "SETTINGS", None)
    with Real(root / "alliance", settings) as alliance:
        yield alliance


@pytest.fixture
def bank(real: Real, run: Run) -> Node:
    """The bank's command before its real daemon."""
    return real.member("bank", run)


@pytest.fixture
def police(real: Real, run: Run) -> Node:
    """The police's."""
    return real.member("police", run)
