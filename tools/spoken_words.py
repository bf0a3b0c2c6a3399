"""Make the two lists of `syncd/roster/spoken.py` anew, from public data.

    pip install jieba==0.42.1 pypinyin==0.55.0 mnemonic==0.21
    python tools/spoken_words.py syncd/roster

English is BIP-39's list (package mnemonic, MIT). Chinese are the 2,048 most
frequent two-character common nouns of jieba's dictionary (MIT) whose pinyin
(pypinyin, MIT) is unlike any other's by ear: without tones, and where zh, ch,
sh, -ng, and l sound as z, c, s, -n, and n, as they do to many speakers.
"""

import re
import sys
from pathlib import Path

import jieba  # type: ignore[import-not-found]
import mnemonic  # type: ignore[import-not-found]
from pypinyin import Style, pinyin  # type: ignore[import-not-found]

COUNT = 2048
DATE = "2026-11-29"
# Characters, then words: what nobody wants to read out to a stranger.
_, _CHARACTERS, _WORDS = (
    Path(__file__).with_name("spoken_not.txt").read_text("utf-8").split("\n\n")
)
NOT, NOT_WORDS = {*_CHARACTERS} - {"\n"}, {*_WORDS.split()}


def by_ear(reading: str) -> str:
    """Return what a reading sounds like to who hears the fewest sounds."""
    found = re.sub(r"^([zcs])h", r"\1", reading)
    found = re.sub(r"ng$", "n", found)
    return re.sub(r"^l", "n", found)


def sure(word: str) -> list[str] | None:
    """Return the toneless syllables of a word, if nobody doubts them."""
    for char in word:
        some = pinyin(char, style=Style.NORMAL, heteronym=True)[0]
        if len(set(some)) != 1:
            return None
    return [one[0] for one in pinyin(word, style=Style.NORMAL)]


def chinese() -> list[tuple[str, str]]:
    """Return words and their pinyin, sorted by pinyin."""
    lines = jieba.get_dict_file().read().decode().splitlines()
    rows = [line.split(" ") for line in lines]
    nouns = [
        (int(n), word)
        for word, n, kind in rows
        if kind == "n" and re.fullmatch(r"[一-龥]{2}", word)
    ]
    found: dict[str, tuple[str, str]] = {}
    for _, word in sorted(nouns, key=lambda row: (-row[0], row[1])):
        if NOT & {*word} or word in NOT_WORDS or word[0] == word[1]:
            continue
        syllables = sure(word)
        if syllables is None:
            continue
        key = " ".join(map(by_ear, syllables))
        found.setdefault(key, (word, " ".join(syllables)))
        if len(found) == COUNT:
            break
    return sorted(found.values(), key=lambda pair: (pair[1], pair[0]))


def main(room: Path) -> None:
    """Write both lists."""
    head = f"# jieba 0.42.1 (MIT), pypinyin 0.55.0 (MIT), {DATE}; see tools/"
    words = "".join(f"{word}\t{spoken}\n" for word, spoken in chinese())
    (room / "spoken_zh.tsv").write_text(f"{head}\n{words}", "utf-8")
    head = f"# BIP-39, package mnemonic 0.21 (MIT), {DATE}"
    words = "\n".join(mnemonic.Mnemonic("english").wordlist)
    (room / "spoken_en.tsv").write_text(f"{head}\n{words}\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
