"""What the C++ and C# programs depend on: cookies, three-part uploads, verbs that stick, garbage in bodies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .support import FILE, FORM_TYPE, Everest, everest, form

TEXT = {"type": "string"}
LARGE = bytes(range(256)) * 8192  # two megabytes: libcurl asks before it sends them


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Everest]:
    async with everest(tmp_path) as found:
        yield found


@pytest.fixture
async def quiet_hub(tmp_path: Path) -> AsyncIterator[Everest]:
    """One on which nothing runs."""
    async with everest(tmp_path, agent=False) as found:
        yield found


async def failing(hub: Everest) -> str:
    return await hub.publish("fails", "sh -c 'echo why >&2; exit 3'", {}, {"log": TEXT}, out={"log": "stderr"})


# --- logging in


@pytest.mark.parametrize("path", ["/auth/access_token", "/api/auth/access_token"])
async def test_the_log_in_sets_a_cookie_that_is_good_everywhere(quiet_hub: Everest, path: str) -> None:
    async with quiet_hub.client() as client:
        answer = await client.log_in(path=path)
        assert answer.status == 200
        token = answer.json["access_token"]
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"access_token={token};")
        assert "Path=/" in [part.strip() for part in cookie.split(";")]
        assert "secure" not in cookie.lower()  # on plain HTTP it would never come back
        assert client.cookies == {"access_token": token}
        for method, target in (("GET", "/api/jobs"), ("GET", "/auth/access_token"), ("GET", "/api/auth/access_token")):
            assert (await client.send(method, target)).status == 200


async def test_a_token_is_planted_as_a_cookie_and_nothing_is_asked_first(quiet_hub: Everest) -> None:
    async with quiet_hub.client() as client:
        client.cookies = {"access_token": (await client.log_in()).json["access_token"]}
        client.cookies["another"] = "x"
        assert (await client.json("POST", "/api/apps/none", {})).status == 404


async def test_a_probe_for_job_0_tells_whether_the_token_is_good(quiet_hub: Everest) -> None:
    async with quiet_hub.client() as client:
        for path in ("/api/jobs/0", "/api/nowhere", "/jobs/0"):
            assert (await client.send("GET", path)).status == 401
        await client.log_in()
        assert (await client.send("GET", "/api/jobs/0")).status == 404
        client.cookies["access_token"] = "0" * 64
        assert (await client.send("GET", "/api/jobs/0")).status == 401


async def test_paths_that_lost_their_prefix_are_not_found(quiet_hub: Everest) -> None:
    async with quiet_hub.client({"Accept": "application/json"}) as client:
        await client.log_in()
        assert (await client.send("GET", "/jobs")).status == 404


# --- from submission to result


async def test_ping_pong(hub: Everest) -> None:
    """The sample program's whole conversation: an input name with a hyphen, a string output to the byte."""
    app_id = await hub.publish(
        "echo", "sh -c 'echo ECHO:${input-string} > out.txt'", {"input-string": TEXT}, {"output-string": TEXT},
        out={"output-string": "out.txt"},
    )  # fmt: skip
    async with hub.client() as client:
        await client.log_in()
        body = {"inputs": {"input-string": "Yoo-Hoo!"}, "name": "echo-application"}
        submitted = await client.json("POST", f"/api/apps/{app_id}", body)
        assert submitted.status == 201
        assert isinstance(submitted.json["id"], str)
        job = await client.until_over(submitted.json["id"])
        assert job["result"] == {"output-string": "ECHO:Yoo-Hoo!\n"}
        assert (await client.send("DELETE", f"/api/jobs/{job['id']}")).status == 200


async def test_numbers_are_json_numbers_both_ways(hub: Everest) -> None:
    number = {"type": "number", "required": False}
    app_id = await hub.publish(
        "parsweep", "sh -c 'cat rho.txt > lap1.txt; cat sigma.txt > lap2.txt'", {"r": number, "s": number, "b": number},
        {"L1": number, "L2": number, "L3": number, "cout": TEXT}, into={"r": "rho.txt", "s": "sigma.txt"},
        out={"L1": "lap1.txt", "L2": "lap2.txt", "L3": "lap3.txt", "cout": "stdout"},
    )  # fmt: skip
    async with hub.client() as client:
        await client.log_in()
        submitted = await client.json("POST", f"/api/apps/{app_id}", {"inputs": {"r": 28.5, "s": -1}})
        job = await client.until_over(submitted.json["id"])
        assert job["result"] == {"L1": 28.5, "L2": -1, "cout": ""}


