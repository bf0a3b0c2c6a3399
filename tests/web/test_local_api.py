"""Who may ask what of the local API, and what is said to the others."""

import asyncio
import gzip
import json
import re
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.console import page
from syncd.web import openapi, problem, routes
from syncd.web.routes import ADMINS, ALL, COMPLIANCE, OPEN, REVIEWERS, Route
from tests.cases import tried, vectors
from tests.web.local_client import DOCUMENT, EMERGENCY, LocalClient, report

REFUSED = vectors("syncd/local-api")
LOOKUP = {"purpose": "test", "items": [{"kind": "url", "value": "a.example"}]}


def filled(path: str) -> str:
    texts = {"id": "1", "origin": "a%2Fb", "index": "1", "name": "nobody"}
    texts |= {"decision": "confirm", "n": "1", "file": "bundle.tar"}
    for name, text in texts.items():
        path = path.replace(f"{{{name}}}", text)
    return path


# ------------------------------------------------------------ who may what


@tried("route", ALL, ids=lambda r: r.method + r.path)
async def test_a_route_is_for_its_roles_only(
    police: LocalClient, route: Route
) -> None:
    path = filled(route.path)
    if route.path == "/v1/events":
        path += "?cursor=" + "x" * 9
    if route.roles is OPEN:
        await police.call(route.method, path, role="", status=200)
        return
    reply = await police.call(route.method, path, role="", status=401)
    assert reply.headers["WWW-Authenticate"] == "Bearer"
    for role in ("operator", "reader", "compliance", "auditor"):
        if role in route.roles:
            continue
        body = await police.call(route.method, path, role=role, status=403)
        assert role in body["detail"]
    alone = (ADMINS, COMPLIANCE, REVIEWERS)
    assert "operator" in route.roles or route.roles in alone


async def test_what_each_role_may_is_written_down_here() -> None:
    reader, compliance, auditor, admin = (
        {f"{r.method} {r.path}" for r in ALL if role in r.roles}
        for role in ("reader", "compliance", "auditor", "admin")
    )
    assert admin == {
        "GET /v1/joining",
        "GET /v1/roster",
        "POST /v1/invitations",
        "POST /v1/roster",
    }
    assert auditor == {
        "GET /v1/audit/bundles",
        "GET /v1/audit/bundles/{id}/{file}",
        "GET /v1/audit/drills",
        "GET /v1/calls",
        "GET /v1/events",
        "GET /v1/figures",
        "GET /v1/history",
        "GET /v1/logs/{origin}",
        "GET /v1/logs/{origin}/{index}",
        "GET /v1/roster",
        "GET /v1/status",
        "GET /v1/vocabulary",
        "POST /v1/audit/bundles",
    }
    logs = {p for p in auditor if "/logs/" in p or "/audit/" in p}
    assert reader == auditor - logs | {
        "GET /metrics",
        "GET /v1/appeals",
        "GET /v1/changes",
        "GET /v1/disputes",
        "GET /v1/indicators",
        "GET /v1/quota",
        "POST /v1/appeals",
        "POST /v1/appeals/{id}",
        "POST /v1/calls",
        "POST /v1/lookups",
    }
    assert compliance == reader | logs | {
        "GET /v1/access",
        "POST /v1/audit/disclosures",
        "GET /v1/pending",
        "GET /v1/pending/{id}",
        "POST /v1/access/about",
        "POST /v1/screening",
        "POST /v1/screening/reports",
    }


@tried("header", REFUSED["tokens"])
async def test_what_is_no_token_of_ours_is_nobody(
    police: LocalClient, header: str
) -> None:
    reply = await police.get(
        "/v1/status", role="", status=401, Authorization=header
    )
    shown = header == "Bearer nope"
    assert ("opens nothing here" in reply["detail"]) == shown
    assert ("token is needed" in reply["detail"]) != shown
    assert ("invalid_token" in reply.headers["WWW-Authenticate"]) == shown


@tried("host, status", REFUSED["hosts"])
async def test_a_host_that_is_not_ours_is_refused(
    police: LocalClient, host: str, status: int
) -> None:
    await police.get("/v1/status", status=status, Host=host)


