"""The hub with a scripted agent and a real event stream, on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import websockets

from everest_kernel.hub import Hub
from everest_kernel.wire import (
    EVENTS_PATH,
    JobOutput,
    JobState,
    JobStateEvent,
    JobUnknown,
    Subscribe,
    TaskCancel,
    TaskDelete,
    TaskResume,
    data_uri,
    decode_server_event,
    encode_event,
    read_data_uri,
)

from .support import ECHO, final_job, scripted_agent, served_hub

Served = tuple[Hub, httpx.AsyncClient]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with served_hub(tmp_path / "hub") as both:
        await both[1].post("/api/apps", json=ECHO)
        yield both


async def submit(client: httpx.AsyncClient, text: str = "hi", **more: Any) -> str:
    answer = await client.post("/api/apps/local/echo", json={"inputs": {"text": text}, **more})
    assert answer.status_code == 201, answer.text
    job_id: str = answer.json()["id"]
    return job_id


@asynccontextmanager
async def events(hub: Hub, client: httpx.AsyncClient) -> AsyncIterator[websockets.ClientConnection]:
    uri = hub.url.replace("http", "ws") + EVENTS_PATH
    headers = {"Authorization": client.headers["authorization"]}
    async with websockets.connect(uri, additional_headers=headers, proxy=None) as connection:
        yield connection


async def collect(connection: websockets.ClientConnection) -> tuple[list[JobState], dict[str, bytes]]:
    """States and output up to the job's end."""
    states: list[JobState] = []
    output: dict[str, bytes] = {}
    with anyio.fail_after(10):
        while True:
            event = decode_server_event(await connection.recv())
            if isinstance(event, JobOutput):
                have = output.setdefault(event.stream, b"")
                assert event.offset == len(have)
                output[event.stream] = have + event.data
            elif isinstance(event, JobStateEvent):
                states.append(event.job.state)
                if event.job.state.is_final:
                    return states, output


async def test_a_job_from_submission_to_result(served: Served) -> None:
    hub, client = served
    job_id = await submit(client, "привет", resourceRequirements={"timeLimit": 60})
    async with scripted_agent(hub) as agent:
        await agent.hello()
        task = await agent.expect_task()
        assert task.task_id == f"{job_id}-0-0"
        assert task.spec.command == "cat in.txt"
        assert task.spec.resource_requirements == {"timeLimit": 60}
        (staged,) = task.spec.input_data
        assert (staged.path, read_data_uri(staged.uri).decode()) == ("in.txt", "привет")
        await agent.state(task.task_id, "RUNNING")
        await agent.output(task.task_id, "stdout", 0, b"some text\n")
        files = {"out.txt": data_uri(b"content"), "number.txt": data_uri(b"0.5\n"), "other": data_uri(b"unasked")}
        await agent.finish(task.task_id, files=files, exit_code=0)
    job = await final_job(client, job_id)
    out = f"/api/files/jobs/{job_id}/out.txt"
    assert job["state"] == "DONE"
    assert job["result"] == {"out": out, "number": 0.5, "stdout": "some text\n"}
    assert job["exitCode"] == 0
    assert job["started"] <= job["finished"]
    assert (await client.get(out)).content == b"content"
    assert (await client.get(f"/api/files/jobs/{job_id}/other")).status_code == 404
    log = (await client.get(f"/api/jobs/{job_id}/log")).text
    assert '["TASK_STATE"' in log
    assert "Received" in log


async def test_large_outputs_are_uploaded_with_the_tasks_token(served: Served) -> None:
    hub, client = served
    job_id = await submit(client)
    async with scripted_agent(hub) as agent:
        await agent.hello()
        task = await agent.expect_task()
        assert task.spec.environment["EVEREST_TASK_TOKEN"] in task.context.auth
        own = {"Authorization": task.context.auth}
        data = b"z" * 200_000
        answer = await client.post(task.context.upload_uri, params={"filename": "out.txt"}, content=data, headers=own)
        await agent.finish(task.task_id, files={"out.txt": answer.json()["uri"]})
        refused = await client.get("/api/jobs", headers=own)
        assert refused.status_code == 401, "the token of a task that is over still works"
    job = await final_job(client, job_id)
    assert (await client.get(job["result"]["out"])).content == data


async def test_failure_keeps_outputs_and_says_why(served: Served) -> None:
    hub, client = served
    job_id = await submit(client)
    async with scripted_agent(hub) as agent:
        await agent.hello()
        task = await agent.expect_task()
        await agent.finish(
            task.task_id,
            "FAILED",
            {"out.txt": data_uri(b"partial")},
            exit_code=3,
            reason="exit",
            message="it ended with 3",
        )
    job = await final_job(client, job_id)
    assert (job["state"], job["exitCode"], job["reason"], job["info"]) == ("FAILED", 3, "exit", "it ended with 3")
    assert (await client.get(job["result"]["out"])).content == b"partial"


