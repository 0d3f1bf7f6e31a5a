"""The journal: what is remembered of jobs, whatever happens to kernels and files."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everest_kernel.records import (
    GONE,
    HOME_VARIABLE,
    JobRecord,
    Journal,
    describe,
    journal,
    journal_path,
    records_home,
    submission_key,
)
from everest_kernel.wire import ConfigurationError, JobState

from .support import job_of, mode_of, record_of, start_process

DONE, FAILED, RUNNING, READY = JobState.DONE, JobState.FAILED, JobState.RUNNING, JobState.READY


@pytest.fixture
def book(tmp_path: Path) -> Any:
    book = Journal(tmp_path / "records" / "journal.sqlite")
    yield book
    book.close()


def begin(book: Journal, job_id: str, state: JobState = RUNNING, **fields: Any) -> JobRecord:
    record = record_of(**fields)
    book.begin(record)
    book.acknowledged(record.key, job_of(job_id, state))
    return record


# --- the life of one record


def test_a_job_is_known_before_its_server_has_it_and_followed_to_its_end(book: Journal) -> None:
    record = record_of(code="x = 1", settings={"syntax": "maple"}, sent={"a": 8}, outputs_named=("x",), notebook="n")
    book.begin(record)
    assert book.unfinished() == [record]
    assert book.find("") is None, "no job has no id"
    book.acknowledged(record.key, job_of("j1", READY, submitted=5))
    book.saw(job_of("j1", RUNNING, resource_name="box", started=7))
    assert book.find("j1") == msgspec.structs.replace(
        record, job_id="j1", state="RUNNING", resource="box", submitted=5, started=7
    )
    book.saw(job_of("j1", FAILED, finished=9, info="it broke", exit_code=3))
    found = book.find("j1")
    assert found is not None
    assert (found.state, found.resource, found.started, found.finished) == ("FAILED", "box", 7, 9)
    assert (found.info, found.exit_code) == ("it broke", 3)
    assert book.unfinished() == []


def test_a_job_that_is_over_never_runs_again_however_late_the_news(book: Journal) -> None:
    begin(book, "j1", DONE)
    book.saw(job_of("j1", RUNNING))
    found = book.find("j1")
    assert found is not None
    assert found.state == "DONE"


def test_a_real_everest_tells_the_end_only_as_the_last_change(book: Journal) -> None:
    begin(book, "j1")
    book.saw(job_of("j1", RUNNING, last_update_time=10))
    book.saw(job_of("j1", DONE, last_update_time=20))
    found = book.find("j1")
    assert found is not None
    assert found.finished == 20


def test_what_is_seen_of_other_jobs_is_ignored(book: Journal) -> None:
    book.begin(record_of())
    book.saw_all([job_of("unknown", DONE), job_of("", DONE)])
    assert [record.state for record in book.search()] == [""]


def test_a_job_whose_acknowledgement_was_lost_is_known_by_its_description(book: Journal) -> None:
    lost, confirmed = record_of(), record_of()
    for record in (lost, confirmed):
        book.begin(record)
    book.acknowledged(confirmed.key, job_of("j2"))
    listed = [job_of("j1", description=describe(lost.key)), job_of("j3", description=describe(confirmed.key))]
    book.saw_all([*listed, job_of("j4", description="of somebody else")])
    assert {record.job_id for record in book.search()} == {"j1", "j2"}
    assert submission_key(listed[0]) == lost.key
    assert submission_key(job_of("j4", description="of somebody else")) == ""


def test_forgetting_is_by_id_or_by_key(book: Journal) -> None:
    begin(book, "j1")
    never = record_of()
    book.begin(never)
    book.begin(record_of(name="stays"))
    book.forget("j1")
    book.forget(never.key)
    book.forget("")
    assert [record.name for record in book.search()] == ["stays"]


def test_a_job_that_its_server_has_no_more_is_over(book: Journal) -> None:
    begin(book, "j1")
    begin(book, "j2", DONE)
    for job_id in ("j1", "j2", "unknown"):
        book.gone(job_id)
    assert book.unfinished() == []
    assert {record.job_id: record.state for record in book.search()} == {"j1": GONE, "j2": "DONE"}


# --- questions


def test_which_jobs_are_known(book: Journal) -> None:
    book.begin(record_of())
    for job_id in "abc":
        begin(book, job_id)
    assert book.known(["b", "", "x", "'\ud800", "c"]) == {"b", "c"}
    assert book.known([]) == set()


def test_unfinished_jobs_are_those_of_a_notebook_newest_first(book: Journal) -> None:
    for number, (job_id, state, notebook) in enumerate(
        [("a", RUNNING, "n"), ("b", DONE, "n"), ("c", READY, "m"), ("d", READY, "n")]
    ):
        begin(book, job_id, state, notebook=notebook, recorded=float(number))
    assert [record.job_id for record in book.unfinished("n")] == ["d", "a"]
    assert [record.job_id for record in book.unfinished()] == ["d", "c", "a"]


@pytest.mark.parametrize(
    ("content", "notebook", "cell", "expected"),
    [
        ("h", "n", "1", {"of cell 1", "of no cell"}),
        ("h", "n", "2", {"of cell 2", "of no cell"}),
        ("h", "n", "", {"of cell 1", "of cell 2", "of no cell"}),
        ("h", "m", "1", {"elsewhere"}),
        ("other", "n", "1", set()),
    ],
)
def test_the_same_job_is_that_of_the_same_cell(
    book: Journal, content: str, notebook: str, cell: str, expected: set[str]
) -> None:
    begin(book, "of cell 1", content="h", notebook="n", cell="1")
    begin(book, "of cell 2", content="h", notebook="n", cell="2")
    begin(book, "of no cell", content="h", notebook="n")
    begin(book, "elsewhere", content="h", notebook="m", cell="1")
    begin(book, "over", DONE, content="h", notebook="n", cell="1")
    book.collected("over")
    begin(book, "failed", FAILED, content="h", notebook="n", cell="1")
    assert {record.job_id for record in book.same(content, notebook, cell)} == expected


def test_a_job_whose_end_was_seen_is_the_same_until_its_result_is_collected(book: Journal) -> None:
    begin(book, "a", content="h", notebook="n")
    book.saw(job_of("a", DONE))
    assert [(record.job_id, record.collected) for record in book.same("h", "n", "")] == [("a", False)]
    assert book.unfinished("n") == []
    book.collected("a")
    assert book.same("h", "n", "") == []
    assert [record.collected for record in book.search()] == [True]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, "dcba"),
        ({"limit": 2}, "dc"),
        ({"limit": 0}, ""),
        ({"states": ["RUNNING"]}, "da"),
        ({"states": [DONE, FAILED]}, "cb"),
        ({"states": [""]}, ""),
        ({"route": "maple"}, "db"),
        ({"notebook": "n"}, "ba"),
        ({"server": "lab"}, "c"),
        ({"since": 2.0}, "dc"),
        ({"since": 1.0, "route": "maple", "states": ["DONE"]}, "b"),
    ],
)
def test_the_journal_is_searched(book: Journal, filters: dict[str, Any], expected: str) -> None:
    begin(book, "a", RUNNING, notebook="n", recorded=0.0)
    begin(book, "b", DONE, notebook="n", route="maple", recorded=1.0)
    begin(book, "c", FAILED, notebook="m", server="lab", recorded=2.0)
    begin(book, "d", RUNNING, notebook="m", route="maple", recorded=3.0)
    assert "".join(record.job_id for record in book.search(**filters)) == expected
    if "limit" not in filters:
        assert book.count(**filters) == len(expected)


def test_old_records_of_finished_jobs_go(book: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_PRUNE", journal._PRUNE.replace(str(journal._KEEP - 1), "9"))
    monkeypatch.setattr(journal, "_PRUNE_EVERY", 20)
    begin(book, "old and running", RUNNING, recorded=0.0)
    for number in range(1, 20):
        begin(book, str(number), DONE, recorded=float(number))
    assert [record.job_id for record in book.search()] == [*map(str, range(19, 8, -1)), "old and running"]


# --- whatever the texts hold


TEXTS = st.text(st.characters(exclude_categories=()), max_size=20)
RECORDS = st.builds(
    JobRecord,
    key=st.uuids().map(lambda key: key.hex),
    settings=st.dictionaries(st.text(max_size=5), st.one_of(st.booleans(), st.integers(-9, 9), st.text(max_size=5))),
    code=st.text(max_size=50),
    line=st.text(max_size=20),
    notebook=st.text(max_size=10),
    outputs_named=st.none() | st.lists(st.text(max_size=5), max_size=3).map(tuple),
    outputs_found=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    fetch=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    sent=st.dictionaries(st.text(max_size=5), st.integers(0, 2**53)),
    recorded=st.floats(0, 1e11),
    finished=st.integers(0, 2**62),
    exit_code=st.none() | st.integers(-255, 255),
)


@settings(max_examples=25)  # each makes a file of its own
@given(records=st.lists(RECORDS, max_size=5, unique_by=lambda record: record.key))
def test_every_record_comes_back_as_it_was(records: list[JobRecord], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("book") / "journal.sqlite"
    book, again = Journal(path), Journal(path)
    for record in records:
        book.begin(record)
    expected = sorted(enumerate(records), key=lambda pair: (pair[1].recorded, pair[0]), reverse=True)
    assert again.search() == [record for _, record in expected]
    book.close()
    again.close()


@settings(max_examples=25)  # each makes a file of its own
@given(text=TEXTS, number=st.integers())
def test_what_a_front_end_or_a_server_sends_never_breaks_the_journal(
    text: str, number: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    book = Journal(tmp_path_factory.mktemp("book") / "journal.sqlite")
    record = record_of(code=text, notebook=text, cell=text)
    book.begin(record)
    book.acknowledged(record.key, job_of("j", DONE, info=text, finished=number, exit_code=number))
    found = book.find("j")
    assert found is not None
    assert found.code == text.encode("utf-8", "replace").decode()
    assert len(book.search(notebook=text)) == 1
    book.close()


# --- several at once


def test_threads_of_a_kernel_share_a_journal(book: Journal) -> None:
    def write(thread: int) -> None:
        for number in range(20):
            begin(book, f"{thread}-{number}", DONE)

    threads = [threading.Thread(target=write, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(book.search()) == 80


WRITER = """
import sys
from pathlib import Path
from everest_kernel.records import JobRecord, Journal
from everest_kernel.wire import Job, JobState
book, name, many = Journal(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for number in range(many):
    key = f"{name}-{number}"
    book.begin(JobRecord(key=key, code="x" * 1000))
    book.acknowledged(key, Job(key, JobState.RUNNING))
    book.saw(Job(key, JobState.DONE))
    print(key, flush=True)
"""


def test_kernels_that_begin_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    writers = [start_process(WRITER, path, name, 40) for name in "abcd"]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.communicate("go\n", timeout=60)
    assert [writer.returncode for writer in writers] == [0] * 4
    book = Journal(path)
    assert {record.job_id for record in book.search(states=["DONE"])} == {f"{n}-{i}" for n in "abcd" for i in range(40)}
    book.close()


def test_a_kernel_that_is_killed_leaves_all_that_it_wrote(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    book = Journal(path)
    book.begin(record_of(key="another kernel's"))
    for round_ in range(3):
        writer = start_process(WRITER, path, str(round_), 1_000_000)
        assert writer.stdin is not None
        assert writer.stdout is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
        said = [writer.stdout.readline().strip() for _ in range(30)][1:]
        writer.kill()
        said += writer.stdout.read().split()
        writer.wait(10)
        writer.stdin.close()
        writer.stdout.close()
        done = {record.key for record in book.search(states=["DONE"])}
        assert {key for key in said if "-" in key} - {said[-1]} <= done
    assert book.find("unknown") is None
    assert len(book.unfinished()) <= 4, "one that was being written in each round, and another kernel's"
    book.close()


# --- files that are not as they should be


@pytest.mark.parametrize("content", [b"", b"no database at all" * 400, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_file_is_left_as_it_is_and_a_new_one_begun(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(content)
    book = Journal(path)
    with caplog.at_level(logging.WARNING):
        begin(book, "j1")
    assert "journal.sqlite is damaged" in caplog.text
    assert path.read_bytes() == content
    other = Journal(path)  # of a kernel that starts later
    assert [record.job_id for record in other.search()] == ["j1"]
    begin(other, "j2")
    assert {record.job_id for record in book.search()} == {"j1", "j2"}
    book.close()
    other.close()


def test_a_file_that_is_damaged_while_it_is_open_is_left_by_all(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    book, other = Journal(path), Journal(path)
    for number in range(200):
        begin(book, str(number), code="x" * 500)
    assert len(other.search()) == 200
    other.close()
    book.close()  # its log is in the file now
    size = path.stat().st_size
    with path.open("r+b") as stream:
        stream.seek(4096)
        stream.write(os.urandom(size - 4096))
    assert book.search() == []
    begin(book, "new")
    assert [record.job_id for record in other.search()] == ["new"]
    book.close()
    other.close()


def test_a_kernel_to_which_the_file_seems_sound_goes_along_with_the_others(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    book = Journal(path)
    begin(book, "before")
    other = Journal(tmp_path / "journal-1.sqlite")  # what a kernel begins that finds damage
    begin(other, "after")
    assert [record.job_id for record in book.search()] == ["after"]
    book.close()
    other.close()


def test_a_file_that_is_deleted_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "records" / "journal.sqlite"
    book = Journal(path)
    begin(book, "j1")
    for file in path.parent.iterdir():
        file.unlink()
    begin(book, "j2")
    assert [record.job_id for record in book.search()] == ["j2"]
    for file in path.parent.iterdir():
        file.unlink()
    other = Journal(path)  # another kernel is the first to make it
    begin(other, "j3")
    assert [record.job_id for record in book.search()] == ["j3"]
    book.close()
    other.close()


def test_a_journal_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.sqlite").mkdir()
    for path in (tmp_path / "file" / "journal.sqlite", tmp_path / "folder.sqlite", Path("/proc/none/journal.sqlite")):
        with pytest.raises(ConfigurationError, match=str(path.parent)) as caught:
            Journal(path).begin(record_of())
        assert HOME_VARIABLE in str(caught.value)


def test_only_its_owner_can_read_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "deep" / "records"))
    before = os.umask(0)
    try:
        book = Journal(journal_path())
        begin(book, "j1")
        assert mode_of(records_home()) == 0o700
        files = [path for path in records_home().iterdir() if path.name.startswith("journal")]
        assert {path.name: mode_of(path) for path in files} == {
            f"journal.sqlite{end}": 0o600 for end in ("", "-wal", "-shm")
        }
        book.close()
    finally:
        os.umask(before)
