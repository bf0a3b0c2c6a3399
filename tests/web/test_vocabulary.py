"""Who knows no code asks the local API for it."""

from syncd.indicator import vocabulary
from tests.cases import each
from tests.web.local_client import LocalClient


async def test_every_code_is_listed(bank: LocalClient) -> None:
    found = (await bank.get("/v1/vocabulary"))["codes"]
    assert [(c["field"], c["code"]) for c in found] == [
        (field, code)
        for field, codes in vocabulary.FACETS.items()
        for code in codes
    ]
    [caller] = [c for c in found if c["code"] == "caller"]
    assert caller == {
        "field": "role",
        "code": "caller",
        "zh": vocabulary.label("role", "caller", "zh"),
        "en": vocabulary.label("role", "caller", "en"),
        "kinds": ["phone"],
    }


async def test_a_word_finds_its_code(bank: LocalClient) -> None:
    asked = "/v1/vocabulary?field=label&word=%E6%9D%80%E7%8C%AA%E7%9B%98"
    found = (await bank.get(asked))["codes"]
    assert found[0]["code"] == "fake_invest"
    assert found[0]["zh"].startswith("虚假")


@each("syncd/local-api", "vocabulary", "query, expected")
async def test_what_cannot_be_asked(
    bank: LocalClient, query: str, expected: str
) -> None:
    reply = await bank.get(f"/v1/vocabulary?{query}", status=400)
    assert reply["detail"] == expected
    assert ("evidence" in reply.get("hint", "")) is (
        "colour is" in expected or "…" in expected
    )
