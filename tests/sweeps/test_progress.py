"""The rate and the time left of a sweep, and the line that tells them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.sweeps.progress import (
    Meter,
    Progress,
    format_count_rate,
    format_progress,
    format_shares,
    format_time_left,
)


@dataclass
class Points:
    total: int
    done: int = 0
    failed: int = 0
    in_flight: int = 0
    waiting: int = 0


def fed(*arrivals: tuple[float, int], total: int = 10_000) -> Meter:
    """A meter that has seen these counts of answered points."""
    meter = Meter(0.0)
    for now, done in arrivals:
        meter.read(now, Points(total, done))
    return meter


# --- the meter


def test_nothing_is_known_before_the_first_answer() -> None:
    progress = Meter(5.0, kept=3).read(6.5, Points(10, in_flight=4, waiting=6))
    assert progress == Progress(13, 3, running=4, waiting=6, elapsed=1.5)
    assert progress.left is None


def test_a_steady_stream_is_measured_exactly() -> None:
    meter = fed(*((t, 10 * t) for t in range(1, 30)), total=1000)
    progress = meter.read(30, Points(1000, 290, 10))
    assert progress.rate == pytest.approx(10)
    assert progress.left == pytest.approx(70)


def test_bursts_do_not_make_the_rate_swing() -> None:
    meter = fed(*((3.0 * n, 300 * n) for n in range(1, 6)))
    rates = [meter.read(15 + t, Points(10_000, 1500)).rate for t in (0.5, 1.5, 2.9)]
    assert rates == pytest.approx([100, 100, 100])


def test_the_rate_falls_when_a_burst_is_overdue() -> None:
    meter = fed(*((3.0 * n, 300 * n) for n in range(1, 6)))
    late, later = (meter.read(15 + t, Points(10_000, 1500)) for t in (10.0, 600.0))
    assert 40 < late.rate < 95
    assert later.rate < 5
    assert later.left is not None
    assert late.left is not None
    assert later.left > 8 * late.left


def test_a_new_rate_is_learned_within_a_minute() -> None:
    meter = fed(*((float(t), 100 * t) for t in range(1, 61)), total=100_000)
    for t in range(1, 61):
        progress = meter.read(60.0 + t, Points(100_000, 6000 + 10 * t))
    assert 10 < progress.rate < 15


def test_waiting_in_a_queue_is_soon_forgotten() -> None:
    meter = fed(*((60.0 + 2 * n, 200 * n) for n in range(1, 11)))
    assert meter.read(80, Points(10_000, 2000)).rate > 80, "the truth is 100; 25 over all"


def test_chunks_that_end_together_are_one_burst() -> None:
    meter = fed((3.0, 300), (3.01, 600), (6.0, 900), (6.01, 1200), (9.0, 1500), (9.01, 1800))
    progress = meter.read(9.3, Points(10_000, 1800))
    assert progress.rate == pytest.approx(200, rel=0.2)
    assert progress.left == pytest.approx(8200 / progress.rate), "also of what came just now"


def test_the_first_moment_says_nothing_about_the_rate() -> None:
    meter = Meter(0.0)
    first = meter.read(0.01, Points(10_000, 50))
    assert (first.rate, first.left, first.done) == (0, None, 50)
    assert meter.read(1.0, Points(10_000, 100)).rate == pytest.approx(100)


def test_refinement_adds_points() -> None:
    meter = fed((1.0, 10), total=10)
    assert meter.read(2.0, Points(10, 10)).left == 0
    assert meter.read(3.0, Points(50, 20)).left == pytest.approx(30 / (20 / 3), rel=0.1)


def test_in_the_end_the_rate_is_that_of_the_whole() -> None:
    progress = fed((1.0, 100)).read(10.0, Points(200, 199, 1), note="done", shares={"vm": (199, 20.0)}, ended=True)
    assert (progress.rate, progress.left, progress.note, progress.ended) == (20, None, "done", True)
    assert progress.shares == {"vm": (199, 20.0)}


@given(st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 10**6)), max_size=30), st.integers(0, 10**8))
def test_a_meter_never_says_nonsense(steps: list[tuple[float, int]], total: int) -> None:
    meter, now, done = Meter(0.0), 0.0, 0
    fastest = 0.0
    for took, came in steps:
        now, done = now + took, done + came
        progress = meter.read(now, Points(max(total, done), done))
        fastest = max(fastest, done / 0.2)
        assert math.isfinite(progress.rate)
        assert 0 <= progress.rate <= fastest * (1 + 1e-9)
        assert progress.left is None or (progress.left >= 0 and math.isfinite(progress.left))
        assert 0 <= progress.part <= 1


# --- the line

HALF = Progress(10_000, 0, 4509, 3, 100, 5388, 812.0, 6.75, 5.5, {"vm-2": (1800, 330.0), "vm-1": (2700, 500.0)})


def test_the_line() -> None:
    line = "[####......] 4,512 of 10,000 points, 3 failed, 812/s, 7 s left"
    assert format_progress(HALF) == f"{line} (vm-1 60 %, vm-2 40 %)"
    assert format_progress(HALF, width=82) == f"{line} (vm-1 60 %, 1 more)"
    assert format_progress(HALF, width=81) == line


def test_the_line_at_the_end() -> None:
    ended = Progress(100, 40, 59, 1, rate=30.0, elapsed=2.0, note="interrupted\nby you", ended=True)
    assert format_progress(ended) == (
        "[##########] 100 of 100 points, 40 kept from before, 1 failed, took 2.00 s, 30/s, interrupted by you"
    )


def test_the_line_before_anything_is_known_and_of_an_empty_sweep() -> None:
    assert format_progress(Progress(1, waiting=1, elapsed=3.9)) == "[..........] 0 of 1 point, 3 s"
    assert format_progress(Progress(0, ended=True)) == "[##########] 0 of 0 points, took 0.00 s"


def test_the_bar_is_full_only_when_all_points_have_an_answer() -> None:
    assert format_progress(Progress(10_000, done=9_999)).startswith("[#########.]")


def test_many_resources_are_summed_up() -> None:
    many = Progress(100, shares={f"vm-{n}": (10, 1.0) for n in range(10)})
    assert format_shares(many) == "vm-0 10 %, vm-1 10 %, vm-2 10 %, vm-3 10 %, 6 more"
    assert format_shares(Progress(100, shares={"vm": (0, 0.0)})) == ""


@given(
    st.builds(
        Progress,
        st.integers(0, 10**9),
        st.integers(0, 10**9),
        rate=st.floats(0, 1e9),
        left=st.none() | st.floats(0, 1e9),
        elapsed=st.floats(0, 1e9),
        shares=st.dictionaries(st.text(max_size=9), st.tuples(st.integers(0, 10**9), st.floats(0, 1e9)), max_size=9),
        note=st.text(max_size=20),
        ended=st.booleans(),
    ),
    st.integers(60, 200),
)
def test_shares_are_told_only_where_there_is_room(progress: Progress, width: int) -> None:
    line, bare = format_progress(progress, width=width), format_progress(progress, width=0)
    assert line == bare or (line.startswith(bare) and len(line) <= width)
    assert format_progress(progress).startswith(bare)


@pytest.mark.parametrize(
    ("rate", "text"),
    [(812.4, "812/s"), (12_345, "12,345/s"), (4.14, "4.1/s"), (9.97, "10/s"), (0.2, "12/min"), (0.001, "3.6/h")],
)
def test_rates(rate: float, text: str) -> None:
    assert format_count_rate(rate) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (6.2, "7 s"), (89, "89 s"), (91, "2 min"), (3569, "59 min"), (3590, "1 h 0 min"), (300_000, "3 d")],
)
def test_times_left(seconds: float, text: str) -> None:
    assert format_time_left(seconds) == text
