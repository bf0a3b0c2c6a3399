"""Answers of look-ups in words, for the terminal, files and pages."""

from collections.abc import Iterator, Mapping
from typing import Any

from syncd.errors import SyncdError
from syncd.messages import catalogue
from syncd.messages.catalogue import later, phrase, t, word


def clean(text: str) -> str:
    """Return a text without what would move the cursor."""
    return "".join(c if c.isprintable() else "?" for c in text)


def notices(item: Mapping[str, Any]) -> str:
    """Return an answer's notices as one line, "" for none."""
    return "; ".join(phrase("notice", c) for c in item.get("notices", ()))


def refused(number: int, error: SyncdError) -> Iterator[str]:
    """Yield each fault of a value that was refused, with its hint."""
    for fault in error.faults or (error,):
        yield t("{n}: refused: {why}", n=number, why=catalogue.whole(fault))


def why(item: Mapping[str, Any]) -> str:
    """Return why an item is unknown, "" if it is not."""
    missing = ", ".join(item.get("missing", ()))
    return catalogue.text(item) or (
        missing and t("no answer from {names}", names=missing)
    )


def name(facet: str, code: str) -> str:
    """Return a code, and in Chinese what it is called."""
    found = code if catalogue.language() == "en" else word(facet, code)
    return code if found == code else f"{found} {code}"


def ago(seconds: int) -> str:
    """Return how long ago something was, or when it will be."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        said = {"n": abs(seconds) // size, "unit": t(unit)}
        if seconds >= 2 * size:
            return t("{n} {unit} ago", **said)
        if -seconds >= 2 * size:
            return t("in {n} {unit}", **said)
    return t("now")


def previewed(found: Any) -> str:
    """Return what a list would bring, as numbers of its rows."""
    return t(
        "{rows} rows: {good} would be reported, {refused} refused; {twice}"
        " stand in another row too",
        rows=f"{found.rows:,}",
        good=f"{found.good:,}",
        refused=f"{found.rows - found.good:,}",
        twice=f"{found.twice:,}",
    )


def owner(item: Mapping[str, Any]) -> str:
    """Return whose a protected value is, by name or by category."""
    found = item.get("owner", {})
    return str(found.get(catalogue.language()) or found.get("category", ""))


def ours(item: Mapping[str, Any]) -> str:
    """Return what to do by our own lists too, and why."""
    found = item.get("ours")
    if found is None:
        return ""
    reasons = [word("own_reason", one) for one in found.get("reasons", ())]
    reasons += [
        note.get("text") or name("note", note["code"])
        for note in found.get("notes", ())
    ]
    action = name("action", found.get("action", "")) or t("nothing to do")
    return f"{action} ({'; '.join(reasons)})" if reasons else action


def words(item: Mapping[str, Any]) -> dict[str, str]:
    """Return what an answer says, by the names of its parts; "" is nothing."""
    lang = catalogue.language()
    seen = (item.get("first_seen"), item.get("last_seen"))
    sectors = sorted(item.get("sectors", {}).items())
    return {
        later("verdict"): name("verdict", item["verdict"]),
        later("action"): name("action", item.get("action", "")),
        later("why"): why(item),
        later("belongs to"): owner(item),
        later("by our own lists"): ours(item),
        later("notice"): notices(item),
        later("tried as"): ", ".join(item.get("tried", ())),
        later("hint"): catalogue.text(item, "hint"),
        later("reasons"): ", ".join(item.get("reasons", ())),
        later("labels"): ", ".join(x[lang] for x in item.get("labels", ())),
        later("sectors"): ", ".join(
            f"{name('sector', code)} {n}" for code, n in sectors
        ),
        later("seen"): " – ".join(dict.fromkeys(filter(None, seen))),
        later("expires"): item.get("expires", ""),
        later("handling"): name("handling", item.get("handling", "")),
        later("spoofed"): t("yes") if item.get("spoofed") else "",
    }
