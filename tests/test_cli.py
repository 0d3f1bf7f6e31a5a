"""The command, as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from everest_kernel import __version__


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "everest_kernel", *words], capture_output=True, text=True, timeout=60)


def test_version_and_help() -> None:
    assert command("--version").stdout.strip() == __version__
    said = command("--help").stdout
    for name in ("kernel", "install", "hub", "agent", "status", "demo"):
        assert name in said


def test_a_wrong_command_is_told() -> None:
    done = command("hbu")
    assert done.returncode == 2
    assert "hbu" in done.stderr


def test_status_without_a_hub() -> None:
    done = command("status")
    assert (done.returncode, "not running" in done.stdout) == (3, True)
    assert json.loads(command("status", "--json").stdout) == {"running": False}


def test_install_makes_a_kernelspec_that_starts_this_interpreter(tmp_path: Path) -> None:
    done = command("install", "--prefix", str(tmp_path))
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "share/jupyter/kernels/everest"
    spec = json.loads((folder / "kernel.json").read_text())
    assert spec["argv"][0] == sys.executable
    assert spec["display_name"] == "Python (Everest)"
    assert (folder / "logo-svg.svg").is_file()


def test_a_demo_without_its_notebook_is_told(tmp_path: Path) -> None:
    done = command("demo", str(tmp_path / "nowhere.ipynb"))
    assert done.returncode == 1
    assert "there is no notebook" in done.stderr
