"""The goal of refinement: the line of a 512 x 512 grid to the pixel with a tenth of its points; what chaos costs."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from everest_kernel.sweeps.refine import Refinement, zero_pixels

Numbers = NDArray[np.float64]
SIZE = 512


def refine(field: Numbers, level: float = 0.0, **options: float) -> tuple[Refinement, Numbers, int]:
    """The refinement at its end, the computed values, the number of rounds."""
    refinement = Refinement(field.shape, level=level, **options)  # type: ignore[arg-type]
    values = np.full(field.shape, np.nan)
    numbers, rounds = refinement.first(), 0
    while len(numbers):
        values.flat[numbers] = field.flat[numbers]
        numbers, rounds = refinement.next(values), rounds + 1
    return refinement, values, rounds


def plane() -> tuple[Numbers, Numbers]:
    places = np.linspace(-1.0, 1.0, SIZE)
    x, y = np.meshgrid(places, places, indexing="ij")
    return x, y


def waves(seed: int, wave_number: float) -> Numbers:
    """A sum of forty plane waves in random directions: many closed lines and islands."""
    x, y = plane()
    chance, field = np.random.default_rng(seed), np.zeros((SIZE, SIZE))
    for _ in range(40):
        across, along, phase = *chance.normal(scale=wave_number, size=2), chance.uniform(0, 2 * np.pi)
        field += np.cos(across * x + along * y + phase)
    return field


FIELDS: dict[str, Callable[[Numbers, Numbers], Numbers]] = {
    "circle": lambda x, y: x**2 + y**2 - 0.5,
    "line": lambda x, y: x - 0.37 * y + 0.011,
    "two lines, three pixels apart": lambda x, y: np.abs(x - 0.3 * y) - 0.006,
    "rings": lambda x, y: np.sin(14 * np.hypot(x, y)),
    "islands": lambda x, y: np.cos(9 * x) * np.cos(9 * y) - 0.97,
    "two small islands": lambda x, y: 0.0009 - np.minimum((x - 0.1234) ** 2 + (y + 0.4) ** 2, (x + 0.57) ** 2 + y**2),
    "a step": lambda x, y: np.where(x**2 + y**2 < 0.4, 1.0, -1.0),
    "one corner": lambda x, y: x + y + 1.99,
    "nothing": lambda x, y: 2.0 + x * y,
    "waves": lambda x, y: waves(0, 8.0),
}


@pytest.mark.parametrize("name", FIELDS)
def test_the_line_is_found_to_the_pixel_with_a_tenth_of_the_points(name: str) -> None:
    field = FIELDS[name](*plane())
    refinement, values, rounds = refine(field)
    assert refinement.asked <= 0.1 * field.size
    assert refinement.asked == np.count_nonzero(refinement.computed(values))
    assert (zero_pixels(values) == zero_pixels(field)).all()
    assert (zero_pixels(refinement.fill(values)) == zero_pixels(field)).all()
    assert rounds <= 6


def test_failed_points_in_the_line_leave_the_rest_of_it() -> None:
    x, y = plane()
    field = x - 0.37 * y + 0.011
    field[np.random.default_rng(0).random(field.shape) < 0.05] = np.nan
    field[200:320, 240:262] = np.nan  # a stripe across the line
    refinement, values, _ = refine(field)
    assert refinement.asked <= 0.1 * field.size
    assert (zero_pixels(values) == zero_pixels(field)).mean() > 0.9999
    assert np.count_nonzero(zero_pixels(values)) > 0.99 * np.count_nonzero(zero_pixels(field))


def test_a_surface_in_space() -> None:
    places = np.linspace(-1.0, 1.0, 65)
    x, y, z = np.meshgrid(places, places, places, indexing="ij")
    field = x**2 + y**2 + 2 * z**2 - 0.6
    refinement, values, _ = refine(field)
    assert (zero_pixels(values) == zero_pixels(field)).all()
    assert refinement.asked < 0.2 * field.size  # the surface itself is 7 % of the points


@functools.cache
def henon() -> Numbers:
    """The largest Lyapunov exponent of the Hénon map x' = 1 - a x² + y, y' = b x over a and b; NaN: escaped."""
    a, b = np.meshgrid(np.linspace(1.0, 1.4, 256), np.linspace(0.0, 0.4, 256), indexing="ij")
    x, y = np.full(a.shape, 0.1), np.full(a.shape, 0.1)
    u, v, total = np.ones(a.shape), np.zeros(a.shape), np.zeros(a.shape)
    with np.errstate(all="ignore"):
        for step in range(600):
            u, v = -2 * a * x * u + v, b * u
            x, y = 1 - a * x * x + y, b * x
            length = np.hypot(u, v)
            u, v = u / length, v / length
            if step >= 200:
                total += np.log(length)
    total[~(np.isfinite(total) & (np.abs(x) < 10))] = np.nan
    return total / 400


def test_the_border_of_chaos_is_found_and_most_small_islands_are_not() -> None:
    field = henon()
    refinement, values, _ = refine(field)
    found, all_pixels = zero_pixels(values), zero_pixels(field)
    assert not (found & ~all_pixels).any()
    # The line fills about a tenth of the plane: no choice of points finds it whole with fewer.
    assert np.count_nonzero(found) > 0.7 * np.count_nonzero(all_pixels)
    assert refinement.asked < 0.5 * field.size
    filled = refinement.fill(values)
    both = ~(np.isnan(filled) | np.isnan(field))
    assert np.count_nonzero(((filled > 0) != (field > 0))[both]) < 0.01 * field.size


def test_more_weight_for_bends_finds_more_islands_with_more_points() -> None:
    field = henon()
    shares, found = [], []
    for gradient in (0.0, 1.0, 4.0):
        refinement, values, _ = refine(field, gradient=gradient)
        shares.append(refinement.asked)
        found.append(np.count_nonzero(zero_pixels(values)))
    assert shares == sorted(shares)
    assert found == sorted(found)
    assert found[0] < 0.9 * found[1] < 0.9 * found[2]


def test_a_budget_is_for_the_lines_before_the_islands() -> None:
    field = henon()
    lines, _, _ = refine(field, gradient=0.0)
    budgeted, values, _ = refine(field, budget=lines.asked)
    assert budgeted.exhausted
    _, expected, _ = refine(field, gradient=0.0)
    assert (zero_pixels(values) == zero_pixels(expected)).mean() > 0.99
