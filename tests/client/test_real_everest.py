"""The client against an Everest without our extensions, in memory: its answers as they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from everest_kernel.client import EverestClient, Server
from everest_kernel.languages import ShellLanguage
from everest_kernel.routes import cell_application
from everest_kernel.wire import (
    AuthenticationError,
    ConfigurationError,
    JobRequest,
    JobState,
    ProtocolError,
    RefusedError,
)
from tests.client.fake_everest import RESOURCE, TOKEN, FakeEverest
from tests.client.support import Record

SHELL = cell_application(ShellLanguage(), "sh program.sh")


@asynccontextmanager
async def client_of(fake: FakeEverest, token: str = TOKEN, **server: Any) -> AsyncIterator[EverestClient]:
    async with EverestClient(
        Server("https://everest.example", token, **server), transport=httpx.ASGITransport(fake)
    ) as client:
        yield client


def request(program: str, **inputs: Any) -> JobRequest:
    return JobRequest("test", {"program": program, "cell": "", **inputs})


# --- log-in


@pytest.mark.parametrize(
    ("prefixes", "posts"),
    [
        (("/auth",), ["/api/auth/access_token", "/auth/access_token"]),
        (("/api/auth",), ["/api/auth/access_token"]),
        (("/auth", "/api/auth"), ["/api/auth/access_token"]),
    ],
)
async def test_log_in_at_old_and_new_servers(prefixes: tuple[str, ...], posts: list[str]) -> None:
    fake = FakeEverest(prefixes=prefixes)
    async with client_of(fake, token="stale") as client:
        token = await client.login("ada", "correct horse", label="lab", lifetime=60)
        assert [call.removeprefix("POST ") for call in fake.calls if call.startswith("POST")] == posts
        assert fake.bodies == [{"username": "ada", "password": "correct horse", "label": "lab", "lifetime": 60}]
        assert client.server.token == token
        assert await client.jobs() == []
        await client.logout()
        assert token not in fake.tokens
        assert client.server.token == ""


async def test_a_wrong_password_is_told_and_keeps_the_former_token() -> None:
    async with client_of(FakeEverest()) as client:
        with pytest.raises(AuthenticationError, match="does not accept this user name and password") as caught:
            await client.login("ada", "wrong-7d1f")
        assert "wrong-7d1f" not in str(caught.value)
        assert client.server.token == TOKEN


@pytest.mark.parametrize("prefixes", [("/auth",), ("/api/auth",), ("/auth", "/api/auth")])
async def test_a_wrong_password_is_one_at_old_and_new_servers(prefixes: tuple[str, ...]) -> None:
    async with client_of(FakeEverest(prefixes=prefixes)) as client:
        with pytest.raises(AuthenticationError, match="does not accept this user name"):
            await client.login("ada", "wrong")


async def test_an_address_without_a_log_in_is_no_everest() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(404, text="not found"))
    async with EverestClient(Server("https://x.example"), transport=transport) as client:
        with pytest.raises(ProtocolError, match="not an Everest server"):
            await client.login("ada", "x")


async def test_the_cookie_of_a_log_in_does_not_outlive_its_token() -> None:
    fake = FakeEverest()
    async with client_of(fake) as client:
        await client.login("ada", "correct horse")
        client.server.token = ""
        with pytest.raises(AuthenticationError):
            await client.jobs()


async def test_a_refused_token_says_how_to_log_in_and_is_looked_up_again() -> None:
    fake = FakeEverest()
    stored = ["expired"]

    async def renew() -> Server:
        return Server("https://everest.example", stored[0])

    async with client_of(fake, "expired", name="lab", renew=renew) as client:
        with pytest.raises(AuthenticationError, match="everest-kernel login lab"):
            await client.jobs()
        stored[0] = TOKEN  # a log-in in another terminal
        assert await client.jobs() == []


@pytest.mark.parametrize(
    ("answer", "user", "expires"),
    [
        (None, "", None),
        ({}, "", None),
        ({"user": "ada", "expires": 2_000_000_000_000}, "ada", 2e9),
        ({"username": "ada", "expires": 2_000_000_000}, "ada", 2e9),
        ({"expires": "2033-05-18T03:33:20Z", "label": 7}, "", 2e9),
        ({"expires": "soon", "user": ["x"]}, "", None),
    ],
)
async def test_what_is_told_of_a_token(answer: dict[str, Any] | None, user: str, expires: float | None) -> None:
    async with client_of(FakeEverest(token_info=answer)) as client:
        info = await client.token_info()
        assert (info.user, info.expires) == (user, expires)


# --- jobs


@pytest.mark.parametrize("submission", [(201, None), (200, None), (201, ("id", "state", "submitted")), (200, ("id",))])
async def test_a_job_runs_and_its_log_comes_before_its_output(submission: Any) -> None:
    fake = FakeEverest(submission=submission)
    record = Record()
    async with client_of(fake) as client:
        app_id = await client.ensure_application(SHELL)
        job = await client.submit(app_id, request("echo out; echo err >&2"))
        end = await client.follow(job.id, record, job=job)
    assert end.state is JobState.DONE
    assert record.text == {"stdout": b"out\n", "stderr": b"err\n"}
    assert record.log == ["Job submitted", f"the task runs on {RESOURCE}"]


async def test_a_failed_job_has_its_log_read_to_the_end() -> None:
    fake = FakeEverest(states=["SUBMITTED", "FAILED"])
    record = Record()
    async with client_of(fake) as client:
        job = await client.submit(await client.ensure_application(SHELL), request("true"))
        fake.logs[job.id] += "2026-03-01 12:00:02.0 Task 1-0-0: no agent took it, FAILED\n"
        end = await client.follow(job.id, record, job=job)
    assert end.state is JobState.FAILED
    assert record.log[-1] == "Task 1-0-0: no agent took it, FAILED"


async def test_a_server_without_a_log_is_not_asked_for_it_again() -> None:
    fake = FakeEverest(states=["SUBMITTED", "RUNNING", "FAILED"])
    record = Record()
    async with client_of(fake) as client:
        job = await client.submit(await client.ensure_application(SHELL), request("echo x"))
        path = f"GET /api/jobs/{job.id}/log"
        fake.answers[path] = [PlainTextResponse("", 404)] * 2
        await client.follow(job.id, record, job=job)
    assert (record.text["stdout"], fake.calls[path]) == (b"x\n", 1)


STRANGE: list[dict[str, Any]] = [
    {"state": "RUNNING", "resourceRequirements": {"timeLimit": {"defaultValue": 1}}},
    {"state": "RUNNING", "resourceRequirements": None, "result": None, "info": None, "appAlias": None},
    {"state": "RUNNING", "resources": None, "inputs": None, "allowList": "all", "submitted": "1700000000000"},
    {"state": "STAGING_IN"},
    {"state": "RUNNING", "notifyUser": "no", "dataSize": 1.5, "attempt": "x"},
]


@pytest.mark.parametrize("fields", STRANGE)
async def test_strange_fields_do_not_hide_a_job(fields: dict[str, Any]) -> None:
    body = {"id": "1", "name": "n", **fields}
    fake = FakeEverest(answers={"GET /api/jobs/1": [JSONResponse(body)], "GET /api/jobs": [JSONResponse([body])]})
    async with client_of(fake) as client:
        job = await client.job("1")
        assert (job.id, job.name, job.state) == ("1", "n", JobState.RUNNING)
        assert [j.id for j in await client.jobs()] == ["1"]


async def test_what_is_no_job_is_told() -> None:
    fake = FakeEverest(answers={"GET /api/jobs/1": [JSONResponse({"state": "DONE"}), JSONResponse([])]})
    async with client_of(fake) as client:
        with pytest.raises(ProtocolError, match="no 'id'"):
            await client.job("1")
        with pytest.raises(ProtocolError, match="unexpected"):
            await client.job("1")


async def test_output_that_is_a_text_is_shown_as_it_is() -> None:
    fake = FakeEverest(
        answers={"GET /api/jobs/1": [JSONResponse({"id": "1", "state": "DONE", "result": {"stdout": "a\nb"}})]}
    )
    record = Record()
    async with client_of(fake) as client:
        await client.follow("1", record)
    assert record.text["stdout"] == b"a\nb"


@pytest.mark.parametrize("status", [500, 503])
async def test_polling_survives_a_bad_moment(status: int) -> None:
    fake = FakeEverest()
    async with client_of(fake) as client:
        job = await client.submit(await client.ensure_application(SHELL), request("echo x"))
        fake.answers[f"GET /api/jobs/{job.id}"] = [HTMLResponse("<h1>busy</h1>", status)]
        end = await client.follow(job.id, Record(), job=job)
    assert end.state is JobState.DONE


class Dropping(httpx.AsyncBaseTransport):
    """Cuts the connection in the middle of each file's first download."""

    def __init__(self, fake: FakeEverest) -> None:
        self.inner = httpx.ASGITransport(fake)
        self.cut: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self.inner.handle_async_request(request)
        path = request.url.path
        if not path.endswith("/stdout") or path in self.cut:
            return response
        self.cut.add(path)
        content = await response.aread()

        class Half(httpx.AsyncByteStream):
            async def __aiter__(self) -> AsyncIterator[bytes]:
                yield content[: len(content) // 2]
                raise httpx.ReadError("cut")

        return httpx.Response(200, stream=Half())


async def test_a_dropped_download_is_taken_up_again_and_nothing_comes_twice() -> None:
    fake = FakeEverest()
    transport = Dropping(fake)
    async with EverestClient(Server("https://everest.example", TOKEN), transport=transport) as client:
        job = await client.submit(await client.ensure_application(SHELL), request("seq 100000"))
        record = Record()
        await client.follow(job.id, record, job=job)
    assert transport.cut
    assert record.text["stdout"].split() == [b"%d" % n for n in range(1, 100_001)]


async def test_a_web_page_in_place_of_an_answer_is_told_in_its_words() -> None:
    page = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><p>nginx</p></body></html>"
    fake = FakeEverest(answers={"GET /api/jobs": [HTMLResponse(page, 502), HTMLResponse(page, 200)]})
    async with client_of(fake) as client:
        with pytest.raises(RefusedError, match="a web page: 502 Bad Gateway") as caught:
            await client.jobs()
        assert "<" not in str(caught.value)
        with pytest.raises(ProtocolError, match=r"a web page \(502 Bad Gateway\)"):
            await client.jobs()


async def test_files_keep_their_names(tmp_path: Path) -> None:
    fake = FakeEverest()
    (tmp_path / "data.csv").write_text("1,2\n")
    async with client_of(fake) as client:
        first = await client.upload(tmp_path / "data.csv", "data.csv")
        second = await client.upload(b"\x00raw", "größe.bin")
        job = await client.submit(await client.ensure_application(SHELL), request("cat data.csv", files=[first]))
        record = Record()
        await client.follow(job.id, record, job=job)
    assert record.text["stdout"] == b"1,2\n"
    assert fake.files[second] == b"\x00raw"
    assert second.endswith("größe.bin")


# --- applications and resources


async def test_publishing_sends_only_what_changed() -> None:
    fake = FakeEverest()
    async with client_of(fake) as client:
        made = await client.publish(SHELL)
        again = await client.publish(SHELL)
        calls = fake.calls.copy()
        assert (made.change, again.change, made.address) == ("created", "unchanged", f"ada/{SHELL.alias}")
        assert calls["POST /api/apps"] == 1
        assert not any(call.startswith("PUT") for call in calls)
        (app,) = fake.apps.values()
        by_hand = {"defaultValue": 2, "allowOverride": False}
        app |= {"allowList": ["@lab"], "description": None}
        app["config"]["resourceRequirements"]["nodes"] = by_hand
        app["config"]["inputMappings"] = [m | {"pattern": None} for m in app["config"]["inputMappings"]]
        assert (await client.publish(SHELL)).change == "unchanged", "nothing of ours is different"
        changed = msgspec.structs.replace(SHELL, name="another name")
        assert (await client.publish(changed)).change == "updated"
        (app,) = fake.apps.values()
        assert app["name"] == "another name"
        assert app["allowList"] == ["@lab"], "what the owner set by hand stays"
        assert app["config"]["resourceRequirements"]["nodes"] == by_hand
        assert app["config"]["resourceRequirements"]["timeLimit"]["allowOverride"] is True
        assert (await client.publish(changed)).change == "unchanged"


async def test_publishing_finds_the_users_own_by_name() -> None:
    fake = FakeEverest(token_info={"user": "ada"})
    async with client_of(fake) as client:
        assert (await client.publish(SHELL)).change == "created"
        assert (await client.publish(SHELL)).change == "unchanged"
    assert fake.calls["GET /api/apps"] == 0


async def test_two_applications_of_one_alias_are_not_guessed_between() -> None:
    fake = FakeEverest()
    fake.apps = {n: {"id": n, "alias": SHELL.alias, "user": u} for n, u in (("1", "ada"), ("2", "bob"))}
    async with client_of(fake) as client:
        with pytest.raises(ConfigurationError, match="ada, bob"):
            await client.publish(SHELL)


async def test_where_publishing_is_refused_it_says_what_to_do() -> None:
    fake = FakeEverest(publishing=False)
    async with client_of(fake) as client:
        for call in (client.publish, client.ensure_application):
            with pytest.raises(RefusedError, match="application = "):
                await call(SHELL)


async def test_an_application_made_by_hand_is_checked_once() -> None:
    fake = FakeEverest()
    async with client_of(fake) as client:
        await client.publish(SHELL)
        address = f"ada/{SHELL.alias}"
        assert await client.check_application(address, SHELL) == address
        assert await client.check_application(address, SHELL) == address
        assert fake.calls[f"GET /api/apps/{address}"] == 1
        with pytest.raises(ConfigurationError, match="no application ada/none"):
            await client.check_application("ada/none", SHELL)


async def test_an_application_made_by_hand_may_have_nulls_and_unknown_settings() -> None:
    fake = FakeEverest()
    async with client_of(fake) as client:
        await client.publish(SHELL)
        (app,) = fake.apps.values()
        app["inputs"]["program"] |= {"items": None, "format": None, "viewType": None, "default": {"x": 1}}
        app["outputs"]["extra"] = {"type": ["string", "null"], "required": "no"}
        app["config"] |= {"resourceRequirements": {"nodes": {"defaultValue": "many"}}, "queue": 7}
        app |= {"files": None, "keywords": "none", "description": None}
        address = f"ada/{SHELL.alias}"
        assert await client.check_application(address, SHELL) == address


async def test_an_application_that_does_not_fit_is_told_in_full() -> None:
    fake = FakeEverest()
    fake.apps["1"] = {
        "id": "1",
        "alias": "x",
        "inputs": {"program": {"type": "string", "format": "uri"}, "steps": {"type": "number"}},
        "outputs": {"stdout": {"type": "string"}, "stderr": {"type": "string"}, "values": {}, "strange": 7},
    }
    async with client_of(fake) as client:
        with pytest.raises(ConfigurationError) as caught:
            await client.check_application("ada/x", SHELL)
    said = str(caught.value)
    assert "its input 'program' is a file and should be a text" in said
    assert "it has no input 'cell'" in said
    assert "it requires an input 'steps'" in said


RESOURCES = [
    {"id": RESOURCE, "name": "vm-1", "state": "ONLINE", "slots": 2, "running": 1},
    {"id": "5f00000000000000000000bb", "name": "twin", "state": 3},
    {"id": "5f00000000000000000000cc", "name": "twin"},
]


async def test_resources_are_named_or_given_by_id() -> None:
    async with client_of(FakeEverest(resources=RESOURCES)) as client:
        other = "5f00000000000000000000ee"
        assert await client.resource_ids(["vm-1", other]) == (RESOURCE, other)
        with pytest.raises(ConfigurationError, match=r"no resource 'vm-l'. Did you mean 'vm-1'"):
            await client.resource_ids(["vm-l"])
        with pytest.raises(ConfigurationError, match="2 resources"):
            await client.resource_ids(["twin"])


async def test_names_need_a_server_that_lists_its_resources() -> None:
    fake = FakeEverest()
    async with client_of(fake) as client:
        assert await client.resource_ids([RESOURCE]) == (RESOURCE,)
        assert fake.calls["GET /api/resources"] == 0
        with pytest.raises(ConfigurationError, match="id \\(24 hexadecimal digits"):
            await client.resource_ids(["vm-1"])


@pytest.mark.parametrize("answer", [PlainTextResponse("", 404), PlainTextResponse("", 403)])
async def test_a_server_without_extensions_has_none(answer: Response) -> None:
    async with client_of(FakeEverest(answers={"GET /api/extensions": [answer]})) as client:
        assert (await client.extensions()).events == ""
