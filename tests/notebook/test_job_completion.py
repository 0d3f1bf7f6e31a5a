"""Completion on the lines of the job magics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from everest_kernel.notebook.completion import complete_cell
from everest_kernel.notebook.line_values import Notebook
from everest_kernel.notebook.remembered import shared_journal
from everest_kernel.records import JobRecord


def no_python(code: str, cursor: int) -> dict[str, Any]:
    raise AssertionError("this is no Python cell")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "everest.toml").write_text("[servers.lab]\nurl = 'http://lab'")
    for job_id, state, notebook in (
        ("aa", "DONE", "/u/x.ipynb"),
        ("ab", "RUNNING", "no notebook: /u"),
        ("", "", "/u/y z.ipynb"),
    ):
        shared_journal().begin(JobRecord(key=f"key {job_id}", job_id=job_id, state=state, notebook=notebook))
    return tmp_path


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("%job ", {"aa", "ab"}),
        ("x = 1\n  %log a", {"aa", "ab"}),
        ("%cancel ", {"ab"}),
        ("%cancel ab ", set()),
        ("%jobs --st", {"--state"}),
        ("%jobs --state ca", {"cancelled"}),
        ("%jobs --state ", None),
        ("%jobs --all --a", {"--age"}),
        ("%jobs --server ", {"embedded", "lab"}),
        ("%jobs --route mapl", {"maple"}),
        ("%jobs --notebook ", {"this", "x.ipynb"}),
        ("%jobs --age ", set()),
        ("%everest ca", {"cache"}),
        ("%everest cache ", {"clear"}),
        ("%everest cache clear ", {"aa", "ab"}),
        ("%everest cache clear aa ", set()),
    ],
)
def test_words_of_a_line(folder: Path, code: str, expected: set[str] | None) -> None:
    reply = complete_cell(code, None, Notebook(folder=folder), no_python)
    assert reply is not None
    matches = set(reply["matches"])
    assert matches == expected if expected is not None else {"running", "active", "gone"} <= matches


def test_without_a_journal_nothing_is_offered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVEREST_RECORDS_HOME", str(folder / "everest.toml"))
    for code in ("%job ", "%jobs --notebook "):
        reply = complete_cell(code, None, Notebook(folder=folder), no_python)
        assert reply is not None
        assert reply["matches"] == []
