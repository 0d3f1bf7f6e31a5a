"""The client against the hub's own application in memory."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import anyio
import httpx
import msgspec
import pytest

from everest_kernel.client import DeafSink, EverestClient, Server
from everest_kernel.wire import (
    Application,
    AuthenticationError,
    JobRequest,
    JobState,
    ProtocolError,
    QueueLimitError,
    RefusedError,
    TransportError,
)
from tests.client.support import SHELL, Record, memory_client


async def test_log_in_and_out(tmp_path: Path) -> None:
    async with memory_client(tmp_path) as (client, hub, _):
        hub.add_user("ada", "correct horse")
        with pytest.raises(AuthenticationError):
            await client.login("ada", "wrong")
        await client.login("ada", "correct horse")
        assert await client.applications() == []
        await client.logout()
        with pytest.raises(AuthenticationError):
            await client.applications()


async def test_an_application_is_published_once(tmp_path: Path) -> None:
    async with memory_client(tmp_path) as (client, _, _raw):
        first = await client.ensure_application(SHELL)
        assert await client.ensure_application(SHELL) == first
        client._applications.clear()  # as another kernel would see it
        assert await client.ensure_application(SHELL) == first
        assert [a.alias for a in await client.applications()] == ["sh"]


async def test_two_kernels_that_publish_at_once_share_it(tmp_path: Path) -> None:
    async with memory_client(tmp_path) as (client, hub, raw):
        asked = 0

        class Racing(httpx.AsyncBaseTransport):
            """Between looking and publishing, somebody else publishes."""

            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                nonlocal asked
                if request.method == "POST" and not asked:
                    asked += 1
                    other = await raw.post("/api/apps", content=msgspec.json.encode(SHELL))
                    assert other.is_success, other.text
                return await httpx.ASGITransport(hub.asgi).handle_async_request(request)

        async with EverestClient(Server("http://hub", client.server.token), transport=Racing()) as racer:
            found = await racer.ensure_application(SHELL)
        assert [a.id for a in await client.applications()] == [found]


def counting(hub: Any, posts: list[str]) -> httpx.AsyncBaseTransport:
    class Counting(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                posts.append(request.url.path)
            return await httpx.ASGITransport(hub.asgi).handle_async_request(request)

    return Counting()


async def test_each_content_is_uploaded_once(tmp_path: Path) -> None:
    async with memory_client(tmp_path) as (client, hub, _):
        posts: list[str] = []
        async with EverestClient(client.server, transport=counting(hub, posts)) as counted:
            first = await counted.upload(b"content", "a.bin")
            assert await counted.upload(b"content", "a.bin") == first
            other = await counted.upload(b"other", "a.bin")
            assert other != first
            assert len(posts) == 2
            assert await counted.download(first) == b"content"


async def test_many_that_begin_at_once_ask_publish_and_upload_once(tmp_path: Path) -> None:
    async with memory_client(tmp_path) as (client, hub, _):
        requests: list[tuple[str, str]] = []

        class Counting(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                requests.append((request.method, request.url.path))
                return await httpx.ASGITransport(hub.asgi).handle_async_request(request)

        async with EverestClient(client.server, transport=Counting()) as one:

            async def begin() -> tuple[str, str]:
                return await one.ensure_application(SHELL), await one.upload(b"content", "a.bin")

            begun = await asyncio.gather(*(begin() for _ in range(20)))
        assert len(set(begun)) == 1
        assert sorted(requests) == [
            ("GET", "/api/apps"),
            ("GET", "/api/extensions"),
            ("POST", "/api/apps"),
            ("POST", "/api/files/temp"),
        ]


async def test_a_file_is_uploaded_and_downloaded_in_blocks(tmp_path: Path) -> None:
    content = bytes(range(256)) * 20_000
    (tmp_path / "big").write_bytes(content)
    async with memory_client(tmp_path / "hub") as (client, _, _raw):
        uri = await client.upload(tmp_path / "big", "big.bin")
        await client.download_to(uri, tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == content


async def test_a_download_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"old")

    class Broken(httpx.AsyncByteStream):
        async def __aiter__(self) -> Any:
            yield b"half"
            raise httpx.ReadError("cut")

    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=Broken()))
    async with EverestClient(Server("http://x", "t"), transport=transport) as client:
        with pytest.raises(TransportError):
            await client.download_to("/api/files/f", tmp_path / "kept")
    assert (tmp_path / "kept").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]


@pytest.mark.parametrize("lost", ["request", "answer"])
async def test_a_submission_over_a_broken_connection_makes_one_job(tmp_path: Path, lost: str) -> None:
    async with memory_client(tmp_path) as (client, hub, _):
        app_id = await client.ensure_application(SHELL)
        failures = 1

        class Breaking(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                nonlocal failures
                fails = failures and request.method == "POST"
                if fails and lost == "request":
                    failures -= 1
                    raise httpx.WriteError("cut")
                response = await httpx.ASGITransport(hub.asgi).handle_async_request(request)
                if fails:
                    failures -= 1
                    raise httpx.ReadError("cut")
                return response

        async with EverestClient(client.server, transport=Breaking()) as unlucky:
            job = await unlucky.submit(app_id, JobRequest("once", {"program": "true"}))
        assert failures == 0
        assert [j.id for j in await client.jobs()] == [job.id]


async def test_a_submission_with_the_same_key_is_the_same_job_for_another_client_too(tmp_path: Path) -> None:
    async with memory_client(tmp_path) as (client, hub, _):
        app_id = await client.ensure_application(SHELL)
        request = JobRequest("once", {"program": "true"})
        job = await client.submit(app_id, request, key="a" * 32)
        async with EverestClient(client.server, transport=httpx.ASGITransport(hub.asgi)) as later:
            assert (await later.submit(app_id, request, key="a" * 32)).id == job.id
            other = await later.submit(app_id, request, key="b" * 32)
            own = await later.submit(app_id, request)
        assert len({job.id, other.id, own.id}) == 3


async def test_a_server_without_the_extension_gets_each_submission_once() -> None:
    posts: list[str] = []

    def everest(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            posts.append(request.url.path)
            raise httpx.ReadError("cut")
        return httpx.Response(404, json={"error": "not found"})

    async with EverestClient(Server("http://x", "t"), transport=httpx.MockTransport(everest)) as client:
        with pytest.raises(TransportError, match="may have been submitted"):
            await client.submit("a", JobRequest())
    assert posts == ["/api/apps/a"]


async def test_jobs_are_listed_cancelled_and_deleted(tmp_path: Path) -> None:
    async with memory_client(tmp_path) as (client, _, _raw):
        app_id = await client.ensure_application(SHELL)
        job = await client.submit(app_id, JobRequest("mine", {"program": "true"}))
        assert (await client.job(job.id)).name == "mine"
        assert [j.id for j in await client.jobs(name="mine")] == [job.id]
        assert [[j.id for j in await client.jobs(page=number, page_size=1)] for number in (1, 2)] == [[job.id], []]
        assert await client.jobs(name="other") == []
        await client.cancel(job.id)
        assert (await client.log(job.id)).endswith(" Cancel requested\n")
        assert (await client.job(job.id)).state is JobState.CANCELLED
        await client.delete(job.id)
        with pytest.raises(RefusedError, match="404"):
            await client.job(job.id)


async def test_following_by_polling_sees_the_end(tmp_path: Path) -> None:
    async with memory_client(tmp_path) as (client, _, _raw):
        app_id = await client.ensure_application(SHELL)
        job = await client.submit(app_id, JobRequest("", {"program": "true"}))
        record = Record()
        async with anyio.create_task_group() as group:
            group.start_soon(client.cancel, job.id)
            with anyio.fail_after(10):
                end = await client.follow(job.id, record)
        assert end.state is JobState.CANCELLED
        assert record.states[-1] == "CANCELLED"


async def test_an_answer_that_is_no_job_is_a_protocol_error() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text="<html>a proxy's page</html>"))
    async with EverestClient(Server("http://x", "t"), transport=transport) as client:
        with pytest.raises(ProtocolError, match="unexpected"):
            await client.job("1")
        with pytest.raises(ProtocolError):
            await client.extensions()


async def test_a_refused_publication_is_told(tmp_path: Path) -> None:
    async with memory_client(tmp_path) as (client, _, _raw):
        with pytest.raises(RefusedError, match="400"):
            await client.ensure_application(Application(alias="not a valid alias/", name=""))


@pytest.mark.parametrize("reached", [True, False], ids=["the server has it", "the server never answers"])
async def test_a_submission_that_is_cancelled_on_its_way_leaves_no_job(
    tmp_path: Path, reached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("everest_kernel.client.submission._WITHDRAW_SECONDS", 5.0 if reached else 0.05)
    async with memory_client(tmp_path) as (client, hub, _):
        app_id = await client.ensure_application(SHELL)
        await client.extensions()
        accepted, answer = anyio.Event(), anyio.Event()

        class Slow(httpx.AsyncBaseTransport):
            """The job is accepted, and the answer takes its time."""

            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                response = await httpx.ASGITransport(hub.asgi).handle_async_request(request)
                if request.method == "POST" and request.url.path == f"/api/apps/{app_id}":
                    accepted.set()
                    await answer.wait()
                return response

        async with EverestClient(client.server, transport=Slow()) as slow, anyio.create_task_group() as group:
            group.start_soon(slow.submit, app_id, JobRequest("gone", {"program": "sleep 600"}))
            await accepted.wait()
            group.cancel_scope.cancel()
            if reached:
                answer.set()
        (job,) = await client.jobs(name="gone")
        assert (job.state is JobState.CANCELLED) == reached


async def test_a_client_withdraws_a_job_that_waits_for_an_offline_resource(tmp_path: Path) -> None:
    async with memory_client(tmp_path) as (client, _, raw):
        resource = (await raw.post("/api/resources", json={"name": "win7"})).json()["id"]
        app_id = await client.ensure_application(SHELL)
        job = await client.submit(app_id, JobRequest("", {"program": "true"}, resources=(resource,)))
        with pytest.raises(QueueLimitError, match=r"limit of 0\.05s: the resource win7 is offline"):
            await client.follow(job.id, DeafSink(), job=job, queue_limit=0.05)
        assert (await client.job(job.id)).state is JobState.CANCELLED


@pytest.mark.parametrize(
    ("job", "written"),
    [
        ({"state": "RUNNING"}, None),
        ({"state": "DONE", "result": {"stdout": "a text\n"}}, b"a text\n"),
        ({"state": "DONE", "result": {"stdout": "/api/files/o"}}, b"a file"),
        ({"state": "DONE", "result": {"stdout": "/api/files/gone"}}, "404"),
        ({"state": "DONE"}, None),
    ],
)
async def test_the_output_that_a_real_everest_has(job: dict[str, Any], written: bytes | str | None) -> None:
    def everest(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/jobs/j":
            return httpx.Response(200, json={"id": "j", **job})
        known = request.url.path == "/api/files/o"
        return httpx.Response(200, content=b"a file") if known else httpx.Response(404, json={"error": "no"})

    async with EverestClient(Server("http://x", "t"), transport=httpx.MockTransport(everest)) as client:
        if isinstance(written, str):
            with pytest.raises(RefusedError, match=written):
                await anext(await client.output("j", "stdout").__aenter__())
            return
        async with client.output("j", "stdout") as blocks:
            assert (None if blocks is None else b"".join([block async for block in blocks])) == written


async def test_an_id_that_a_user_typed_stays_one_part_of_the_address() -> None:
    asked: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path)
        return httpx.Response(200, json={})

    async with EverestClient(Server("http://x", "t"), transport=httpx.MockTransport(answer)) as client:
        await client.cancel("../apps/a?b=c#d")
        await client.delete("a/b")
    assert asked == [b"/api/jobs/..%2Fapps%2Fa%3Fb%3Dc%23d/cancel", b"/api/jobs/a%2Fb"]
