"""Say a hash in words that two people can compare by phone.

    hash (32 bytes) ─ SHA-256("syncd-spoken-v1" ‖ 0x00 ‖ hash) = d
    bits 0–65 of d   six numbers of 11 bits ─ six words, Chinese or English
    bytes 16–23      mod 10^16 ─ four groups of four digits

So the words are 66 bits and the digits 53. The same six numbers choose the
words of both languages: who reads Chinese and who reads English say the same
bits. Each list has 2,048 words, and no two Chinese ones sound alike, even
without tones and where zh, ch, sh, -ng and l are said as z, c, s, -n and n
(tools/spoken_words.py made both; sources stand in their first lines).
"""

import hashlib
from functools import cache
from importlib import resources
from typing import NamedTuple

_BITS = 11  # of a word: 2,048 words
_WORDS = 6


class Spoken(NamedTuple):
    """A hash in three forms; one that agrees is enough, two are better."""

    zh: tuple[str, ...]  # six words
    en: tuple[str, ...]  # six words
    digits: tuple[str, ...]  # four groups of four


def of(hash_: str) -> Spoken:
    """Return what is read out for a hash of 64 hex digits."""
    seed = b"syncd-spoken-v1\0" + bytes.fromhex(hash_)
    found = hashlib.sha256(seed).digest()
    bits = int.from_bytes(found, "big")
    at = [
        bits >> (256 - _BITS * n) & (2**_BITS - 1)
        for n in range(1, _WORDS + 1)
    ]
    digits = f"{int.from_bytes(found[16:24], 'big') % 10**16:016}"
    return Spoken(
        tuple(words("zh")[n] for n in at),
        tuple(words("en")[n] for n in at),
        tuple(digits[n : n + 4] for n in range(0, 16, 4)),
    )


@cache
def words(lang: str) -> tuple[str, ...]:
    """Return the 2,048 words of a language, zh or en, in their order."""
    table = resources.files("syncd.roster").joinpath(f"spoken_{lang}.tsv")
    _, *lines = table.read_text("utf-8").splitlines()
    return tuple(line.split("\t")[0] for line in lines)
