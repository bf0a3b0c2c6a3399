"""What is served beside the pages, looked at without a browser."""

import re

import pytest

from syncd.console import static

# Where the house's browser is Chromium 109, these are not there.
NEWER = {
    "Array.fromAsync": r"fromAsync",
    "Promise.withResolvers": r"withResolvers",
    "arrays that are copied": r"\.to(Sorted|Reversed|Spliced)\(",
    "AbortSignal.any": r"AbortSignal\.any\b",
    "groupBy": r"\b(Object|Map)\.groupBy",
    "sets' arithmetic": r"\.(isSubsetOf|isSupersetOf|symmetricDifference)\(",
    "URL.parse": r"\bURL\.(parse|canParse)\b",
    "a page without a parser of its own": r"(?<!hx-csp)setHTMLUnsafe",
    "nested rules": r"[{;]\s*&",
    "CSS functions": r"\b(light-dark|color-mix|oklch)\(",
    "CSS scopes": r"@(scope|starting-style)\b",
    "popovers": r"\bpopover(target)?=",
}


@pytest.mark.parametrize("what", NEWER)
def test_every_script_and_sheet_is_for_chromium_109(what: str) -> None:
    found = [
        (name, match[0])
        for name, (raw, _) in static._files().items()  # noqa: SLF001
        for match in re.finditer(NEWER[what], raw.decode())
    ]
    assert not found
