"""Templet: the SDK, the server and its token, and acta; a stand-in SDK, and the true one that TEMPLET_HOME names."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from everest_kernel.languages import CellRequest, Language
from everest_kernel.languages.templet import TempletLanguage
from everest_kernel.wire import ConfigurationError
from tests.compat.support import Everest, everest

from .running import located, run_cell

pytestmark = pytest.mark.system("g++", "libcurl4-openssl-dev")

TEXT = {"type": "string"}
CLIENT = r"""
#include <curl/curl.h>
#include <cstdlib>
#include <iostream>
#include <string>
#include <unistd.h>

static size_t take(char *data, size_t size, size_t count, void *to) {
    static_cast<std::string *>(to)->append(data, size * count);
    return size * count;
}

static std::string ask(const std::string &path, const char *body) {
    std::string answer, url = std::getenv("EVEREST_SERVER") + path;
    std::string token = std::string("Authorization: Bearer ") + std::getenv("EVEREST_TASK_TOKEN");
    curl_slist *headers = curl_slist_append(nullptr, token.c_str());
    headers = curl_slist_append(headers, "Content-Type: application/json");
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    if (body) curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK) std::cerr << curl_easy_strerror(code) << std::endl;
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    return answer;
}

static std::string field(const std::string &json, const std::string &name) {
    size_t at = json.find("\"" + name + "\":\"");
    if (at == std::string::npos) return "";
    at += name.size() + 4;
    return json.substr(at, json.find('"', at) - at);
}

int main() {
    std::string jobs[2];
    for (int i = 0; i < 2; i++) {
        std::string body = "{\"inputs\": {\"n\": \"" + std::to_string(20 + i) + "\"}}";
        jobs[i] = field(ask("/api/apps/local/twice", body.c_str()), "id");
    }
    for (const std::string &id : jobs) {
        std::string job;
        for (int i = 0; i < 400; i++, usleep(20'000)) {
            job = ask("/api/jobs/" + id, nullptr);
            if (field(job, "state") == "DONE" || field(job, "state") == "FAILED") break;
        }
        std::cout << field(job, "state") << " " << field(job, "user") << " " << field(job, "out") << std::endl;
    }
    const std::string token = std::getenv("EVEREST_TASK_TOKEN");
    std::cout << std::string(token.rbegin(), token.rend()) << std::endl; // backwards, to be looked for
}
"""
HEADER = """\
#pragma once
#include <string>
using namespace std;
const string EVEREST_URL = "https://everest.distcomp.org";
inline string cookie() {
	return string() +
		"everest.distcomp.org"  /* Hostname */
		"\\t" "access_token";
}
"""
ACTA = """\
#!/bin/sh
# a stand-in: replaces the text between two pragmas
if grep -q wrong "$1"; then echo "ERROR: bad #pragma at line $(grep -n wrong "$1" | cut -d: -f1) code 7"; exit 0; fi
sed -e 's/^#pragma templet made$/&\\nint made() {\\n  return 42;\\n}/' "$1" > "$1.new" && mv "$1.new" "$1"
echo Ok
"""


@pytest.fixture(scope="module")
def templet() -> Language:
    return located(TempletLanguage())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A stand-in for the SDK: files of the same names, with what the SDK's own have in common with them."""
    folder = tmp_path / "an SDK"
    for path, text in {"lib/templet.hpp": "#define TEMPLET 1\n", "lib/everest.hpp": HEADER, "bin/acta": ACTA}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / "bin/acta").chmod(0o755)
    return folder


@pytest.fixture
def without_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EVEREST_TASK_TOKEN", "EVEREST_SERVER", "TEMPLET_HOME"):
        monkeypatch.delenv(name, raising=False)


# --- a server


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Everest]:
    async with everest(tmp_path) as found:
        yield found


