"""The parameter-sweep application: refusals in memory, lives of sweeps with a scripted agent on loopback."""

from __future__ import annotations

import io
import re
import tracemalloc
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from everest_kernel.hub import Hub
from everest_kernel.hub.actions import Send
from everest_kernel.hub.scheduler import Scheduler
from everest_kernel.hub.sweep import Sweep
from everest_kernel.wire import TaskCancel, TaskDelete, TaskResume, TaskSubmit, data_uri, parse_plan, read_data_uri

from .support import ScriptedAgent, final_job, memory_hub, scripted_agent, served_hub

APPS = ("530f36d73d00002d04548b0e", "57430c9c2b00004f3492590d", "vladimirv/SSOP")
PLAN = """
parameter n from 1 to 3 step 1
input_files run.sh part-${n}/data.txt
command sh run.sh ${n}
output_files out.txt stdout
"""
FILES = {"run.sh": b"echo", "part-1/data.txt": b"1", "part-2/data.txt": b"2" * 70_000, "part-3/data.txt": b"3"}


def zipped(files: dict[str, bytes], kind: int = zipfile.ZIP_STORED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", kind) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


async def upload(client: httpx.AsyncClient, name: str, content: bytes) -> str:
    answer = await client.post("/api/files/temp", params={"filename": name}, content=content)
    uri: str = answer.raise_for_status().json()["uri"]
    return uri


async def send(
    client: httpx.AsyncClient, plan: str | bytes, files: bytes | None = None, app: str = APPS[0], **more: Any
) -> httpx.Response:
    inputs = {"plan": await upload(client, "plan.txt", plan if isinstance(plan, bytes) else plan.encode())}
    if files is not None:
        inputs["files"] = await upload(client, "files.zip", files)
    return await client.post(f"/api/apps/{app}", json={"name": "sweep", "inputs": inputs, **more})


async def submit(client: httpx.AsyncClient, plan: str = PLAN, files: dict[str, bytes] | None = None) -> str:
    answer = await send(client, plan, zipped(FILES if files is None else files))
    assert answer.status_code == 201, answer.text
    job_id: str = answer.json()["id"]
    return job_id


async def results(client: httpx.AsyncClient, job: dict[str, Any]) -> dict[str, bytes]:
    content = (await client.get(job["result"]["results"])).raise_for_status().content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with memory_hub(tmp_path / "hub") as (_, client):
        yield client


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[Hub, httpx.AsyncClient]]:
    async with served_hub(tmp_path / "hub") as both:
        yield both


# --- refusals


@pytest.mark.parametrize("app", APPS)
async def test_the_application_answers_to_the_ids_that_old_programs_know(client: httpx.AsyncClient, app: str) -> None:
    described = (await client.get(f"/api/apps/{app}")).raise_for_status().json()
    assert set(described["inputs"]) == {"plan", "files"}
    assert set(described["outputs"]) == {"results"}
    answer = await send(client, "command true", app=app)
    assert (answer.status_code, answer.json()["tasksTotal"]) == (201, 1)


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ("parameter n from 2 to 1 step 1\ncommand x", "empty"),
        ("nonsense", "unknown directive|of what"),
        (b"\xff\xfe", "not UTF-8"),
        ("command x\ninput_files absent.txt", "'absent.txt' is not in the archive"),
        ("# \n" * 1_000_000, "lines"),
    ],
)
async def test_a_bad_plan_is_refused_and_leaves_nothing(
    client: httpx.AsyncClient, plan: str | bytes, said: str
) -> None:
    answer = await send(client, plan, zipped({"a": b""}))
    assert answer.status_code == 400
    assert re.search(said, answer.json()["error"])
    assert (await client.get("/api/jobs")).json() == []


def link() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        entry = zipfile.ZipInfo("link")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    return target.getvalue()


@pytest.mark.parametrize(
    ("archive", "said"),
    [
        (b"no archive", "cannot be read"),
        (b"", "cannot be read"),
        (zipped({"../up": b""}), r"'\.\.'"),
        (zipped({"/abs": b""}), "not a relative path"),
        (zipped({"a\\b": b""}), "slash"),
        (zipped({"n" * 300: b""}), "300 bytes"),
        (zipped({"zeros": bytes(50_000_000)}, zipfile.ZIP_DEFLATED), "100 times"),
        (zipped({"damaged": b"x" * 1000}).replace(b"x" * 1000, b"y" * 1000), "CRC"),
        (link(), "is a link"),
    ],
)
async def test_a_hostile_archive_is_refused_and_leaves_nothing(
    client: httpx.AsyncClient, tmp_path: Path, archive: bytes, said: str
) -> None:
    answer = await send(client, "command x", archive)
    assert answer.status_code == 400
    assert re.search(said, answer.json()["error"])
    assert (await client.get("/api/jobs")).json() == []
    assert list((tmp_path / "hub/files/incoming").iterdir()) == []


