"""`everest-kernel hub` and what its owner asks of it, as processes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from everest_kernel.wire import record_path

COMMAND = [sys.executable, "-m", "everest_kernel", "hub"]
APPLICATION = {"alias": "echo", "name": "Echo", "config": {"command": "true"}}


def owner(*words: str, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], input=said, capture_output=True, text=True, timeout=60)


@contextmanager
def running(home: Path, *words: str) -> Iterator[tuple[httpx.Client, dict[str, Any]]]:
    """A hub, a client of its owner, and what it said when it was ready."""
    command = [*COMMAND, "--home", str(home), "--no-agent", "--json", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            ready = json.loads(process.stdout.readline())
            record = json.loads(record_path(home).read_bytes())
            headers = {"Authorization": f"Bearer {record['token']}"}
            with httpx.Client(base_url=record["url"], headers=headers, trust_env=False) as client:
                yield client, ready
        finally:
            process.terminate()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "hub"


@pytest.fixture
def description(tmp_path: Path) -> str:
    path = tmp_path / "application.json"
    path.write_text(json.dumps(APPLICATION))
    return str(path)


def logs_in(client: httpx.Client, name: str, password: str) -> int:
    body = {"username": name, "password": password}
    return client.post("/auth/access_token", json=body).status_code


def test_users_before_the_hub_runs_and_while_it_does(home: Path) -> None:
    done = owner("--home", str(home), "add-user", "anna", said="first\n")
    assert (done.returncode, done.stderr) == (0, "")
    with running(home) as (client, _):
        assert logs_in(client, "anna", "first") == 200
        done = owner("add-user", "boris", "--home", str(home), said="sec ond \n")
        assert done.returncode == 0, done.stderr
        assert logs_in(client, "boris", "sec ond ") == 200
        owner("add-user", "anna", "--home", str(home), said="changed\n")
        assert [logs_in(client, "anna", password) for password in ("first", "changed")] == [401, 200]
        refused = owner("add-user", "a b", "--home", str(home), said="x\n")
        assert (refused.returncode, "name" in refused.stderr, "Traceback" in refused.stderr) == (1, True, False)
        assert owner("add-user", "carl", "--home", str(home), said="\n").returncode == 1


def test_a_password_is_asked_twice_without_echo(home: Path) -> None:
    main, side = pty.openpty()
    command = [*COMMAND, "--home", str(home), "add-user", "anna"]
    with subprocess.Popen(command, stdin=side, stdout=side, stderr=side, start_new_session=True) as process:
        os.close(side)
        shown = b""
        for prompt in (b"Password: ", b"Once more: "):
            while prompt not in shown:
                shown += os.read(main, 1000)
            os.write(main, b"s3cret\n")
        while b"can log in" not in shown:
            shown += os.read(main, 1000)
        assert process.wait(30) == 0
    os.close(main)
    assert b"s3cret" not in shown


def test_applications_before_the_hub_runs_and_while_it_does(home: Path, description: str, tmp_path: Path) -> None:
    ids = ["--id", "52b1d2d13b0000a00071977d", "--id", "vladimirv/SSOP"]
    done = owner("import-app", description, "--home", str(home), *ids)
    assert done.stdout == "Echo: 52b1d2d13b0000a00071977d, vladimirv/SSOP, local/echo\n", done.stderr
    archive = tmp_path / "app.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("application.json", json.dumps({**APPLICATION, "alias": "zipped"}))
        opened.writestr("ApplicationFiles/run.sh", "true\n")
    with running(home) as (client, _):
        for name in ("52b1d2d13b0000a00071977d", "vladimirv/SSOP", "local/echo"):
            assert client.get(f"/api/apps/{name}").json()["name"] == "Echo"
        assert owner("import-app", str(archive), "--home", str(home)).returncode == 0
        (file,) = client.get("/api/apps/local/zipped").json()["files"]
        assert client.get(file["uri"]).content == b"true\n"
        taken = owner("import-app", description, "--home", str(home), *ids)
        assert (taken.returncode, "52b1d2d13b0000a00071977d" in taken.stderr) == (1, True)


@pytest.mark.parametrize("content", [None, "{", "[]", '{"name": "no command"}'])
def test_a_file_that_is_no_application_is_told(home: Path, tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_text(content)
    done = owner("import-app", str(path), "--home", str(home))
    assert done.returncode == 1
    assert done.stderr.startswith("everest-kernel: ")
    assert "Traceback" not in done.stderr


def test_tls_and_compatibility_are_options(home: Path, tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    certificate, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    with running(home, "--tls-cert", certificate, "--tls-key", key, "--compat-failed-as-cancelled") as (client, ready):
        assert ready["url"].startswith("https://127.0.0.1:")
        assert str(client.base_url).startswith("http://127.0.0.1:")
        assert client.get("/api/apps").status_code == 200
        done = owner("--home", str(home), "add-user", "anna", said="pw\n")
        assert done.returncode == 0, done.stderr
    half = owner("--home", str(home), "--tls-cert", certificate)
    assert (half.returncode, "--tls-key" in half.stderr) == (1, True)
