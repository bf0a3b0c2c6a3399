"""A stranger reads /openapi.json and tries everything that it says."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.web.local_client import DOCUMENT, LocalClient

# Hypothesis looks in the collector for who keeps a random source; what is
# frozen there (tests/conftest.py) it does not see.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:It looks like `register_random`"),
]

APART = {"/v1/events"}  # never ends
tried = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)


async def test_every_operation_keeps_to_the_document(
    police: LocalClient,
) -> None:
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    schema = schemathesis.openapi.from_dict(DOCUMENT)
    url = police.url
    done: list[str] = []

    def check(strategy: Any) -> Any:
        @tried
        @given(strategy)
        def one(case: Any) -> None:
            case.call_and_validate(
                base_url=url,
                headers=police.auth(
                    "compliance"
                    if case.path.startswith("/v1/access")
                    else "operator"
                ),
                checks=[
                    not_a_server_error,
                    status_code_conformance,
                    content_type_conformance,
                    response_schema_conformance,
                ],
            )

        return one

    def walk() -> None:
        for found in schema.get_all_operations():
            operation: Any = found.ok()  # type: ignore[union-attr]
            if operation.path in APART:
                continue
            check(operation.as_strategy())()
            done.append(operation.label)

    await asyncio.to_thread(walk)
    assert len(done) == sum(
        len(item)
        for path, item in DOCUMENT["paths"].items()
        if path not in APART
    )
