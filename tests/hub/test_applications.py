"""Applications with files, as archives, and under the ids that programs have compiled in."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from everest_kernel.wire import read_data_uri

from .support import ECHO, memory_hub, scripted_agent, served_hub

ZIP = {"Content-Type": "application/zip"}
LARGE = bytes(range(256)) * 400


def archive(files: dict[str, bytes] | None = None, description: Any = ECHO) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("ApplicationFiles/", b"")
        if description is not None:
            opened.writestr("application.json", json.dumps(description))
        for name, content in (files or {}).items():
            opened.writestr(name, content)
    return target.getvalue()


@pytest.fixture
async def client(tmp_path: Path) -> Any:
    async with memory_hub(tmp_path / "hub") as (_, client):
        yield client


async def imported(client: httpx.AsyncClient, content: bytes, **params: Any) -> dict[str, Any]:
    answer = await client.post("/api/apps", content=content, headers=ZIP, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def stored(home: Path) -> list[Path]:
    return [path for path in (home / "files").rglob("*") if path.is_file()]


async def test_an_archive_goes_in_and_comes_out_with_its_files(client: httpx.AsyncClient) -> None:
    files = {"ApplicationFiles/run.sh": b"echo hi\n", "ApplicationFiles/data/large.bin": LARGE}
    made = await imported(client, archive(files, {**ECHO, "files": ["of another server"]}))
    assert [(f["path"], f["length"]) for f in made["files"]] == [("run.sh", 8), ("data/large.bin", len(LARGE))]
    assert (await client.get(made["files"][1]["uri"])).content == LARGE

    answer = await client.get("/api/apps/local/echo", params={"format": "zip"})
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as opened:
        assert opened.read("ApplicationFiles/run.sh") == b"echo hi\n"
        assert opened.read("ApplicationFiles/data/large.bin") == LARGE
        described = json.loads(opened.read("application.json"))
    assert (described["alias"], described["config"]["command"]) == ("echo", "cat in.txt")
    assert not {"id", "user", "resources"} & set(described)

    await client.delete(f"/api/apps/{made['id']}")
    again = await imported(client, answer.content)
    assert [f["sha256"] for f in again["files"]] == [f["sha256"] for f in made["files"]]
    assert again["id"] != made["id"]


async def test_an_archive_as_a_form(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/apps", files={"app": ("everest-app.zip", archive({"ApplicationFiles/a": b"x"}))})
    assert answer.status_code == 200
    assert [f["path"] for f in answer.json()["files"]] == ["a"]


async def test_the_form_of_a_real_server_sets_no_time_limit_of_a_second(client: httpx.AsyncClient) -> None:
    names = ("nodes", "coresPerNode", "memoryPerCore", "timeLimit")
    untouched = {name: {"defaultValue": 1, "allowOverride": False} for name in names}
    config = {**ECHO["config"], "resourceRequirements": untouched}  # type: ignore[dict-item]
    made = await imported(client, archive(description={**ECHO, "config": config}))
    job = (await client.post(f"/api/apps/{made['id']}", json={"inputs": {"text": "x"}})).json()
    assert job["resourceRequirements"] == {}


async def test_files_of_an_application_go_when_nothing_needs_them(client: httpx.AsyncClient, tmp_path: Path) -> None:
    made = await imported(client, archive({"ApplicationFiles/large": LARGE}))
    uri = made["files"][0]["uri"]
    assert len(stored(tmp_path / "hub")) == 1
    assert (await client.delete(uri)).status_code == 403
    assert (await client.request("DELETE", "/api/user/tmp_files")).status_code == 200
    assert (await client.get(uri)).content == LARGE

    job = (await client.post(f"/api/apps/{made['id']}", json={"inputs": {"text": "x"}})).json()
    assert (await client.delete(f"/api/apps/{made['id']}")).status_code == 200
    assert (await client.get(uri)).status_code == 404
    assert len(stored(tmp_path / "hub")) == 1  # the job has yet to run
    await client.delete(f"/api/jobs/{job['id']}")
    await client.get("/api/jobs")
    assert stored(tmp_path / "hub") == []


async def test_a_changed_application_drops_what_it_no_longer_has(client: httpx.AsyncClient, tmp_path: Path) -> None:
    made = await imported(client, archive({"ApplicationFiles/a": LARGE, "ApplicationFiles/b": LARGE + b"b"}))
    kept = [{"path": "c/a", "uri": made["files"][0]["uri"]}]
    changed = await client.put(f"/api/apps/{made['id']}", json={**ECHO, "files": kept})
    assert changed.status_code == 200
    assert [f["path"] for f in changed.json()["files"]] == ["c/a"]
    assert (await client.get(changed.json()["files"][0]["uri"])).content == LARGE
    assert (await client.get(made["files"][1]["uri"])).status_code == 404
    assert len(stored(tmp_path / "hub")) == 1
    emptied = await client.put(f"/api/apps/{made['id']}", content=archive(), headers=ZIP)
    assert emptied.json()["files"] == []
    await client.get("/api/apps")
    assert stored(tmp_path / "hub") == []


async def test_uploads_become_files_of_an_application(client: httpx.AsyncClient) -> None:
    uri = (await client.post("/api/files/temp", files={"f": ("a.txt", b"text")})).json()["uri"]
    made = await client.post("/api/apps", json={**ECHO, "files": [{"path": "sub/b.txt", "uri": uri}]})
    assert made.status_code == 200
    await client.request("DELETE", "/api/user/tmp_files")
    assert (await client.get(made.json()["files"][0]["uri"])).content == b"text"


async def test_applications_outlive_the_hub_with_their_names(tmp_path: Path) -> None:
    async with memory_hub(tmp_path / "hub") as (_, client):
        await imported(
            client, archive({"ApplicationFiles/a": b"x"}), id=["0123456789abcdef01234567", "vladimirv/other"]
        )
    async with memory_hub(tmp_path / "hub") as (_, client):
        for name in ("0123456789abcdef01234567", "vladimirv/other", "local/echo"):
            found = (await client.get(f"/api/apps/{name}")).json()
            assert found["id"] == "0123456789abcdef01234567"
        taken = await client.post("/api/apps", json={**ECHO, "alias": "b"}, params={"id": "vladimirv/other"})
        assert taken.status_code == 409
        await client.delete("/api/apps/vladimirv/other")
        assert (await client.get("/api/apps/vladimirv/other")).status_code == 404
        assert (await client.get("/api/apps/0123456789abcdef01234567")).status_code == 404


async def test_a_name_of_the_hubs_own_application_can_be_taken_and_comes_back(client: httpx.AsyncClient) -> None:
    own = (await client.get("/api/apps/vladimirv/SSOP")).json()
    assert (await client.delete("/api/apps/vladimirv/SSOP")).status_code == 403
    made = await imported(client, archive(), id="vladimirv/SSOP")
    assert (await client.get("/api/apps/vladimirv/SSOP")).json()["id"] == made["id"]
    await client.delete(f"/api/apps/{made['id']}")
    assert (await client.get("/api/apps/vladimirv/SSOP")).json() == own


@pytest.mark.parametrize("name", ["", "a b", "../x", "a/b/c", "x" * 300, "search", "a\0b", "/x", "x/"])
async def test_names_that_cannot_be_ids(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.post("/api/apps", json=ECHO, params={"id": name})
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert (await client.get("/api/apps")).json() == []


def _linked() -> bytes:
    target = io.BytesIO(archive())
    with zipfile.ZipFile(target, "a") as opened:
        link = zipfile.ZipInfo("ApplicationFiles/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        opened.writestr(link, "/etc/passwd")
    return target.getvalue()


def _twice() -> bytes:
    target = io.BytesIO(archive())
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(target, "a") as opened:
        opened.writestr("application.json", "{}")
    return target.getvalue()


def _damaged() -> bytes:
    content = bytearray(archive({"ApplicationFiles/a": LARGE, "ApplicationFiles/b": b"\0" * 3000 + LARGE[::-1]}))
    place = content.index(b"ApplicationFiles/b") + 60
    content[place : place + 40] = b"\xff" * 40
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (lambda: archive({"../out.txt": b"x"}), 400),
        (lambda: archive({"ApplicationFiles/../../out.txt": b"x"}), 400),
        (lambda: archive({"/etc/out.txt": b"x"}), 400),
        (lambda: archive({"ApplicationFiles/a\\b": b"x"}), 400),
        (lambda: archive({"ApplicationFiles/" + "n" * 300: b"x"}), 400),
        (lambda: archive({"ApplicationFiles/zeros": b"\0" * 3_000_000}), 413),
        (_linked, 400),
        (_twice, 400),
        (_damaged, 400),
        (lambda: archive()[:-30], 400),
        (lambda: b"PK\3\4 is no archive", 400),
        (lambda: b"", 400),
        (lambda: archive(description=None), 400),
        (lambda: archive(description=[]), 400),
        (lambda: archive(description={"name": 5}), 400),
        (lambda: archive(description={"name": "has no command"}), 400),
    ],
)
async def test_hostile_archives_change_nothing(
    client: httpx.AsyncClient, tmp_path: Path, content: Any, status: int
) -> None:
    answer = await client.post("/api/apps", content=content(), headers=ZIP)
    assert (answer.status_code, answer.json()["error"] != "") == (status, True)
    assert (await client.get("/api/apps")).json() == []
    assert stored(tmp_path / "hub") == []


@pytest.mark.parametrize(
    "files",
    [
        5,
        ["x"],
        [{"path": "a"}],
        [{"path": "../a", "uri": "UPLOAD"}],
        [{"path": "a", "uri": "/api/files/temp/none/a"}],
        [{"path": "a", "uri": "UPLOAD"}, {"path": "a", "uri": "UPLOAD"}],
    ],
)
async def test_bad_files_of_a_description(client: httpx.AsyncClient, files: Any) -> None:
    uri = (await client.post("/api/files/temp", content=b"x", params={"filename": "a"})).json()["uri"]
    body = json.dumps({**ECHO, "files": files}).replace("UPLOAD", uri)
    answer = await client.post("/api/apps", content=body)
    assert answer.status_code == 400
    assert (await client.get("/api/apps")).json() == []


async def test_an_applications_files_are_in_every_tasks_directory(tmp_path: Path) -> None:
    async with served_hub(tmp_path / "hub") as (hub, client), scripted_agent(hub) as agent:
        await agent.hello()
        await imported(client, archive({"ApplicationFiles/bin/run.sh": b"echo hi\n", "ApplicationFiles/large": LARGE}))
        upload = (await client.post("/api/files/temp", files={"f": ("large", b"another")})).json()["uri"]
        body = {"inputs": {"text": "x", "data": upload}}
        clash = await client.post("/api/apps/local/echo", json=body)
        assert (clash.status_code, "large" in clash.json()["error"]) == (400, True)

        await client.post("/api/apps/local/echo", json={"inputs": {"text": "x"}})
        task = await agent.expect_task()
        data = {item.path: item for item in task.spec.input_data}
        assert set(data) == {"in.txt", "bin/run.sh", "large"}
        assert read_data_uri(data["bin/run.sh"].uri) == b"echo hi\n"
        fetched = await client.get(data["large"].uri, headers={"Authorization": data["large"].auth})
        assert fetched.content == LARGE
        await agent.finish(task.task_id)


async def test_two_inputs_of_one_name_stay_two_files(tmp_path: Path) -> None:
    file = {"type": "string", "format": "uri"}
    mappings = [{"param": "a", "file": "a.txt"}, {"param": "b", "file": "b.txt"}]
    config = {"command": "cmp a.txt b.txt", "inputMappings": mappings}
    async with served_hub(tmp_path / "hub") as (hub, client), scripted_agent(hub) as agent:
        await agent.hello()
        made = await client.post("/api/apps", json={"inputs": {"a": file, "b": file}, "config": config})
        uris = [(await client.post("/api/files/temp", files={"f": ("d.txt", c)})).json()["uri"] for c in (b"1", b"2")]
        submit = {"inputs": {"a": uris[0], "b": uris[1]}}
        job = (await client.post(f"/api/apps/{made.json()['id']}", json=submit)).json()
        task = await agent.expect_task()
        assert {item.path: read_data_uri(item.uri) for item in task.spec.input_data} == {"a.txt": b"1", "b.txt": b"2"}
        assert (await client.get(f"/api/files/jobs/{job['id']}/d.txt")).content == b"1"
        await agent.finish(task.task_id)


async def test_what_an_agent_delivers_goes_with_its_job(tmp_path: Path) -> None:
    async with served_hub(tmp_path / "hub") as (hub, client), scripted_agent(hub) as agent:
        await agent.hello()
        await client.post("/api/apps", json=ECHO)
        job = (await client.post("/api/apps/local/echo", json={"inputs": {"text": "x"}})).json()
        task = await agent.expect_task()
        own = {"Authorization": task.context.auth}
        delivered = await client.post(task.context.upload_uri, content=LARGE, params={"filename": "o"}, headers=own)
        await client.request("DELETE", "/api/user/tmp_files")
        await agent.finish(task.task_id, files={"out.txt": delivered.json()["uri"]})
        done = (await client.get(f"/api/jobs/{job['id']}")).json()
        assert (await client.get(done["result"]["out"])).content == LARGE
        late = await client.post(task.context.upload_uri, content=LARGE, params={"filename": "o"})
        assert late.status_code == 404
        await client.delete(f"/api/jobs/{job['id']}")
        assert (await client.get(done["result"]["out"])).status_code == 404
        assert stored(tmp_path / "hub") == []
