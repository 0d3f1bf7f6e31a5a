"""Failures and timings as tables."""

from __future__ import annotations

import numpy as np
import pytest

from everest_kernel.sweeps.failures import Failures
from everest_kernel.sweeps.grid import Grid
from everest_kernel.sweeps.spaces import ListedSpace
from everest_kernel.sweeps.tables import html_table, short, text_table
from tests.sweeps.grid_support import axis, small_space


def with_failures() -> Grid:
    grid = Grid(small_space(), ("x",))
    grid.put([0, 1], {"x": [1.0, 2.0]}, seconds=[0.5, 1.5], resource="vm-1", job_id="j1")
    grid.put([2], {"x": [3.0]}, seconds=9.0, resource="vm-2", job_id="old", computed=False)
    grid.fail([4, 3], ["ValueError: <b>", "ValueError: <b>"], resource="vm-2", job_id="j2", seconds=0.25)
    grid.fail([5], ["KeyError: 'k'"], resource="vm-1", job_id="j3")
    return grid


def test_failures_know_the_point_and_where_it_failed() -> None:
    failures = with_failures().failures
    assert len(failures) == 3
    assert [each.number for each in failures] == [3, 4, 5]
    first = failures[0]
    assert first.params == {"a": 0.5, "b": 16}
    assert type(first.params["b"]) is int
    assert (first.error, first.resource, first.job) == ("ValueError: <b>", "vm-2", "j2")
    assert failures[-1].error == "KeyError: 'k'"
    assert failures.common == [("ValueError: <b>", 2), ("KeyError: 'k'", 1)]
    assert isinstance(failures[1:], Failures)
    assert [each.number for each in failures[1:]] == [4, 5]
    with pytest.raises(IndexError):
        failures[3]


def test_failures_do_not_change_afterwards() -> None:
    grid = with_failures()
    failures = grid.failures
    grid.put([3, 4, 5], {"x": [0.0] * 3})
    assert len(failures) == 3
    assert len(grid.failures) == 0


def test_failures_as_a_frame() -> None:
    frame = with_failures().failures.to_dataframe()
    assert frame.columns.tolist() == ["a", "b", "error", "resource", "job"]
    assert frame.index.tolist() == [3, 4, 5]
    assert frame["b"].tolist() == [16, 10, 16]
    grid = Grid(ListedSpace([axis("job", [1, 2])]), ("x",))
    grid.fail([1], "e", job_id="j")
    frame = grid.failures.to_dataframe()
    assert frame["job"].tolist() == [2]
    assert frame["point_job"].tolist() == ["j"]


def test_failures_as_text_and_html() -> None:
    failures = with_failures().failures
    text = repr(failures)
    assert text.splitlines()[0] == "3 points failed, 2 by: ValueError: <b>"
    assert "0.5  16  ValueError: <b>  vm-2" in text
    page = failures._repr_html_()
    assert "<b>" not in page
    assert "&lt;b&gt;" in page
    empty = Grid(small_space(), ("x",)).failures
    assert repr(empty) == "no point failed"
    assert "no point failed" in empty._repr_html_()


def test_many_failures_are_cut_short() -> None:
    grid = Grid(ListedSpace([axis("a", np.arange(100))]), ("x",))
    grid.fail(np.arange(90), "E: the same\nand more lines")
    text = repr(grid.failures)
    assert "90 points failed, all by: E: the same" in text
    assert "and 70 more" in text
    assert len(text.splitlines()) == 24
    assert "and 70 more" in grid.failures._repr_html_()


def test_timings_of_points_and_resources() -> None:
    timings = with_failures().timings
    np.testing.assert_array_equal(timings.seconds, [[0.5, 1.5], [9.0, 0.25], [0.25, np.nan]])
    first, second = timings.resources
    assert (first.name, first.points, first.failed, first.seconds, first.mean) == ("vm-1", 2, 1, 2.0, 1.0)
    assert (second.name, second.points, second.failed, second.seconds) == ("vm-2", 0, 2, 0.5)
    assert np.isnan(second.mean)
    assert timings.kept == 1
    assert timings.total == 2.5
    frame = timings.to_dataframe()
    assert frame.loc["vm-1", "points"] == 2
    assert "vm-1" in repr(timings)
    assert "1 points were kept" in repr(timings)
    assert "<td>vm-2</td>" in timings._repr_html_()


def test_timings_of_nothing() -> None:
    timings = Grid(small_space(), ("x",)).timings
    assert repr(timings) == "nothing has been computed yet"
    assert timings.total == 0
    assert "nothing" in timings._repr_html_()


def test_a_cell_of_a_table_is_short() -> None:
    assert short(0.1 + 0.2) == "0.3"
    assert short(np.int64(3)) == "3"
    assert short("first\nsecond") == "first…"
    assert len(short("x" * 1000)) == 60
    assert short("") == ""


def test_tables_are_aligned_and_escaped() -> None:
    assert text_table(["a", "long"], [[1.5, "x"]]) == "a    long\n---  ----\n1.5  x"
    assert "<td>&amp;</td>" in html_table(["h"], [["&"]])
