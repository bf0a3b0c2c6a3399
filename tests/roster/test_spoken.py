"""Two people on the phone compare a hash, in Chinese, English or digits."""

import hashlib
import re
from importlib import resources

from syncd.roster import spoken
from tests.cases import tried

HASH = hashlib.sha256(b"a request").hexdigest()


def by_ear(reading: str) -> str:
    """What is heard where zh, ch, sh, -ng, l are said as z, c, s, -n, n."""
    plain = re.sub(r"([zcs])h", r"\1", reading)
    return re.sub(r"\bl", "n", re.sub(r"ng\b", "n", plain))


@tried("lang", ["zh", "en"])
def test_a_list_has_2048_different_words(lang: str) -> None:
    found = spoken.words(lang)
    assert len(found) == len({*found}) == 2048


def test_no_two_chinese_words_sound_alike() -> None:
    file = resources.files("syncd.roster").joinpath("spoken_zh.tsv")
    _, *lines = file.read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    assert all(re.fullmatch("[\u4e00-\u9fff]{2}", word) for word, _ in rows)
    assert all(re.fullmatch("[a-zü]+ [a-zü]+", sound) for _, sound in rows)
    assert len({by_ear(sound) for _, sound in rows}) == 2048


def test_english_words_differ_in_their_first_four_letters() -> None:
    assert len({word[:4] for word in spoken.words("en")}) == 2048


def test_bits_give_words_and_digits() -> None:
    """Written down once more: 6 × 11 bits, and 16 digits of 64 bits."""
    found = spoken.of(HASH)
    seed = hashlib.sha256(b"syncd-spoken-v1\0" + bytes.fromhex(HASH)).digest()
    bits = "".join(f"{byte:08b}" for byte in seed)
    at = [int(bits[n : n + 11], 2) for n in range(0, 66, 11)]
    assert found.en == tuple(spoken.words("en")[n] for n in at)
    assert found.zh == tuple(spoken.words("zh")[n] for n in at)
    number = int.from_bytes(seed[16:24], "big") % 10**16
    assert "".join(found.digits) == f"{number:016}"
    assert [len(group) for group in found.digits] == [4] * 4


def test_another_hash_has_other_words() -> None:
    one, other = spoken.of("00" * 32), spoken.of("00" * 31 + "01")
    assert not {*one.digits} & {*other.digits}
    assert one.en != other.en