async def test_a_program_submits_jobs_with_its_tasks_token(templet: Language, hub: Everest, tmp_path: Path) -> None:
    """The hub, its agent, the program and libcurl are true; the token is in nothing that is kept or shown."""
    await hub.publish("twice", "sh -c 'echo $((2 * ${n}))'", {"n": TEXT}, {"out": TEXT}, out={"out": "stdout"})
    files = {"program": templet.program_file, "cell": templet.cell_file}
    inputs = dict.fromkeys(files, TEXT)
    app_id = await hub.publish("cell", templet.command, inputs, {"out": TEXT}, into=files, out={"out": "stdout"})
    program = templet.render(CellRequest(CLIENT))
    async with hub.client() as client:
        await client.log_in()
        body = {"inputs": {"program": program.text, "cell": program.cell}}
        job = await client.until_over((await client.json("POST", f"/api/apps/{app_id}", body)).json["id"])
        assert job["state"] == "DONE", job
        *lines, backwards, end = job["result"]["out"].split("\n")
        assert (lines, end) == ([r"DONE anna 40\n", r"DONE anna 42\n"], "")  # as JSON has them
        token = backwards[::-1]
        assert len(token) == 64
        log = await client.send("GET", f"/api/jobs/{job['id']}/log")
        assert token not in str(job) + log.body.decode()
        client.cookies["access_token"] = token
        assert (await client.send("GET", "/api/jobs")).status == 401  # it ended with the task
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if token.encode() in path.read_bytes()]


def test_without_a_token_the_cell_says_what_is_missing(
    templet: Language, home: Path, without_server: None, tmp_path: Path
) -> None:
    ran = run_cell(templet.configured({"home": str(home)}), tmp_path / "t", "#include <everest.hpp>\n")
    assert ran.status == 1
    assert "this server gives its tasks no token: set EVEREST_TASK_TOKEN" in ran.error
    code = '#include <cstdlib>\nbool none = !std::getenv("EVEREST_SERVER");'
    assert run_cell(templet, tmp_path / "t", code, out_named=("none",)).back.values == {"none": True}


