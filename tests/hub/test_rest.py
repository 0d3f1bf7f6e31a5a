"""The REST surface as Everest's clients use it, in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from everest_kernel.hub import Hub

from .support import ECHO, memory_hub

ANONYMOUS = {"Authorization": ""}


@pytest.fixture
async def hub_and_client(tmp_path: Path) -> Any:
    async with memory_hub(tmp_path / "hub") as both:
        yield both


@pytest.fixture
def client(hub_and_client: tuple[Hub, httpx.AsyncClient]) -> httpx.AsyncClient:
    return hub_and_client[1]


@pytest.fixture
def hub(hub_and_client: tuple[Hub, httpx.AsyncClient]) -> Hub:
    return hub_and_client[0]


async def published(client: httpx.AsyncClient, **changes: Any) -> str:
    answer = await client.post("/api/apps", json={**ECHO, **changes})
    assert answer.status_code == 200, answer.text
    app_id: str = answer.json()["id"]
    return app_id


# --- who asks


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/jobs/0"),
        ("GET", "/api/apps"),
        ("POST", "/api/apps/none"),
        ("GET", "/api/nowhere"),
        ("DELETE", "/api/files/temp/x/y"),
        ("POST", "/api/files/temp"),
        ("GET", "/api/extensions"),
    ],
)
async def test_401_comes_before_404(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path, headers=ANONYMOUS)
    assert answer.status_code == 401
    assert "error" in answer.json()


async def test_bearer_and_cookie_are_the_same(client: httpx.AsyncClient) -> None:
    token = client.headers["authorization"].removeprefix("Bearer ")
    assert (await client.get("/api/jobs")).status_code == 200
    cookie = {"Authorization": "", "Cookie": f"access_token={token}"}
    assert (await client.get("/api/jobs", headers=cookie)).status_code == 200
    assert (await client.get("/api/jobs", headers={"Authorization": "Bearer wrong"})).status_code == 401


@pytest.mark.parametrize("prefix", ["/auth", "/api/auth"])
async def test_log_in_inspect_and_log_out(hub: Hub, client: httpx.AsyncClient, prefix: str) -> None:
    hub.add_user("anna", "right")
    body = {"username": "anna", "password": "right", "label": "templet-session", "lifetime": 60}
    answer = await client.post(f"{prefix}/access_token", json=body, headers=ANONYMOUS)
    assert answer.status_code == 200
    token = answer.json()["access_token"]
    assert len(token) == 64
    assert f"access_token={token}" in answer.headers["set-cookie"]
    assert "Path=/;" in answer.headers["set-cookie"] + ";"
    own = {"Authorization": f"Bearer {token}", "Cookie": ""}
    info = (await client.get(f"{prefix}/access_token", headers=own)).json()
    assert (info["user"], info["label"]) == ("anna", "templet-session")
    assert (await client.delete(f"{prefix}/access_token", headers=own)).status_code == 200
    assert (await client.get("/api/jobs", headers=own)).status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"username": "anna", "password": "wrong", "label": ""}, 401),
        ({"username": "nobody", "password": "right", "label": ""}, 401),
        ({"username": "anna"}, 400),
        ({"username": "anna", "password": "right", "lifetime": -1}, 400),
        ({"username": 5, "password": "right"}, 400),
    ],
)
async def test_bad_log_ins(hub: Hub, client: httpx.AsyncClient, body: dict[str, Any], status: int) -> None:
    hub.add_user("anna", "right")
    answer = await client.post("/auth/access_token", json=body)
    assert answer.status_code == status
    assert "set-cookie" not in answer.headers


async def test_passwords_and_tokens_are_not_stored_as_they_are(hub: Hub, tmp_path: Path) -> None:
    hub.add_user("anna", "my-password")
    token = hub.client_token()
    stored = b"".join(path.read_bytes() for path in (tmp_path / "hub").glob("hub.sqlite*"))
    assert b"my-password" not in stored
    assert token.encode() not in stored


# --- applications


async def test_applications_by_id_and_alias(client: httpx.AsyncClient) -> None:
    app_id = await published(client)
    assert len(app_id) == 24
    for name in (app_id, "local/echo"):
        described = (await client.get(f"/api/apps/{name}")).json()
        assert described["id"] == app_id
        assert described["config"]["command"] == "cat in.txt"
    assert [a["id"] for a in (await client.get("/api/apps")).json()] == [app_id]
    changed = await client.put(f"/api/apps/{app_id}", json={**ECHO, "name": "Changed"})
    assert changed.json()["id"] == app_id
    assert (await client.get("/api/apps/local/echo")).json()["name"] == "Changed"
    assert (await client.delete(f"/api/apps/{app_id}")).status_code == 200
    assert (await client.get(f"/api/apps/{app_id}")).status_code == 404
    assert (await client.get("/api/apps/local/echo")).status_code == 404


async def test_an_alias_is_taken_once(client: httpx.AsyncClient) -> None:
    await published(client)
    answer = await client.post("/api/apps", json=ECHO)
    assert answer.status_code == 409
    assert len((await client.get("/api/apps")).json()) == 1


async def test_search_is_never_an_application(client: httpx.AsyncClient) -> None:
    await published(client)
    assert len((await client.get("/api/apps/search?name=ech")).json()) == 1
    assert len((await client.get("/api/apps/search?name=zzz")).json()) == 0
    assert (await client.request("DELETE", "/api/apps/search?name=ech")).status_code == 200
    assert len((await client.get("/api/apps/search?pagenum=1&pagesize=20&sortBy=jobs")).json()) == 1
    assert (await client.get("/api/apps/search?pagenum=2&pagesize=20")).json() == []


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"alias": "a b", "config": {"command": "x"}}', b"{}", b'{"name": 5}', b"\xff", b"[" * 5000]
)
async def test_bad_descriptions(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/api/apps", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert (await client.get("/api/apps")).json() == []


# --- jobs


async def test_submission_gives_the_whole_job(client: httpx.AsyncClient) -> None:
    app_id = await published(client)
    body = {"name": "s - Job 1", "inputs": {"text": "hi", "dummy": -1}, "unknown": [1]}
    answer = await client.post("/api/apps/local/echo", json=body)
    assert answer.status_code == 201
    job = answer.json()
    assert job["state"] in ("READY", "SUBMITTED")
    assert (job["appId"], job["appAlias"], job["appName"]) == (app_id, "local/echo", "Echo")
    assert (job["name"], job["user"], job["inputs"]) == ("s - Job 1", "local", {"text": "hi", "dummy": -1})
    assert job["submitted"] > 1_600_000_000_000
    assert job["result"] == {}
    waiting = {"queuePosition": 1, "waitingFor": "no resource is attached"}
    assert (await client.get(f"/api/jobs/{job['id']}")).json() == job | waiting
    assert (await client.get("/api/jobs")).json() == [job]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"inputs": {}}, 400),
        ({"inputs": {"text": {"a": 1}}}, 400),
        ({"inputs": []}, 400),
        ({"inputs": {"text": "x", "data": "/api/files/temp/none/x"}}, 400),
        ({"inputs": {"text": "x"}, "resources": ["none"]}, 400),
        ({"inputs": {"text": "x"}, "resourceRequirements": {"timeLimit": -1}}, 400),
    ],
)
async def test_bad_submissions_change_nothing(client: httpx.AsyncClient, body: dict[str, Any], status: int) -> None:
    app_id = await published(client)
    answer = await client.post(f"/api/apps/{app_id}", json=body)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert (await client.get("/api/jobs")).json() == []


async def test_the_same_key_is_the_same_job(client: httpx.AsyncClient) -> None:
    app_id = await published(client)
    submit = {"url": f"/api/apps/{app_id}", "json": {"inputs": {"text": "x"}}}
    first = await client.post(**submit, headers={"Idempotency-Key": "k"})
    again = await client.post(**submit, headers={"Idempotency-Key": "k"})
    other = await client.post(**submit, headers={"Idempotency-Key": "l"})
    assert first.status_code == again.status_code == 201
    assert first.json()["id"] == again.json()["id"] != other.json()["id"]
    assert len((await client.get("/api/jobs")).json()) == 2


async def test_jobs_outlive_the_hub(tmp_path: Path) -> None:
    async with memory_hub(tmp_path / "hub") as (_, client):
        app_id = await published(client)
        job = (await client.post(f"/api/apps/{app_id}", json={"inputs": {"text": "x"}})).json()
    async with memory_hub(tmp_path / "hub") as (_, client):
        found = (await client.get(f"/api/jobs/{job['id']}")).json()
        assert found["inputs"] == {"text": "x"}
        assert found["state"] == "READY"
        again = await client.post(f"/api/jobs/{job['id']}/cancel")
        assert again.status_code == 200
        assert (await client.get(f"/api/jobs/{job['id']}")).json()["state"] == "CANCELLED"


async def test_a_waiting_job_is_cancelled_and_deleted(client: httpx.AsyncClient) -> None:
    app_id = await published(client)
    job = (await client.post(f"/api/apps/{app_id}", json={"inputs": {"text": "x"}})).json()
    assert (await client.post(f"/api/jobs/{job['id']}/cancel")).status_code == 200
    cancelled = (await client.get(f"/api/jobs/{job['id']}")).json()
    assert (cancelled["state"], cancelled["result"]) == ("CANCELLED", {"stdout": ""})
    garbage = await client.request("DELETE", f"/api/jobs/{job['id']}", content=b"left over \xff")
    assert garbage.status_code == 200
    assert (await client.get(f"/api/jobs/{job['id']}")).status_code == 404
    assert (await client.get("/api/jobs")).json() == []


async def test_jobs_are_deleted_by_name(client: httpx.AsyncClient) -> None:
    app_id = await published(client)
    for name in ("a", "a", "b"):
        await client.post(f"/api/apps/{app_id}", json={"name": name, "inputs": {"text": "x"}})
    assert (await client.request("DELETE", "/api/jobs?name=a")).status_code == 200
    assert [job["name"] for job in (await client.get("/api/jobs")).json()] == ["b"]
    assert (await client.request("DELETE", "/api/jobs")).status_code == 400


async def test_jobs_of_others_are_unknown(hub: Hub, client: httpx.AsyncClient) -> None:
    app_id = await published(client)
    job = (await client.post(f"/api/apps/{app_id}", json={"inputs": {"text": "x"}})).json()
    hub.add_user("boris", "secret")
    answer = await client.post("/auth/access_token", json={"username": "boris", "password": "secret"})
    other = {"Authorization": f"Bearer {answer.json()['access_token']}", "Cookie": ""}
    for method, path in (("GET", ""), ("GET", "/log"), ("POST", "/cancel"), ("DELETE", "")):
        refused = await client.request(method, f"/api/jobs/{job['id']}{path}", headers=other)
        unknown = await client.request(method, f"/api/jobs/none{path}", headers=other)
        assert (refused.status_code, refused.text) == (404, unknown.text)
    assert (await client.put(f"/api/apps/{app_id}", json=ECHO, headers=other)).status_code == 403
    assert (await client.get(f"/api/jobs/{job['id']}")).json()["state"] == "READY"


# --- files


@pytest.mark.parametrize("size", [0, 5, 65_536, 65_537, 300_000])
@pytest.mark.parametrize("style", ["one part", "three parts", "raw", "raw with slash"])
async def test_uploads_of_every_style(client: httpx.AsyncClient, style: str, size: int) -> None:
    data = bytes(range(251)) * (size // 251 + 1)
    data = data[:size]
    if style == "one part":
        answer = await client.post("/api/files/temp", files={"solution.zip": ("my file.txt", data)})
    elif style == "three parts":
        parts = {
            "sendfile": ("my file.txt", data),
            "filename": (None, "/home/me/my file.txt"),
            "submit": (None, "send"),
        }
        answer = await client.post("/api/files/temp", files=parts)
    else:
        slash = "/" if style.endswith("slash") else ""
        answer = await client.post(f"/api/files/temp{slash}", content=data, params={"filename": "my file.txt"})
    assert answer.status_code == 200, answer.text
    uploaded = answer.json()
    assert uploaded["filename"] == "my file.txt"
    assert uploaded["length"] == size
    assert uploaded["uri"].startswith("/api/files/temp/")
    assert uploaded["uri"].endswith("/my%20file.txt")
    assert (await client.get(uploaded["uri"])).content == data
    head = await client.head(uploaded["uri"])
    assert (head.status_code, int(head.headers["content-length"])) == (200, size)
    assert (await client.delete(uploaded["uri"])).status_code == 200
    assert (await client.get(uploaded["uri"])).status_code == 404


async def test_a_raw_upload_without_a_name_gets_one(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/files/temp", content=b"x")
    assert answer.json()["filename"]
    assert (await client.get(answer.json()["uri"])).content == b"x"


@pytest.mark.parametrize("name", ["..", "a/b", "a\0b", "x" * 300, "a\nb"])
async def test_hostile_upload_names(client: httpx.AsyncClient, name: str, tmp_path: Path) -> None:
    answer = await client.post("/api/files/temp", content=b"x", params={"filename": name})
    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_a_multipart_name_is_cut_to_its_last_part(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/files/temp", files={"file": ("../../etc/passwd", b"x")})
    assert answer.json()["filename"] == "passwd"


async def test_multipart_without_a_file_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/files/temp", files={"a": (None, "text")})
    assert answer.status_code == 400


async def test_inputs_are_published_under_the_job_and_uploads_dropped(client: httpx.AsyncClient) -> None:
    app_id = await published(client)
    uri = (await client.post("/api/files/temp", files={"f": ("d.txt", b"data")})).json()["uri"]
    job = (await client.post(f"/api/apps/{app_id}", json={"inputs": {"text": "x", "data": uri}})).json()
    assert (await client.request("DELETE", "/api/user/tmp_files")).status_code == 200
    assert (await client.get(uri)).status_code == 404
    assert (await client.get(f"/api/files/jobs/{job['id']}/d.txt")).content == b"data"


async def test_extensions_and_resources(hub: Hub, client: httpx.AsyncClient) -> None:
    extensions = (await client.get("/api/extensions")).json()
    assert extensions["events"] == "/api/events"
    assert extensions["idempotencyKey"] is True
    hub.agent_token("mine")
    (resource,) = (await client.get("/api/resources")).json()
    assert (resource["name"], resource["state"]) == ("mine", "OFFLINE")


async def test_unknown_paths_and_methods(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/nothing")).status_code == 404
    assert (await client.get("/api/files/temp/../../../etc/passwd")).status_code == 404
    assert (await client.get("/api/files/%2e%2e/%2e%2e/etc/passwd")).status_code == 404
