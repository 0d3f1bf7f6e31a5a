"""What everest.py and the programs around it depend on."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from .support import FILE, Everest, RawClient, everest, form

REQUESTS = {
    "User-Agent": "python-requests/2.27.1",
    "Accept-Encoding": "gzip, deflate",
    "Accept": "*/*",
    "Connection": "keep-alive",
}
JSON = "application/json"
TEXT = {"type": "string"}
BOUNDARY = "0f2a2b3c4d5e6f708192a3b4c5d6e7f8"


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Everest]:
    async with everest(tmp_path) as found:
        yield found


async def session(client: RawClient) -> RawClient:
    """As it begins: a token by name and password, sent as a bearer from then on."""
    body = {"username": "anna", "password": "pw", "label": "python-api", "lifetime": 2_592_000}
    answer = await client.send("POST", "/api/auth/access_token", json.dumps(body).encode(), Content_Type=JSON)
    assert answer.status == 200
    client.cookies.clear()
    client.headers["Authorization"] = f"Bearer {answer.json['access_token']}"
    return client


async def run(client: RawClient, app_id: str, inputs: object, **fields: object) -> str:
    body = {"name": "Session - Job 0", "inputs": inputs, **fields}
    answer = await client.send("POST", f"/api/apps/{app_id}", json.dumps(body).encode(), Content_Type=JSON)
    assert answer.status == 201, answer.body
    job_id: str = answer.json["id"]
    return job_id


async def upload(client: RawClient, name: str, content: bytes, part: str = "file", slash: str = "") -> str:
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    body = form([(part, name, content)], BOUNDARY)
    answer = await client.send("POST", f"/api/files/temp{slash}", body, Content_Type=kind)
    assert answer.status == 200
    uri: str = answer.json["uri"]
    return uri


async def test_the_token_is_inspected(hub: Everest) -> None:
    async with hub.client(REQUESTS) as client:
        await session(client)
        info = (await client.send("GET", "/api/auth/access_token")).json
        assert (info["user"], info["label"]) == ("anna", "python-api")
        assert info["expires"] - info["created"] == 2_592_000_000


async def test_an_application_by_alias_with_its_slash_as_it_is(hub: Everest) -> None:
    app_id = await hub.publish("echo", "true", {"input-string": TEXT}, {})
    async with hub.client(REQUESTS) as client:
        await session(client)
        described = (await client.send("GET", "/api/apps/local/echo")).json
        assert described["id"] == app_id
        for key in ("alias", "name", "annotation", "description", "keywords", "inputs", "outputs", "type", "config",
                    "retryFailedTasks", "files", "version"):  # fmt: skip
            assert key in described
        job_id = await run(client, "local/echo", {"input-string": "x"})
        assert (await client.until_over(job_id))["state"] == "DONE"


async def test_a_job_has_every_field_that_is_read(hub: Everest) -> None:
    before = int(time.time() * 1000)
    app_id = await hub.publish("sleep", "sleep ${duration}", {"duration": {"type": "number"}}, {})
    async with hub.client(REQUESTS) as client:
        await session(client)
        job = await client.until_over(await run(client, app_id, {"duration": 0}))
        (listed,) = (await client.send("GET", "/api/jobs")).json
    assert listed == job
    assert job["result"] == {}  # no outputs: an empty object, and it is there
    assert (job["state"], job["appId"], job["appAlias"], job["appName"]) == ("DONE", app_id, "local/sleep", "sleep")
    assert job["app"] == app_id  # in place of appId, early in 2017
    assert (job["name"], job["user"], job["inputs"]) == ("Session - Job 0", "anna", {"duration": 0})
    assert before <= job["submitted"] <= job["lastUpdateTime"] <= int(time.time() * 1000)
    kinds = {
        "id": str, "appVersion": str, "description": str, "info": str, "resources": list, "allowList": list,
        "resourceRequirements": dict, "notifyUser": bool, "dataSize": int,
    }  # fmt: skip
    assert {name: type(job[name]) for name in kinds} == kinds


async def test_unknown_inputs_and_fields_are_ignored(hub: Everest) -> None:
    app_id = await hub.publish("hostname", "echo here", {}, {"hostname": TEXT}, out={"hostname": "stdout"})
    async with hub.client(REQUESTS) as client:
        await session(client)
        first = await client.until_over(await run(client, app_id, {}))
        dummy = {"a": first["result"]["hostname"], "flag": True, "n": -1}
        second = await client.until_over(await run(client, app_id, dummy, notifyUser=False, allowList=["@g"], x=[1]))
        assert second["result"] == {"hostname": "here\n"}


async def test_an_output_is_the_input_of_another_job(hub: Everest) -> None:
    maps = {"into": {"message": "m.txt", "file": "in.txt"}, "out": {"file": "out.txt"}}
    command = "sh -c 'cat in.txt m.txt > out.txt'"
    app_id = await hub.publish("append", command, {"message": TEXT, "file": FILE}, {"file": FILE}, **maps)
    async with hub.client(REQUESTS) as client:
        await session(client)
        uri = await upload(client, "test.txt", b"some data...")
        first = await client.until_over(await run(client, app_id, {"message": "hello!", "file": uri}))
        assert first["result"]["file"].startswith(f"/api/files/jobs/{first['id']}/")
        second = await client.until_over(
            await run(client, app_id, {"message": "bye!", "file": first["result"]["file"]})
        )
        assert (await client.send("GET", second["result"]["file"])).body == b"some data...hello!bye!"


async def test_an_array_of_files_with_a_list_of_them(hub: Everest) -> None:
    many = {"type": "array", "items": FILE}
    app_id = await hub.publish(
        "bnb", "sh -c 'cat parameters.json; test ! -e resources.json; cat a.txt b.txt'",
        {"tasks": many, "resources": {"type": "array", "items": TEXT, "required": False}}, {"out": TEXT},
        into={"tasks": "parameters.json", "resources": "resources.json"}, out={"out": "stdout"},
    )  # fmt: skip
    async with hub.client(REQUESTS) as client:
        await session(client)
        uris = [await upload(client, name, name.encode()) for name in ("a.txt", "b.txt")]
        job = await client.until_over(await run(client, app_id, {"tasks": uris}))
        assert job["result"]["out"] == json.dumps(uris) + "a.txtb.txt"


async def test_an_array_of_values_with_a_mapping(hub: Everest) -> None:
    values = {"type": "array", "items": TEXT, "required": False}
    app_id = await hub.publish(
        "list", "cat resources.json", {"resources": values}, {"out": TEXT},
        into={"resources": "resources.json"}, out={"out": "stdout"},
    )  # fmt: skip
    async with hub.client(REQUESTS) as client:
        await session(client)
        job = await client.until_over(await run(client, app_id, {"resources": ["r1", "r2"]}))
        assert json.loads(job["result"]["out"]) == ["r1", "r2"]


async def test_files_without_a_mapping_keep_their_names(hub: Everest) -> None:
    optional = {**FILE, "required": False}
    app_id = await hub.publish(
        "svf-remote", "sh -c 'cat my*.txt'", {"task": FILE, "more": optional}, {"log": TEXT, "none": optional},
        out={"log": "stdout", "none": "none.txt"},
    )  # fmt: skip
    async with hub.client(REQUESTS) as client:
        await session(client)
        uri = await upload(client, "my file.txt", b"content", part="solution.zip")
        job = await client.until_over(await run(client, app_id, {"task": uri}))
        assert (job["state"], job["result"]) == ("DONE", {"log": "content"})


async def test_the_old_upload_with_a_trailing_slash(hub: Everest) -> None:
    async with hub.client(REQUESTS) as client:
        await session(client)
        uri = await upload(client, "old.txt", b"x", slash="/")
        assert uri.endswith("/old.txt")


async def test_partial_results_of_a_failed_job(hub: Everest) -> None:
    outputs = {"status": TEXT, "log": TEXT}
    app_id = await hub.publish(
        "grader", "sh -c 'echo bad > status.txt; exit 1'", {"solution": FILE, "public": {"type": "boolean"}}, outputs,
        out={"status": "status.txt", "log": "stdout"},
    )  # fmt: skip
    async with hub.client(REQUESTS) as client:
        await session(client)
        uri = await upload(client, "solution.zip", b"PK")
        job = await client.until_over(await run(client, app_id, {"solution": uri, "public": True}))
        assert (job["state"], job["result"]) == ("FAILED", {"status": "bad\n", "log": ""})


async def test_a_refused_submission_has_a_readable_text(hub: Everest) -> None:
    app_id = await hub.publish("needs", "true", {"text": TEXT}, {})
    async with hub.client(REQUESTS) as client:
        await session(client)
        answer = await client.send("POST", f"/api/apps/{app_id}", b'{"name": "n", "inputs": {}}', Content_Type=JSON)
        assert answer.status == 400
        assert "text" in answer.json["error"]


async def test_jobs_are_deleted_by_name(hub: Everest) -> None:
    app_id = await hub.publish("nothing", "true", {}, {})
    async with hub.client(REQUESTS) as client:
        await session(client)
        jobs = [await run(client, app_id, {}) for _ in range(2)]
        for job in jobs:
            await client.until_over(job)
        assert (await client.send("DELETE", "/api/jobs?name=another")).status == 200
        assert len((await client.send("GET", "/api/jobs")).json) == 2
        assert (await client.send("DELETE", "/api/jobs?name=Session%20-%20Job%200")).status == 200
        assert (await client.send("GET", "/api/jobs")).json == []


async def test_the_log_has_a_utc_time_stamp_on_each_line(hub: Everest) -> None:
    app_id = await hub.publish("nothing", "true", {}, {})
    async with hub.client(REQUESTS) as client:
        await session(client)
        job = await client.until_over(await run(client, app_id, {}))
        answer = await client.send("GET", f"/api/jobs/{job['id']}/log")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.body.decode().splitlines()
    assert lines
    for line in lines:
        stamp = datetime.strptime(line[:26], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=timezone.utc)
        assert abs(stamp.timestamp() * 1000 - job["submitted"]) < 60_000
    received = [line for line in lines if '["T' in line]
    assert received
    for line in received:
        assert re.search(r"\[[0-9a-f]{24}/\w+\] Received ", line)
        kind, task, *_ = json.loads(line[line.index('["T') :])
        assert kind == "TASK_STATE"
        assert re.fullmatch(rf"{job['id']}-\d+-\d+", task)


async def test_a_task_submits_jobs_with_its_token_while_it_runs(hub: Everest) -> None:
    """Programs that run as tasks compose applications; the token ends with its task."""
    await hub.publish("inner", "echo inner", {}, {"out": TEXT}, out={"out": "stdout"})
    python = (
        "import os, urllib.request as u; t = os.environ['EVEREST_TASK_TOKEN']; open('token.txt', 'w').write(t); "
        "r = u.Request(os.environ['EVEREST_SERVER'] + '/api/apps/local/inner', b'{}', "
        "{'Authorization': 'Bearer ' + t}); o = u.build_opener(u.ProxyHandler({})); print(o.open(r).read().decode())"
    )
    app_id = await hub.publish(
        "outer", f'python3 -c "{python}"', {}, {"job": TEXT, "token": TEXT}, out={"job": "stdout", "token": "token.txt"}
    )
    async with hub.client(REQUESTS) as client:
        await session(client)
        outer = await client.until_over(await run(client, app_id, {}))
        assert outer["state"] == "DONE", outer["info"]
        inner = json.loads(outer["result"]["job"])
        assert inner["user"] == "anna"
        assert (await client.until_over(inner["id"]))["result"] == {"out": "inner\n"}
        client.headers["Authorization"] = f"Bearer {outer['result']['token']}"
        assert (await client.send("GET", "/api/jobs")).status == 401


async def test_many_polls_at_once_do_not_disturb_each_other(hub: Everest) -> None:
    app_id = await hub.publish("nothing", "true", {}, {})

    async def one() -> str:
        async with hub.client(REQUESTS) as client:
            await session(client)
            state: str = (await client.until_over(await run(client, app_id, {})))["state"]
            return state

    assert await asyncio.gather(*(one() for _ in range(6))) == ["DONE"] * 6
