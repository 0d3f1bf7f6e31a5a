"""Sweeps from plan to results with the hub and the agent as they are, real programs, and crashes in between."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import msgspec
import pytest

from everest_kernel.wire import HubRecord, record_path

APP = "/api/apps/530f36d73d00002d04548b0e"


@contextmanager
def hub_process(home: Path) -> Iterator[tuple[HubRecord, subprocess.Popen[bytes]]]:
    """`everest-kernel hub` with its agent, as a process."""
    command = [sys.executable, "-m", "everest_kernel", "hub", "--json", "--home", str(home), "--slots", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline()
            yield msgspec.json.decode(record_path(home).read_bytes(), type=HubRecord), process
        finally:
            process.terminate()
            process.wait(20)


@asynccontextmanager
async def client_of(record: HubRecord) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {record.token}"}
    async with httpx.AsyncClient(base_url=record.url, headers=headers, trust_env=False, timeout=30) as client:
        yield client


async def submit(client: httpx.AsyncClient, plan: str, files: dict[str, str]) -> str:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    uris = {}
    for name, content in {"plan": plan.encode(), "files": target.getvalue()}.items():
        answer = await client.post("/api/files/temp", files={"file": (name, content)})
        uris[name] = answer.raise_for_status().json()["uri"]
    answer = await client.post(APP, json={"name": "sweep", "inputs": uris})
    assert answer.status_code == 201, answer.text
    job_id: str = answer.json()["id"]
    return job_id


async def job_when(client: httpx.AsyncClient, job_id: str, wanted: Any) -> dict[str, Any]:
    with anyio.fail_after(60):
        while True:
            job: dict[str, Any] = (await client.get(f"/api/jobs/{job_id}")).json()
            if wanted(job):
                return job
            await asyncio.sleep(0)


def is_over(job: dict[str, Any]) -> bool:
    return job["state"] in ("DONE", "FAILED", "CANCELLED")


async def results(client: httpx.AsyncClient, job: dict[str, Any]) -> dict[str, str]:
    content = (await client.get(job["result"]["results"])).raise_for_status().content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


async def test_real_programs_with_files_outputs_and_failures(tmp_path: Path) -> None:
    plan = """
        parameter n from 1 to 4 step 1
        input_files run.sh data/${n}.txt
        command sh run.sh ${n}
        output_files out/result-${n}.txt stdout stderr
    """
    script = (
        "mkdir out; cat data/$1.txt > out/result-$1.txt; echo said $1; echo complained >&2\n"
        'test -n "$EVEREST_TASK_TOKEN" || exit 9; test $1 != 3 || exit 5\n'
    )
    files = {"run.sh": script, "unused": "x", **{f"data/{n}.txt": f"content {n}" for n in range(1, 5)}}
    with hub_process(tmp_path / "hub") as (record, _):
        async with client_of(record) as client:
            job_id = await submit(client, plan, files)
            job = await job_when(client, job_id, is_over)
            found = await results(client, job)
            log = (await client.get(f"/api/jobs/{job_id}/log")).text
    assert (job["state"], job["tasksDone"], job["tasksFailed"]) == ("FAILED", 3, 1)
    assert job["info"] == "1 of 4 tasks failed; task 2: the program ended with exit code 5"
    assert found["0/out/result-1.txt"] == "content 1"
    assert (found["3/stdout"], found["3/stderr"]) == ("said 4\n", "complained\n")
    assert found["2/parameters.txt"] == "n = 3\n"
    assert "exit code 5" in found["2/failure.txt"]
    assert f"Task {job_id}-2-0: FAILED" in log
    assert {name.split("/")[0] for name in found} == {"0", "1", "2", "3"}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_a_hub_that_dies_in_the_middle_loses_and_repeats_nothing(tmp_path: Path, how: signal.Signals) -> None:
    count = 60
    gate, marks = tmp_path / "gate", tmp_path / "marks"
    marks.mkdir()
    plan = f"parameter n from 1 to {count} step 1\ncommand sh run.sh ${{n}}\ninput_files run.sh\noutput_files stdout"
    # the first ten run through; the others wait until the hub has died and come back
    script = f'if [ $1 -gt 10 ]; then until [ -e "{gate}" ]; do sleep 0.02; done; fi\necho $1; echo x >> "{marks}/$1"\n'
    with hub_process(tmp_path / "hub") as (record, process):
        async with client_of(record) as client:
            job_id = await submit(client, plan, {"run.sh": script})
            before = await job_when(client, job_id, lambda job: job["tasksDone"] == 10)
        os.kill(process.pid, how)
        process.wait(20)
    gate.touch()
    with hub_process(tmp_path / "hub") as (record, _):
        async with client_of(record) as client:
            first = (await client.get(f"/api/jobs/{job_id}")).json()
            job = await job_when(client, job_id, is_over)
            found = await results(client, job)
    assert (before["tasksDone"], first["tasksDone"] >= 10) == (10, True)
    assert (job["state"], job["tasksDone"], job["tasksFailed"]) == ("DONE", count, 0)
    assert {name: text for name, text in found.items() if name.endswith("stdout")} == {
        f"{n}/stdout": f"{n + 1}\n" for n in range(count)
    }
    for n in range(1, 11):  # what was done before the crash was not done again
        assert (marks / str(n)).read_text() == "x\n"
