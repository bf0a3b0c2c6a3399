"""As much of JSON Schema 2020-12 as schemas/ uses, and that sets are sorted.

The schemas mark a set by `uniqueItems`.
"""

import json
import re
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from .notes import Json, WrongError, need

SCHEMAS = Path(__file__).parents[1] / "schemas"
ORDERED = {"urls", "generations"}  # by preference, and by age: no sets


def load(name: str) -> Json:
    return json.loads((SCHEMAS / f"{name}.json").read_text())


def check(value: Json, schema: Json) -> None:
    """The value has the schema's form; raises WrongError otherwise."""
    _check(value, schema, schema, "")


TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
}
RULES: dict[str, Callable[[Any, Any], bool]] = {
    "type": lambda v, rule: TYPES[rule](v),
    "const": lambda v, rule: type(v) is type(rule) and v == rule,
    "enum": lambda v, rule: any(RULES["const"](v, r) for r in rule),
    "minimum": lambda v, rule: v >= rule,
    "maximum": lambda v, rule: v <= rule,
    "pattern": lambda v, rule: re.search(rule, v) is not None,
    "format": lambda v, rule: bool(date.fromisoformat(v)),
    "required": lambda v, rule: not set(rule) - set(v),
    "dependentRequired": lambda v, rule: all(
        not set(others) - set(v) for key, others in rule.items() if key in v
    ),
}
for _of in "Length", "Items", "Properties":
    RULES[f"min{_of}"] = lambda v, rule: len(v) >= rule
    RULES[f"max{_of}"] = lambda v, rule: len(v) <= rule


def _holds(value: Json, schema: Json, root: Json) -> bool:
    try:
        _check(value, schema, root, "")
    except (WrongError, ValueError):
        return False
    return True


def _check(value: Json, schema: Json, root: Json, at: str) -> None:
    if schema is False:
        raise WrongError(f"{at}: one too many")
    if ref := schema.get("$ref"):
        _check(value, root["$defs"][ref.removeprefix("#/$defs/")], root, at)
    for name, rule in schema.items():
        if name in RULES:
            try:
                fits = RULES[name](value, rule)
            except (TypeError, ValueError):
                # A rule for numbers says nothing of texts; but a text
                # that is no day is wrong.
                fits = name != "format"
            need(fits, f"{at}: {name}")
    fields = schema.get("properties", {})
    if isinstance(value, dict):
        for key, item in value.items():
            if "propertyNames" in schema:
                _check(key, schema["propertyNames"], root, at)
            other = schema.get("additionalProperties", {})
            _check(item, fields.get(key, other), root, f"{at}.{key}")
            if key not in ORDERED and (fields.get(key) or {}).get(
                "uniqueItems"
            ):
                need(_sorted(key, item), f"{at}.{key}: not sorted")
    if isinstance(value, list):
        first = schema.get("prefixItems", [])
        rest = schema.get("items", {})
        for i, item in enumerate(value):
            rule = first[i] if i < len(first) else rest
            _check(item, rule, root, f"{at}[{i}]")
        if schema.get("uniqueItems"):
            need(all(x not in value[:i] for i, x in enumerate(value)), at)
    for part in schema.get("allOf", []):
        _check(value, part, root, at)
    if "anyOf" in schema:
        need(any(_holds(value, s, root) for s in schema["anyOf"]), at)
    if "oneOf" in schema:
        need(sum(_holds(value, s, root) for s in schema["oneOf"]) == 1, at)
    if "not" in schema:
        need(not _holds(value, schema["not"], root), at)
    if "if" in schema:
        branch = "then" if _holds(value, schema["if"], root) else "else"
        _check(value, schema.get(branch, {}), root, at)


# A set of objects is sorted by these of their fields, and holds no two that
# agree in them; "" stands for what is absent. Other sets: item by item.
BY = {
    "auditors": "id",
    "caps": "kind evidence",
    "cuts": "size",
    "epochs": "kind epoch",
    "erased": "origin size ranges",
    "logs": "origin size root line",
    "members": "id",
    "never": "kind value",
    "quotas": "member purpose",
    "shares": "index",  # the first of the three
}


def _sorted(name: str, items: list[Json]) -> bool:
    def key(item: Json) -> Json:
        if name not in BY:
            return item
        if isinstance(item, dict):
            return [item.get(field, "") for field in BY[name].split()]
        return item[0]

    return all(a < b for a, b in pairwise(map(key, items)))
