"""`everest-kernel doctor` as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from everest_kernel.client import TokenStore
from tests.client.fake_everest import RESOURCE, TOKEN, FakeEverest
from tests.support.kernel import stop_hub
from tests.support.serving import serving


def configure(url: str, more: str = "") -> None:
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "everest-kernel/config.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'default_server = "lab"\n[servers.lab]\nurl = "{url}"\n{more}')


def doctor(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "everest_kernel", "doctor", *words],
        capture_output=True,
        text=True,
        timeout=90,
        env=os.environ | environment,
    )


def checks(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    said = json.loads(done.stdout)
    assert said["ok"] == (done.returncode == 0)
    return {check["check"]: check for check in said["checks"]}


def test_a_sound_server_with_a_job() -> None:
    fake = FakeEverest(token_info={"user": "ada"}, resources=[{"id": RESOURCE, "name": "vm", "state": "ONLINE"}])
    with serving(fake) as url:
        configure(url)
        TokenStore().put(url, TOKEN)
        done = doctor("--job")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout
    assert "ok       token          accepted for ada (from the file)" in done.stdout
    assert "a tiny job came back after" in done.stdout
    assert TOKEN not in done.stdout + done.stderr


def test_what_is_wrong_at_a_server() -> None:
    route = '[routes.maple]\nlanguage = "shell"\napplication = "ada/none"\n[routes.far]\nlanguage = "shell"\n'
    with serving(FakeEverest()) as url:
        configure(url, route + 'resources = ["vm"]\n')
        assert checks(doctor("--json"))["token"]["advice"] == "Run `everest-kernel login lab`."
        refused = checks(doctor("lab", "--json", EVEREST_TOKEN_LAB="stale"))
        assert "does not accept it (it is from the environment)" in refused["token"]["text"]
        found = checks(doctor("--json", EVEREST_TOKEN_LAB=TOKEN))
    assert "no application ada/none" in found["route maple"]["text"]
    assert "cannot be looked up" in found["route far"]["text"]
    assert found["live output"]["level"] == "ok"
    gone = doctor("--json")
    assert checks(gone)["connection"]["level"] == "FAILED"


def test_an_unknown_server_and_a_faulty_configuration_are_findings() -> None:
    assert "is not configured" in checks(doctor("nowhere", "--json"))["configuration"]["text"]
    configure("https://x.example", "what = 1\n")
    assert checks(doctor("--json"))["configuration"]["level"] == "FAILED"


def test_the_embedded_hub() -> None:
    try:
        done = doctor("embedded", "--job", "--json")
        found = checks(done)
        assert done.returncode == 0, done.stdout
        assert found["live output"]["text"] == "this server has it"
        assert found["job"]["level"] == "ok"
    finally:
        stop_hub(Path(os.environ["EVEREST_HUB_HOME"]))