async def test_numbers_as_strings_and_an_output_named_after_an_input(hub: Everest) -> None:
    app_id = await hub.publish(
        "sorter", "sh -c 'sort -n block > block${index}'", {"block": FILE, "index": {"type": "number"}},
        {"sorted": FILE}, into={"block": "block"}, out={"sorted": "block${index}"},
    )  # fmt: skip
    async with hub.client() as client:
        await client.log_in()
        uploaded = await client.send("POST", "/api/files/temp", b"3\n1\n2\n", Content_Type=None)
        body = {"name": "sort", "inputs": {"block": uploaded.json["uri"], "index": "7"}}
        job = await client.until_over((await client.json("POST", f"/api/apps/{app_id}", body)).json["id"])
        assert job["result"]["sorted"].endswith("/block7")
        assert (await client.send("GET", job["result"]["sorted"])).body == b"1\n2\n3\n"


async def test_a_failed_job_says_why_and_is_failed(hub: Everest) -> None:
    app_id = await failing(hub)
    async with hub.client() as client:
        await client.log_in()
        job = await client.until_over((await client.json("POST", f"/api/apps/{app_id}", {})).json["id"])
        assert (job["state"], job["result"]) == ("FAILED", {"log": "why\n"})
        assert "3" in job["info"]
        again = await client.send("GET", f"/api/jobs/{job['id']}")  # it does not know FAILED and polls on
        assert (again.status, again.json["state"]) == (200, "FAILED")


async def test_failed_as_cancelled_is_for_the_old_cpp_client_alone(tmp_path: Path) -> None:
    async with everest(tmp_path, failed_as_cancelled=True) as hub:
        app_id = await failing(hub)
        async with hub.client() as client:
            await client.log_in()
            job = await client.until_over((await client.json("POST", f"/api/apps/{app_id}", {})).json["id"])
            assert (job["state"], job["result"]) == ("CANCELLED", {"log": "why\n"})
            path = f"/api/jobs/{job['id']}"
            assert (await client.send("GET", "/api/jobs")).json[0]["state"] == "CANCELLED"
            with_agent = await client.send("GET", path, User_Agent="libcurl")
            without_charsets = await client.send("GET", path, charsets=None)
        assert with_agent.json["state"] == without_charsets.json["state"] == "FAILED"


# --- uploads


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["small", "large"])
async def test_an_upload_in_three_parts(quiet_hub: Everest, content: bytes) -> None:
    parts = [
        ("sendfile", "big file.bin", content),
        ("filename", None, b"/home/me/../data/big file.bin"),  # the whole path, by a slip; it must not matter
        ("submit", None, b"send"),
    ]
    async with quiet_hub.client() as client:
        await client.log_in()
        body = form(parts)
        large = len(body) > 1 << 20
        answer = await client.send("POST", "/api/files/temp", body, expect=large, Content_Type=FORM_TYPE)
        assert (answer.status, answer.interim) == (200, 100 if large else None)
        assert (answer.json["filename"], answer.json["length"]) == ("big file.bin", len(content))
        uri = answer.json["uri"]
        assert uri.startswith("/api/files/")
        assert uri.endswith("/big%20file.bin")
        assert (await client.send("GET", uri)).body == content
        assert (await client.send("DELETE", uri)).status == 200
        assert (await client.send("GET", uri)).status == 404


async def test_an_input_is_read_again_under_its_job(quiet_hub: Everest) -> None:
    """`attach` builds the URI from the job's id and the last segment of the input's URI."""
    app_id = await quiet_hub.publish("f", "true", {"input": FILE}, {}, into={"input": "in.txt"})
    async with quiet_hub.client() as client:
        await client.log_in()
        body = form([("sendfile", "my data.txt", b"x")])
        uri = (await client.send("POST", "/api/files/temp", body, Content_Type=FORM_TYPE)).json["uri"]
        job = (await client.json("POST", f"/api/apps/{app_id}", {"inputs": {"input": uri}})).json
        attached = f"/api/files/jobs/{job['id']}/{uri.rsplit('/', 1)[1]}"
        assert (await client.send("GET", attached)).body == b"x"


@pytest.mark.parametrize("path", ["/api/files/temp", "/api/files/temp/"])
async def test_a_raw_upload_without_a_name(quiet_hub: Everest, path: str) -> None:
    async with quiet_hub.client({"Accept": "*/*"}) as client:
        await client.log_in()
        answer = await client.send("POST", path, LARGE)
        assert (answer.status, answer.json["length"]) == (200, len(LARGE))
        assert isinstance(answer.json["length"], int)
        assert answer.json["uri"].endswith("/" + answer.json["filename"])
        assert (await client.send("GET", answer.json["uri"])).body == LARGE


async def test_an_upload_without_a_token_is_refused_before_its_body(quiet_hub: Everest) -> None:
    async with quiet_hub.client() as client:
        answer = await client.send("POST", "/api/files/temp", LARGE, expect=True)
        assert answer.status == 401


