"""A kernel whose server is an Everest of years ago, on loopback: `%everest`, and remote cells without live output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from everest_kernel.client import TokenStore
from tests.client.fake_everest import RESOURCE, TOKEN, FakeEverest
from tests.support.kernel import Cell, Kernel, running_kernel
from tests.support.serving import Address, serving

CONFIGURATION = """\
default_server = "lab"
[servers.lab]
url = "{url}"
[servers.other]
url = "{url}/other"
[routes.named]
language = "shell"
resources = ["vm"]
[routes.lost]
language = "shell"
resources = ["nowhere"]
[routes.byhand]
language = "shell"
application = "ada/byhand"
[routes.here]
language = "shell"
server = "embedded"
"""


@dataclass
class Lab:
    """A kernel, its server, and where it keeps things."""

    kernel: Kernel
    fake: FakeEverest
    url: Address
    home: Path


@pytest.fixture(scope="module")
def running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("lab")
    resource = {"id": RESOURCE, "name": "vm", "state": "ONLINE", "slots": 2, "running": 0}
    fake = FakeEverest(token_info={"user": "ada"}, resources=[resource, {"id": "5" * 24, "name": "<b>"}])
    with serving(fake) as url:
        (home / "config/everest-kernel").mkdir(parents=True)
        (home / "config/everest-kernel/config.toml").write_text(CONFIGURATION.format(url=url))
        TokenStore(home / "data/everest-kernel/tokens.json").put(url, TOKEN)
        with running_kernel(home) as kernel:
            kernel.run("%%remote here\ntrue")  # the hub starts here, before leaks are looked for
            yield Lab(kernel, fake, url, home)


@pytest.fixture
def lab(running_lab: Lab) -> Iterator[Lab]:
    """Between tests nothing is open, and nothing is left to say."""
    yield running_lab
    running_lab.url.drain()
    assert running_lab.kernel.leftovers() == []


def shown(cell: Cell) -> dict[str, str]:
    assert cell.status == "ok", cell.error
    (display,) = cell.displays
    data: dict[str, str] = display["data"]
    return data


# --- %everest


@pytest.mark.parametrize("line", ["%everest status", "%everest"])
def test_status(lab: Lab, line: str) -> None:
    text = shown(lab.kernel.run(line))["text/plain"].splitlines()
    assert text[0].split() == ["server", "address", "token", "state"]
    assert text[1].split() == ["lab", "(default)", lab.url, "file", "answers,", "no", "live", "output"]
    assert "runs, live output" in text[2]
    assert "everest-kernel login other" in text[3]


def test_resources(lab: Lab) -> None:
    data = shown(lab.kernel.run("%everest resources"))
    assert data["text/plain"].splitlines()[1].split() == ["vm", "online", "2", "0", RESOURCE]
    assert "&lt;b&gt;" in data["text/html"]
    assert "<b>" not in data["text/html"]


def test_routes(lab: Lab) -> None:
    text = shown(lab.kernel.run("%everest routes"))["text/plain"]
    (line,) = [line for line in text.splitlines() if line.startswith("byhand")]
    assert line.split() == ["byhand", "shell", "lab", "any", "ada/byhand", "sh"]


def test_publish_sends_only_what_changed(lab: Lab) -> None:
    first = lab.kernel.run("%everest publish named").text()
    assert first.startswith(f"ada/named-cell at {lab.url} was created.")
    assert '[routes.named]\napplication = "ada/named-cell"\n' in first
    calls = lab.fake.calls.copy()
    assert "nothing was sent" in lab.kernel.run("%everest publish named").text()
    sent = lab.fake.calls - calls
    assert not any(call.startswith(("POST", "PUT")) for call in sent)
    (app,) = [app for app in lab.fake.apps.values() if app["alias"] == "named-cell"]
    app["config"]["command"] = "changed by hand"
    assert "was updated" in lab.kernel.run("%everest publish named").text()
    (app,) = [app for app in lab.fake.apps.values() if app["alias"] == "named-cell"]
    assert app["config"]["command"] == "sh program.sh"


def test_doctor(lab: Lab) -> None:
    text = lab.kernel.run("%everest doctor --job").text()
    assert "ok       token          accepted for ada (from the file)" in text
    assert "a tiny job came back" in text
    assert "FAILED   route lost" in text


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%everest resuorces", "Did you mean 'resources'?"),
        ("%everest status now", "too many words"),
        ("%everest resources --all", "no option --all"),
        ("%everest publish", "say which route"),
        ("%everest 'open", "cannot be read"),
    ],
)
def test_a_faulty_line_is_a_cell_option_error(lab: Lab, line: str, said: str) -> None:
    cell = lab.kernel.run(line)
    assert cell.of("error")[0]["ename"] == "CellOptionError"
    assert said in cell.error


def test_help_and_completion(lab: Lab) -> None:
    cell = lab.kernel.run("%everest?")
    assert "%everest publish maple" in json.dumps(cell.reply["payload"])
    reply = lab.kernel.request("complete_request", code="%everest publish na", cursor_pos=19)
    assert (reply["matches"], reply["cursor_start"]) == (["named"], 17)


# --- log-in


def test_a_front_end_that_cannot_be_asked_is_told_the_command(lab: Lab) -> None:
    assert "everest-kernel login lab" in lab.kernel.run("%everest login").text()
    assert "needs no log-in" in lab.kernel.run("%everest login embedded").text()


def test_a_front_end_that_can_be_asked_is(lab: Lab) -> None:
    lab.fake.tokens.discard(TOKEN)  # it was revoked meanwhile
    refused = lab.kernel.run("%everest resources")
    assert "everest-kernel login lab" in refused.error
    message = lab.kernel.send_cell("%everest login lab", cell_id=None)
    asked = []
    for answer in ("ada", "correct horse"):
        request = lab.kernel.client.get_stdin_msg(timeout=20)["content"]
        asked.append((request["prompt"], request["password"]))
        lab.kernel.client.input(answer)
    cell = lab.kernel.collect(message)
    assert cell.status == "ok", cell.error
    assert asked == [(f"User name at {lab.url}: ", False), ("Password (not shown): ", True)]
    (token,) = lab.fake.tokens
    everything = json.dumps([cell.messages, cell.reply], default=str)
    assert token not in everything
    assert "correct horse" not in everything
    assert TokenStore(lab.home / "data/everest-kernel/tokens.json").get(lab.url) is not None
    assert "vm" in shown(lab.kernel.run("%everest resources"))["text/plain"]


def test_a_log_in_in_a_terminal_is_noticed(lab: Lab) -> None:
    store = TokenStore(lab.home / "data/everest-kernel/tokens.json")
    lab.fake.tokens.clear()
    lab.fake.tokens.add("f" * 64)
    assert lab.kernel.run("%everest resources").status == "error"
    store.put(lab.url, "f" * 64)
    assert lab.kernel.run("%everest resources").status == "ok"


# --- remote cells


def headers(cell: Cell) -> list[str]:
    found = [c for c in cell.of("display_data") + cell.of("update_display_data") if c["metadata"].get("everest_header")]
    return [c["data"]["text/plain"] for c in found]


def test_a_cell_says_that_output_comes_later_and_shows_the_log_meanwhile(lab: Lab) -> None:
    cell = lab.kernel.run("%%remote shell --out x --fetch f.txt\necho seen\necho two > f.txt\nx=7")
    assert cell.status == "ok", cell.error
    assert cell.text() == "seen\n"
    assert cell.text("stderr").splitlines() == [
        "[log 12:00:00] Job submitted",
        f"[log 12:00:01] the task runs on {RESOURCE}",
    ]
    running = headers(cell)[1:-1]
    assert any("no live output on this server: log and output are shown as they become available" in h for h in running)
    assert any(f"shell on {RESOURCE}: running" in h for h in running)
    assert cell.header.startswith(f"shell on {RESOURCE}: done in")
    assert "no live output" not in cell.header
    assert lab.kernel.run("x").result == "'7'"
    assert (lab.home / "work/f.txt").read_text() == "two\n"


def test_the_whole_output_of_a_job_is_asked_of_its_server(lab: Lab) -> None:
    for route in ("shell", "here"):  # on an old Everest, and on the hub
        job = lab.kernel.run(f"%%remote {route}\nprintf {route}-größe; echo e >&2").header.rpartition("job ")[2]
        shown = lab.kernel.run(f"%log {job}")
        assert (shown.text(), shown.text("stderr")) == (f"{route}-größe", "e\n")
        lab.kernel.run(f"%log {job} --save saved-{route}")
        assert (lab.home / f"work/saved-{route}/stdout").read_text() == f"{route}-größe"


def test_files_go_along(lab: Lab) -> None:
    (lab.home / "work/in.txt").write_text("hello")
    cell = lab.kernel.run("%%remote shell --files in.txt\ncat in.txt")
    assert cell.text() == "hello"


def test_a_route_names_its_resources_by_name(lab: Lab) -> None:
    assert lab.kernel.run("%%remote named\ntrue").status == "ok"
    assert lab.fake.bodies[-1]["resources"] == [RESOURCE]
    cell = lab.kernel.run("%%remote lost\ntrue")
    assert "no resource 'nowhere'" in cell.error


def test_an_application_made_by_hand_must_fit(lab: Lab) -> None:
    assert "no application ada/byhand" in lab.kernel.run("%%remote byhand\ntrue").error
    lab.fake.apps["9"] = {"id": "9", "alias": "byhand", "inputs": {"script": {"type": "string", "required": True}}}
    jobs = len(lab.fake.jobs)
    cell = lab.kernel.run("%%remote byhand\ntrue")
    assert "it has no input 'program'" in cell.error
    assert "requires an input 'script'" in cell.error
    assert len(lab.fake.jobs) == jobs
    lab.kernel.run("%everest publish byhand")
    assert lab.kernel.run("%%remote byhand\necho fits").text() == "fits\n"


def test_the_embedded_hub_is_a_server_beside_it(lab: Lab) -> None:
    cell = lab.kernel.run("%%remote here\necho live")
    assert cell.text() == "live\n"
    assert not any("no live output" in header for header in headers(cell))
