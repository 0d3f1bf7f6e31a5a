"""Results come in, and what users see at any moment."""

from __future__ import annotations

import copy
import threading
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everest_kernel.sweeps.grid import Grid, Status, SweepNameError
from everest_kernel.sweeps.outputs import SweepOutputError
from everest_kernel.sweeps.spaces import ListedSpace
from everest_kernel.wire import CellOptionError
from tests.sweeps.grid_support import axis, filled, small_space, zip_space


def test_results_lie_on_the_axes_of_the_parameters() -> None:
    grid = Grid(small_space(), ("L1",))
    grid.put([1, 4], {"L1": [1.5, 4.5]})
    expected = np.array([[np.nan, 1.5], [np.nan, np.nan], [4.5, np.nan]])
    np.testing.assert_array_equal(grid["L1"], expected)
    np.testing.assert_array_equal(grid.L1, expected)
    assert grid.status.tolist() == [[0, 1], [0, 0], [1, 0]]
    assert (grid.done, grid.failed, grid.waiting, grid.left_out) == (2, 0, 4, 0)


def test_arrays_per_point_are_the_last_axes() -> None:
    grid = Grid(small_space(), ("v",))
    grid.put([5], {"v": np.ones((1, 4, 2))})
    assert grid.v.shape == (3, 2, 4, 2)
    assert np.isnan(grid.v[0]).all()
    assert (grid.v[2, 1] == 1).all()


@pytest.mark.parametrize("value", [7, True, "text", np.uint8(3)])
def test_what_has_no_nan_is_masked_where_it_is_missing(value: Any) -> None:
    grid = Grid(small_space(), ("k",))
    grid.put([0], {"k": np.array([value])})
    assert isinstance(grid.k, np.ma.MaskedArray)
    assert grid.k.mask.sum() == 5
    assert grid.k[0, 0] == value
    grid.put([1, 2, 3, 4, 5], {"k": np.array([value] * 5)})
    assert not isinstance(grid.k, np.ma.MaskedArray)
    assert grid.k.dtype.kind == np.asarray(value).dtype.kind


def test_masked_entries_show_no_leftovers() -> None:
    grid = Grid(small_space(), ("k", "s"))
    grid.put([0], {"k": [3], "s": ["long text"]})
    assert grid.k.filled().tolist() == [[3, -1], [-1, -1], [-1, -1]]
    assert grid.s.filled()[2, 1] == ""


@pytest.mark.parametrize(
    ("first", "then", "kind"),
    [
        ([1], [2.5], "float64"),
        ([2.5], [1], "float64"),
        ([True], [3], "int64"),
        ([1], [1j], "complex128"),
        (np.array([1], "u1"), np.array([-1], "i1"), "int16"),
        (np.array([1], "u8"), [-1], "int64"),
        (np.array([1], "f4"), np.array([2], "f4"), "float32"),
    ],
)
def test_numbers_of_several_kinds_become_one(first: Any, then: Any, kind: str) -> None:
    grid = Grid(small_space(), ("x",))
    grid.put([0], {"x": first})
    grid.put([1], {"x": then})
    assert grid.x.dtype == kind
    assert grid.x[0, 0] == first[0]
    assert grid.x[0, 1] == then[0]
    if grid.x.dtype.kind in "fc":
        assert np.isnan(grid.x[1:]).all()


def test_integers_that_become_floating_point_are_missing_where_they_were() -> None:
    grid = Grid(small_space(), ("x",))
    grid.put([0], {"x": [1]})
    grid.put([1], {"x": [0.5]})
    assert np.isnan(grid.x).sum() == 4


def test_another_shape_is_refused_with_both_shapes_and_points() -> None:
    grid = Grid(small_space(), ("v", "w"))
    grid.put([0], {"v": np.zeros((1, 3)), "w": [1]})
    with pytest.raises(SweepOutputError) as caught:
        grid.put([3], {"v": np.zeros((1, 2)), "w": [2]})
    for part in ("'v'", "(2,)", "(3,)", "a=0.5, b=16", "a=0.0, b=10", "same shape"):
        assert part in str(caught.value)
    assert grid.done == 1
    assert grid.w.mask.sum() == 5


def test_another_kind_is_refused_and_nothing_is_written() -> None:
    grid = Grid(small_space(), ("x", "y"))
    grid.put([0], {"x": [1.0], "y": [1.0]})
    with pytest.raises(SweepOutputError, match=r"texts at a=0.0, b=16, but numbers at a=0.0, b=10"):
        grid.put([1], {"x": [2.0], "y": ["text"]})
    assert np.isnan(grid.x[0, 1])
    assert grid.waiting == 5