async def test_a_plan_of_another_server_or_nowhere_is_refused(client: httpx.AsyncClient) -> None:
    for uri in ("http://elsewhere.example/plan.txt", "/api/files/temp/0/plan.txt"):
        answer = await client.post(f"/api/apps/{APPS[0]}", json={"inputs": {"plan": uri}})
        assert answer.status_code == 400
        assert "there is no file" in answer.json()["error"]


# --- lives


async def run_all(agent: ScriptedAgent, count: int, outcome: dict[int, str] | None = None) -> list[TaskSubmit]:
    """Take tasks one after another, as one slot does, and end each."""
    tasks = []
    for _ in range(count):
        task = await agent.expect_task()
        tasks.append(task)
        number = int(task.task_id.split("-")[1])
        state = (outcome or {}).get(number, "DONE")
        await agent.state(task.task_id, "RUNNING")
        await agent.state(
            task.task_id, "STAGED_OUT", output_data=[{"path": "out.txt", "uri": data_uri(b"%d" % number)}]
        )
        await agent.state(task.task_id, state, message="" if state == "DONE" else "it broke")
        while (message := await agent.receive()) != TaskDelete(task.task_id):
            agent.pending.append(message)
    return tasks


async def test_from_plan_to_results(served: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, client = served
    job_id = await submit(client)
    async with scripted_agent(hub) as agent:
        await agent.hello()
        tasks = await run_all(agent, 3)
    assert [task.task_id for task in tasks] == [f"{job_id}-{number}-0" for number in range(3)]
    spec = tasks[1].spec
    assert spec.command == "sh run.sh 2"
    assert spec.output_data[0].paths == ("out.txt", "stdout")
    assert not tasks[1].context.stream
    small, large = spec.input_data
    assert (small.path, read_data_uri(small.uri)) == ("run.sh", b"echo")
    assert (large.path, large.uri) == (
        "part-2/data.txt",
        f"{hub.url}/api/files/jobs/{job_id}/input/part-2/data.txt",
    )
    job = await final_job(client, job_id)
    assert (job["state"], job["info"], job["tasksTotal"], job["tasksDone"]) == ("DONE", "", 3, 3)
    assert await results(client, job) == {
        f"{n}/{name}": content
        for n in range(3)
        for name, content in {"parameters.txt": b"n = %d\n" % (n + 1), "out.txt": b"%d" % n}.items()
    }
    assert "RUNNING" in (await client.get(f"/api/jobs/{job_id}/log")).text


async def test_a_failed_task_fails_the_job_and_the_other_results_are_there(
    served: tuple[Hub, httpx.AsyncClient],
) -> None:
    hub, client = served
    job_id = await submit(client)
    async with scripted_agent(hub) as agent:
        await agent.hello()
        await run_all(agent, 3, {1: "FAILED"})
    job = await final_job(client, job_id)
    assert (job["state"], job["tasksDone"], job["tasksFailed"]) == ("FAILED", 2, 1)
    assert job["info"] == "1 of 3 tasks failed; task 1: it broke"
    found = await results(client, job)
    assert found["0/out.txt"] == b"0"
    assert found["1/failure.txt"] == b"it broke\n"


async def test_tasks_without_their_input_fail_alone_however_many(served: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, client = served
    job_id = await submit(
        client, "parameter n from 0 to 2999 step 1\ninput_files ${n}.txt\ncommand x", {"1500.txt": b"the only one"}
    )
    async with scripted_agent(hub) as agent:
        await agent.hello()
        task = await agent.expect_task()
        assert task.task_id == f"{job_id}-1500-0"
        await agent.finish(task.task_id)
        job = await final_job(client, job_id)
    assert (job["state"], job["tasksDone"], job["tasksFailed"]) == ("FAILED", 1, 2999)
    assert "'0.txt' is not in the sweep's archive" in job["info"]


async def test_constraints_and_criterion(served: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, client = served
    plan = (
        "parameter n from 0 to 999 step 1\ncommand x\noutput_files out.txt\n"
        "constraint n % 250 == 249\ncriterion maximize out.txt best 2"
    )
    job_id = await submit(client, plan, {})
    async with scripted_agent(hub) as agent:
        await agent.hello()
        tasks = await run_all(agent, 4, {999: "FAILED"})
        assert [task.task_id.split("-")[1] for task in tasks] == ["249", "499", "749", "999"]
    job = await final_job(client, job_id)
    assert set(await results(client, job)) == {
        f"{n}/{name}" for n in (499, 749) for name in ("parameters.txt", "out.txt")
    }


async def test_a_constraint_that_cannot_be_computed_ends_the_sweep_with_what_it_has(
    served: tuple[Hub, httpx.AsyncClient],
) -> None:
    hub, client = served
    job_id = await submit(client, "parameter n 1 0 2\ncommand x\nconstraint 1 / n > 0", {})
    async with scripted_agent(hub) as agent:
        await agent.hello()
        await run_all(agent, 1)
    job = await final_job(client, job_id)
    assert (job["state"], job["tasksDone"]) == ("FAILED", 1)
    assert "cannot be computed at n = 0" in job["info"]


@pytest.mark.parametrize("started", [False, True])
async def test_cancelling_a_sweep_keeps_what_is_done(served: tuple[Hub, httpx.AsyncClient], started: bool) -> None:
    hub, client = served
    job_id = await submit(client)
    if not started:
        await client.post(f"/api/jobs/{job_id}/cancel")
        assert (await final_job(client, job_id))["state"] == "CANCELLED"
        return
    async with scripted_agent(hub) as agent:
        await agent.hello()
        await run_all(agent, 1)
        second = await agent.expect_task()
        await client.post(f"/api/jobs/{job_id}/cancel")
        assert await agent.receive() == TaskCancel(second.task_id)
        assert (await client.get(f"/api/jobs/{job_id}")).json()["state"] not in ("CANCELLED", "DONE", "FAILED")
        await agent.state(second.task_id, "CANCELED")
        job = await final_job(client, job_id)
    assert (job["state"], job["info"]) == ("CANCELLED", "cancelled when 1 of 3 tasks were done")
    assert (job["tasksDone"], job["tasksFailed"]) == (1, 0)
    assert (await results(client, job))["0/out.txt"] == b"0"


async def test_deleting_a_sweep_leaves_nothing(served: tuple[Hub, httpx.AsyncClient], tmp_path: Path) -> None:
    hub, client = served
    job_id = await submit(client)
    await client.delete("/api/user/tmp_files")
    async with scripted_agent(hub) as agent:
        await agent.hello()
        await run_all(agent, 3)
        job = await final_job(client, job_id)
    await client.delete(f"/api/jobs/{job_id}")
    assert (await client.get(job["result"]["results"])).status_code == 404
    left = [path for path in (tmp_path / "hub/files").rglob("*") if path.is_file()]
    assert left == []


async def test_a_sweep_goes_on_after_a_restart_and_counts_nothing_twice(tmp_path: Path) -> None:
    async with served_hub(tmp_path / "hub") as (hub, client):
        token = hub.agent_token("r")
        job_id = await submit(client)
        async with scripted_agent(hub, token=token) as agent:
            await agent.hello()
            await run_all(agent, 1)
            second = await agent.expect_task()
        await client.delete("/api/user/tmp_files")
    async with served_hub(tmp_path / "hub") as (hub, client), scripted_agent(hub, token=token) as agent:
        job = (await client.get(f"/api/jobs/{job_id}")).json()
        assert (job["tasksDone"], job["tasksTotal"]) == (1, 3)
        await agent.hello(slots=1, tasks={f"{job_id}-0-0": "DONE", second.task_id: "RUNNING"})
        answers = [await agent.receive(), await agent.receive()]
        assert TaskDelete(f"{job_id}-0-0") in answers
        assert any(isinstance(answer, TaskResume) and answer.task_id == second.task_id for answer in answers)
        await agent.state(second.task_id, "STAGED_OUT", output_data=[{"path": "out.txt", "uri": data_uri(b"1")}])
        await agent.state(second.task_id, "DONE")
        messages = [await agent.receive(), await agent.receive()]
        assert TaskDelete(second.task_id) in messages
        (third,) = [message for message in messages if isinstance(message, TaskSubmit)]
        assert third.task_id == f"{job_id}-2-1"  # its first attempt might have been sent before the restart
        await agent.state(third.task_id, "DONE")
        job = await final_job(client, job_id)
        assert (job["state"], job["tasksDone"], job["tasksFailed"]) == ("DONE", 3, 0)
        assert {name.split("/")[0] for name in await results(client, job)} == {"0", "1", "2"}


async def test_a_lost_task_is_started_elsewhere_and_its_old_attempt_does_not_count(tmp_path: Path) -> None:
    async with served_hub(tmp_path / "hub", agent_grace=0) as (hub, client):
        job_id = await submit(client)
        token = hub.agent_token("r")
        async with scripted_agent(hub, token=token) as agent:
            await agent.hello()
            first = await agent.expect_task()
        async with scripted_agent(hub, "s") as other:
            await other.hello()
            again = await other.expect_task()
            assert again.task_id == f"{job_id}-0-1"
            async with scripted_agent(hub, token=token) as agent:
                await agent.hello(slots=0, tasks={first.task_id: "DONE"})
                assert await agent.receive() == TaskDelete(first.task_id)
                await agent.state(first.task_id, "DONE")
                assert await agent.receive() == TaskDelete(first.task_id)
            assert (await client.get(f"/api/jobs/{job_id}")).json()["tasksDone"] == 0
            other.pending.append(again)
            await run_all(other, 3)
        job = await final_job(client, job_id)
        assert (job["state"], job["tasksDone"]) == ("DONE", 3)


@pytest.mark.parametrize(("plan_name", "files_name"), [("my plan.txt", "results.zip"), ("same", "same")])
async def test_names_of_uploads_do_not_matter(tmp_path: Path, plan_name: str, files_name: str) -> None:
    async with served_hub(tmp_path / "hub") as (hub, client):
        token, archive = hub.agent_token("r"), zipped(FILES)
        inputs = {
            "plan": await upload(client, plan_name, PLAN.encode()),
            "files": await upload(client, files_name, archive),
        }
        answer = await client.post(f"/api/apps/{APPS[0]}", json={"inputs": inputs})
        assert answer.status_code == 201, answer.text
        job_id = answer.json()["id"]
        await client.delete("/api/user/tmp_files")
    async with served_hub(tmp_path / "hub") as (hub, client), scripted_agent(hub, token=token) as agent:
        await agent.hello()
        await run_all(agent, 3)
        job = await final_job(client, job_id)
        assert job["state"] == "DONE"
        assert len(await results(client, job)) == 6
        published = f"/api/files/jobs/{job_id}/{files_name if files_name != plan_name else f'2/{files_name}'}"
        assert (await client.get(published)).content == archive


async def test_results_that_cannot_be_collected_fail_the_job_and_say_why(
    served: tuple[Hub, httpx.AsyncClient], tmp_path: Path
) -> None:
    hub, client = served
    job_id = await submit(client)
    large = await upload(client, "large", b"x" * 100_000)
    async with scripted_agent(hub) as agent:
        await agent.hello(slots=3)
        tasks = [await agent.expect_task() for _ in range(3)]
        await agent.state(tasks[0].task_id, "STAGED_OUT", output_data=[{"path": "out.txt", "uri": large}])
        await agent.state(tasks[0].task_id, "DONE")
        assert await agent.receive() == TaskDelete(tasks[0].task_id)
        for path in (tmp_path / "hub/files").rglob("*"):  # somebody clears up at the wrong place
            if path.is_file():
                path.unlink()
        for task in tasks[1:]:
            await agent.state(task.task_id, "DONE")
        job = await final_job(client, job_id)
    assert (job["state"], job["tasksDone"], job["result"]) == ("FAILED", 3, {})
    assert "results cannot be collected: FileNotFoundError" in job["info"]


async def test_a_sweep_whose_plan_is_gone_after_a_restart_fails_and_the_hub_starts(tmp_path: Path) -> None:
    async with memory_hub(tmp_path / "hub") as (_, client):
        job_id = await submit(client)
        assert (await client.delete(f"/api/files/jobs/{job_id}/plan.txt")).status_code == 200
    async with memory_hub(tmp_path / "hub") as (_, client):
        job = (await client.get(f"/api/jobs/{job_id}")).json()
        assert job["state"] == "FAILED"
        assert "cannot go on after a restart" in job["info"]


def test_a_million_tasks_cost_nothing_until_they_are_sent() -> None:
    plan = parse_plan("parameter x from 1 to 1000 step 1\nparameter y from 1 to 1000 step 1\ncommand run ${x} ${y}")
    tracemalloc.start()
    try:
        sweep, scheduler = Sweep(plan, {}), Scheduler()
        scheduler.submit("j", "u", (), sweep.source())
        waiting = tracemalloc.get_traced_memory()[0]
        sent = [action for action in scheduler.connected("r", 1000, [], 0) if isinstance(action, Send)]
        running = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(sent) == 1000
    assert waiting < 200_000  # a bit for each task that is ended, and no more
    assert (running - waiting) / 1000 < 1024
