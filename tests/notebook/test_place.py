"""Which notebook a kernel belongs to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from everest_kernel.notebook import place
from everest_kernel.notebook.place import notebook_identity, notebook_path


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setattr(place, "_STARTED_IN", tmp_path)
    monkeypatch.setattr(place, "_names", place._Names())
    place._is_inherited.cache_clear()
    (tmp_path / "text.md").write_text("# a notebook as text\n")
    (tmp_path / "link.ipynb").symlink_to("true.ipynb")
    return tmp_path


@pytest.mark.parametrize(
    ("session", "names", "found"),
    [
        ("", {}, None),
        ("{}/a.ipynb", {}, "a.ipynb"),  # it need not exist
        ("{}/link.ipynb", {}, "true.ipynb"),
        ("{}/text.md", {}, "text.md"),
        ("{}/Console 1", {}, None),
        ("sub/a.ipynb", {}, "a.ipynb"),
        ("2f7c-session", {}, None),
        ("", {"__vsc_ipynb_file__": "{}/v.ipynb"}, "v.ipynb"),
        ("{}/a-jvsc-1.ipynb", {"__vsc_ipynb_file__": "{}/a.ipynb"}, "a.ipynb"),
        ("{}/a.ipynb", {"__vsc_ipynb_file__": 3}, "a.ipynb"),
        ("", {"__vsc_ipynb_file__": "a\0.ipynb"}, None),
    ],
)
def test_what_is_known_of_the_notebook(
    session: str, names: dict[str, Any], found: str | None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if session:
        monkeypatch.setenv("JPY_SESSION_NAME", session.format(folder))
    names = {name: value.format(folder) if isinstance(value, str) else value for name, value in names.items()}
    expected = None if found is None else folder.resolve() / found
    assert notebook_path(names) == expected
    assert notebook_identity(names) == (str(expected) if expected else f"no notebook: {folder}")


def test_without_a_shell_only_the_environment_tells(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    assert notebook_path() is None
    monkeypatch.setenv("JPY_SESSION_NAME", str(folder / "a.ipynb"))
    assert notebook_path() == folder.resolve() / "a.ipynb"


def test_a_renamed_notebook_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    untitled = folder / "Untitled.ipynb"
    monkeypatch.setenv("JPY_SESSION_NAME", str(untitled))
    untitled.write_text("{}")
    (folder / "other.ipynb").write_text("{}")
    assert notebook_path({}) == untitled
    untitled.rename(folder / "named.ipynb")
    assert notebook_path({}) == folder / "named.ipynb"
    untitled.write_text("{}")  # another notebook gets the old name
    assert notebook_path({}) == folder / "named.ipynb"
    (folder / "named.ipynb").rename(folder / "again.ipynb")
    assert notebook_identity({}) == str(folder / "again.ipynb")
    (folder / "again.ipynb").unlink()
    assert notebook_path({}) == folder / "again.ipynb", "removed: nothing else takes its place"


def test_a_notebook_that_another_program_replaced_is_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, other = folder / "a.ipynb", folder / "b.ipynb"
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    path.write_text("{}")
    assert notebook_path({}) == path
    other.write_text("{}")
    other.replace(path)
    assert notebook_path({}) == path
    path.rename(other)
    assert notebook_path({}) == other


@pytest.mark.parametrize(
    ("launcher", "inherited"),
    [
        ({}, False),  # a server
        ({"JPY_SESSION_NAME": "a.ipynb"}, False),  # a user who says it
        ({"JPY_SESSION_NAME": "a.ipynb", "JPY_PARENT_PID": "1"}, True),  # a program that a notebook runs
        ({"JPY_SESSION_NAME": "outer.ipynb", "JPY_PARENT_PID": "1"}, False),  # a server that a notebook runs
    ],
)
def test_what_another_notebook_passed_on_does_not_count(
    launcher: dict[str, str], inherited: bool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "a.ipynb")
    plain = {name: value for name, value in os.environ.items() if not name.startswith("JPY_")}
    command = [sys.executable, "-c", "print('up', flush=True); input()"]
    with subprocess.Popen(command, env=plain | launcher, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        monkeypatch.setenv("JPY_PARENT_PID", str(process.pid))
        assert (notebook_path({}) is None) == inherited
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    monkeypatch.setenv("JPY_PARENT_PID", str(process.pid))  # it has ended
    place._is_inherited.cache_clear()
    assert notebook_path({}) == folder.resolve() / "a.ipynb"