def test_an_output_that_was_never_set_is_named() -> None:
    grid = Grid(small_space(), ("x", "y", "z"))
    with pytest.raises(SweepOutputError, match="no value came back for y, z"):
        grid.put([0], {"x": [1.0]})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.array([None]), "NoneType"),
        (np.array([2**100], dtype=object), "beyond 64 bits"),
        (np.array(["2026-01-01"], "M8[D]"), "datetime64"),
        (np.array([b"raw"]), "type |S3"),
        (np.array([1, 2.5, "x"], dtype=object)[:2].reshape(1, 2).repeat(2, 0), "shape (2, 2) for 1 points"),
        (np.array([[1, 2], [3]], dtype=object), "type list"),
    ],
)
def test_what_a_grid_cannot_hold_is_refused(value: Any, words: str) -> None:
    grid = Grid(small_space(), ("x",))
    with pytest.raises(SweepOutputError) as caught:
        grid.put([0], {"x": value})
    assert words in str(caught.value)
    assert grid.done == 0


def test_objects_that_are_numbers_are_taken_as_numbers() -> None:
    grid = Grid(small_space(), ("x",))
    grid.put([0, 1], {"x": np.array([1, 2.5], dtype=object)})
    assert grid.x.dtype == np.float64


def test_a_failed_point_is_missing_until_it_has_a_result() -> None:
    grid = Grid(small_space(), ("x",))
    grid.fail([0, 1], ["ZeroDivisionError: a", "ValueError: b"], resource="vm", job_id="j")
    assert (grid.done, grid.failed, grid.waiting) == (0, 2, 4)
    assert np.isnan(grid.x).all()
    grid.put([0], {"x": [1.0]})
    assert (grid.done, grid.failed, grid.waiting) == (1, 1, 4)
    assert [failure.number for failure in grid.failures] == [1]


def test_a_result_is_not_lost_to_a_later_failure() -> None:
    grid = Grid(small_space(), ("x",))
    grid.put([0], {"x": [1.0]}, resource="one")
    grid.fail([0, 1], "lost", resource="two")
    assert grid.x[0, 0] == 1
    assert (grid.done, grid.failed) == (1, 1)
    assert [each.name for each in grid.timings.resources] == ["one", "two"]


def test_a_point_answered_twice_counts_once() -> None:
    grid = Grid(small_space(), ("x",))
    for _ in range(2):
        grid.put([0, 1], {"x": [1.0, 2.0]})
        grid.fail([2], "no")
    assert (grid.done, grid.failed, grid.waiting) == (2, 1, 3)


def test_points_that_the_condition_leaves_out() -> None:
    grid = Grid(small_space(where=True), ("x",))
    assert (grid.waiting, grid.left_out) == (4, 2)
    assert grid.status.tolist() == [[0, 0], [0, 0], [Status.LEFT_OUT] * 2]


def test_points_that_a_refinement_does_not_need() -> None:
    grid = Grid(small_space(), ("x",))
    grid.put([0], {"x": [1.0]})
    grid.leave_out([0, 1])
    assert (grid.done, grid.left_out, grid.waiting) == (1, 1, 4)
    grid.leave_out()
    assert (grid.done, grid.left_out, grid.waiting) == (1, 5, 0)
    grid.put([1], {"x": [2.0]})
    assert (grid.done, grid.left_out) == (2, 4)


def test_before_anything_has_come() -> None:
    grid = Grid(small_space(), ("x",))
    assert grid.x.shape == (3, 2)
    assert np.isnan(grid.x).all()
    assert not grid.failures
    assert not grid.timings.resources
    assert grid.spilled == {}


def test_parameters_and_names() -> None:
    grid = filled(zip_space(), x=np.arange(4))
    assert grid["s"].tolist() == ["u", "v", "w", "x"]
    assert grid.params["t"].tolist() == [0, 1, 2, 3]
    assert "x" in grid
    assert "t" in grid
    assert "q" not in grid
    assert list(grid) == ["x"]
    assert dict(grid)["x"].tolist() == [0, 1, 2, 3]
    assert {"x", "t", "status"} <= set(dir(grid))


def test_an_unknown_name_says_what_there_is() -> None:
    grid = filled()
    with pytest.raises(SweepNameError, match=r"no 'L2'\nIt has L1, a, b"):
        grid["L2"]
    with pytest.raises(KeyError):
        grid["L2"]
    with pytest.raises(AttributeError, match="no 'L2'"):
        _ = grid.L2
    assert not hasattr(grid, "_nothing")
    with pytest.raises(AttributeError):
        _ = copy.copy(Grid.__new__(Grid)).anything


