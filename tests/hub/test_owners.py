"""Whose is what: tokens, and that another user's things are as unknown as those that do not exist."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import websockets

from everest_kernel.hub import Hub
from everest_kernel.hub.identity import Identity
from everest_kernel.wire import AGENT_PATH

from .support import ECHO, final_job, memory_hub, scripted_agent, served_hub


class Users(NamedTuple):
    """A hub with its owner, anna and boris."""

    hub: Hub
    owner: httpx.AsyncClient
    anna: httpx.AsyncClient
    boris: httpx.AsyncClient


@asynccontextmanager
async def logged_in(owner: httpx.AsyncClient, name: str, transport: Any) -> AsyncIterator[httpx.AsyncClient]:
    assert (await owner.post("/api/users", json={"name": name, "password": "pw"})).status_code == 200
    async with httpx.AsyncClient(transport=transport, base_url=owner.base_url, trust_env=False) as client:
        answer = await client.post("/api/auth/access_token", json={"username": name, "password": "pw"})
        client.cookies.clear()
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


@pytest.fixture
async def users(tmp_path: Path) -> AsyncIterator[Users]:
    async with memory_hub(tmp_path / "hub") as (hub, owner):
        transport = httpx.ASGITransport(hub.asgi)
        async with logged_in(owner, "anna", transport) as anna, logged_in(owner, "boris", transport) as boris:
            yield Users(hub, owner, anna, boris)


# --- tokens


async def test_a_token_expires(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"username": "anna", "password": "pw", "label": "short", "lifetime": 60}
    token = (await users.owner.post("/auth/access_token", json=body)).json()["access_token"]
    users.owner.cookies.clear()
    own = {"Authorization": f"Bearer {token}"}
    info = (await users.owner.get("/api/auth/access_token", headers=own)).json()
    assert (info["user"], info["label"], info["expires"] - info["created"]) == ("anna", "short", 60_000)
    later = info["expires"] / 1000
    monkeypatch.setattr("everest_kernel.hub.identity.time.time", lambda: later - 1)
    assert (await users.owner.get("/api/jobs", headers=own)).status_code == 200
    monkeypatch.setattr("everest_kernel.hub.identity.time.time", lambda: later)
    assert (await users.owner.get("/api/jobs", headers=own)).status_code == 401
    assert (await users.owner.get("/api/jobs/0", headers=own)).status_code == 401


async def test_a_token_lives_a_week_by_default(users: Users) -> None:
    info = (await users.anna.get("/auth/access_token")).json()
    assert info["expires"] - info["created"] == 7 * 86_400_000


@pytest.mark.parametrize("lifetime", [0, -5, 10**12, "x", 1.5])
async def test_bad_lifetimes(users: Users, lifetime: Any) -> None:
    body = {"username": "anna", "password": "pw", "lifetime": lifetime}
    assert (await users.owner.post("/auth/access_token", json=body)).status_code == 400


async def test_one_log_out_leaves_other_tokens(users: Users) -> None:
    body = {"username": "anna", "password": "pw"}
    other = (await users.owner.post("/auth/access_token", json=body)).json()["access_token"]
    users.owner.cookies.clear()
    assert (await users.anna.delete("/auth/access_token")).status_code == 200
    assert (await users.anna.get("/api/jobs")).status_code == 401
    assert (await users.owner.get("/api/jobs", headers={"Authorization": f"Bearer {other}"})).status_code == 200


# --- users


@pytest.mark.parametrize("path", ["/api/users"])
async def test_only_the_hubs_owner_manages_users(users: Users, path: str) -> None:
    assert (await users.anna.get(path)).status_code == 403
    refused = await users.anna.post(path, json={"name": "boris", "password": "stolen"})
    assert refused.status_code == 403
    assert [user["name"] for user in (await users.owner.get(path)).json()] == ["anna", "boris"]
    task = {"Authorization": f"Bearer {users.hub._identity.issue_for_task('local')}"}
    assert (await users.owner.get("/api/jobs", headers=task)).status_code == 200
    assert (await users.owner.post(path, json={"name": "x", "password": "y"}, headers=task)).status_code == 403


@pytest.mark.parametrize(
    "body", [{"name": "a b", "password": "x"}, {"name": "ok", "password": ""}, {"name": "../x"}, 5]
)
async def test_bad_users(users: Users, body: Any) -> None:
    assert (await users.owner.post("/api/users", json=body)).status_code == 400
    assert len((await users.owner.get("/api/users")).json()) == 2


async def test_a_password_changes(users: Users) -> None:
    assert (await users.owner.post("/api/users", json={"name": "anna", "password": "new"})).status_code == 200
    for password, status in (("pw", 401), ("new", 200)):
        body = {"username": "anna", "password": password}
        assert (await users.owner.post("/auth/access_token", json=body)).status_code == status


async def test_ids_at_an_import_are_the_owners(users: Users) -> None:
    assert (await users.anna.post("/api/apps", json=ECHO, params={"id": "boris/echo"})).status_code == 403
    assert (await users.anna.get("/api/apps")).json() == []


# --- other users' things


async def test_anothers_jobs_and_files_are_unknown(users: Users) -> None:
    await users.anna.post("/api/apps", json=ECHO)
    uri = (await users.anna.post("/api/files/temp", files={"f": ("d.txt", b"secret")})).json()["uri"]
    body = {"name": "n", "inputs": {"text": "x", "data": uri}}
    job = (await users.anna.post("/api/apps/anna/echo", json=body)).json()
    own = f"/api/files/jobs/{job['id']}/d.txt"
    assert (await users.anna.get(own)).content == b"secret"
    unknown = job["id"][:-4] + "0000"
    for method, path in (
        ("GET", f"/api/jobs/{job['id']}"),
        ("GET", f"/api/jobs/{job['id']}/log"),
        ("POST", f"/api/jobs/{job['id']}/cancel"),
        ("DELETE", f"/api/jobs/{job['id']}"),
        ("GET", own),
        ("DELETE", own),
        ("POST", f"/api/files/jobs/{job['id']}"),
        ("GET", uri),
        ("DELETE", uri),
    ):
        theirs = await users.boris.request(method, path)
        nobodys = await users.boris.request(method, path.replace(job["id"], unknown).replace("temp/", "temp/0"))
        assert (theirs.status_code, theirs.text) == (nobodys.status_code, nobodys.text)
        assert theirs.status_code == 404
    assert (await users.boris.get("/api/jobs")).json() == []
    await users.boris.request("DELETE", "/api/jobs?name=n")
    stolen = await users.boris.post("/api/apps/anna/echo", json=body)
    assert (stolen.status_code, (await users.boris.get("/api/jobs")).json()) == (400, [])
    assert (await users.anna.get(f"/api/jobs/{job['id']}")).json()["state"] == "READY"


async def test_only_its_owner_changes_an_application(users: Users) -> None:
    made = (await users.anna.post("/api/apps", json=ECHO)).json()
    path = f"/api/apps/{made['id']}"
    assert (await users.boris.get(path)).status_code == 200
    assert (await users.boris.put(path, json={**ECHO, "name": "mine"})).status_code == 403
    assert (await users.boris.delete(path)).status_code == 403
    assert (await users.anna.get(path)).json()["name"] == "Echo"


# --- resources


async def test_a_resource_from_creation_to_deletion(users: Users) -> None:
    made = (await users.anna.post("/api/resources", json={"name": "mine"})).json()
    assert (len(made["agentToken"]), made["owner"], made["state"]) == (64, "anna", "OFFLINE")
    path = f"/api/resources/{made['id']}"
    read = (await users.anna.get(path)).json()
    assert read == {key: value for key, value in made.items() if key != "agentToken"}
    assert (await users.anna.get("/api/resources")).json() == [read]
    assert (await users.anna.post("/api/resources", json={"name": "mine"})).status_code == 409
    for stranger in ("/api/resources/none", path):
        assert (await users.boris.get(stranger)).status_code == 404
        assert (await users.boris.delete(stranger)).status_code == 404
    assert (await users.boris.get("/api/resources")).json() == []
    assert (await users.anna.delete(path)).status_code == 200
    assert (await users.anna.get(path)).status_code == 404


async def test_the_owners_resources_are_everybodys_to_use_and_the_owners_to_delete(users: Users) -> None:
    made = (await users.owner.post("/api/resources", json={"name": "lab"})).json()
    path = f"/api/resources/{made['id']}"
    assert (await users.anna.get(path)).json()["name"] == "lab"
    assert (await users.anna.delete(path)).status_code == 403
    await users.anna.post("/api/apps", json=ECHO)
    submit = {"inputs": {"text": "x"}, "resources": [made["id"]]}
    assert (await users.anna.post("/api/apps/anna/echo", json=submit)).status_code == 201


async def test_a_job_cannot_name_anothers_resource(users: Users) -> None:
    made = (await users.anna.post("/api/resources", json={"name": "mine"})).json()
    await users.boris.post("/api/apps", json=ECHO)
    submit = {"inputs": {"text": "x"}, "resources": [made["id"]]}
    refused = await users.boris.post("/api/apps/boris/echo", json=submit)
    assert (refused.status_code, (await users.boris.get("/api/jobs")).json()) == (400, [])
    bound = await users.boris.put("/api/apps/boris/echo", json={**ECHO, "resources": [made["id"]]})
    assert bound.status_code == 400


async def test_a_compiled_in_resource_id_is_the_owners_to_give(users: Users) -> None:
    wanted = {"name": "old", "id": "53ad28ca35000042009832de"}
    assert (await users.anna.post("/api/resources", json=wanted)).status_code == 403
    assert (await users.owner.post("/api/resources", json={**wanted, "id": "short"})).status_code == 400
    assert (await users.owner.post("/api/resources", json=wanted)).json()["id"] == wanted["id"]
    assert (await users.owner.post("/api/resources", json={**wanted, "name": "b"})).status_code == 409


@pytest.mark.parametrize("name", ["", "a/b", "a\0b", "x" * 101, 5, None])
async def test_bad_resources(users: Users, name: Any) -> None:
    assert (await users.anna.post("/api/resources", json={"name": name})).status_code == 400
    assert (await users.anna.get("/api/resources")).json() == []


async def test_jobs_run_on_ones_own_resources_and_the_owners(tmp_path: Path) -> None:
    async with served_hub(tmp_path / "hub") as (hub, owner):
        await owner.post("/api/apps", json=ECHO)
        token = (await owner.post("/api/resources", json={"name": "lab"})).json()["agentToken"]
        async with logged_in(owner, "boris", None) as boris:
            private = (await boris.post("/api/resources", json={"name": "mine"})).json()["agentToken"]
            async with scripted_agent(hub, token=private) as mine:
                await mine.hello(slots=2)
                first = (await owner.post("/api/apps/local/echo", json={"inputs": {"text": "owner's"}})).json()
                second = (await boris.post("/api/apps/local/echo", json={"inputs": {"text": "x"}})).json()
                task = await mine.expect_task()
                assert task.task_id.startswith(second["id"])  # not the owner's, which came first
                await mine.finish(task.task_id)
                assert (await owner.get(f"/api/jobs/{first['id']}")).json()["state"] == "READY"
                async with scripted_agent(hub, token=token) as lab:
                    await lab.hello()
                    task = await lab.expect_task()
                    assert task.task_id.startswith(first["id"])
                    await lab.finish(task.task_id)
            assert (await final_job(owner, first["id"]))["state"] == "DONE"


async def test_the_agent_of_a_deleted_resource_is_parted_from(tmp_path: Path) -> None:
    async with served_hub(tmp_path / "hub") as (hub, client):
        made = (await client.post("/api/resources", json={"name": "gone"})).json()
        async with scripted_agent(hub, token=made["agentToken"]) as agent:
            await agent.hello()
            await client.post("/api/apps", json=ECHO)
            await client.post("/api/apps/local/echo", json={"inputs": {"text": "x"}})
            await agent.expect_task()
            await client.delete(f"/api/resources/{made['id']}")
            with pytest.raises(websockets.ConnectionClosed):
                await agent.receive()
        uri = hub.url.replace("http", "ws") + AGENT_PATH
        headers = {"Authorization": f"EverestAgentToken {made['agentToken']}"}
        with pytest.raises((websockets.InvalidStatus, websockets.ConnectionClosed)):
            async with websockets.connect(uri, additional_headers=headers, proxy=None) as again:
                await again.recv()


async def test_an_unknown_users_password_takes_as_long(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    from argon2 import PasswordHasher

    real = PasswordHasher.verify
    monkeypatch.setattr(PasswordHasher, "verify", lambda self, *given: hashed.append("x") or real(self, *given))
    body = {"username": "nobody", "password": "pw"}
    assert (await users.owner.post("/auth/access_token", json=body)).status_code == 401
    assert hashed == ["x"]
    assert Identity.password_hash("pw") != Identity.password_hash("pw")