async def test_all_uploads_are_dropped_at_once_and_jobs_keep_their_inputs(quiet_hub: Everest) -> None:
    app_id = await quiet_hub.publish("g", "true", {"input": FILE}, {})
    async with quiet_hub.client() as client:
        await client.log_in()
        uris = [(await client.send("POST", "/api/files/temp", b"x")).json["uri"] for _ in range(2)]
        job = (await client.json("POST", f"/api/apps/{app_id}", {"inputs": {"input": uris[0]}})).json
        assert (await client.send("DELETE", "/api/user/tmp_files")).status == 200
        assert [(await client.send("GET", uri)).status for uri in uris] == [404, 404]
        kept = f"/api/files/jobs/{job['id']}/{uris[0].rsplit('/', 1)[1]}"
        assert (await client.send("GET", kept)).body == b"x"


# --- verbs that stick, and garbage


async def test_a_search_sent_as_delete_is_a_search(quiet_hub: Everest) -> None:
    app_id = await quiet_hub.publish("search-me", "true", {}, {})
    async with quiet_hub.client() as client:
        await client.log_in()
        for method in ("GET", "DELETE"):
            answer = await client.send(method, "/api/apps/search?name=search")
            assert (answer.status, [app["id"] for app in answer.json]) == (200, [app_id])
        paged = await client.send("GET", "/api/apps/search?pagenum=1&pagesize=20&sortBy=jobs")
        assert len(paged.json) == 1
        assert (await client.send("POST", "/api/apps/search", b"{}")).status in (404, 405)
        assert (await client.send("GET", f"/api/apps/{app_id}")).status == 200


async def test_an_upload_sent_as_delete_destroys_nothing(quiet_hub: Everest) -> None:
    async with quiet_hub.client() as client:
        await client.log_in()
        uri = (await client.send("POST", "/api/files/temp", b"x")).json["uri"]
        body = form([("sendfile", "b.txt", b"y"), ("submit", None, b"send")])
        answer = await client.send("DELETE", "/api/files/temp", body, Content_Type=FORM_TYPE)
        assert answer.status in (404, 405)
        assert (await client.send("GET", uri)).body == b"x"


@pytest.mark.parametrize(
    "garbage", [b'{"inputs":{"input-string":"left over"}}', b"\x00\xff\xfe", b"{"], ids=["json", "bytes", "half"]
)
@pytest.mark.parametrize("kind", [FORM_TYPE, "application/json", "no/such; type", None])
async def test_the_body_of_a_delete_is_ignored(quiet_hub: Everest, garbage: bytes, kind: str | None) -> None:
    app_id = await quiet_hub.publish("h", "true", {}, {})
    async with quiet_hub.client() as client:
        await client.log_in()
        uri = (await client.send("POST", "/api/files/temp", b"x")).json["uri"]
        job = (await client.json("POST", f"/api/apps/{app_id}", {})).json
        for path in (uri, f"/api/jobs/{job['id']}", "/api/auth/access_token"):
            assert (await client.send("DELETE", path, garbage, Content_Type=kind)).status == 200
        assert (await client.send("GET", "/api/jobs")).status == 401  # the connection is still in step


async def test_a_job_that_is_deleted_after_each_look_at_it(hub: Everest) -> None:
    """One C# program does so, whether the job has ended or not."""
    app_id = await hub.publish("long", "sleep 60", {}, {})
    async with hub.client({"Accept": "application/json"}) as client:
        await client.log_in()
        job = (await client.json("POST", f"/api/apps/{app_id}", {})).json
        assert (await client.send("GET", f"/api/jobs/{job['id']}")).status == 200
        assert (await client.send("DELETE", f"/api/jobs/{job['id']}")).status == 200
        while (await client.send("GET", f"/api/jobs/{job['id']}")).status != 404:
            pass  # it is cancelled first; each look is a round trip
        assert (await client.send("GET", "/api/jobs")).json == []


async def test_cancel_answers_200_and_the_state_follows_the_agent(hub: Everest) -> None:
    app_id = await hub.publish("long", "sleep 60", {}, {})
    async with hub.client() as client:
        await client.log_in()
        job = (await client.json("POST", f"/api/apps/{app_id}", {})).json
        while (await client.send("GET", f"/api/jobs/{job['id']}")).json["state"] != "RUNNING":
            pass
        assert (await client.send("POST", f"/api/jobs/{job['id']}/cancel")).status == 200
        over = await client.until_over(job["id"])
        assert (over["state"], over["result"]) == ("CANCELLED", {})
        assert (await client.send("POST", f"/api/jobs/{job['id']}/cancel")).status == 200
