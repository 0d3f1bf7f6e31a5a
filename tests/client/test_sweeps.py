"""Sweeps by the sweep application where there is one, and as a job for each task where not: the archive is the same."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.responses import PlainTextResponse

from everest_kernel.client import EverestClient, Server, SweepProgress, run_sweep, single_jobs
from everest_kernel.client.single_jobs import task_application, task_program
from everest_kernel.wire import ConfigurationError, JobState, PlannedTask, ProtocolError, RefusedError
from tests.client.fake_everest import TOKEN, FakeEverest
from tests.client.support import loopback_client

PLAN = """
parameter n from 1 to 3 step 1
parameter kind fast "slow"
constraint n != 3 or kind == "fast"
input_files run.sh data/${n}.txt
command sh run.sh ${n} ${kind}
output_files out/${n}.txt stdout never.txt
"""
SCRIPT = b'mkdir -p out; cat "data/$1.txt" > "out/$1.txt"; echo "$2"; echo hidden >&2; test "$1" != "$FAILS"\n'
FILES: dict[str, bytes | Path] = {"run.sh": SCRIPT, **{f"data/{n}.txt": b"%d" % n * n for n in (1, 2, 3)}}


@asynccontextmanager
async def old(fake: FakeEverest) -> AsyncIterator[EverestClient]:
    async with EverestClient(Server("https://x.example", TOKEN), transport=httpx.ASGITransport(fake)) as client:
        yield client


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def failing(n: int) -> Mapping[str, bytes | Path]:
    return {**FILES, "run.sh": SCRIPT.replace(b"$FAILS", b"%d" % n)}


async def test_both_ways_give_the_same_archive(tmp_path: Path) -> None:
    (tmp_path / "1").write_bytes(b"1")
    files = {**FILES, "data/1.txt": tmp_path / "1"}
    told: dict[str, list[SweepProgress]] = {"application": [], "jobs": []}
    async with loopback_client(tmp_path) as (client, _):
        ours = await run_sweep(client, PLAN, files, tmp_path / "a.zip", on_progress=told["application"].append)
    fake = FakeEverest()
    async with old(fake) as client:
        theirs = await run_sweep(client, PLAN, files, tmp_path / "b.zip", on_progress=told["jobs"].append)
    assert (ours.way, theirs.way) == ("application", "jobs")
    assert (ours.state, theirs.state) == (JobState.DONE, JobState.DONE)
    first = contents(tmp_path / "a.zip")
    assert first == contents(tmp_path / "b.zip")
    assert {name.split("/")[0] for name in first} == {"0", "1", "2", "3", "4"}
    assert first["0/parameters.txt"] == b"n = 1\nkind = fast\n"
    assert (first["2/out/2.txt"], first["2/stdout"]) == (b"22", b"fast\n")
    assert not any("stderr" in name or "never" in name for name in first)
    assert told["application"][-1].done == told["jobs"][-1].done == 5
    assert len(fake.files) - len(fake.jobs) * 2 - 5 == 4, "each input was uploaded once"


@pytest.mark.parametrize("way", ["application", "jobs"])
async def test_what_succeeded_is_kept_when_a_task_fails(tmp_path: Path, way: str) -> None:
    async with loopback_client(tmp_path) as (hub_client, _), old(FakeEverest()) as old_client:
        client = hub_client if way == "application" else old_client
        outcome = await run_sweep(client, PLAN, failing(2), tmp_path / "a.zip")
    assert (outcome.way, outcome.state) == (way, JobState.FAILED)
    assert re.search(r"\btask [23]: ", outcome.info), "whichever of the two ended first"
    assert outcome.progress is not None
    assert (outcome.progress.done, outcome.progress.failed) == (3, 2)
    found = contents(tmp_path / "a.zip")
    assert found["0/out/1.txt"] == b"1"
    assert "2/failure.txt" in found
    assert "0/failure.txt" not in found


async def test_only_so_many_jobs_at_once(tmp_path: Path) -> None:
    fake = FakeEverest(states=["SUBMITTED", "DONE"])
    plan = "parameter n from 1 to 12 step 1\ncommand true ${n}\noutput_files stdout"
    async with old(fake) as client:
        outcome = await run_sweep(client, plan, {}, tmp_path / "a.zip", concurrency=3)
    assert outcome.progress == SweepProgress(12, 12, 0)
    assert (len(fake.jobs), fake.most_active) == (12, 3)


async def test_a_busy_server_is_given_time_and_gets_each_job_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_jobs, "_PAUSES", (0.0, 0.0, 0.0))
    fake = FakeEverest(states=["SUBMITTED", "DONE"])
    async with old(fake) as client:
        app_id = await client.ensure_application(task_application())
        fake.answers[f"POST /api/apps/{app_id}"] = [PlainTextResponse("", 429), PlainTextResponse("", 503)]
        await run_sweep(client, "command true", {}, tmp_path / "a.zip")
        assert len(fake.jobs) == 1
        fake.answers[f"POST /api/apps/{app_id}"] = [PlainTextResponse("", 429)] * 4
        with pytest.raises(RefusedError, match="429"):
            await run_sweep(client, "command true", {}, tmp_path / "b.zip")
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]


@pytest.mark.parametrize("application", [False, True])
async def test_cancelling_cancels_the_jobs(tmp_path: Path, application: bool) -> None:
    fake = FakeEverest(states=["SUBMITTED", "RUNNING"])
    if application:
        uri = {"type": "string", "format": "uri"}
        fake.apps["1"] = {"id": "1", "alias": "mine", "inputs": {"plan": uri}, "outputs": {"results": uri}}
    wanted = 1 if application else 2

    async def work() -> None:
        address = "ada/mine" if application else ""
        await run_sweep(client, PLAN, FILES, tmp_path / "a.zip", concurrency=2, application=address)

    async with old(fake) as client, anyio.create_task_group() as group:
        group.start_soon(work)
        with anyio.fail_after(20):
            await fake.running(wanted)
        group.cancel_scope.cancel()
    assert {job["state"] for job in fake.jobs.values()} == {"CANCELLED"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("plan", "files", "said"),
    [
        ("comand x", {}, "unknown directive"),
        ("command x", {"../x": b""}, "not a file name"),
        ("parameter n a\ncommand x\ninput_files ${n}", {}, "'a' is not among the files"),
        ("command x\noutput_files f\ncriterion minimize f", {}, "a criterion needs one"),
    ],
)
async def test_what_cannot_be_is_told_and_leaves_nothing(tmp_path: Path, plan: str, files: Any, said: str) -> None:
    fake = FakeEverest()
    (tmp_path / "a.zip").write_bytes(b"old")
    async with old(fake) as client:
        with pytest.raises((ProtocolError, ConfigurationError), match=said):
            await run_sweep(client, plan, files, tmp_path / "a.zip")
    assert fake.jobs == {}
    assert (tmp_path / "a.zip").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]


async def test_an_application_that_is_no_sweep_is_told(tmp_path: Path) -> None:
    fake = FakeEverest()
    fake.apps["1"] = {"id": "1", "alias": "mine", "inputs": {}, "outputs": {}}
    async with old(fake) as client:
        with pytest.raises(ConfigurationError, match="no parameter sweep"):
            await run_sweep(client, "command x", {}, tmp_path / "a.zip", application="ada/mine")
        with pytest.raises(ConfigurationError, match="no application ada/other"):
            await run_sweep(client, "command x", {}, tmp_path / "a.zip", application="ada/other")


def test_a_tasks_archive_cannot_choose_where_its_files_go(tmp_path: Path) -> None:
    packed = tmp_path / "outputs.tar"
    with tarfile.open(packed, "w") as archive:
        for name, kind in (("../out", tarfile.REGTYPE), ("/etc/x", tarfile.REGTYPE), ("link", tarfile.SYMTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        member = tarfile.TarInfo("./out")
        member.size = 2
        archive.addfile(member, io.BytesIO(b"ok"))
    folder = tmp_path / "folder"
    folder.mkdir()
    found = single_jobs._unpack(packed, frozenset({"out", "link"}), folder)
    assert {path: content.read_bytes() for path, content in found.items()} == {"out": b"ok"}
    packed.write_bytes(b"no archive" * 100)
    with pytest.raises(ProtocolError):
        single_jobs._unpack(packed, frozenset({"out"}), folder)


def test_names_are_quoted() -> None:
    task = PlannedTask(0, {}, "cat 'a b'", ("a b/-c",), ("$(d)", "stdout"))
    program = task_program(task, {"a b/-c": "everest-in-0"})
    assert "cp everest-in-0 './a b/-c'" in program
    assert "'./$(d)'" in program
    assert "stdout" not in program
