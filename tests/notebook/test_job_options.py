"""The lines of `%jobs`, `%job` and `%cancel`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.notebook.job_options import (
    JOBS_OPTIONS,
    STATE_WORDS,
    JobsOptions,
    parse_job_ids,
    parse_jobs_line,
)
from everest_kernel.wire import CellOptionError


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", JobsOptions()),
        ("--state running", JobsOptions(states=frozenset({"RUNNING"}))),
        ("--state=Done,FAILED", JobsOptions(states=frozenset({"DONE", "FAILED"}))),
        ("--state done --state failed", JobsOptions(states=frozenset({"DONE", "FAILED"}))),
        ("--state unconfirmed", JobsOptions(states=frozenset({""}))),
        ("--route maple --server lab", JobsOptions(route="maple", server="lab")),
        ("--notebook 'my notes.ipynb'", JobsOptions(notebook="my notes.ipynb")),
        ("--age 1d -n 5", JobsOptions(age=86400, number=5)),
        ("--all", JobsOptions(number=None)),
    ],
)
def test_a_line_says_which_jobs(line: str, expected: JobsOptions) -> None:
    assert parse_jobs_line(line) == expected


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--sate running", "unknown option --sate. Did you mean --state?"),
        ("--state runing", "there is no state 'runing'. Did you mean running?"),
        ("--state", "--state needs a value"),
        ("--state --all", "--state needs a value"),
        ("--all=1", "--all takes no value"),
        ("--all -n 3", "contradict"),
        ("-n many", "'many' is not a number of jobs"),
        ("-n 0", "'0' is not a number of jobs"),
        ("-n ٣", "is not a number of jobs"),
        ("--age old", "--age: 'old' is not a length of time"),
        ("65f0", "takes options only, not '65f0'"),
        ("--notebook 'x", "cannot be read"),
    ],
)
def test_a_faulty_line_is_refused_with_a_hint(line: str, said: str) -> None:
    with pytest.raises(CellOptionError) as caught:
        parse_jobs_line(line)
    assert said in caught.value.message
    assert caught.value.hint


def test_active_and_finished_are_all_states() -> None:
    assert STATE_WORDS["active"] | STATE_WORDS["finished"] == frozenset().union(*STATE_WORDS.values())
    assert not STATE_WORDS["active"] & STATE_WORDS["finished"]


@given(st.lists(st.sampled_from([*JOBS_OPTIONS, *STATE_WORDS, "5", "1d", "x", "=", "'", "--"]), max_size=5))
def test_any_line_is_read_or_refused(words: list[str]) -> None:
    line = " ".join(words)
    try:
        options = parse_jobs_line(line)
    except CellOptionError:
        return
    assert options.number is None or options.number > 0
    assert options.states <= frozenset().union(*STATE_WORDS.values())


def test_ids_are_told_once_each() -> None:
    assert parse_job_ids("a b a", "cancel") == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "most", "said"),
    [
        ("", None, "write %cancel and the ids of jobs"),
        ("a b", 1, "write %cancel and the id of a job"),
        ("--all", None, "%cancel has no option --all"),
    ],
)
def test_faulty_ids_are_refused(line: str, most: int | None, said: str) -> None:
    with pytest.raises(CellOptionError) as caught:
        parse_job_ids(line, "cancel", most)
    assert said in caught.value.message


@pytest.mark.parametrize("line", ["", "a b", "../etc", "a/b", "a?x=1", "%2e", "ä"])
def test_what_is_no_jobs_id_is_told(line: str) -> None:
    with pytest.raises(CellOptionError) as caught:
        parse_job_ids(line, "attach", most=1)
    assert "%jobs" in str(caught.value)


def test_a_jobs_id_is_read() -> None:
    assert parse_job_ids(" 65f0c1d2e3a4b5c6d7e8f901 ", "attach", most=1) == ["65f0c1d2e3a4b5c6d7e8f901"]
