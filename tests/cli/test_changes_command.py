"""`syncd changes` follows what merging brings in."""

from tests.cli.conftest import Node, Real

WORDS = ("--kind", "url", "--label", "other", "--role", "phishing_host")


def test_changes_from_a_cursor_on(
    real: Real, bank: Node, police: Node
) -> None:
    """The last line is where the next call goes on."""
    first = bank("changes")
    assert first.code == 0
    [line] = first.out.splitlines()
    option, _, cursor = line.partition(" ")
    assert option == "--since"
    said = police(
        *("report", "add", *WORDS, "--evidence", "user_tag"),
        stdin=b"http://evil.example/cli",
    )
    assert said.code == 0
    real.settle()
    real.do(real.alliance.bank.node.background.idle())
    page = bank("changes", "--since", cursor, "--json").json
    [item] = [i for i in page["items"] if i["kind"] == "url"]
    assert (item["before"]["verdict"], item["after"]["verdict"]) == (
        *("none", "suspected"),
    )
    shown = bank("changes", "--since", cursor).out
    position = item["entries"][0]["position"]
    assert f"report:{position[0]}:{position[1]}" in shown
    assert bank("changes", "--since", page["next"], "--json").json[
        "items"
    ] == ([])


def test_a_cursor_that_is_too_old_says_how_to_begin_anew(bank: Node) -> None:
    ran = bank("changes", "--since", "999999.1.1")
    assert ran.code != 0
    assert "begin anew" in ran.err
