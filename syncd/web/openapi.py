"""The document of the local API (OpenAPI 3.1), made from its routes.

Every schema is a form's own, closed: `additionalProperties` is false, so a
field that is not written down here cannot be in an answer.
"""

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata, resources
from typing import Any, get_args

import msgspec

from syncd.web.forms import Pending, is_form
from syncd.web.problem import MEDIA, Problem
from syncd.web.routes import ALL, HANDED_IN, OPEN, Route

Json = dict[str, Any]
_TEMPLATE = "#/components/schemas/{name}"


@functools.cache
def document() -> bytes:
    """Return the document as JSON; it takes as long as a hundred requests."""
    return msgspec.json.encode(describe(ALL), order="sorted")


def describe(routes: Sequence[Route]) -> Json:
    """Return the document."""
    forms = {
        form
        for route in routes
        for form in (route.gives, route.takes, Pending)
        if is_form(form)
    }
    _, schemas = msgspec.json.schema_components(
        [*sorted(forms, key=_name), Problem], ref_template=_TEMPLATE
    )
    paths = dict[str, Json]()
    for route in routes:
        item = paths.setdefault(route.path, {})
        item[route.method.lower()] = _operation(route)
    made: Json = json.loads(
        resources.files("syncd.web").joinpath("openapi.json").read_text()
    )
    made["info"]["version"] = metadata.version("syncd")
    made["paths"] = paths
    named = {k.strip("_"): v for k, v in schemas.items()}
    made["components"]["schemas"] = named
    return made


def _operation(route: Route) -> Json:
    answer = {
        "description": "done",
        "content": {
            route.media.partition(";")[0]: {"schema": _schema(route.gives)}
        },
    }
    found: Json = {
        "operationId": route.method.lower()
        + "".join(map(str.capitalize, re.findall(r"[^/.{}]+", route.path))),
        "summary": route.summary,
        "responses": {
            str(route.status): answer,
            "default": {
                "description": "a problem (RFC 9457)",
                "content": {MEDIA: {"schema": _schema(Problem)}},
            },
        },
    }
    if route.roles is HANDED_IN:
        waits = {"anyOf": [_schema(route.gives), _schema(Pending)]}
        held = {route.media: {"schema": waits}}
        found["responses"]["202"] = {"description": "waits", "content": held}
    if route.roles is not OPEN:
        found["security"] = [{"bearer": []}, {"certificate": []}]
        found["x-roles"] = sorted(route.roles)
    if parameters := [*_parameters(route)]:
        found["parameters"] = parameters
    if route.takes is not None:
        found["requestBody"] = {
            "required": True,
            "content": {
                media: {"schema": _schema(route.takes)}
                for media in route.takes_media
            },
        }
    return found


def _parameters(route: Route) -> Iterator[Json]:
    for name in re.findall(r"\{(\w+)\}", route.path):
        number = int in (route.needs.get(name), route.needs.get(f"{name}_"))
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer" if number else "string"},
        }
    if route.asks is not None:
        (found,) = msgspec.json.schema(route.asks)["$defs"].values()
        for name, schema in found["properties"].items():
            yield {"name": name, "in": "query", "schema": schema}


def _name(form: Any) -> str:
    """Return what a form is called; Page_Appeal if it is a page of appeals."""
    return "_".join(f.__name__ for f in (form, *get_args(form)))


def _schema(form: Any) -> Mapping[str, Any]:
    if is_form(form):
        return {"$ref": _TEMPLATE.format(name=_name(form))}
    return {"type": "object"} if form is dict else {"type": "string"}
