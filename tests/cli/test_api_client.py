"""What the daemon says becomes the error, and the exit code, that it means."""

import socketserver
import threading
from contextlib import closing
from pathlib import Path

import pytest

from syncd.cli.api_client import ApiClient
from syncd.config import Address
from syncd.messages import catalogue
from tests.cases import cases, tried
from tests.cli.conftest import (
    TOKEN,
    FalseApi,
    Handler,
    Node,
    Ran,
    Real,
    Run,
    furnish,
    keep_token,
    refused,
)
from tests.refusals import unavailable


def status(member: Node) -> Ran:
    return member("report", "list")


@tried("code, type_, exit_code", cases("cli/problems", "codes"))
def test_exit_codes(
    member: Node, false: FalseApi, code: int, type_: str, exit_code: int
) -> None:
    """As docs/cli.md says, by class and else by status."""
    problem = {**refused("so it is", code, type_), "hint": "do this"}
    false.answers["/v1/reports/search"] = problem
    assert status(member).ended(exit_code).err.splitlines() == [
        "syncd: error: so it is",
        "syncd: hint: do this",
    ]


@tried("lang", ["en", "zh"])
def test_a_token_that_opens_nothing_says_why(
    real: Real, run: Run, tmp_path: Path, lang: str
) -> None:
    """Wrong, revoked, or none: in words of files and commands, not of HTTP."""
    bank, police = real.member("bank", run), real.member("police", run)
    bearers = real.alliance.bank.own.bearers
    revoked = real.do(bearers.add(f"guest {lang}", "operator"))
    real.do(bearers.revoke(f"guest {lang}"))
    words = ("--lang", lang, "--home", bank.home, "report", "list")
    try:
        for token, problem in (
            (keep_token(tmp_path / "revoked", revoked), REVOKED[lang]),
            (police.home.with_suffix(".token"), FOREIGN[lang]),
            (keep_token(tmp_path / "made-up", "syncd_x"), FOREIGN[lang]),
        ):
            ran = run(*words, "--token-file", token).ended(
                4, problem, "SYNCD_TOKEN_FILE"
            )
            assert "Authorization" not in ran.err
        run(*words).ended(2, "syncd token add")
    finally:
        catalogue.choose("en")


REVOKED = {"en": "it was revoked on 20", "zh": "该令牌在此无效：已于 20"}
FOREIGN = {
    "en": "it is another member's",
    "zh": "该令牌在此无效：属于另一成员",
}


def test_no_problem_at_all(member: Node, false: FalseApi) -> None:
    """Something else answers at that port."""
    false.answers["/v1/reports/search"] = (500, b"<html>")
    assert status(member).ended(3).err == "syncd: error: HTTP 500\n"
    false.answers["/v1/reports/search"] = (200, b"<html>")
    status(member).ended(3, "no JSON")


def test_too_many_says_when_to_return(member: Node, false: FalseApi) -> None:
    false.answers["/v1/reports/search"] = refused("too many", 429, "quota")
    assert "come back in 7 s" in status(member).err


def test_nobody_there(member: Node) -> None:
    """Exit code 3, and how to start the daemon."""
    path = member.home / "config.toml"
    path.write_text(path.read_text().rpartition('"127')[0] + '"127.0.0.1:1"\n')
    status(member).ended(3, f"syncd --home {member.home} run")


def test_port_0_is_nowhere(run: Run, tmp_path: Path) -> None:
    furnish(tmp_path / "home", "127.0.0.1:0")
    status(Node(tmp_path / "home", run)).ended(2)


def test_hangs_up(member: Node, false: FalseApi) -> None:
    false.fail = {"before": 0}
    words = "report add --kind url --label x --role x --evidence x"
    member(*words.split(), stdin=b"a.example\n").ended(3)


class _OnUnix(socketserver.UnixStreamServer):
    member: FalseApi

    def get_request(self) -> tuple[object, tuple[str, int]]:  # type: ignore[override]
        return super().get_request()[0], ("local", 0)


def test_over_a_unix_socket(tmp_path: Path) -> None:
    """The name that is asked for is loopback's."""
    path = tmp_path / "own.sock"
    with _OnUnix(str(path), Handler) as server:
        server.member = FalseApi(answers={"/x": {"is": "there"}})
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with closing(ApiClient(Address(path=path), TOKEN, tmp_path)) as own:
            assert own.get("/x") == {"is": "there"}
        thread.join()
    assert server.member.host == "localhost"


def test_no_unix_socket(tmp_path: Path) -> None:
    own = ApiClient(Address(path=tmp_path / "none"), "t", tmp_path)
    with closing(own), unavailable():
        own.get("/x")


# ------------------------------------------------------------------- token


def test_token_from_the_environment(
    member: Node, false: FalseApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    false.answers["/v1/reports/search"] = {"items": []}
    token = member.home.with_suffix(".token")
    monkeypatch.setenv("SYNCD_TOKEN_FILE", str(token))
    monkeypatch.setenv("SYNCD_HOME", str(member.home))
    assert member.run("report", "list").code == 0


def test_a_token_that_others_read(member: Node) -> None:
    member.home.with_suffix(".token").chmod(0o644)
    status(member).ended(2, "chmod 600")


@tried("raw", [b"", b"two words", b"\xff", b"a\r\nb: c"])
def test_no_token_in_the_file(member: Node, raw: bytes) -> None:
    """Nothing that could be a header of its own is sent."""
    member.home.with_suffix(".token").write_bytes(raw)
    status(member).ended(2, "no bearer token")


def test_no_home(run: Run, tmp_path: Path) -> None:
    run("report", "list").ended(2)
    run("--home", tmp_path / "none", "report", "list").ended(
        2, "no such directory"
    )
    run("--home", tmp_path, "report", "list").ended(2)
