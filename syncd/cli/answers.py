"""Answers of look-ups in words, for the terminal and for files."""

from collections.abc import Mapping
from typing import Any

from syncd.messages import catalogue
from syncd.messages.catalogue import t


def why(item: Mapping[str, Any]) -> str:
    """Return why an item is unknown, "" if it is not."""
    if "kinds_untried" in item.get("reasons", ()):
        kinds = ", ".join(item.get("tried", ()))
        if not kinds:
            return t("account: it may be a bank's, and none is named")
        return t("account: tried as {kinds}, not as a bank's", kinds=kinds)
    missing = ", ".join(item.get("missing", ()))
    return str(
        item.get("detail")
        or (missing and t("no answer from {names}", names=missing))
    )


def name(facet: str, code: str) -> str:
    """Return a code, and in Chinese what it is called."""
    if not code or catalogue.language() == "en":
        return code
    from syncd.indicator import vocabulary

    if not vocabulary.known(facet, code):
        return code
    return f"{vocabulary.label(facet, code, 'zh')} {code}"


def labels(item: Mapping[str, Any]) -> str:
    """Return the labels of what is reported, the strongest first."""
    lang = catalogue.language()
    return ", ".join(label[lang] for label in item.get("labels", ()))


def owner(item: Mapping[str, Any]) -> str:
    """Return whose a protected value is, by name or by category."""
    found = item.get("owner", {})
    return str(found.get(catalogue.language()) or found.get("category", ""))


def ours(item: Mapping[str, Any]) -> str:
    """Return what to do by our own lists too, and why."""
    found = item.get("ours")
    if found is None:
        return ""
    from syncd.flows.own_lists import REASONS

    lang = ("zh", "en").index(catalogue.language())
    reasons = [
        REASONS[code][lang] if code in REASONS else code  # a newer daemon's
        for code in found.get("reasons", ())
    ]
    reasons += [
        note.get("text") or name("note", note["code"])
        for note in found.get("notes", ())
    ]
    action = name("action", found.get("action", "")) or t("nothing to do")
    return f"{action} ({'; '.join(reasons)})" if reasons else action


def sectors(item: Mapping[str, Any]) -> str:
    """Return how many members of which sector report it."""
    found = item.get("sectors", {})
    return ", ".join(
        f"{name('sector', code)} {n}" for code, n in sorted(found.items())
    )