@pytest.mark.parametrize(("outputs", "words"), [(("a",), "a parameter and an output"), (("x", "x"), "named twice")])
def test_names_of_outputs_that_cannot_be(outputs: tuple[str, ...], words: str) -> None:
    with pytest.raises(CellOptionError, match=words):
        Grid(small_space(), outputs)


def test_points_outside_the_space_are_refused() -> None:
    grid = Grid(small_space(), ("x",))
    for number in (-1, 6):
        with pytest.raises(IndexError, match="0 to 5"):
            grid.put([number], {"x": [1.0]})
        with pytest.raises(IndexError):
            grid.fail([number], "e")
    with pytest.raises(ValueError, match="2 errors for 1 points"):
        grid.fail([0], ["a", "b"])


def test_no_points_change_nothing() -> None:
    grid = Grid(small_space(), ("x",))
    grid.put([], {"x": []})
    grid.fail([], [])
    assert grid.waiting == 6


def test_arrays_are_the_caller_s_own() -> None:
    grid = filled()
    grid.L1[:] = -1
    grid.status[:] = 0
    assert grid.L1[0, 1] == 1
    assert grid.done == int((grid.status == Status.DONE).sum()) == 6


def test_array_has_nan_for_every_kind_of_number() -> None:
    grid = Grid(small_space(), ("k", "flag", "z", "s"))
    grid.put([0], {"k": [3], "flag": [True], "z": [1j], "s": ["t"]})
    for name, first in (("k", 3), ("flag", 1), ("z", 1j)):
        values = grid.array(name)
        assert values[0, 0] == first
        assert np.isnan(values).sum() == 5
    with pytest.raises(SweepOutputError, match="texts"):
        grid.array("s")
    with pytest.raises(SweepNameError):
        grid.array("a")


def test_changes_tell_a_view_to_draw() -> None:
    grid = Grid(small_space(), ("x",))
    seen = {grid.changes}
    grid.put([0], {"x": [1]})
    seen.add(grid.changes)
    grid.fail([1], "e")
    seen.add(grid.changes)
    assert len(seen) == 3


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["put", "fail", "leave"]),
            st.lists(st.integers(0, 11), unique=True, min_size=1),
        ),
        max_size=12,
    )
)
def test_counts_agree_with_a_plain_model(events: list[tuple[str, list[int]]]) -> None:
    grid = Grid(ListedSpace([axis("a", range(4)), axis("b", range(3))]), ("x",))
    model, values = [Status.WAITING] * 12, [np.nan] * 12
    for step, (event, numbers) in enumerate(events):
        if event == "put":
            grid.put(numbers, {"x": np.full(len(numbers), step)})
        elif event == "fail":
            grid.fail(numbers, "e")
        else:
            grid.leave_out(numbers)
        for number in numbers:
            if event == "put":
                model[number], values[number] = Status.DONE, step
            elif event == "fail" and model[number] != Status.DONE:
                model[number] = Status.FAILED
            elif event == "leave" and model[number] == Status.WAITING:
                model[number] = Status.LEFT_OUT
    assert grid.status.reshape(-1).tolist() == model
    counts = (grid.waiting, grid.done, grid.failed, grid.left_out)
    assert counts == tuple(model.count(status) for status in Status)
    np.testing.assert_array_equal(grid.array("x").reshape(-1), values)
    assert [each.number for each in grid.failures] == [n for n, state in enumerate(model) if state == Status.FAILED]


def test_one_thread_fills_while_another_looks() -> None:
    size = 20_000
    grid = Grid(ListedSpace([axis("a", np.arange(size))]), ("x",))
    wrong: list[int] = []

    def look() -> None:
        while grid.done < size:
            done, values = grid.done, grid.array("x")
            seen = int((~np.isnan(values)).sum())
            if seen < done or seen % 10:
                wrong.append(seen)

    looker = threading.Thread(target=look)
    looker.start()
    for start in range(0, size, 10):
        at = np.arange(start, start + 10)
        grid.put(at, {"x": at if start % 20 else at.astype(float)})
    looker.join()
    assert wrong == []


def test_a_hundred_thousand_results_are_taken_at_once() -> None:
    numbers = np.arange(100_000).reshape(-1, 5_000)
    best = np.inf
    for _ in range(5):
        grid = Grid(ListedSpace([axis("a", np.arange(100_000))]), ("x", "y"))
        start = time.perf_counter()
        for number, chunk in enumerate(numbers):
            values = {"x": chunk.astype(float), "y": chunk}
            grid.put(chunk, values, seconds=np.full(5_000, 1e-6), resource=f"vm{number % 3}", job_id=str(number))
        best = min(best, time.perf_counter() - start)
    assert grid.done == 100_000
    assert best < 0.05
