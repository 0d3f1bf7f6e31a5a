"""The hub with agents that know only TASK_SUBMIT, TASK_STATE and TASK_MESSAGE."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
import websockets

from everest_kernel.hub import Hub
from everest_kernel.hub.dialer import hub_address
from everest_kernel.wire import AGENT_PATH, ConfigurationError

from .old_agent import TOKEN, OldAgent, old_agent
from .support import ECHO, final_job, served_hub

SWEEP_ID = "530f36d73d00002d04548b0e"

Attached = tuple[Hub, httpx.AsyncClient, OldAgent]


@asynccontextmanager
async def attached(folder: Path, slots: int = 2, **settings: Any) -> AsyncIterator[Attached]:
    """A hub that dials an old agent."""
    async with old_agent() as agent, served_hub(folder / "hub", **settings) as (hub, client):
        await client.post("/api/apps", json=ECHO)
        hub.add_passive_agent("old", agent.uri, TOKEN, slots)
        await agent.accept()
        yield hub, client, agent


async def submit(client: httpx.AsyncClient, **inputs: Any) -> str:
    answer = await client.post("/api/apps/local/echo", json={"inputs": {"text": "hi", **inputs}})
    assert answer.status_code == 201, answer.text
    job_id: str = answer.json()["id"]
    return job_id


async def test_a_job_from_submission_to_result(tmp_path: Path) -> None:
    async with attached(tmp_path) as (_hub, client, agent):
        request = agent.requests[0]
        assert request.headers["Sec-WebSocket-Protocol"].split(",")[0].strip() == "v1.agent.everest"
        client_id = request.headers["Authorization"].removeprefix("EverestAgentClientToken ").split(":")[0]
        assert client_id
        upload = await client.post("/api/files/temp", params={"filename": "data.bin"}, content=b"d" * 200_000)
        job_id = await submit(client, data=upload.json()["uri"])
        task, spec = await agent.expect_task()
        assert task == f"{job_id}-0-0"
        assert spec["command"] == "cat in.txt"
        contents = {item["path"]: (await agent.fetch(item)).content for item in spec["inputData"]}
        assert contents == {"in.txt": b"hi", "data.bin": b"d" * 200_000}
        assert spec["outputData"] == [{"paths": ["out.txt", "number.txt", "stdout", "stderr"]}]
        await agent.state(task, "RUNNING")
        big = bytes(range(256)) * 12_000
        files = {"out.txt": big, "number.txt": b"0.5", "stdout": b"written", "stderr": b"", "unasked": b"x"}
        await agent.finish(task, files)
        job = await final_job(client, job_id)
        assert (job["state"], job["info"]) == ("DONE", "")
        assert job["result"] == {"out": f"/api/files/jobs/{job_id}/out.txt", "number": 0.5, "stdout": "written"}
        assert (await client.get(job["result"]["out"])).content == big
        fetched = [r.path for r in agent.requests[1:]]
        assert f"/files/{task}/unasked" not in fetched
        assert {r.headers["Authorization"] for r in agent.requests} == {f"EverestAgentClientToken {client_id}:{TOKEN}"}
        log = (await client.get(f"/api/jobs/{job_id}/log")).text
        assert f'Received ["TASK_STATE","{task}","DONE",{{}}]' in log


async def test_inputs_are_for_the_task_only_and_only_while_it_lives(tmp_path: Path) -> None:
    async with attached(tmp_path) as (_, client, agent):
        job_id = await submit(client)
        task, spec = await agent.expect_task()
        (item,) = spec["inputData"]
        assert (await agent.fetch({**item, "auth": ""})).status_code == 401
        assert (await agent.fetch({**item, "auth": client.headers["authorization"]})).status_code == 401
        assert (await agent.fetch({**item, "uri": item["uri"].replace("-0-0", "-0-1")})).status_code == 401
        assert (await agent.fetch({**item, "uri": item["uri"] + "5"})).status_code == 401
        await agent.finish(task, {})
        await final_job(client, job_id)
        assert (await agent.fetch(item)).status_code == 401


async def test_an_output_that_cannot_be_fetched_fails_the_job(tmp_path: Path) -> None:
    async with attached(tmp_path) as (_, client, agent):
        job_id = await submit(client)
        task, _spec = await agent.expect_task()
        staged = [{"path": "out.txt", "uri": "/gone"}, {"path": "stderr", "uri": "/gone too"}]
        await agent.state(task, "STAGED_OUT", {"outputData": staged})
        await agent.state(task, "DONE")
        job = await final_job(client, job_id)
    assert (job["state"], job["reason"]) == ("FAILED", "staging")
    assert "'out.txt'" in job["info"]
    assert "404" in job["info"]


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9/x", "//127.0.0.1:9/x", "relative", "file:///etc/passwd", ""])
async def test_an_address_elsewhere_is_not_asked(tmp_path: Path, uri: str) -> None:
    async with attached(tmp_path) as (_, client, agent):
        job_id = await submit(client)
        task, _spec = await agent.expect_task()
        await agent.state(task, "STAGED_OUT", {"outputData": [{"path": "out.txt", "uri": uri}]})
        await agent.state(task, "DONE")
        job = await final_job(client, job_id)
    assert (job["state"], job["reason"]) == ("FAILED", "staging")


async def test_a_failure_is_explained_whatever_the_info_object_holds(tmp_path: Path) -> None:
    async with attached(tmp_path) as (_, client, agent):
        for info, expected in [
            ({"message": "no room"}, "no room"),
            ({"error": {"code": 5}, "message": None}, '{"error":{"code":5},"message":null}'),
            ({"exitCode": "three", "outputData": 5}, '{"exitCode":"three","outputData":5}'),
            ("text", ""),
            ([], ""),
        ]:
            job_id = await submit(client)
            task, _spec = await agent.expect_task()
            await agent.state(task, "FAILED", info)
            job = await final_job(client, job_id)
            assert (job["state"], job["info"]) == ("FAILED", expected)


async def test_unknown_states_and_messages_are_ignored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "everest_kernel.hub")
    async with attached(tmp_path) as (_, client, agent):
        job_id = await submit(client)
        task, _spec = await agent.expect_task()
        for _ in range(20):
            await agent.state(task, "STAGING_IN")
            await agent.send("RESOURCE_STATUS", {"load": 1})
            await agent.send("TASK_STATE", 5, "DONE")
        assert agent.connection is not None
        await agent.connection.send("garbage")
        await agent.finish(task, {})
        assert (await final_job(client, job_id))["state"] == "DONE"
    assert len([r for r in caplog.records if "STAGING_IN" in r.getMessage()]) == 1
    assert len([r for r in caplog.records if "RESOURCE_STATUS" in r.getMessage()]) == 1


# --- connections end


async def test_a_lost_agents_task_gets_a_new_attempt_and_the_old_one_does_not_count(tmp_path: Path) -> None:
    async with attached(tmp_path, agent_grace=0.2) as (_, client, agent):
        job_id = await submit(client)
        first, _spec = await agent.expect_task()
        assert agent.connection is not None
        await agent.connection.close()
        await agent.accept()
        second, spec = await agent.expect_task()
        assert second == f"{job_id}-0-1"
        assert (await agent.fetch(spec["inputData"][0])).content == b"hi"
        await agent.finish(first, {"stdout": b"old"})
        assert await agent.receive() == ["TASK_CANCEL", first], "it may still run"
        await agent.finish(second, {"stdout": b"new"})
        job = await final_job(client, job_id)
    assert (job["state"], job["attempt"], job["result"]["stdout"]) == ("DONE", 1, "new")


async def test_an_attempt_that_is_reported_within_the_grace_goes_on(tmp_path: Path) -> None:
    async with attached(tmp_path, agent_grace=60) as (_, client, agent):
        job_id = await submit(client)
        task, _spec = await agent.expect_task()
        assert agent.connection is not None
        await agent.connection.close()
        await agent.accept()
        await agent.finish(task, {"stdout": b"same"})
        job = await final_job(client, job_id)
    assert (job["state"], job["attempt"], job["result"]["stdout"]) == ("DONE", 0, "same")


async def test_slots_are_those_that_were_given(tmp_path: Path) -> None:
    async with attached(tmp_path, slots=1) as (_, client, agent):
        first, second = await submit(client), await submit(client)
        task, _spec = await agent.expect_task()
        assert task == f"{first}-0-0"
        await agent.finish(task, {})
        assert (await agent.expect_task())[0] == f"{second}-0-0"


async def test_a_cancel_that_is_not_confirmed_ends_the_job_after_the_grace(tmp_path: Path) -> None:
    async with attached(tmp_path, agent_grace=0.1) as (_, client, agent):
        job_id = await submit(client)
        task, _spec = await agent.expect_task()
        await client.post(f"/api/jobs/{job_id}/cancel")
        assert await agent.receive() == ["TASK_CANCEL", task]
        job = await final_job(client, job_id)
        assert job["state"] == "CANCELLED"
        assert "did not confirm" in job["info"]


async def test_an_agent_is_dialled_again_after_the_hubs_restart(tmp_path: Path) -> None:
    async with old_agent() as agent:
        async with served_hub(tmp_path / "hub") as (hub, client):
            await client.post("/api/apps", json=ECHO)
            hub.add_passive_agent("old", agent.uri + "?slots=3", TOKEN)
            await agent.accept()
            job_id = await submit(client)
            task, _spec = await agent.expect_task()
        async with served_hub(tmp_path / "hub") as (hub, client):
            await agent.accept()
            await agent.finish(task, {"stdout": b"survived"})
            job = await final_job(client, job_id)
            assert (job["state"], job["result"]["stdout"]) == ("DONE", "survived")
            found = (await client.get("/api/resources")).json()
            assert [(r["name"], r["state"], r["slots"]) for r in found if r["name"] == "old"] == [("old", "ONLINE", 3)]


async def test_what_cannot_be_dialled_is_refused(tmp_path: Path) -> None:
    async with served_hub(tmp_path / "hub") as (hub, _):
        hub.agent_token("active")
        for name, uri, token in [
            ("p", "http://127.0.0.1:1", "t"),
            ("p", "ws://127.0.0.1", "t"),
            ("p", "ws://user@127.0.0.1:1", "t"),
            ("p", "ws://127.0.0.1:99999", "t"),
            ("p", "ws://127.0.0.1:1", ""),
            ("active", "ws://127.0.0.1:1", "t"),
        ]:
            with pytest.raises(ConfigurationError):
                hub.add_passive_agent(name, uri, token)


async def test_the_client_token_is_in_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "everest_kernel")
    async with attached(tmp_path) as (hub, _client, _agent):
        hub.add_passive_agent("away", "ws://127.0.0.1:9", TOKEN)
        with anyio.fail_after(10):
            while "away" not in caplog.text:
                await anyio.lowlevel.checkpoint()
        assert TOKEN not in caplog.text
        assert TOKEN not in repr(hub._gateway._links)


@pytest.mark.parametrize(
    ("private", "public", "local", "expected"),
    [
        ("http://127.0.0.1:80", "http://127.0.0.1:80", "127.0.0.1", "http://127.0.0.1:80"),
        ("http://0.0.0.0:80", "http://0.0.0.0:80", "10.0.0.5", "http://10.0.0.5:80"),
        ("http://[::]:80", "http://[::]:80", "fe80::1", "http://[fe80::1]:80"),
        ("http://127.0.0.1:81", "https://0.0.0.0:443", "10.0.0.5", "https://10.0.0.5:443"),
        ("http://127.0.0.1:81", "https://0.0.0.0:443", "127.0.0.1", "http://127.0.0.1:81"),
    ],
)
def test_inputs_are_fetched_where_the_agent_reaches_the_hub(
    private: str, public: str, local: str, expected: str
) -> None:
    assert hub_address(private, public, local) == expected


# --- variables


async def sweep(client: httpx.AsyncClient, plan: str) -> str:
    uri = (await client.post("/api/files/temp", params={"filename": "s.plan"}, content=plan.encode())).json()["uri"]
    answer = await client.post(f"/api/apps/{SWEEP_ID}", json={"inputs": {"plan": uri}})
    assert answer.status_code == 201, answer.text
    job_id: str = answer.json()["id"]
    return job_id


async def test_variables_are_kept_for_a_job_and_told_to_its_other_tasks(tmp_path: Path) -> None:
    async with attached(tmp_path) as (_hub, client, agent):
        job_id = await sweep(client, "parameter n 1 2\ncommand true")
        first, _spec = await agent.expect_task()
        second, _spec = await agent.expect_task()
        await agent.send("TASK_MESSAGE", first, "VAR_GET record")
        assert await agent.receive() == ["TASK_MESSAGE", first, "VAR_VALUE record NULL"]
        await agent.send("TASK_MESSAGE", first, "VAR_SET_MD record 5:eA==")
        assert await agent.receive() == ["TASK_MESSAGE", second, "VAR_VALUE record 5:eA=="]
        await agent.send("TASK_MESSAGE", second, "VAR_SET_MD record 6")  # not smaller
        await agent.send("TASK_MESSAGE", second, "VAR_GET record")
        assert await agent.receive() == ["TASK_MESSAGE", second, "VAR_VALUE record 5:eA=="]
        await agent.send("TASK_MESSAGE", f"{job_id}-0-7", "VAR_SET_MD record 1")  # no such attempt
        assert await agent.receive() == ["TASK_CANCEL", f"{job_id}-0-7"]
        log = (await client.get(f"/api/jobs/{job_id}/log")).text
        assert f'/agent] Received ["TASK_MESSAGE","{first}","VAR_GET record"]' in log
        await agent.finish(first, {})
        await agent.finish(second, {})
        await final_job(client, job_id)
        other = await submit(client)
        assert (await agent.expect_task())[0] == f"{other}-0-0"
        await agent.send("TASK_MESSAGE", f"{other}-0-0", "VAR_GET record")
        assert await agent.receive() == ["TASK_MESSAGE", f"{other}-0-0", "VAR_VALUE record NULL"]


async def test_a_sweeps_outputs_are_fetched(tmp_path: Path) -> None:
    async with attached(tmp_path) as (_hub, client, agent):
        job_id = await sweep(client, "parameter n 1 2\ncommand true\noutput_files out.txt stdout")
        for _ in range(2):
            task, spec = await agent.expect_task()
            assert spec["outputData"] == [{"paths": ["out.txt", "stdout"]}]
            await agent.finish(task, {"out.txt": b"o" * 100_000, "stdout": task.encode()})
        job = await final_job(client, job_id)
        assert job["state"] == "DONE"
        with zipfile.ZipFile(io.BytesIO((await client.get(job["result"]["results"])).content)) as archive:
            assert archive.read("0/stdout") == f"{job_id}-0-0".encode()
            assert archive.read("1/out.txt") == b"o" * 100_000


# --- agents that dial in


@asynccontextmanager
async def dialled_in(hub: Hub, query: str = "", **options: Any) -> AsyncIterator[OldAgent]:
    agent = OldAgent()
    uri = hub.url.replace("http", "ws") + AGENT_PATH + query
    async with websockets.connect(uri, proxy=None, **options) as connection:
        agent.connection = connection  # type: ignore[assignment]
        yield agent


@pytest.mark.parametrize("scheme", ["EverestAgentToken ", "Bearer ", "Token a ", ""])
async def test_the_token_is_the_last_word_of_the_header(tmp_path: Path, scheme: str) -> None:
    async with served_hub(tmp_path / "hub") as (hub, client):
        headers = {"Authorization": f"{scheme}{hub.agent_token('r')}"}
        async with dialled_in(hub, additional_headers=headers) as agent:
            await finishes_a_job(client, agent)


async def test_the_token_is_a_query_parameter(tmp_path: Path) -> None:
    async with (
        served_hub(tmp_path / "hub") as (hub, client),
        dialled_in(hub, f"?token={hub.agent_token('r')}") as agent,
    ):
        await finishes_a_job(client, agent)


@pytest.mark.parametrize("form", ["{}", " {} \n", '"{}"', '["HELLO","{}"]', '["AUTH",1,"{}",{{}}]'])
async def test_the_token_is_the_first_message(tmp_path: Path, form: str) -> None:
    async with served_hub(tmp_path / "hub") as (hub, client), dialled_in(hub) as agent:
        assert agent.connection is not None
        await agent.connection.send(form.format(hub.agent_token("r")))
        await finishes_a_job(client, agent)


@pytest.mark.parametrize("text", ["wrong", "", "[]", "5", '{"a":1}', "[[]]"])
async def test_a_wrong_first_message_is_refused(tmp_path: Path, text: str) -> None:
    async with served_hub(tmp_path / "hub") as (hub, _), dialled_in(hub) as agent:
        assert agent.connection is not None
        await agent.connection.send(text)
        with anyio.fail_after(10), pytest.raises(websockets.ConnectionClosed) as closed:
            await agent.connection.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401


@pytest.mark.parametrize("name", ["v1.agent.everest", "v7.agent.other"])
async def test_any_offered_subprotocol_is_echoed(tmp_path: Path, name: str) -> None:
    async with served_hub(tmp_path / "hub") as (hub, _):
        query = f"?token={hub.agent_token('r')}"
        async with dialled_in(hub, query, subprotocols=[websockets.Subprotocol(name)]) as agent:
            assert agent.connection is not None
            assert agent.connection.subprotocol == name


async def finishes_a_job(client: httpx.AsyncClient, agent: OldAgent) -> None:
    """One that dials in and does not greet is served the plain way, as far as that goes."""
    await agent.send("RESOURCE_STATUS", {})
    application = {"alias": "quiet", "outputs": {}, "inputs": {}, "config": {"command": "true"}}
    assert (await client.post("/api/apps", json=application)).status_code == 200
    job_id = (await client.post("/api/apps/local/quiet", json={"inputs": {}})).json()["id"]
    task, _ = await agent.expect_task()
    await agent.state(task, "STAGED_OUT", {"outputData": [{"path": "stdout", "uri": "/files/stdout"}]})
    await agent.state(task, "DONE")
    assert (await final_job(client, job_id))["state"] == "DONE"


async def test_an_agent_that_says_nothing_is_served_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("everest_kernel.hub.link.HELLO_TIMEOUT", 0.05)
    async with served_hub(tmp_path / "hub") as (hub, client):
        await client.post("/api/apps", json=ECHO)
        job_id = await submit(client)
        async with dialled_in(hub, f"?token={hub.agent_token('r')}") as agent:
            task, _ = await agent.expect_task()
            await agent.state(task, "DONE")
            assert (await final_job(client, job_id))["state"] == "DONE"


async def test_an_agent_that_does_not_read_is_parted_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("everest_kernel.hub.link._MOST_WAITING", 5_000_000)
    async with attached(tmp_path) as (_hub, client, agent):
        await submit(client)
        task, _spec = await agent.expect_task()
        assert agent.connection is not None
        with anyio.fail_after(20), contextlib.suppress(websockets.ConnectionClosed):
            await agent.send("TASK_MESSAGE", task, f"VAR_SET_MD x 1:{'y' * 100_000}")
            while True:
                await agent.send("TASK_MESSAGE", task, "VAR_GET x")
        await agent.accept()


async def test_outputs_that_cannot_be_reached_fail_a_job_of_an_agent_that_dialled_in(tmp_path: Path) -> None:
    async with served_hub(tmp_path / "hub") as (hub, client):
        await client.post("/api/apps", json=ECHO)
        async with dialled_in(hub, f"?token={hub.agent_token('r')}") as agent:
            await agent.send("RESOURCE_STATUS", {})
            job_id = await submit(client)
            task, _ = await agent.expect_task()
            await agent.state(task, "STAGED_OUT", {"outputData": [{"path": "out.txt", "uri": "/files/out.txt"}]})
            await agent.state(task, "DONE")
            job = await final_job(client, job_id)
    assert (job["state"], job["reason"]) == ("FAILED", "staging")
    assert "can reach" in job["info"]