async def test_a_missing_required_output_fails_the_job(served: Served) -> None:
    hub, client = served
    outputs = {"out": {"type": "string", "format": "uri"}}
    await client.post("/api/apps", json={**ECHO, "alias": "strict", "outputs": outputs})
    job_id = (await client.post("/api/apps/local/strict", json={"inputs": {"text": "x"}})).json()["id"]
    async with scripted_agent(hub) as agent:
        await agent.hello()
        await agent.finish((await agent.expect_task()).task_id)
    job = await final_job(client, job_id)
    assert (job["state"], job["reason"]) == ("FAILED", "output")
    assert "out.txt" in job["info"]


async def test_cancel_is_asynchronous(served: Served) -> None:
    hub, client = served
    job_id = await submit(client)
    async with scripted_agent(hub) as agent:
        await agent.hello()
        task = await agent.expect_task()
        await agent.state(task.task_id, "RUNNING")
        assert (await client.post(f"/api/jobs/{job_id}/cancel")).status_code == 200
        assert (await client.get(f"/api/jobs/{job_id}")).json()["state"] in ("SCHEDULED", "RUNNING")
        assert await agent.receive() == TaskCancel(task.task_id)
        await agent.state(task.task_id, "CANCELED")
        assert await agent.receive() == TaskDelete(task.task_id)
    assert (await final_job(client, job_id))["state"] == "CANCELLED"


async def test_a_wrong_agent_token_is_refused(served: Served) -> None:
    with pytest.raises(websockets.InvalidStatus) as refusal:
        async with scripted_agent(served[0], token="wrong"):
            pass
    assert refusal.value.response.status_code in (401, 403)


async def test_a_wrong_client_token_gets_no_events(served: Served) -> None:
    hub, _ = served
    uri = hub.url.replace("http", "ws") + EVENTS_PATH
    with pytest.raises(websockets.InvalidStatus) as refusal:
        await websockets.connect(uri, additional_headers={"Authorization": "Bearer wrong"}, proxy=None)
    assert refusal.value.response.status_code in (401, 403)


async def test_an_agent_that_comes_back_goes_on_where_it_was(served: Served) -> None:
    hub, client = served
    job_id = await submit(client)
    token = hub.agent_token("r")
    async with scripted_agent(hub, token=token) as agent:
        await agent.hello()
        task = await agent.expect_task()
        await agent.state(task.task_id, "RUNNING")
        await agent.output(task.task_id, "stdout", 0, b"before ")
    async with scripted_agent(hub, token=token) as agent:
        await agent.hello(tasks={task.task_id: "RUNNING"})
        resume = await agent.receive()
        assert isinstance(resume, TaskResume)
        have = resume.offsets.get("stdout", 0)
        assert have in (0, 7)
        await agent.output(task.task_id, "stdout", 0, b"before and after")
        await agent.finish(task.task_id)
    assert (await final_job(client, job_id))["result"]["stdout"] == "before and after"


async def test_an_agent_that_forgot_its_task_gets_a_new_attempt_and_the_old_one_is_deleted(served: Served) -> None:
    hub, client = served
    job_id = await submit(client)
    token = hub.agent_token("r")
    async with scripted_agent(hub, token=token) as agent:
        await agent.hello()
        first = await agent.expect_task()
        await agent.output(first.task_id, "stdout", 0, b"of the first attempt")
    async with scripted_agent(hub, token=token) as agent:
        await agent.hello()
        second = await agent.expect_task()
        assert second.task_id == f"{job_id}-0-1"
        await agent.state(first.task_id, "DONE")
        assert await agent.receive() == TaskDelete(first.task_id)
        await agent.output(first.task_id, "stdout", 0, b"late")
        assert await agent.receive() == TaskDelete(first.task_id)
        await agent.output(second.task_id, "stdout", 0, b"second")
        await agent.finish(second.task_id)
    job = await final_job(client, job_id)
    assert (job["result"]["stdout"], job["attempt"]) == ("second", 1)


async def test_output_with_a_gap_is_asked_for_again(served: Served) -> None:
    hub, client = served
    await submit(client)
    async with scripted_agent(hub) as agent:
        await agent.hello()
        task = await agent.expect_task()
        await agent.output(task.task_id, "stderr", 5, b"later")
        assert await agent.receive() == TaskResume(task.task_id, {"stderr": 0})


