"""Who knows no code finds it without opening a file of ours."""

from tests.cli.conftest import Run


def test_all_codes_of_a_field(run: Run) -> None:
    run("vocabulary", "role").printed("phishing_host", "钓鱼网站")
    assert "fake_shop" in run("vocabulary").out


def test_a_word_finds_its_code_whatever_the_field(run: Run) -> None:
    ran = run("vocabulary", "银行识别", "--json")
    first = ran.json["codes"][0]
    assert (first["field"], first["code"]) == ("evidence", "bank_detection")
    assert "fields: " in ran.err
    assert len(ran.json["codes"]) <= 6


def test_a_field_or_word_that_is_none(run: Run) -> None:
    ran = run("vocabulary", "00000000000").ended(2, "evidence")
    assert "0000" not in ran.err
    run("vocabulary", "colour", "caller").ended(2)
    run("vocabulary", "role", "0000000000").ended(1)
