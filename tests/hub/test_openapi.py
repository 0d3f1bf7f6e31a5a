"""The OpenAPI description and the implementation say the same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from everest_kernel.hub.rest.openapi import description
from everest_kernel.wire import record_path

from .support import ECHO, memory_hub

SCHEMA = schemathesis.openapi.from_dict(description())
OPERATIONS = {f"{found.ok().method.upper()} {found.ok().path}": found.ok() for found in SCHEMA.get_all_operations()}
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


async def test_every_route_is_described_and_the_other_way_round(tmp_path: Path) -> None:
    async with memory_hub(tmp_path / "hub") as (hub, client):
        described = (await client.get("/api/openapi.json", headers={"Authorization": ""})).json()
        served = set()
        for route in hub.routes:
            # starlette adds HEAD to each GET; only where it is more than that it is an operation of its own
            methods = (route.methods or set()) - ({"HEAD"} if route.path != "/api/files/{path:path}" else set())
            served |= {(method, route.path.replace(":path}", "}")) for method in methods}
    assert served == {(method.upper(), path) for path, item in described["paths"].items() for method in item}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address and token of a hub in a process of its own, for a client that blocks."""
    home = tmp_path_factory.mktemp("openapi") / "hub"
    command = [sys.executable, "-m", "everest_kernel", "hub", "--home", str(home), "--no-agent", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            url = json.loads(process.stdout.readline())["url"]
            token = json.loads(record_path(home).read_bytes())["token"]
            headers = {"Authorization": f"Bearer {token}"}
            httpx.post(f"{url}/api/apps", json=ECHO, headers=headers, trust_env=False).raise_for_status()
            yield url, token
        finally:
            process.terminate()


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_the_server_does_as_described(served: tuple[str, str], name: str) -> None:
    url, token = served
    if name.startswith("DELETE") and name.endswith("/access_token"):
        token = "0" * 64  # the token is still needed
    operation = OPERATIONS[name]

    @hypothesis.settings(
        max_examples=8 if name.startswith("POST") and name.endswith("/access_token") else 25,  # hashing is slow
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def run(case: Any) -> None:
        headers = {} if operation.definition.raw.get("security") == [] else {"Authorization": f"Bearer {token}"}
        case.call_and_validate(base_url=url, headers=headers, checks=CHECKS)

    run()
