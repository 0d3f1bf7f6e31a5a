"""Refinement: what it promises for every field; the fields of the goal are in test_refine_fields.py."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from everest_kernel.sweeps.refine import Refinement, parse_refine, zero_pixels
from everest_kernel.wire import CellError, CellOptionError

Numbers = NDArray[np.float64]
SHAPES = st.lists(st.integers(1, 21), min_size=1, max_size=3).map(tuple)
SEEDS = st.integers(0, 2**32 - 1)


def compute(refinement: Refinement, field: Numbers, values: Numbers | None = None) -> Numbers:
    """Follow a refinement to its end; nothing is asked for twice, and nothing that is known, except at first."""
    values = np.full(field.shape, np.nan) if values is None else values
    asked: set[int] = set()
    numbers = refinement.first()
    while len(numbers):
        assert (np.diff(numbers) > 0).all()
        assert numbers[0] >= 0
        assert numbers[-1] < field.size
        assert asked.isdisjoint(numbers.tolist())
        asked.update(numbers.tolist())
        values.flat[numbers] = field.flat[numbers]
        numbers = refinement.next(values)
        assert np.isnan(values.flat[numbers]).all()
    assert refinement.asked == len(asked)
    return values


def random_field(shape: tuple[int, ...], seed: int, failing: float = 0.0) -> Numbers:
    chance = np.random.default_rng(seed)
    field = chance.normal(size=shape)
    field[chance.random(shape) < failing] = np.nan
    return field


def line(count: int, cut: float) -> Numbers:
    return np.arange(count) - cut


# What holds for every field


@given(SHAPES, SEEDS)
def test_the_first_points_include_the_corners(shape: tuple[int, ...], seed: int) -> None:
    first = np.zeros(shape, dtype=bool)
    first.flat[Refinement(shape, level=0).first()] = True
    assert first[np.ix_(*[sorted({0, size - 1}) for size in shape])].all()


@settings(deadline=None)
@given(SHAPES, SEEDS, st.sampled_from([0.0, 0.2]), st.sampled_from([0.0, 1.0]))
def test_both_sides_of_every_change_that_is_found_are_followed(
    shape: tuple[int, ...], seed: int, failing: float, gradient: float
) -> None:
    field = random_field(shape, seed, failing)
    values = compute(Refinement(shape, level=0.1, gradient=gradient), field)
    found = zero_pixels(values, 0.1)
    assert not (found & ~zero_pixels(field, 0.1)).any()
    # Every point in a smallest cell that a line passes was computed: no line ends within the grid.
    known, failed = ~np.isnan(values), np.isnan(field)
    for corner in np.ndindex(*[max(size - 1, 1) for size in shape]):
        cell = tuple(slice(place, place + 2) for place in corner)
        if (values[cell] > 0.1).any() and (values[cell] <= 0.1).any():
            assert (known | failed)[cell].all()


@settings(deadline=None)
@given(SHAPES, SEEDS)
def test_a_grid_known_in_full_needs_nothing_more(shape: tuple[int, ...], seed: int) -> None:
    field = random_field(shape, seed)
    refinement = Refinement(shape, level=0)
    assert len(refinement.next(field)) == 0
    assert (refinement.fill(field) == field).all()


@settings(deadline=None)
@given(SHAPES, SEEDS)
def test_a_refinement_goes_on_from_what_an_earlier_one_computed(shape: tuple[int, ...], seed: int) -> None:
    field = random_field(shape, seed)
    values = compute(Refinement(shape, level=0), field)
    again = Refinement(shape, level=0)
    again.first()
    assert len(again.next(values)) == 0


@settings(deadline=None)
@given(SHAPES, SEEDS, st.integers(8, 200))
def test_a_budget_is_never_exceeded(shape: tuple[int, ...], seed: int, budget: int) -> None:
    field = random_field(shape, seed)
    refinement = Refinement(shape, level=0, budget=budget)
    compute(refinement, field)
    assert refinement.asked <= budget
    free = Refinement(shape, level=0)
    compute(free, field)
    if free.asked > budget:
        assert refinement.exhausted or refinement.first().size == 0


@settings(deadline=None)
@given(SHAPES, SEEDS)
def test_answers_in_any_order_lead_to_the_same_points(shape: tuple[int, ...], seed: int) -> None:
    field, chance = random_field(shape, seed), np.random.default_rng(seed)
    expected = compute(Refinement(shape, level=0, gradient=0), field)
    refinement = Refinement(shape, level=0, gradient=0)
    values, waiting = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    waiting.flat[refinement.first()] = True
    while waiting.any():
        answered = chance.permutation(np.flatnonzero(waiting))[: 1 + waiting.sum() // 2]
        values.flat[answered] = field.flat[answered]
        waiting.flat[answered] = False
        waiting.flat[refinement.next(values, waiting=waiting)] = True
    np.testing.assert_array_equal(values, expected)


# What it asks for


def test_on_an_axis_the_place_is_found_by_halving() -> None:
    refinement = Refinement((1025,), level=0, coarse=2, gradient=0)
    values = compute(refinement, line(1025, 700.5))
    assert np.flatnonzero(zero_pixels(values)).tolist() == [700, 701]
    assert refinement.asked == 2 + 10


def test_the_borders_belong_to_the_coarse_grid_of_any_size() -> None:
    assert Refinement((11,), level=0, coarse=4).first().tolist() == [0, 4, 8, 10]
    assert Refinement((3, 6), level=0, coarse=(3, 3)).first().tolist() == [0, 4, 5, 6, 10, 11, 12, 16, 17]


def test_an_island_between_coarse_points_shows_in_the_bend_of_the_values() -> None:
    field = line(129, 60.0) ** 2 / 8 - 0.7  # the coarse points 56 and 64 are above
    assert zero_pixels(compute(Refinement((129,), level=0, coarse=17), field)).sum() == 4
    assert zero_pixels(compute(Refinement((129,), level=0, coarse=17, gradient=0), field)).sum() == 0


def test_a_level_other_than_zero_and_a_plateau_at_it() -> None:
    field = np.maximum(line(65, 20.0), 0.0) + 0.1
    values = compute(Refinement((65,), level=0.1, gradient=0), field)
    assert np.flatnonzero(zero_pixels(values, 0.1)).tolist() == [20, 21]


def test_a_single_failed_point_does_not_hide_the_line() -> None:
    field = line(65, 20.5)
    field[[16, 24]] = np.nan
    values = compute(Refinement((65,), level=0, coarse=9, gradient=0), field)
    assert np.flatnonzero(zero_pixels(values)).tolist() == [20, 21]


def test_failures_everywhere_and_an_empty_answer_end_it() -> None:
    refinement = Refinement((33, 33), level=0)
    values = compute(refinement, np.full((33, 33), np.nan))
    assert refinement.asked == 25
    assert np.isnan(refinement.fill(values)).all()


def test_points_left_out_are_not_asked_for() -> None:
    field = np.add.outer(line(65, 30.2), line(65, 30.4))
    left_out = np.zeros(field.shape, dtype=bool)
    left_out[:, 20:28] = True
    refinement = Refinement(field.shape, level=0, left_out=left_out)
    values = compute(refinement, field)
    assert np.isnan(values[left_out]).all()
    assert (zero_pixels(values) == zero_pixels(np.where(left_out, np.nan, field))).all()
    assert np.isnan(refinement.fill(values)[left_out]).all()


def test_a_budget_is_spent_on_the_whole_line_before_its_details() -> None:
    field = np.add.outer(line(257, 128.2), 0.3 * line(257, 100.0))
    refinement = Refinement(field.shape, level=0, budget=1500)
    filled = refinement.fill(compute(refinement, field))
    assert refinement.exhausted
    assert np.count_nonzero((filled > 0) != (field > 0)) == 0  # the field is linear between the coarse points, too


def test_the_resolution_ends_the_refinement_early() -> None:
    refinement = Refinement((257,), level=0, coarse=5, resolution=4, gradient=0)
    values = compute(refinement, line(257, 100.5))
    assert np.flatnonzero(~np.isnan(values)).tolist() == [0, 64, 96, 100, 104, 112, 128, 192, 256]


def test_infinite_values_are_on_a_side() -> None:
    field = np.where(line(65, 20.5) > 0, np.inf, -np.inf)
    refinement = Refinement((65,), level=0)
    values = compute(refinement, field)
    assert np.flatnonzero(zero_pixels(values)).tolist() == [20, 21]
    assert ((refinement.fill(values) > 0) == (field > 0)).all()


# Between the points


def test_between_computed_points_the_values_are_linear() -> None:
    field = np.add.outer(3.0 * np.arange(21), -2.0 * np.arange(30)) - 7.3
    refinement = Refinement(field.shape, level=0)
    values = compute(refinement, field)
    assert 0 < np.count_nonzero(refinement.computed(values)) < field.size
    np.testing.assert_allclose(refinement.fill(values), field, rtol=0, atol=1e-12)


def test_failed_points_stay_empty_in_the_filled_grid_and_others_use_their_neighbours() -> None:
    refinement = Refinement((9,), level=0, coarse=3)
    assert refinement.first().tolist() == [0, 4, 8]
    filled = refinement.fill([5.0, *[np.nan] * 7, 9.0])
    np.testing.assert_array_equal(filled, [5, 5, 5, 5, np.nan, 9, 9, 9, 9])


def test_nothing_is_computed_yet() -> None:
    refinement = Refinement((9, 9), level=0)
    assert np.isnan(refinement.fill(np.full((9, 9), np.nan))).all()
    assert len(refinement.next(np.full((9, 9), np.nan))) == 0


def test_the_filled_grid_is_a_new_array() -> None:
    values = line(9, 3.5)
    assert not np.shares_memory(values, Refinement((9,), level=0, coarse=9).fill(values))


def test_zero_pixels_are_the_points_on_either_side() -> None:
    values = np.array([[1.0, 1.0, 1.0], [1.0, -1.0, 1.0], [1.0, np.nan, 0.0]])
    assert zero_pixels(values).astype(int).tolist() == [[0, 1, 0], [1, 1, 1], [0, 0, 1]]
    assert not zero_pixels(values, 5.0).any()


# Texts and bad input


@pytest.mark.parametrize(
    ("text", "expected"),
    [("L1=0", ("L1", 0.0)), (" λ_1 = -0.5 ", ("λ_1", -0.5)), ("x=1e-3", ("x", 0.001)), ("y==2", ("y", 2.0))],
)
def test_conditions_are_read(text: str, expected: tuple[str, float]) -> None:
    assert parse_refine(text) == expected


@given(st.from_regex(r"[A-Za-z_]\w{0,8}", fullmatch=True), st.floats(allow_nan=False, allow_infinity=False))
def test_every_name_and_level_is_read_back(name: str, level: float) -> None:
    assert parse_refine(f"{name}={level!r}") == (name, level)


@pytest.mark.parametrize("text", ["", "L1", "L1=", "=0", "L1=zero", "L1=nan", "L1=inf", "1L=0", "L1>0", "L1=0 1"])
def test_other_conditions_say_what_to_write(text: str) -> None:
    with pytest.raises(CellOptionError, match="--refine L1=0"):
        parse_refine(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": np.nan}, "level of nan"),
        ({"gradient": -1.0}, "factor of -1"),
        ({"budget": 0}, "budget of 0"),
        ({"budget": 3}, "coarse grid has 4 points, more than the budget of 3"),
        ({"budget": 100, "coarse": 65}, "coarse grid has 4,225 points"),
        ({"coarse": 1}, "coarse grid of 1 points"),
        ({"coarse": (3, 3, 3)}, "does not fit a grid of 512 x 512"),
        ({"resolution": 0}, "resolution of 0"),
        ({"shape": (5, 0)}, "axis without points"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(CellOptionError, match=message):
        Refinement(**({"shape": (512, 512), "level": 0.0} | options))


@pytest.mark.parametrize("values", [np.zeros((5, 5, 2)), np.zeros(25), [["a"] * 5] * 5])
def test_outputs_that_are_not_one_number_are_refused(values: object) -> None:
    refinement = Refinement((5, 5), level=0)
    with pytest.raises(CellError, match="one"):
        refinement.next(values)
