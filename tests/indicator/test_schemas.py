"""The schemas, the parser and the second one agree on what a statement is.

A schema describes a JSON value, a payload is bytes. So for a value v the
comparison is: v is valid under schemas/<type>.json  ⇔  the parser does not
find `canonical(v)` void at that type. `canonical` writes v by RFC 8785 with
the lists that are sets in sorted order: spelling and order are outside of
JSON Schema; so is the limit of 4 KiB (60 KiB), which no case here reaches.
"""

import copy
import json
import random
from typing import Any

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator

from conformance import claims
from syncd.indicator import statement as statements
from tests.cases import schema, tried, vectors

NAMES = claims.TYPES
VECTORS = vectors("syncd/statements")
SETS = ("technique", "basis", "ends", "about", "logs", "rows", "ranges")
SCHEMAS = {n: schema(name) for n, name in NAMES.items()}
PYTHON = {
    n: Draft202012Validator(
        schema, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    for n, schema in SCHEMAS.items()
}
RUST = {
    n: jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    for n, schema in SCHEMAS.items()
}
SEEDS = [(c["type"], json.loads(c["payload"])) for c in VECTORS["read"]]


def canonical(value: Any) -> bytes:
    """Return v's one spelling: RFC 8785, with sets in order."""
    if isinstance(value, dict):
        value = {k: in_order(v) if k in SETS else v for k, v in value.items()}
    return json.dumps(
        whole(value), ensure_ascii=False, separators=(",", ":"), sort_keys=True
    ).encode()


def in_order(items: Any) -> Any:
    def order(item: Any) -> Any:
        if isinstance(item, dict):
            return [item[k] for k in ("origin", "size", "root", "line")]
        return item

    try:
        return sorted(items, key=order) if isinstance(items, list) else items
    except (TypeError, KeyError):
        return items  # not of one kind: no set, and refused for that


def whole(value: Any) -> Any:
    """RFC 8785 spells 1.0 as 1."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(v) for v in value]
    if isinstance(value, dict):
        return {k: whole(v) for k, v in value.items()}
    return value


# -------------------------------------------------------------- mutations

ODD = VECTORS["odd"]  # values of which no field takes all


def mutate(rng: random.Random, value: Any) -> Any:
    """Return a value that differs in one place, perhaps."""
    if isinstance(value, dict | list) and value:
        places = value if isinstance(value, dict) else range(len(value))
        at, other = rng.choices(sorted(places), k=2)
        new = copy.deepcopy(rng.choice([*ODD, value[at]]))
        match rng.randrange(6):
            case 0:
                del value[at]
            case 1 if isinstance(value, list):
                value.insert(other, new)
            case 1 if isinstance(value, dict):
                name = rng.choice(["x", "part", "of", "test", "about", "type"])
                value[name] = new
            case 2:
                value[at], value[other] = value[other], value[at]
            case 3:
                value[at] = new
            case _:
                value[at] = mutate(rng, value[at])
        return value
    if isinstance(value, str):
        at = rng.randrange(len(value) + 1)
        extra = rng.choice(["", "0", "a", "_", "-", "A", "\n", "é", " ", "="])
        return value[:at] + extra + value[at + rng.randrange(2) :]
    if isinstance(value, int) and not isinstance(value, bool):
        return value + rng.choice([-1, 1, 100, 2**53, 0.0, 0.5])
    return copy.deepcopy(rng.choice(ODD))


@tried(
    "count, seed",
    [
        (400, 7),
        *(pytest.param(4000, n, marks=pytest.mark.slow) for n in range(5)),
    ],
)
def test_they_agree(count: int, seed: int) -> None:
    """On mutated payloads, of which a good part is still valid."""
    rng = random.Random(seed)
    valid = 0
    for n in range(count):
        type_, value = SEEDS[n % len(SEEDS)]
        value = copy.deepcopy(value)
        for _ in range(rng.choice([0, 1, 1, 1, 2])):
            value = mutate(rng, value)
        by_schema = PYTHON[type_].is_valid(value)
        spelled = canonical(value)
        found = statements.decode(spelled, type_)
        by_parser = not isinstance(found, statements.Void)
        assert by_schema == by_parser, (type_, spelled, found)
        assert RUST[type_].is_valid(value) == by_schema, (type_, spelled)
        conforms = claims.statement(type_, spelled) is not None
        assert conforms == by_schema, (type_, spelled)
        valid += by_schema
    assert 0.15 * count < valid < 0.5 * count


@tried("type_", sorted(NAMES))
def test_schemas_are_closed(type_: int) -> None:
    """Every object lists its fields and takes no other; drafts are 2020-12."""
    schema = SCHEMAS[type_]
    Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    assert schema["properties"]["type"] == {"const": type_}
    assert set(schema["required"]) <= set(schema["properties"])


def test_every_type_has_a_schema() -> None:
    """What the parser reads is described, and nothing else."""
    assert set(NAMES) == set(statements.TYPES)


def test_vectors_are_valid() -> None:
    """Whatever is read by the vectors is valid by schema."""
    for type_, value in SEEDS:
        PYTHON[type_].validate(value)
