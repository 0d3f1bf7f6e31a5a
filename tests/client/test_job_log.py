"""Which lines of a growing log are told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.client.job_log import JobLog, LogLine

RESOURCE = "5f00000000000000000000aa"
STAMP = "2026-03-01 12:00:01.5"


def agent(message: str) -> str:
    return f"{STAMP} [{RESOURCE}/agent-7] Received {message}\n"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"{STAMP} Job submitted\n", [LogLine("12:00:01", "Job submitted")]),
        ("2026-03-01T12:00:01Z no fraction\n", [LogLine("12:00:01", "no fraction")]),
        ("no stamp at all\n", [LogLine("", "no stamp at all")]),
        (f"{STAMP} not finished yet", []),
        ("\n \n", []),
        (f"{STAMP} bell \x07 and \x1b[31m colour\n", [LogLine("12:00:01", "bell   and  [31m colour")]),
        (
            agent('["TASK_STATE", "j-0-0", "RUNNING", {}]'),
            [LogLine("12:00:01", f"the task runs on {RESOURCE}", RESOURCE)],
        ),
        (
            agent('["TASK_STATE", "j-0-0", "FAILED", {"error": "no such program"}]'),
            [LogLine("12:00:01", f"the task failed (no such program) on {RESOURCE}", RESOURCE)],
        ),
        (agent('["TASK_STATE", "j-0-0", "SOMETHING", {}]'), []),
        (agent('["TASK_MESSAGE", "j-0-0", "VAR_GET record"]'), []),
        (agent('["TASK_STATE"'), []),
        (
            f"{STAMP} Task j-0-0: resource {RESOURCE}, FAILED\n",
            [LogLine("12:00:01", f"Task j-0-0: resource {RESOURCE}, FAILED")],
        ),
    ],
)
def test_lines(line: str, told: list[LogLine]) -> None:
    assert JobLog().feed(line) == told


@given(st.lists(st.from_regex(r"[a-z]{0,8}", fullmatch=True), max_size=12), st.data())
def test_each_line_is_told_once_however_the_log_grows(words: list[str], data: st.DataObject) -> None:
    text = "".join(f"{STAMP} {number} {word}\n" for number, word in enumerate(words))
    log, told = JobLog(), []
    for end in sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6))):
        told += log.feed(text[:end])
    told += log.feed(text)
    assert [line.text for line in told] == [f"{number} {word}".strip() for number, word in enumerate(words)]


@given(st.lists(st.text(), max_size=5))
def test_no_text_breaks_it(versions: list[str]) -> None:
    log = JobLog()
    for text in versions:
        for line in log.feed(text):
            assert str(line).isprintable()


def test_what_repeats_is_told_once_and_a_flood_is_cut() -> None:
    log = JobLog()
    assert len(log.feed(f"{STAMP} waiting\n" * 50)) == 1
    told = log.feed("x\n" + "".join(f"{STAMP} line {n}\n" for n in range(1000)))
    assert told[-1].text == "the log goes on; no more of it is shown"
    assert len(told) == 200