def test_the_sdks_engine_asks_the_server_of_the_task(
    templet: Language, home: Path, without_server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "#include <everest.hpp>\nstring url = EVEREST_URL, jar = cookie();"
    language = templet.configured({"home": str(home)})
    monkeypatch.setenv("EVEREST_TASK_TOKEN", "0" * 64)
    monkeypatch.setenv("EVEREST_SERVER", "http://127.0.0.1:5")
    values = run_cell(language, tmp_path / "t", code, out_named=("url", "jar")).back.values
    assert values == {"url": "http://127.0.0.1:5", "jar": "127.0.0.1\taccess_token"}
    monkeypatch.delenv("EVEREST_SERVER")  # a token by hand is for the service
    values = run_cell(language, tmp_path / "t", code, out_named=("url", "jar")).back.values
    assert values == {"url": "https://everest.distcomp.org", "jar": "everest.distcomp.org\taccess_token"}
    (home / "lib/everest.hpp").write_text(HEADER.replace("EVEREST_URL", "OTHER_URL"))
    monkeypatch.setenv("EVEREST_SERVER", "http://127.0.0.1:5")
    ran = run_cell(language, tmp_path / "t", code.replace("EVEREST_URL", "OTHER_URL"), out_named=("url",))
    assert ran.back.values == {"url": "https://everest.distcomp.org"}
    assert "keeps to the server in its own text, not http://127.0.0.1:5" in ran.stderr


# --- the SDK


@pytest.mark.parametrize("by", ["setting", "environment"])
def test_the_sdk_is_found(
    templet: Language, home: Path, without_server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    language = templet.configured({"home": str(home)}) if by == "setting" else templet
    if by == "environment":
        monkeypatch.setenv("TEMPLET_HOME", str(home))
    ran = run_cell(language, tmp_path / "t", "#include <templet.hpp>\nint n = TEMPLET;", out_named=("n",))
    assert (ran.stderr, ran.back.values) == ("", {"n": 1})
    (home / "lib/templet.hpp").write_text("#define TEMPLET 2\n")  # another release: no binary of the old one
    ran = run_cell(language, tmp_path / "t", "#include <templet.hpp>\nint n = TEMPLET;", out_named=("n",))
    assert ran.back.values == {"n": 2}


def test_without_the_sdk_the_cell_says_so(templet: Language, without_server: None, tmp_path: Path) -> None:
    ran = run_cell(templet, tmp_path / "t", "#include <templet.hpp>")
    assert ran.error.startswith("the Templet SDK is not known on this resource: give the route the setting home")
    ran = run_cell(templet.configured({"home": "/none"}), tmp_path / "t", "#include <templet.hpp>")
    assert ran.error.startswith("there is no Templet SDK in /none on this resource")
    assert run_cell(templet, tmp_path / "t", "int n = 1;", out_named=("n",)).back.values == {"n": 1}
    with pytest.raises(ConfigurationError, match="home of templet"):
        templet.configured({"home": 5})


PRAGMA = """\
/*$TET$$header*/
#include <templet.hpp>
/*$TET$*/
#pragma templet made
/*$TET$$footer*/
int n, wanted = 1;
int main() {
    n = made() + i;
    // here
}
/*$TET$*/
"""


def test_acta_translates_a_cell_with_its_pragma(
    templet: Language, home: Path, without_server: None, tmp_path: Path
) -> None:
    language = templet.configured({"home": str(home)})
    ran = run_cell(language, tmp_path / "t", PRAGMA, inputs={"i": 1}, out_named=("n",))
    assert (ran.stderr, ran.back.values) == ("", {"n": 43})
    ran = run_cell(language, tmp_path / "t", PRAGMA.replace("// here", "n = q;"), inputs={"i": 1}, out_named=("n",))
    assert ran.error == "‘q’ was not declared in this scope (line 9 of the cell)"
    ran = run_cell(language, tmp_path / "t", PRAGMA.replace("templet made", "templet wrong"))
    assert (ran.status, ran.error) == (1, "acta: bad #pragma (line 4 of the cell)")
    ran = run_cell(language, tmp_path / "t", "#pragma templet made\nint main() {}")
    assert ran.error.startswith("acta keeps only what stands between its marks /*$TET$...*/")
    (home / "bin/acta").unlink()
    ran = run_cell(language, tmp_path / "t", PRAGMA.replace("made() + ", ""), inputs={"i": 1}, out_named=("n",))
    assert ran.back.values == {"n": 1}


# --- the true SDK


@pytest.fixture(scope="module")
def gallery() -> Path:
    home = os.environ.get("TEMPLET_HOME", "")
    if not home:
        pytest.skip("needs TEMPLET_HOME: the folder of the Templet SDK")
    return Path(home)


SAMPLES = [
    "pythagor/pythagor.cpp",
    "heatomp/heatomp.cpp",
    "diamond/diamond.cpp",
    *(f"brickmov/phase-{i}.cpp" for i in range(4)),
]


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_gallery(templet: Language, gallery: Path, tmp_path: Path, sample: str) -> None:
    path = gallery / "samples" / sample
    staged = {other.name: other.read_bytes() for other in path.parent.glob("*.hpp")}
    ran = run_cell(
        templet.configured({"home": str(gallery), "flags": "-O2 -fopenmp"}),
        tmp_path / "t",
        path.read_text("utf-8-sig"),
        staged,
    )
    assert (ran.status, ran.error) == (0, ""), ran.stderr


async def test_the_gallerys_ping_pong(templet: Language, gallery: Path, hub: Everest) -> None:
    """Its program is changed in two places, as its user is told to: the application, and the token."""
    command = "sh -c 'echo ECHO:${input-string} > out.txt'"
    echo = await hub.publish(
        "echo", command, {"input-string": TEXT}, {"output-string": TEXT}, out={"output-string": "out.txt"}
    )  # fmt: skip
    code = (gallery / "samples/pingpong/pingpong.cpp").read_text("utf-8-sig")
    assert '"access-token"' in code
    code = code.replace('"access-token"', 'getenv("EVEREST_TASK_TOKEN")')
    code = code.replace('"Everest-application-ID"', f'"{echo}"')
    files = {"program": templet.program_file, "cell": templet.cell_file}
    app_id = await hub.publish(
        "cell", templet.command, dict.fromkeys(files, TEXT), {"out": TEXT}, into=files, out={"out": "stdout"}
    )  # fmt: skip
    program = templet.configured({"home": str(gallery)}).render(CellRequest(code))
    async with hub.client() as client:
        await client.log_in()
        body = {"inputs": {"program": program.text, "cell": program.cell}}
        job = await client.until_over((await client.json("POST", f"/api/apps/{app_id}", body)).json["id"])
    assert job["state"] == "DONE", job
    assert "ECHO:" in job["result"]["out"]
