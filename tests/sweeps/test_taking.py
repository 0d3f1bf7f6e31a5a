"""Answers of chunks, on their way to the grid and to the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from everest_kernel.sweeps import Grid, Taker, parse_space
from everest_kernel.sweeps.chunks import Answer, PointGroup


class Kept:
    """What a keeper was told."""

    def __init__(self) -> None:
        self.good: dict[int, float] = {}
        self.bad: dict[int, str] = {}

    def save(self, numbers: NDArray[Any], values: Mapping[str, Any], seconds: Any, resource: str, job_id: str) -> None:
        assert len(numbers) == len(seconds) == len(values["y"])
        self.good.update(zip(numbers.tolist(), values["y"].tolist(), strict=True))

    def save_failed(self, numbers: NDArray[Any], errors: Sequence[str], resource: str, job_id: str) -> None:
        self.bad.update(zip(numbers.tolist(), errors, strict=True))


def taker() -> tuple[Taker, Grid, Kept]:
    grid, kept = Grid(parse_space(["x=0:9:10"], {}), ("y",)), Kept()
    return Taker(grid, kept), grid, kept  # type: ignore[arg-type]


def group(places: Sequence[int], values: Any) -> PointGroup:
    return PointGroup(np.array(places, np.int64), {"y": np.asarray(values)}, np.ones(len(places)))


def test_results_and_failures_go_to_the_grid_and_to_the_disk() -> None:
    take, grid, kept = taker()
    answer = Answer([group([0, 2], [1.5, 2.5])], {1: "no"})
    done, failed, errors = take.take(answer, np.array([7, 8, 9]), "far", "job")
    assert (done.tolist(), failed.tolist(), errors) == ([7, 9], [8], ["no"])
    assert (kept.good, kept.bad) == ({7: 1.5, 9: 2.5}, {8: "no"})
    assert (grid.y[7], grid.y[9], grid.failures[0].error, grid.failures[0].job) == (1.5, 2.5, "no", "job")


def test_points_that_are_nobodys_any_more_are_passed_over() -> None:
    take, grid, kept = taker()
    answer = Answer([group([0, 1], [1.0, 2.0])], {2: "no", 3: "nor this"})
    done, failed, _ = take.take(answer, np.array([-1, 5, -1, 6]), "", "")
    assert (done.tolist(), failed.tolist()) == ([5], [6])
    assert (kept.good, kept.bad) == ({5: 2.0}, {6: "nor this"})
    assert (grid.done, grid.failed) == (1, 1)


def test_an_answer_without_points_is_nothing() -> None:
    take, grid, kept = taker()
    for answer in (Answer(), Answer([group([0], [1.0])], {1: "no"})):
        done, failed, errors = take.take(answer, np.array([-1, -1]), "", "")
        assert (done.size, failed.size, errors) == (0, 0, [])
    assert (grid.done, grid.failed, kept.good, kept.bad) == (0, 0, {}, {})


def test_results_of_another_form_fail_their_points_and_no_others() -> None:
    take, grid, kept = taker()
    odd = group([1], [[1.0, 2.0]])
    done, failed, errors = take.take(Answer([group([0], [1.0]), odd, group([2], [3.0])]), np.arange(3), "", "")
    assert (done.tolist(), failed.tolist()) == ([0, 2], [1])
    assert "shape" in errors[0]
    assert (kept.good, set(kept.bad)) == ({0: 1.0, 2: 3.0}, {1})
    assert grid.done == 2


def test_points_that_are_given_up_have_their_error_in_both() -> None:
    take, grid, kept = taker()
    take.fail(np.array([3, 4]), ["a", "b"])
    assert kept.bad == {3: "a", 4: "b"}
    assert [failure.error for failure in grid.failures] == ["a", "b"]
