"""Requests that are malformed: a fitting 4xx with a readable text, and nothing changed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from .support import ECHO, memory_hub

FORM = {"Content-Type": "multipart/form-data; boundary=b"}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with memory_hub(tmp_path / "hub") as (_, client):
        assert (await client.post("/api/apps", json=ECHO)).status_code == 200
        yield client


async def state_of(client: httpx.AsyncClient, home: Path) -> Any:
    """Everything that a request could have changed."""
    listed = [(await client.get(path)).json() for path in ("/api/apps", "/api/jobs", "/api/resources", "/api/users")]
    return listed, sorted(str(path) for path in (home / "files").rglob("*") if path.is_file())


POSTS = ["/auth/access_token", "/api/apps", "/api/apps/local/echo", "/api/resources", "/api/users"]
BODIES: list[bytes] = [
    b"", b"{", b"[]", b"5", b'"text"', b"null", b"\xff\xfe", b"{} {}", b"[" * 20_000, b'{"name": "\\ud800"}',
    b'{"name": NaN}', b"<xml/>", b'{"inputs": 5, "name": 5, "username": 5}',
]  # fmt: skip


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:12]))
async def test_bodies_that_do_not_fit(client: httpx.AsyncClient, tmp_path: Path, path: str, body: bytes) -> None:
    before = await state_of(client, tmp_path / "hub")
    answer = await client.post(path, content=body)
    assert answer.status_code == 400
    assert len(answer.json()["error"]) > 5
    assert await state_of(client, tmp_path / "hub") == before


@pytest.mark.parametrize("path", POSTS)
async def test_a_body_that_is_too_large(client: httpx.AsyncClient, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("everest_kernel.hub.rest.common.MAX_BODY", 1000)
    answer = await client.post(path, content=b'{"name": "' + b"x" * 2000 + b'"}')
    assert (answer.status_code, "too large" in answer.json()["error"]) == (413, True)


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"text": None},
        {"text": ["a"]},
        {"text": {"a": 1}},
        *(
            {"text": "x", "data": uri}
            for uri in (
                5, ["x"], "", "x", "/etc/passwd", "file:///etc/passwd", "ftp://host/x", "data:,x", "//host/x",
                "/api/files/temp/none/x", "/api/files/temp/../../etc/passwd", "/api/files/temp/%2e%2e/x",
                "/api/files/temp/x/" + "n" * 300, "/api/files/temp/x/a%00b", "/api/jobs", "HTTP://host/..",
            )
        ),
    ],
    ids=repr,
)  # fmt: skip
async def test_inputs_that_do_not_fit(client: httpx.AsyncClient, tmp_path: Path, inputs: Any) -> None:
    before = await state_of(client, tmp_path / "hub")
    answer = await client.post("/api/apps/local/echo", json={"inputs": inputs})
    assert answer.status_code == 400, answer.text
    assert len(answer.json()["error"]) > 5
    assert await state_of(client, tmp_path / "hub") == before


@pytest.mark.parametrize(
    "fields",
    [
        {"name": 5},
        {"resources": "all"},
        {"resources": ["../x"]},
        {"resources": [5]},
        {"resourceRequirements": {"timeLimit": "long"}},
        {"resourceRequirements": {"timeLimit": -1}},
        {"resourceRequirements": {"timeLimit": 1e300}},
        {"resourceRequirements": []},
    ],
    ids=repr,
)
async def test_submissions_that_do_not_fit(client: httpx.AsyncClient, tmp_path: Path, fields: Any) -> None:
    before = await state_of(client, tmp_path / "hub")
    answer = await client.post("/api/apps/local/echo", json={"inputs": {"text": "x"}, **fields})
    assert answer.status_code == 400
    assert await state_of(client, tmp_path / "hub") == before


@pytest.mark.parametrize(
    "name", ["..", ".", "a/b", "a\\b", "a\0b", "x" * 300, "a\nb", "", "\u0436" * 200], ids=lambda name: repr(name[:9])
)
async def test_mappings_to_hostile_names(client: httpx.AsyncClient, tmp_path: Path, name: str) -> None:
    mapped = {**ECHO["config"], "inputMappings": [{"param": "text", "file": "${text}"}]}  # type: ignore[dict-item]
    assert (await client.put("/api/apps/local/echo", json={**ECHO, "config": mapped})).status_code == 200
    before = await state_of(client, tmp_path / "hub")
    allowed = name == "a/b"  # a folder below the task's directory
    answer = await client.post("/api/apps/local/echo", json={"inputs": {"text": name}})
    assert answer.status_code == (201 if allowed else 400)
    if not allowed:
        assert await state_of(client, tmp_path / "hub") == before


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "multipart/form-data"}, b""),
        (FORM, b""),
        (FORM, b"no boundary at all"),
        (FORM, b"--b\r\n"),
        (FORM, b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nends early'),
        (FORM, b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\nno file\r\n--b--\r\n'),
        (FORM, b'--b\r\nContent-Disposition: form-data; name="f"; filename=""\r\n\r\nx\r\n--b--\r\n'),
        (FORM, b'--b\r\nContent-Disposition: form-data; name="f"; filename=".."\r\n\r\nx\r\n--b--\r\n'),
        (FORM, b'--b\r\nContent-Disposition: form-data; name="f"; filename="a\0b"\r\n\r\nx\r\n--b--\r\n'),
        (FORM, b'--b\r\nbad header\r\n\r\nx\r\n--b--\r\n'),
        (FORM, b"--b\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n\r\n--b--\r\n"),
        ({"Content-Type": f"multipart/form-data; boundary={'b' * 1000}"}, b"x"),
        (FORM, b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n' + b"x" * 200_000),
        (FORM, b'--b\r\nContent-Disposition: form-data; filename="' + b"n" * 300 + b'"\r\n\r\nx\r\n--b--\r\n'),
    ],
    ids=lambda given: repr(given)[:40],
)  # fmt: skip
async def test_forms_that_cannot_be_read(
    client: httpx.AsyncClient, tmp_path: Path, headers: dict[str, str], body: bytes
) -> None:
    before = await state_of(client, tmp_path / "hub")
    answer = await client.post("/api/files/temp", content=body, headers=headers)
    assert answer.status_code == 400
    assert len(answer.json()["error"]) > 5
    assert await state_of(client, tmp_path / "hub") == before


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/jobs", "DELETE, GET, HEAD"),
        ("POST", "/api/jobs/x", "DELETE, GET, HEAD"),
        ("GET", "/api/jobs/x/cancel", "POST"),
        ("DELETE", "/api/apps", "GET, HEAD, POST"),
        ("PATCH", "/api/apps/local/echo", "DELETE, GET, HEAD, POST, PUT"),
        ("PUT", "/auth/access_token", "DELETE, GET, HEAD, POST"),
        ("GET", "/api/user/tmp_files", "DELETE"),
        ("PROPFIND", "/api/resources", "GET, HEAD, POST"),
    ],
)
async def test_methods_that_an_address_does_not_take(
    client: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.json()["error"]
    assert (await client.request(method, path, headers={"Authorization": ""})).status_code == 401


@pytest.mark.parametrize(
    "path",
    ["/", "/api", "/api/", "/api/jobs/", "/api/jobs/a/b", "/api/files/", "/api/files/temp/x", "/api/apps/x%0Ay",
     "/api/jobs/%00", "/api/files/temp/%2e%2e/%2e%2e/hub.sqlite",
     "/api/files/temp/x/%2e%2e",
     "/api/jobs/" + "x" * 3000],
)  # fmt: skip
async def test_addresses_of_nothing(client: httpx.AsyncClient, path: str) -> None:
    for method in ("GET", "DELETE"):
        assert (await client.request(method, path)).status_code in (404, 405)
        assert (await client.request(method, path, headers={"Authorization": ""})).status_code == 401


async def test_a_page_beyond_numbers_is_the_first(client: httpx.AsyncClient) -> None:
    for query in (
        "pagenum=x",
        "pagenum=-1",
        "pagenum=0",
        "pagesize=0",
        "pagesize=99999999999999999999",
        "pagenum=\u0663",
    ):
        answer = await client.get(f"/api/apps/search?{query}")
        assert (answer.status_code, len(json.loads(answer.content))) == (200, 1)