@tried("origin", REFUSED["origins"])
async def test_a_page_of_another_site_is_refused(
    police: LocalClient, origin: str
) -> None:
    await police.get("/v1/status", Origin=origin, status=403)
    await police.post("/v1/lookups", LOOKUP, Origin=origin, status=403)
    ours = await police.get("/v1/status", status=200, Origin=police.url)
    assert "Access-Control-Allow-Origin" not in ours.headers


# -------------------------------------------------------------- bad input


@tried("method, path, status", REFUSED["ways"])
async def test_a_wrong_path_or_query_is_a_problem(
    police: LocalClient, method: str, path: str, status: int
) -> None:
    reply = await police.call(
        *(method, path),
        data=b"{}" if method == "POST" else None,
        status=status,
        Content_Type="application/json",
    )
    if status == 405:
        assert reply.headers["Allow"]


ALONE = (ADMINS, REVIEWERS)
BODIES = [r for r in ALL if r.takes is not None and r.roles not in ALONE]


@tried("route", BODIES, ids=lambda r: r.path)
async def test_a_body_has_its_type_and_a_limit_and_is_not_inflated(
    police: LocalClient, route: Route
) -> None:
    way, media = (route.method, filled(route.path)), route.takes_media[0]
    role = "operator" if "operator" in route.roles else "compliance"
    call = partial(police.call, *way, role=role)
    await call(data=b"{}", Content_Type="text/html", status=415)
    await call(data=b" " * ((1 << 20) + 1), Content_Type=media, status=413)
    packed = gzip.compress(b" " * (4 << 20))
    await call(
        data=packed, status=415, Content_Type=media, Content_Encoding="gzip"
    )


async def test_a_body_of_commas_is_not_decoded(
    police: LocalClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of its items would take forty times its bytes."""
    monkeypatch.setattr(routes, "MOST_COMMAS", 99)
    raw = b'{"purpose":"test","items":[' + b"0," * 100 + b"0]}"
    said = await police.post("/v1/lookups", data=raw, status=400)
    assert said["detail"] == "the body has over 99 commas"


async def test_a_target_that_names_a_host_is_refused(
    police: LocalClient,
) -> None:
    """It would go before Host, which is what a browser's page cannot choose."""
    reader, writer = await asyncio.open_connection("127.0.0.1", police.port)
    writer.write(
        b"GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )
    assert (await reader.readline()).split()[1] == b"400"
    writer.close()


DEEP = b'{"name":"a","size":1,"options":{"a":' + b"[" * 100_000


NO_JSON = "not JSON in UTF-8"


@tried(
    "path, body, at, says",
    [
        *REFUSED["shapes"],
        ("imports", DEEP, "body", NO_JSON),
        ("lookups", b"\xff\xfe", "body", NO_JSON),
    ],
)
async def test_a_wrong_shape_is_named_by_its_path(
    police: LocalClient, path: str, body: bytes | str, at: str, says: str
) -> None:
    raw = body.encode() if isinstance(body, str) else body
    refusal = await police.post(f"/v1/{path}", data=raw, status=400)
    assert refusal["errors"] == [{"at": at, "detail": says}]
    assert "13800138000" not in json.dumps(refusal)


@tried(
    "path, body",
    [
        *REFUSED["wrong"],
        ("lookups", {"purpose": "test", "items": [{}] * 10_001}),
        ("reports", {"reports": [{}] * 10_001}),
    ],
)
async def test_what_cannot_be_is_refused_as_a_whole(
    police: LocalClient, path: str, body: Any
) -> None:
    await police.post(f"/v1/{path}", body, status=400)


async def test_nothing_to_retract_is_404(police: LocalClient) -> None:
    for named in (
        {"ids": [10**9]},
        {"import": 10**9},
        {"positions": [[police.member.origin, 10**9]]},
        {"kind": "phone", "value": "+12025559999"},
    ):
        body = {"reason": "test", **named}
        await police.post("/v1/retractions", body, status=404)


async def test_another_members_report_is_not_ours_to_retract(
    police: LocalClient, bank: LocalClient
) -> None:
    body = {"reason": "test", "positions": [[bank.member.origin, 1]]}
    refusal = await police.post("/v1/retractions", body, status=422)
    assert "dispute" in refusal["hint"]


@tried("bad, says", REFUSED["reports"])
async def test_a_wrong_report_is_refused_and_the_others_are_taken(
    police: LocalClient, bad: Any, says: str
) -> None:
    good = report("+12025550101")
    some = {"reports": [good, bad, good]}
    reply = await police.post("/v1/reports", some, status=202)
    first, refused, again = reply["items"]
    assert refused["state"] == "refused"
    assert says in refused["problem"]["detail"]
    assert refused["problem"]["status"] in (400, 422)
    assert first["state"] in ("accepted", "known")
    assert again == {"state": "known", "id": first["id"]}
    assert reply["refused"] == 1
    assert b"2025550" not in reply.raw


# ------------------------------------------------------- whatever comes in

FIELDS = sorted(
    {
        name
        for schema in DOCUMENT["components"]["schemas"].values()
        for name in schema.get("properties", ())
    }
)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(["phone", "url", "test", "stale", EMERGENCY, "A" * 22]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from(FIELDS), inner, max_size=4
        )
    ),
    max_leaves=8,
)
many = settings(max_examples=30)


