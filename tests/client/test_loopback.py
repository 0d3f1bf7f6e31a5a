"""Client, hub and agent on sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import anyio
import pytest
import trustme

from everest_kernel.client import EverestClient, Server
from everest_kernel.hub import Hub
from everest_kernel.wire import EXTENSIONS_PATH, Job, JobRequest, JobState
from tests.client.support import SHELL, Record, loopback_client, running_agent
from tests.hub.support import served_hub

GATE = 'until [ -e "{}" ]; do :; done'


async def run(client: EverestClient, program: str, record: Record, **inputs: Any) -> Job:
    app_id = await client.ensure_application(SHELL)
    job = await client.submit(app_id, JobRequest("", {"program": program, **inputs}))
    with anyio.fail_after(30):
        return await client.follow(job.id, record, job=job)


async def test_a_job_from_submission_to_its_outputs(tmp_path: Path) -> None:
    async with loopback_client(tmp_path) as (client, _):
        record = Record()
        uri = await client.upload(b"from a file\n", "in.txt")
        end = await run(client, "cat in.txt; echo e >&2; echo o > out.txt", record, files=[uri])
        assert (end.state, end.exit_code) == (JobState.DONE, 0)
        assert record.text == {"stdout": b"from a file\n", "stderr": b"e\n"}
        assert await client.download(end.result["out"]) == b"o\n"
        assert await client.download(end.result["stdout"]) == b"from a file\n"
        assert record.states[-1] == "DONE"


async def test_output_arrives_while_the_job_runs(tmp_path: Path) -> None:
    async with loopback_client(tmp_path) as (client, _):
        gate = tmp_path / "gate"
        record = Record(when=lambda text: text == b"first\n" and gate.touch())
        end = await run(client, f"echo first; {GATE.format(gate)}; echo last", record)
        assert end.state is JobState.DONE
        assert record.text["stdout"] == b"first\nlast\n"


async def test_so_it_does_over_tls_with_the_authority_that_the_user_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    files = (tmp_path / "cert.pem", tmp_path / "key.pem")
    async with (
        served_hub(tmp_path / "hub", tls=files) as (hub, _),
        running_agent(hub, tmp_path),
        EverestClient(Server(hub.public_url, hub.client_token())) as client,
    ):
        assert hub.public_url.startswith("https:")
        gate = tmp_path / "gate"
        record = Record(when=lambda text: text == b"first\n" and gate.touch())
        await run(client, f"echo first; {GATE.format(gate)}; echo last", record)
        assert record.text["stdout"] == b"first\nlast\n"


async def test_a_failed_job_tells_why(tmp_path: Path) -> None:
    async with loopback_client(tmp_path) as (client, _):
        end = await run(client, "exit 3", Record())
        assert (end.state, end.exit_code, end.reason) == (JobState.FAILED, 3, "exit")


async def test_many_jobs_share_one_stream(tmp_path: Path) -> None:
    async with loopback_client(tmp_path) as (client, _):
        records = [Record() for _ in range(12)]
        await client.ensure_application(SHELL)
        ends = await asyncio.gather(*(run(client, f"echo {n}", record) for n, record in enumerate(records)))
        assert {end.state for end in ends} == {JobState.DONE}
        assert [record.text["stdout"] for record in records] == [b"%d\n" % n for n in range(12)]


async def test_a_server_without_events_is_polled(tmp_path: Path) -> None:
    async with served_hub(tmp_path / "hub") as (hub, _), running_agent(hub, tmp_path):
        application = hub.asgi

        async def plain_everest(scope: Any, receive: Any, send: Any) -> None:
            if scope.get("path") == EXTENSIONS_PATH:
                scope = {**scope, "path": "/api/nothing"}
            await application(scope, receive, send)

        import httpx

        transport = httpx.ASGITransport(plain_everest)
        async with EverestClient(Server(hub.url, hub.client_token()), transport=transport) as client:
            assert (await client.extensions()).events == ""
            record = Record()
            end = await run(client, "echo out; echo err >&2", record)
            assert end.state is JobState.DONE
            assert record.text == {"stdout": b"out\n", "stderr": b"err\n"}


async def test_following_goes_on_when_the_hub_comes_back_elsewhere(tmp_path: Path) -> None:
    """The hub ends in the middle of a job and starts again on another port; agent and client find it."""
    gate = tmp_path / "gate"
    seen = asyncio.Event()
    record = Record(when=lambda text: text.startswith(b"first") and seen.set())
    where: dict[str, Any] = {}

    async def renew() -> Server:
        return Server(where["hub"].url, where["token"])

    home = tmp_path / "hub"
    async with served_hub(home) as (first, _):
        token = first.client_token()
        where.update(hub=first, token=token)
        client = EverestClient(Server(first.url, token, renew=renew))
        async with running_agent(first, tmp_path):
            app_id = await client.ensure_application(SHELL)
            job = await client.submit(
                app_id, JobRequest("", {"program": f"echo first; {GATE.format(gate)}; echo last"})
            )
            following = asyncio.create_task(client.follow(job.id, record, job=job))
            with anyio.fail_after(10):
                await seen.wait()
    async with served_hub(home, agent_grace=0.1) as (second, _):
        where.update(hub=second, token=second.client_token())
        gate.touch()
        async with running_agent(second, tmp_path):
            with anyio.fail_after(30):
                end = await following
        assert end.state is JobState.DONE, end.info
        assert record.text["stdout"] == b"first\nlast\n"
        await client.aclose()


async def test_leaving_a_job_leaves_it_running(tmp_path: Path) -> None:
    async with loopback_client(tmp_path) as (client, _):
        gate = tmp_path / "gate"
        seen = asyncio.Event()
        app_id = await client.ensure_application(SHELL)
        job = await client.submit(app_id, JobRequest("", {"program": f"echo first; {GATE.format(gate)}"}))
        task = asyncio.create_task(client.follow(job.id, Record(when=lambda text: seen.set())))
        await seen.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await client.job(job.id)).state is JobState.RUNNING
        gate.touch()
        record = Record()
        with anyio.fail_after(10):
            assert (await client.follow(job.id, record)).state is JobState.DONE
        assert record.text["stdout"] == b"first\n", "a second follower sees all of it"


async def test_a_deleted_job_ends_the_following(tmp_path: Path) -> None:
    async with served_hub(tmp_path) as (hub, _):
        assert isinstance(hub, Hub)
        async with EverestClient(Server(hub.url, hub.client_token())) as client:
            app_id = await client.ensure_application(SHELL)
            job = await client.submit(app_id, JobRequest("", {"program": "true"}))
            await client.cancel(job.id)
            await client.delete(job.id)
            from everest_kernel.wire import RefusedError

            with pytest.raises(RefusedError), anyio.fail_after(10):
                await client.follow(job.id, Record(), job=job)


async def test_what_a_job_has_written_can_be_read_while_it_runs_and_afterwards(tmp_path: Path) -> None:
    async def written(stream: str) -> bytes | None:
        async with client.output(job.id, stream) as blocks:
            return None if blocks is None else b"".join([block async for block in blocks])

    async with loopback_client(tmp_path) as (client, _):
        gate, seen = tmp_path / "gate", asyncio.Event()
        app_id = await client.ensure_application(SHELL)
        program = f"echo first; {GATE.format(gate)}; echo last; echo e >&2"
        job = await client.submit(app_id, JobRequest("", {"program": program}))
        following = asyncio.create_task(client.follow(job.id, Record(when=lambda text: seen.set())))
        with anyio.fail_after(10):
            await seen.wait()
            assert await written("stdout") == b"first\n"
            assert await written("stderr") is None
            gate.touch()
            await following
            assert await written("stdout") == b"first\nlast\n"
            assert await written("stderr") == b"e\n"
