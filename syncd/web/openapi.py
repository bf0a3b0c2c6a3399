"""The document of the own door (OpenAPI 3.1), made from its routes.

Every schema is a form's own, closed: `additionalProperties` is false, so a
field that is not written down here cannot be in an answer.
"""

from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

import msgspec

from syncd.web.problem import MEDIA, Problem
from syncd.web.routes import OPEN, Route

_TEMPLATE = "#/components/schemas/{name}"


def document(routes: tuple[Route, ...]) -> bytes:
    """Return the document as JSON."""
    return msgspec.json.encode(describe(routes), order="sorted")


def describe(routes: Sequence[Route]) -> dict[str, Any]:
    """Return the document."""
    forms = {
        form
        for route in routes
        for form in (route.takes, route.gives)
        if _is_form(form)
    }
    _, schemas = msgspec.json.schema_components(
        [*sorted(forms, key=lambda f: f.__name__), Problem],
        ref_template=_TEMPLATE,
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        item = paths.setdefault(route.path, {})
        item[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "syncd: the own door",
            "version": metadata.version("syncd"),
            "description": "See docs/http-api.md.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"}
            },
        },
    }


def _is_form(form: object) -> bool:
    return isinstance(form, type) and issubclass(form, msgspec.Struct)


def _operation(route: Route) -> dict[str, Any]:
    answer = {
        "description": "done",
        "content": {route.media: {"schema": _schema(route.gives)}},
    }
    found: dict[str, Any] = {
        "operationId": f"{route.method.lower()}{_camel(route.path)}",
        "summary": route.said,
        "responses": {
            **{str(s): answer for s in (route.status, *route.also)},
            "default": {
                "description": "a problem (RFC 9457)",
                "content": {
                    MEDIA: {"schema": {"$ref": _ref(Problem)}},
                },
            },
        },
    }
    if route.roles is not OPEN:
        found["security"] = [{"bearer": []}]
        found["x-roles"] = sorted(route.roles)
    if route.parameters:
        found["parameters"] = [
            {
                "name": p.name,
                "in": p.place,
                "required": p.place == "path",
                "description": p.said,
                "schema": dict(p.schema),
            }
            for p in route.parameters
        ]
    if route.takes is not None:
        found["requestBody"] = {
            "required": True,
            "content": {
                media: {"schema": _schema(route.takes)}
                for media in route.takes_media
            },
        }
    return found


def _schema(form: Any) -> Mapping[str, Any]:
    if _is_form(form):
        return {"$ref": _ref(form)}
    return {"type": "object"} if form is dict else {"type": "string"}


def _ref(form: Any) -> str:
    return _TEMPLATE.format(name=form.__name__)


def _camel(path: str) -> str:
    words = path.replace("{", "").replace("}", "").replace(".", "/")
    return "".join(w.capitalize() for w in words.split("/") if w)
