"""The small parts of following a job: header, status line, record of output, source of output, content."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.languages import Display
from everest_kernel.notebook.content import content_hash
from everest_kernel.notebook.header import Header, format_age, format_elapsed, format_seconds
from everest_kernel.notebook.job_source import language_of_job
from everest_kernel.notebook.options import parse_remote_line
from everest_kernel.notebook.output_record import OutputRecord
from everest_kernel.notebook.prepare import Prepared, prepare
from everest_kernel.notebook.provenance import MarkedChannel, provenance
from everest_kernel.notebook.status_line import StatusLine, Terminal
from everest_kernel.wire import Job, JobState

from .screen import Screen

# --- the header


@pytest.mark.parametrize(
    ("seconds", "text", "age"),
    [
        (-1, "0.00 s", "0 s"),
        (0.004, "0.00 s", "0 s"),
        (9.96, "10 s", "9 s"),
        (119.2, "119 s", "119 s"),
        (7199, "119 min 59 s", "119 min 59 s"),
        (7200, "2 h 0 min", "2 h 0 min"),
        (200_000, "2 d 7 h", "2 d 7 h"),
    ],
)
def test_lengths_of_time(seconds: float, text: str, age: str) -> None:
    assert format_seconds(seconds) == text
    assert format_elapsed(seconds) == age


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0 s"), (59.9, "59 s"), (60, "1 min"), (7199, "1 h"), (200_000, "2 d")]
)
def test_ages(seconds: float, text: str) -> None:
    assert format_age(seconds) == text


def test_a_waiting_job_says_what_it_waits_for() -> None:
    header = Header("maple", "ready", job_id="j1", elapsed=3.7, position=2, waiting_for="the resource w1 is busy")
    assert header.text() == "maple: ready · number 2 in the queue · waits: the resource w1 is busy · 3 s · job j1"
    assert header.status() == "maple: ready, number 2 in the queue, waits: the resource w1 is busy, 3 s"
    assert "next in the queue" in Header("maple", position=1).text()


def test_a_silent_job_says_since_when() -> None:
    header = Header("maple", "running", "w1", elapsed=300.0, quiet=125.0)
    assert header.text() == "maple on w1: running · 5 min 0 s · last output 2 min 5 s ago"


def test_the_last_line_has_the_servers_times_and_no_clock_of_ours() -> None:
    header = Header("maple", "done", "w1", "j1", 9.0, elapsed=8.0, quiet=1.0)
    header.take_times(Job("j1", JobState.DONE, submitted=1000, started=2500, finished=8500))
    assert header.text() == "maple on w1: done in 9.00 s · queued 1.50 s, ran 6.00 s · job j1"


@pytest.mark.parametrize("job", [Job("j", JobState.DONE, submitted=5), Job("j", JobState.CANCELLED, submitted=5)])
def test_times_that_a_server_does_not_tell_are_left_out(job: Job) -> None:
    header = Header("maple", "done", seconds=1.0)
    header.take_times(job)
    assert header.text() == "maple: done in 1.00 s"


# --- the status line


def test_the_status_is_taken_away_before_anything_is_shown() -> None:
    screen = Screen()
    line = StatusLine(screen)
    line.status("running, 1 s")
    line.status("running, 2 s")
    assert screen.lines == ["running, 2 s"]
    line.text("stdout", "out\n")
    assert screen.lines == ["out", ""]
    line.status("running, 3 s")
    line.display(Display({"text/plain": "shown"}))
    assert screen.lines == ["out", "<shown>", ""]


def test_the_status_never_touches_an_unfinished_line() -> None:
    screen = Screen()
    line = StatusLine(screen)
    line.text("stdout", "50 %")
    line.status("running, 1 s")
    line.text("stdout", " done\n")
    assert screen.lines == ["50 % done", ""]


def test_a_background_job_takes_the_status_of_a_waiting_cell_away() -> None:
    screen, terminal = Screen(), Terminal()
    waiting, background = StatusLine(screen, terminal), StatusLine(screen, terminal)
    waiting.status("running, 1 s")
    background.text("stdout", "late\n")
    waiting.status("running, 1 s")
    assert screen.lines == ["late", "running, 1 s"]
    background.text("stdout", "unfinished")
    waiting.status("running, 2 s")
    waiting.clear()
    assert screen.lines == ["late", "unfinished"]


def test_a_long_status_is_cut_to_one_line() -> None:
    screen = Screen()
    StatusLine(screen).status("x" * 200)
    assert screen.lines == ["x" * 78 + "…"]


pieces = st.one_of(
    st.tuples(st.just("text"), st.text("ab\n", min_size=1, max_size=5)),
    st.tuples(st.just("status"), st.text("xyz", min_size=1, max_size=9)),
    st.just(("clear", "")),
)


@given(st.lists(pieces))
def test_whatever_the_status_says_the_programs_text_stays_whole(events: list[tuple[str, str]]) -> None:
    screen = Screen()
    line = StatusLine(screen)
    for kind, text in events:
        if kind == "text":
            line.text("stdout", text)
        elif kind == "status":
            line.status(text)
        else:
            line.clear()
    line.clear()
    assert "\n".join(screen.lines) == "".join(text for kind, text in events if kind == "text")


# --- the record of output


@given(st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.binary(max_size=5))))
def test_a_record_has_each_stream_whole_and_in_order(pieces: list[tuple[str, bytes]]) -> None:
    record = OutputRecord()
    for stream, data in pieces:
        record.add(stream, data)
    found = record.pieces
    assert found is not None
    for stream in ("stdout", "stderr"):
        assert b"".join(d for s, d in found if s == stream) == b"".join(d for s, d in pieces if s == stream)
    assert all(a[0] != b[0] for a, b in pairwise(found)), "pieces of one stream are joined"


def test_too_much_output_is_not_kept_in_part() -> None:
    record = OutputRecord()
    for _ in range(5):
        record.add("stdout", bytes(1 << 20))
    assert record.pieces is None
    record.add("stdout", b"more")
    assert record.pieces is None


def test_output_of_a_job_that_began_anew_is_not_kept() -> None:
    record = OutputRecord()
    record.add("stdout", b"a")
    record.drop()
    record.add("stdout", b"a")
    assert record.pieces is None


# --- where an output is from


def test_provenance_leaves_out_what_is_not_known() -> None:
    job = Job("j1", JobState.RUNNING, submitted=1_700_000_000_123)
    assert provenance(job=job, server="https://a", route="maple", resource="", content="") == {
        "job": "j1",
        "state": "RUNNING",
        "server": "https://a",
        "route": "maple",
        "submitted": "2023-11-14T22:13:20.123+00:00",
    }


def test_displays_are_marked_and_keep_their_own_metadata() -> None:
    shown: list[Display] = []

    class Channel(Screen):
        def display(self, display: Display) -> None:
            shown.append(display)

    source: dict[str, str] = {}
    channel = MarkedChannel(Channel(), lambda: source)
    channel.display(Display({}, {"own": 1}))
    source["job"] = "j1"
    channel.display(Display({}, {"own": 1}))
    assert [display.metadata for display in shown] == [{"own": 1}, {"own": 1, "everest": {"job": "j1"}}]


# --- content, and what is told from a job


def prepared(folder: Path, line: str = "python", body: str = "y = x", **namespace: Any) -> Prepared:
    return prepare(parse_remote_line(line), body, {"x": 1, **namespace}, {}, folder)


@pytest.mark.parametrize(
    "other",
    [
        {"body": "y = x "},
        {"x": 2},
        {"x": 1.0},
        {"line": "python --out x"},
        {"line": "python --fetch a"},
        {"line": "python --files a.txt"},
        {"line": "other"},
        {"line": "elsewhere"},
    ],
    ids=str,
)
def test_whatever_changes_a_result_changes_the_hash(tmp_path: Path, other: dict[str, Any]) -> None:
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "everest.toml").write_text(
        '[servers.lab]\nurl = "http://127.0.0.1:1"\n[routes.other]\nlanguage = "python"\ncommand = "pypy program.py"\n'
        '[routes.elsewhere]\nlanguage = "python"\nserver = "lab"\n'
    )
    assert content_hash(prepared(tmp_path)) != content_hash(prepared(tmp_path, **other))


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"unused": 5},
        {"line": "python --name other"},
        {"line": "python --time-limit 5m --queue-limit 1m"},
        {"line": "python --bg"},
        {"line": "python --fresh"},
    ],
    ids=str,
)
def test_whatever_does_not_leaves_it(tmp_path: Path, other: dict[str, Any]) -> None:
    assert content_hash(prepared(tmp_path)) == content_hash(prepared(tmp_path, **other))


def test_the_content_of_a_file_counts_and_not_its_age(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("one")
    first = content_hash(prepared(tmp_path, "python --files a.txt"))
    file.write_text("two")
    second = content_hash(prepared(tmp_path, "python --files a.txt"))
    file.write_text("one")
    assert first != second
    assert content_hash(prepared(tmp_path, "python --files a.txt")) == first


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("me/octave-cell-0123", "octave"),
        ("me/sweep", None),
        (None, None),
        ("octave-cell-1", "octave"),
        ("x-cell-", None),
    ],
)
def test_the_language_of_a_job_is_told_from_its_application(alias: str | None, name: str | None) -> None:
    language = language_of_job(Job("j", JobState.DONE, app_alias=alias))
    assert (language.name if language else None) == name
