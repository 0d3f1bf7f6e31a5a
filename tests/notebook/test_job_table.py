"""`%jobs` on servers in memory: the journal's jobs and the servers', as they are now."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from everest_kernel.notebook.job_options import parse_jobs_line
from everest_kernel.notebook.job_table import (
    JobLine,
    JobList,
    format_age,
    jobs_bundle,
    list_jobs,
    short_notebook,
)
from everest_kernel.notebook.remembered import shared_journal
from everest_kernel.records import HOME_VARIABLE, JobRecord
from everest_kernel.wire import ConfigurationError, JobState

from .job_support import Everest, connected, write_servers

DONE, RUNNING = JobState.DONE, JobState.RUNNING
NOW = 1_000_000.0


def remember(job_id: str, state: str = "RUNNING", age: float = 0.0, **fields: Any) -> None:
    fields = {"server": "lab", "route": "maple", "notebook": "/home/u/a.ipynb", **fields}
    shared_journal().begin(
        JobRecord(key=f"key of {job_id} {age}", job_id=job_id, state=state, recorded=NOW - age, **fields)
    )


async def listed(folder: Path, line: str = "", **servers: Everest) -> JobList:
    write_servers(folder, "lab", "other")
    async with connected(**servers) as session:
        return await list_jobs(session, parse_jobs_line(line), folder, "/home/u/a.ipynb", NOW)


def told(found: JobList) -> list[tuple[str, str]]:
    return [(line.job_id, line.state) for line in found.lines]


async def test_jobs_of_the_journal_and_of_the_server_are_one_list_newest_first(tmp_path: Path) -> None:
    remember("a", age=30)
    remember("b", "DONE", age=10)
    lab = Everest()
    lab.add("elsewhere", DONE, submitted=int((NOW - 20) * 1000), name="not ours")
    lab.add("a", RUNNING, started=5)
    found = await listed(tmp_path, lab=lab)
    assert told(found) == [("b", "DONE"), ("elsewhere", "DONE"), ("a", "RUNNING")]
    assert (found.more, found.notes) == (0, [])
    assert lab.requests == ["GET /api/jobs"], "one request for all"


async def test_states_are_those_of_now(tmp_path: Path) -> None:
    for job_id in ("a", "deleted"):
        remember(job_id)
    lab = Everest()
    lab.add("a", DONE)
    found = await listed(tmp_path, "--route maple", lab=lab)
    assert sorted(told(found)) == [("a", "DONE"), ("deleted", "GONE")]
    assert lab.requests == ["GET /api/jobs", "GET /api/jobs/deleted"]
    assert shared_journal().unfinished() == [], "it is remembered"
    lab.requests.clear()
    await listed(tmp_path, lab=lab)
    assert lab.requests == ["GET /api/jobs"]


@pytest.mark.parametrize(
    ("many", "pages", "requests"),
    [(199, True, 2), (199, False, 1), (100, False, 1), (99, True, 1), (700, True, 6), (700, False, 1)],
)
async def test_many_running_jobs_take_few_requests(tmp_path: Path, many: int, pages: bool, requests: int) -> None:
    lab = Everest(pages=pages)
    for number in range(many):
        lab.add(str(number), RUNNING)
    lab.add("oldest", DONE)
    remember("oldest")
    found = await listed(tmp_path, "--route maple", lab=lab)
    assert told(found) == [("oldest", "DONE")]
    assert len(lab.requests) == requests


async def test_jobs_of_a_server_that_does_not_answer_are_shown_as_they_were(tmp_path: Path) -> None:
    remember("a", age=1)
    remember("b", server="other", age=2)
    other = Everest()
    other.add("b", DONE)
    found = await listed(tmp_path, lab=Everest(down=True), other=other)
    assert told(found) == [("a", "RUNNING"), ("b", "DONE")]
    (note,) = found.notes
    assert re.match(r"Server lab: .*; its jobs are shown as they were last seen\.", note)


async def test_the_embedded_hub_is_not_started_for_a_list(tmp_path: Path) -> None:
    remember("a", server="embedded")
    found = await listed(tmp_path, lab=Everest())
    assert told(found) == [("a", "RUNNING")]
    assert found.notes == ["Server embedded: the embedded hub does not run; its jobs are shown as they were last seen."]


@pytest.mark.parametrize(
    ("line", "expected", "more"),
    [
        ("", "fedcba", 0),
        ("-n 2", "fe", 4),
        ("--all", "fedcba", 0),
        ("--state running", "fb", 0),
        ("--state finished", "edca", 0),
        ("--state done -n 1", "e", 2),
        ("--route shell", "c", 0),
        ("--notebook this", "ba", 0),
        ("--notebook b", "c", 0),
        ("--notebook b.ipynb", "c", 0),
        ("--notebook u/b.ipynb", "c", 0),
        ("--notebook work", "d", 0),
        ("--notebook .ipynb", "", 0),
        ("--age 35s", "fed", 0),
        ("--server other", "d", 0),
        ("--server lab --route maple --state done", "a", 0),
    ],
)
async def test_options_choose(tmp_path: Path, line: str, expected: str, more: int) -> None:
    remember("a", "DONE", 60)
    remember("b", "RUNNING", 50)
    remember("c", "FAILED", 40, route="shell", notebook="/home/u/b.ipynb")
    remember("d", "DONE", 30, server="other", notebook="no notebook: /home/u/work")
    lab = Everest()
    lab.add("b", RUNNING)
    lab.add("e", DONE, submitted=int((NOW - 20) * 1000))
    lab.add("f", RUNNING, submitted=int((NOW - 10) * 1000))
    found = await listed(tmp_path, line, lab=lab, other=Everest())
    assert ("".join(job_id for job_id, _ in told(found)), found.more) == (expected, more)


async def test_a_server_that_is_not_configured_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'labb' is not configured"):
        await listed(tmp_path, "--server labb", lab=Everest())


async def test_without_a_journal_the_servers_jobs_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "file" / "records"))
    lab = Everest()
    lab.add("a", DONE)
    found = await listed(tmp_path, lab=lab)
    assert told(found) == [("a", "DONE")]
    assert found.notes[0].startswith("The journal cannot be used: the folder ")


# --- how it looks


def test_the_table_is_text_and_html() -> None:
    line = JobLine(
        "j1", "RUNNING", NOW - 75, "maple", "box", "/u/a.ipynb", "<b>\x1b[31m", "lab", started=int((NOW - 5) * 1000)
    )
    never = JobLine("", "", NOW, "maple", server="other")
    bundle = jobs_bundle(JobList([line, never], 3, ["Server lab: <gone>."]), NOW)
    lines = bundle["text/plain"].splitlines()
    assert lines[0].split() == ["id", "state", "route", "resource", "server", "notebook", "age", "running", "name"]
    row = ["j1", "running", "maple", "box", "lab", "a.ipynb", "1 min", "5.00 s", "<b> [31m"]
    assert re.split(r"  +", lines[1]) == row
    assert lines[2].split() == ["unconfirmed", "maple", "other", "0", "s"]
    assert lines[3:] == ["3 more: %jobs --all, or -n 5", "Server lab: <gone>."]
    assert "&lt;b&gt; [31m" in bundle["text/html"]
    assert "<div>Server lab: &lt;gone&gt;.</div>" in bundle["text/html"]


def test_one_server_needs_no_column_and_no_jobs_no_table() -> None:
    bundle = jobs_bundle(JobList([JobLine("j", "DONE", NOW, server="lab")]), NOW)
    assert "server" not in bundle["text/plain"]
    assert jobs_bundle(JobList(), NOW) == {"text/plain": "No such jobs.", "text/html": "<div>No such jobs.</div>"}


@pytest.mark.parametrize(
    ("started", "finished", "state", "shown"),
    [(0, 0, "RUNNING", ""), (999_000_000, 0, "DONE", ""), (999_999_000, 0, "RUNNING", "1.00 s"),
     (1_000_000_900, 0, "RUNNING", "0.00 s"), (1000, 3500, "FAILED", "2.50 s")],
)  # fmt: skip
def test_the_time_that_a_job_ran(started: int, finished: int, state: str, shown: str) -> None:
    line = JobLine("j", state, NOW, name="N", started=started, finished=finished)
    row = jobs_bundle(JobList([line]), NOW)["text/plain"].splitlines()[1]
    assert row.split("0 s", 1)[1].replace("N", "").strip() == shown


def test_ages_and_notebooks_are_short() -> None:
    assert [format_age(s) for s in (-3, 59.9, 60, 7199, 86399, 3e6)] == ["0 s", "59 s", "1 min", "1 h", "23 h", "34 d"]
    assert [short_notebook(i) for i in ("/a/b c.ipynb", "no notebook: /a/d", "")] == ["b c.ipynb", "(d)", ""]
