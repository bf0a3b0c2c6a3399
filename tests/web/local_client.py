"""A caller of a local API; every answer is held to the document."""

import io
import json
import re
from typing import Any

import aiohttp
import jsonschema

from syncd.web import openapi
from syncd.web.problem import MEDIA
from syncd.web.routes import ALL
from tests.alliance import Member

DOCUMENT = openapi.describe(ALL)
EMERGENCY = "+12025550911"


class Reply(dict[str, Any]):
    """An answer, which reads like its body; held to the document."""

    def __init__(
        self,
        status: int = 0,
        headers: Any = None,
        body: Any = (),
        raw: bytes = b"",
    ) -> None:
        super().__init__(body)
        self.status, self.headers, self.raw = status, headers, raw


class LocalClient:
    """A caller of one member's local API."""

    def __init__(self, session: aiohttp.ClientSession, member: Member) -> None:
        self._session = session
        self.member, self.settle = member, member.settle
        self.tokens: dict[str, str] = {}

    @property
    def port(self) -> int:
        """Where the API listens."""
        return int(self.member.node.listeners.runners[-1].addresses[0][1])

    @property
    def url(self) -> str:
        """The API's address."""
        return f"http://127.0.0.1:{self.port}"

    def auth(self, role: str) -> dict[str, str]:
        """Return the header of a role's token, none for ""."""
        if not role:
            return {}
        return {"Authorization": f"Bearer {self.tokens[role]}"}

    async def add(self, role: str) -> None:
        """Make a token for a role."""
        bearers = self.member.own.bearers
        name = "desk" if role == "operator" else role  # that one is taken
        self.tokens[role] = await bearers.add(name, role)

    async def call(
        self,
        method: str,
        path: str,
        json_: Any = None,
        *,
        data: bytes | None = None,
        role: str = "operator",
        status: int = 0,
        **headers: str,
    ) -> Reply:
        """Send a request; the answer is what the document says, and as told."""
        given = {k.replace("_", "-"): v for k, v in headers.items()}
        if data is not None:
            given.setdefault("Content-Type", "application/json")
        async with self._session.request(
            method,
            self.url + path,
            json=json_,
            data=None if data is None else io.BytesIO(data),
            headers={**self.auth(role), **given},
        ) as answer:
            raw = await answer.read()
            assert status in (0, answer.status), raw
            held(method, path, answer.status, answer.content_type, raw)
            body: Any = ()
            if "json" in answer.content_type:
                body = json.loads(raw)
            if answer.status >= 400:
                assert body["status"] == answer.status
                assert body["detail"]
            return Reply(answer.status, answer.headers, body, raw)

    async def get(self, path: str, **more: Any) -> Reply:
        return await self.call("GET", path, **more)

    async def post(self, path: str, json_: Any = None, **more: Any) -> Reply:
        return await self.call("POST", path, json_, **more)

    async def take(self, *reports: dict[str, Any]) -> Any:
        """Hand in reports; return what became of each."""
        body = {"reports": list(reports)}
        reply = await self.post("/v1/reports", body, status=202)
        return list(reply["items"])

    async def ask(
        self, kind: str, *values: str, purpose: str = "call_check"
    ) -> Any:
        """Look values up."""
        reply = await self.post(
            "/v1/lookups",
            {
                "purpose": purpose,
                "items": [{"kind": kind, "value": v} for v in values],
            },
            status=200,
        )
        return list(reply["items"])


def held(method: str, path: str, status: int, media: str, raw: bytes) -> None:
    """Hold an answer to the document: its status, medium and schema."""
    bare = path.partition("?")[0]
    for template, item in DOCUMENT["paths"].items():
        pattern = re.sub(r"\{\w+\}", "[^/]+", template)
        if re.fullmatch(pattern, bare) and method.lower() in item:
            responses = item[method.lower()]["responses"]
            break
    else:
        responses = {"default": {"content": {MEDIA: {"schema": PROBLEM}}}}
    content = responses.get(str(status), responses["default"])["content"]
    assert media in content, (status, media, raw[:200])
    if "json" in media and len(raw) < 100_000:  # the validator is slow
        schema = {
            **content[media]["schema"],
            "components": DOCUMENT["components"],
        }
        jsonschema.validate(
            json.loads(raw), schema, cls=jsonschema.Draft202012Validator
        )


PROBLEM = {"$ref": "#/components/schemas/Problem"}


def report(value: str, kind: str = "phone", **more: Any) -> Any:
    """Return a right report."""
    role = {"phone": "caller", "url": "phishing_host"}.get(
        kind, "collecting_account"
    )
    return {
        "kind": kind,
        "value": value,
        "label": "fake_invest",
        "role": role,
        "evidence": "user_tag",
        **more,
    }