async def test_garbage_from_an_agent_is_survived(served: Served) -> None:
    hub, client = served
    job_id = await submit(client)
    async with scripted_agent(hub) as agent:
        await agent.hello()
        task = await agent.expect_task()
        for frame in ("nonsense", "[]", '["TASK_STATE"]', '["NEWS",1]', '["TASK_STATE","../x","DONE",{}]', "{}", "5"):
            await agent.connection.send(frame)
        await agent.state(task.task_id, "SOMETHING_NEW")
        await agent.finish(task.task_id)
    assert (await final_job(client, job_id))["state"] == "DONE"


# --- the event stream


async def test_events_tell_everything_in_order(served: Served) -> None:
    hub, client = served
    job_id = await submit(client)
    async with events(hub, client) as stream, scripted_agent(hub) as agent:
        await stream.send(encode_event(Subscribe(job_id)))
        await agent.hello()
        task = await agent.expect_task()
        await agent.state(task.task_id, "RUNNING")
        await agent.output(task.task_id, "stdout", 0, b"one ")
        await agent.output(task.task_id, "stdout", 4, b"two")
        await agent.output(task.task_id, "stderr", 0, b"err")
        await agent.finish(task.task_id)
        states, output = await collect(stream)
    assert output == {"stdout": b"one two", "stderr": b"err"}
    assert states[-1] is JobState.DONE


async def test_a_late_subscriber_gets_the_whole_record(served: Served) -> None:
    hub, client = served
    job_id = await submit(client)
    big = b"0123456789" * 30_000
    async with scripted_agent(hub) as agent:
        await agent.hello()
        task = await agent.expect_task()
        await agent.output(task.task_id, "stdout", 0, big)
        async with events(hub, client) as stream:
            await stream.send(encode_event(Subscribe(job_id)))
            await agent.finish(task.task_id)
            assert (await collect(stream))[1] == {"stdout": big}
    async with events(hub, client) as stream:
        await stream.send(encode_event(Subscribe(job_id)))
        assert (await collect(stream))[1] == {"stdout": big}
        await stream.send(encode_event(Subscribe(job_id, 0, {"stdout": len(big) - 3})))
        event = decode_server_event(await stream.recv())
        assert event == JobOutput(job_id, 0, "stdout", len(big) - 3, big[-3:])


async def test_jobs_that_are_not_there_are_unknown(served: Served) -> None:
    hub, client = served
    async with events(hub, client) as stream:
        await stream.send("garbage")
        await stream.send(encode_event(Subscribe("none")))
        assert decode_server_event(await stream.recv()) == JobUnknown("none")


# --- starting, stopping


async def test_unfinished_jobs_are_taken_up_after_a_restart(tmp_path: Path) -> None:
    async with served_hub(tmp_path / "hub") as (hub, client):
        await client.post("/api/apps", json=ECHO)
        token = hub.agent_token("r")
        running, waiting, cancelled = [await submit(client, name) for name in "abc"]
        async with scripted_agent(hub, token=token) as agent:
            await agent.hello()
            task = await agent.expect_task()
            assert task.task_id == f"{running}-0-0"
            await client.post(f"/api/jobs/{cancelled}/cancel")
    async with served_hub(tmp_path / "hub") as (hub, client), scripted_agent(hub, token=token) as agent:
        assert (await final_job(client, cancelled))["state"] == "CANCELLED"
        await agent.hello(slots=2, tasks={task.task_id: "RUNNING", "0-0-0": "DONE"})
        messages = [await agent.receive() for _ in range(3)]
        assert TaskResume(task.task_id) in messages
        assert TaskDelete("0-0-0") in messages
        (submitted,) = [m.task_id for m in messages if m.task_id.startswith(waiting)]
        await agent.output(task.task_id, "stdout", 0, b"still here")
        await agent.state(task.task_id, "DONE")
        await agent.state(submitted, "DONE")
        assert (await final_job(client, running))["result"]["stdout"] == "still here"
        assert (await final_job(client, waiting))["state"] == "DONE"


async def test_a_taken_port_is_a_clear_error(served: Served, tmp_path: Path) -> None:
    from everest_kernel.hub.server import bind
    from everest_kernel.wire import ConfigurationError

    port = int(served[0].url.rsplit(":", 1)[1])
    with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1 port {port}"):
        bind("127.0.0.1", port)


async def test_an_idle_hub_ends_itself(tmp_path: Path) -> None:
    from everest_kernel.hub import HubSettings

    async def ready(url: str) -> None:
        pass

    with anyio.fail_after(10):
        async with Hub(HubSettings(home=tmp_path / "hub", idle_timeout=0.05)) as hub:
            await hub.serve(ready)
