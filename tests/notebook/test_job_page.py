"""`%job` and `%cancel` on servers in memory."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from everest_kernel.notebook.cancelling import CancelOutcome, cancel_job
from everest_kernel.notebook.job_magics import _cancel_all
from everest_kernel.notebook.job_page import job_bundle, job_facts
from everest_kernel.notebook.job_servers import FoundJob, find_job
from everest_kernel.notebook.remembered import shared_journal
from everest_kernel.notebook.session import NotebookSession
from everest_kernel.records import JobRecord
from everest_kernel.wire import EverestError, Job, JobError, JobState

from .job_support import Everest, connected, write_servers

NOW = 1_000_000.0
RECORD = JobRecord(
    key="k",
    job_id="j1",
    server="lab",
    url="http://user:hidden@lab:8080/x",
    route="maple",
    language="maple",
    settings={"syntax": "maple"},
    notebook="/u/a.ipynb",
    cell="c7",
    content="ab" * 32,
    line="maple --in a --out s",
    code="s := int(f(x), x);\n",
    outputs_named=("s",),
    sent={"a": 1500},
    name="an integral",
    recorded=NOW - 90,
    state="RUNNING",
)
JOB = Job(
    "j1",
    JobState.FAILED,
    name="an integral",
    app_name="maple cell",
    app_alias="me/maple-cell",
    inputs={"cell": "the server's\ntext", "program": "secret-looking"},
    result={"stdout": "/api/files/1"},
    info="division by zero",
    submitted=910_000_000,
    started=912_000_000,
    finished=920_000_000,
    exit_code=3,
    resource_name="box",
)


def facts_of(found: FoundJob) -> dict[str, str]:
    return dict(job_facts(found, NOW))


async def found_in(folder: Path, job_id: str = "j1", **servers: Everest) -> FoundJob:
    write_servers(folder, "lab", "other")
    async with connected(**servers) as session:
        return await find_job(session, job_id, folder)


def everest_with(*jobs: Job) -> Everest:
    return Everest({job.id: job for job in jobs})


async def test_all_that_is_known_is_told(tmp_path: Path) -> None:
    shared_journal().begin(RECORD)
    found = await found_in(tmp_path, lab=everest_with(JOB))
    facts = facts_of(found)
    assert facts["job"] == "j1"
    assert facts["state"] == "failed"
    assert facts["language"] == "maple (syntax=maple)"
    assert facts["server"] == "lab (http://lab)"
    assert (facts["resource"], facts["exit code"], facts["error"]) == ("box", "3", "division by zero")
    assert facts["submitted"].endswith(", 1 d ago")
    assert (facts["queued"], facts["ran"]) == ("33 min 20 s", "2 h 13 min")
    assert (facts["notebook"], facts["cell"], facts["line"]) == ("/u/a.ipynb", "c7", "maple --in a --out s")
    assert (facts["sent"], facts["outputs"], facts["results"]) == ("a (1.5 kB)", "s", "stdout")
    assert facts["content"] == "ab" * 32
    remembered = shared_journal().find("j1")
    assert remembered is not None
    assert remembered.state == "FAILED", "what was seen is remembered"


async def test_the_code_is_fenced_with_its_language(tmp_path: Path) -> None:
    shared_journal().begin(RECORD)
    bundle = job_bundle(await found_in(tmp_path, lab=everest_with(JOB)), NOW)
    assert bundle["text/plain"].endswith("\n\n--- code\ns := int(f(x), x);")
    assert re.search(r"\n\n```\w*\ns := int\(f\(x\), x\);\n```\Z", bundle["text/markdown"])


async def test_the_journal_alone_serves_when_the_server_is_away_or_has_forgotten(tmp_path: Path) -> None:
    shared_journal().begin(RECORD)
    away = await found_in(tmp_path, lab=Everest(down=True))
    assert facts_of(away)["state"].startswith("running (last seen; the server 'lab' cannot be asked: ")
    assert facts_of(away)["server"] == "lab (http://lab:8080)", "no user name and password"
    gone = await found_in(tmp_path, lab=Everest())
    assert facts_of(gone)["state"] == "gone"
    assert "does not have it any more" in job_bundle(gone, NOW)["text/plain"]
    assert shared_journal().unfinished() == []
    assert "s := int(f(x), x);" in job_bundle(gone, NOW)["text/plain"]


async def test_a_server_alone_serves_when_the_journal_does_not_know(tmp_path: Path) -> None:
    other = everest_with(JOB)
    found = await found_in(tmp_path, lab=Everest(), other=other)
    assert (found.record, found.server) == (None, "other")
    text = job_bundle(found, NOW)["text/plain"]
    assert "the journal of this machine does not know it" in text
    assert text.endswith("--- code\nthe server's\ntext")
    assert "secret" not in text


async def test_what_nobody_knows_is_an_error_that_says_who_was_not_asked(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="there is no job 'zzz'") as caught:
        await found_in(tmp_path, "zzz", lab=Everest(), other=Everest(down=True))
    assert "the server 'other' cannot be asked" in str(caught.value)
    assert "the embedded hub does not run" in str(caught.value)
    assert "'lab'" not in str(caught.value)


def test_hostile_texts_stay_in_their_places() -> None:
    job = Job(
        "j", JobState.DONE, name="n\x1b[2J\nstate done", inputs={"cell": "```\n# heading"}, app_name="python cell"
    )
    bundle = job_bundle(FoundJob(None, job, "lab"), NOW)
    assert "\x1b" not in bundle["text/plain"]
    assert bundle["text/plain"].splitlines()[1].split() == ["name", "n", "[2J", "state", "done"]
    assert bundle["text/markdown"].endswith("````python\n```\n# heading\n````")


async def test_a_job_of_another_kernel_is_looked_for_at_its_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_servers(tmp_path, "lab", "other")
    monkeypatch.chdir(tmp_path)
    asked: list[str] = []

    async def client(self: NotebookSession, server: str) -> None:
        asked.append(server)

    monkeypatch.setattr(NotebookSession, "client", client)
    shared_journal().begin(msgspec.structs.replace(RECORD, server="other"))
    session = NotebookSession()
    for job_id in ("j1", "unknown"):
        await session.client_of_job(job_id)
    session.note_job("j1", "lab")
    await session.client_of_job("j1")
    session.close()
    assert asked == ["other", "lab", "lab"]


# --- cancelling


async def cancel(folder: Path, *job_ids: str, **servers: Everest) -> list[str | EverestError]:
    write_servers(folder, "lab", "other")
    async with connected(**servers) as session:
        return await _cancel_all(session, list(job_ids), folder)


async def test_each_job_is_told_of(tmp_path: Path) -> None:
    shared_journal().begin(RECORD)
    lab = everest_with(Job("j1", JobState.RUNNING, resource_name="box"), Job("j2", JobState.DONE))
    other = everest_with(Job("j3", JobState.READY))
    said = await cancel(tmp_path, "j3", "none", "j1", "j2", lab=lab, other=other)
    assert [item for item in said if isinstance(item, str)] == [
        "job j3 was cancelled",
        "job j1 was cancelled on box",
        "job j2 had ended before (done)",
    ]
    assert isinstance(said[1], JobError)
    assert "there is no job 'none'" in str(said[1])
    assert "POST /api/jobs/j2/cancel" not in lab.requests
    assert shared_journal().unfinished() == []


async def test_a_server_that_cannot_be_told_is_an_error(tmp_path: Path) -> None:
    shared_journal().begin(RECORD)
    (said,) = await cancel(tmp_path, "j1", lab=Everest(down=True))
    assert isinstance(said, JobError)
    assert "could not be told to stop, and may go on" in str(said)


async def test_a_job_that_is_gone_is_over(tmp_path: Path) -> None:
    shared_journal().begin(RECORD)
    assert await cancel(tmp_path, "j1", lab=Everest()) == ["job j1 is over: the server 'lab' does not have it any more"]


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        (CancelOutcome(Job("j", JobState.CANCELLED, resource_name="box")), "its job was cancelled on box"),
        (CancelOutcome(Job("j", JobState.DONE)), "its job had ended before (done)"),
        (CancelOutcome(problem="no way"), "its job could not be told to stop, and may go on: no way"),
        (CancelOutcome(), "its job was told to stop, which is not confirmed yet"),
    ],
)
def test_an_outcome_in_words(outcome: CancelOutcome, sentence: str) -> None:
    assert outcome.sentence("its job") == sentence


async def test_a_cancel_that_is_not_confirmed_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("everest_kernel.notebook.cancelling._CONFIRM_SECONDS", 0.05)
    lab = everest_with(Job("j1", JobState.RUNNING))
    lab.deaf = True
    async with connected(lab=lab) as session:
        outcome = await cancel_job(await session.client("lab"), "j1")
    assert outcome == CancelOutcome(None, "")