@many
@given(
    path=st.sampled_from([r.path for r in BODIES]),
    body=st.binary(max_size=200)
    | anything.map(lambda v: json.dumps(v).encode()),
)
async def test_any_bytes_get_an_answer_or_a_problem_never_a_500(
    police: LocalClient, path: str, body: bytes
) -> None:
    route = next(r for r in BODIES if r.path == path)
    reply = await police.post(
        path, data=body, Content_Type=route.takes_media[0]
    )
    assert reply.status < 500, reply.raw


@many
@given(
    path=st.sampled_from(REFUSED["any"]),
    text=st.text(
        st.characters(codec="utf-8", exclude_characters="#?"), max_size=20
    ),
)
async def test_any_path_gets_an_answer_or_a_problem_never_a_500(
    police: LocalClient, path: str, text: str
) -> None:
    method = "POST" if "finish" in path else "GET"
    reply = await police.call(method, path.format(text))
    assert reply.status < 500, reply.raw


@many
@given(st.binary(min_size=1, max_size=60))
async def test_what_is_no_http_gets_a_problem_too(
    police: LocalClient, raw: bytes
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", police.port)
    writer.write(b"GET / HTTP/1.1\r\nHost\x00: " + raw + b"\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.partition(b" ")[2].startswith(b"400"), answer
    assert problem.MEDIA.encode() in head
    assert json.loads(body)["status"] == 400


async def test_a_failure_of_ours_says_nothing_of_what_came_in(
    police: LocalClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise KeyError(EMERGENCY)

    monkeypatch.setattr(police.member.node.lookups, "answers", fail)
    reply = await police.post(
        "/v1/lookups",
        {"purpose": "test", "items": [{"kind": "phone", "value": EMERGENCY}]},
        status=500,
    )
    assert EMERGENCY.encode() not in reply.raw
    assert "request failed: KeyError at fail:" in caplog.text
    assert EMERGENCY not in caplog.text


# ------------------------------------------------------------ the document


async def test_router_and_document_list_the_same_routes(
    police: LocalClient,
) -> None:
    app = police.member.node.listeners.runners[-1].app
    assert app is not None
    routed = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None
    }
    documented = {
        (method.upper(), path)
        for path, item in DOCUMENT["paths"].items()
        for method in item
    }
    lacks = partial(re.compile(r":[^{}]*({[^}]*})?").sub, "")
    bare = {(way.method, lacks(way.path)) for way in page.ALL}
    assert routed - bare == documented | {("GET", "/static/{name}")}
    assert documented.isdisjoint(bare)
    served = await police.get("/openapi.json", role="")
    assert served["paths"].keys() == DOCUMENT["paths"].keys()


async def test_the_document_is_made_once(police: LocalClient) -> None:
    """Making it takes as long as a hundred requests."""
    await police.get("/openapi.json", role="")
    with patch.object(openapi, "describe") as made:
        await police.get("/openapi.json", role="")
    made.assert_not_called()


async def test_every_object_in_an_answer_is_closed() -> None:
    """Maps name what their values are; every other object its fields."""
    for name, schema in DOCUMENT["components"]["schemas"].items():
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False, name


@pytest.mark.slow  # the validator takes two seconds to import
async def test_the_document_is_openapi() -> None:
    from openapi_spec_validator import validate

    validate(json.loads(json.dumps(DOCUMENT)))
