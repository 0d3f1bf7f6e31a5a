"""Bifurcation points: period doubling, oscillators whose maxima and crossings are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from everest_kernel.lyapunov.bifurcation import _summit, flow_crossings, flow_maxima, map_iterates, stroboscopic_map

Array = NDArray[np.float64]


def logistic(x: Array, r: Array) -> Array:
    return r * x * (1 - x)


def oscillator(x: Array, w: Array) -> Array:
    return np.array([x[1], -w * w * x[0]])


def hopf(x: Array, mu: Array) -> Array:
    """Normal form: at rest for mu < 0, a circle of radius sqrt(mu) above."""
    rate = mu - x[0] ** 2 - x[1] ** 2
    return np.array([rate * x[0] - x[1], rate * x[1] + x[0]])


@pytest.mark.parametrize(("r", "period"), [(2.8, 1), (3.2, 2), (3.5, 4), (3.55, 8), (3.83, 3)])
def test_logistic_period_doubling(r: float, period: int) -> None:
    points = map_iterates(logistic, [r], [0.3], transient=3000, keep=48)
    assert len(np.unique(points.value.round(8))) == period
    assert points.value == pytest.approx(logistic(np.roll(points.value, 1), np.array(r)), abs=1e-9)


def test_each_parameter_value_has_its_points_and_diverged_ones_none() -> None:
    parameter, value = map_iterates(logistic, [2.5, 4.5, 3.2], [0.3], transient=200, keep=2)
    np.testing.assert_array_equal(parameter, [2.5, 2.5, 3.2, 3.2])
    np.testing.assert_allclose(value[:2], 0.6)
    np.testing.assert_allclose(sorted(value[2:]), [0.513045, 0.799455], atol=1e-6)


def test_starts_may_differ_and_any_state_may_be_kept() -> None:
    def turn(x: Array, p: Array) -> Array:
        return np.array([x[1], x[0] + 0 * p])

    points = map_iterates(turn, [1.0, 2.0], [[1, 2], [3, 4]], state=1, transient=0, keep=2)
    assert points.value.tolist() == [1, 3, 2, 4]


def test_maxima_of_an_oscillator_are_its_amplitude() -> None:
    w = np.array([1.0, 2.0, 3.5])
    points = flow_maxima(oscillator, w, [1.0, 0.3], T=20, dt=0.02, transient=1.0)
    np.testing.assert_allclose(points.value, np.sqrt(1 + (0.3 / points.parameter) ** 2), atol=2e-6)
    counts = [np.sum(points.parameter == value) for value in w]
    np.testing.assert_allclose(counts, 20 * w / (2 * np.pi), atol=1)


def test_maxima_are_interpolated_between_steps() -> None:
    """With 12 steps a period the nearest step would be wrong by up to 0.03."""
    points = flow_maxima(oscillator, [1.0], [1.0, 0.3], T=60, dt=0.5, transient=0)
    first = points.value[0]
    assert first == pytest.approx(np.sqrt(1.09), abs=2e-3)


@given(st.floats(-5, 5), st.floats(0.01, 5), st.floats(-5, 0))
def test_the_summit_of_a_cubic_is_where_its_slope_is_zero(rise: float, first: float, last: float) -> None:
    """The slope along the cubic is first · (1 − s)(1 − 3s) + 6 · rise · s (1 − s) + last · s (3s − 2)."""
    s = float(_summit(np.array(0.0), np.array(rise), np.array(first), np.array(last)))
    assert 0 < s <= 1
    assert first * (1 - s) * (1 - 3 * s) + 6 * rise * s * (1 - s) + last * s * (3 * s - 2) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("direction", "signs"), [(1, {1}), (-1, {-1}), (0, {-1, 1})])
def test_crossings_have_the_speed_of_their_level(direction: int, signs: set[int]) -> None:
    points = flow_crossings(
        oscillator,
        [1.0, 2.0],
        [1.0, 0.0],
        T=20,
        dt=0.02,
        transient=0,
        section=0,
        level=0.5,
        direction=direction,
        state=1,
    )
    np.testing.assert_allclose(np.abs(points.value), points.parameter * np.sqrt(0.75), atol=5e-6)
    assert set(np.sign(points.value)) == signs


def test_a_crossing_that_ends_on_the_section_is_counted_once() -> None:
    def straight(x: Array, p: Array) -> Array:
        return np.array([p + 0 * x[0], 1 + 0 * x[0]])

    points = flow_crossings(
        straight, [1.0], [-0.5, 0.0], T=2, dt=0.25, transient=0, section=0, level=0.0, direction=0, state=1
    )
    np.testing.assert_allclose(points.value, [0.5])


def test_hopf_rest_and_circle() -> None:
    mu = np.array([-0.5, -0.2, 0.25, 1.0])
    parameter, value = flow_maxima(hopf, mu, [0.5, 0.0], T=20, dt=0.05, transient=100)
    np.testing.assert_array_equal(parameter[:2], mu[:2])
    np.testing.assert_allclose(value[:2], 0, atol=1e-8)
    assert len(parameter) > 6
    np.testing.assert_allclose(value[2:], np.sqrt(parameter[2:]), atol=1e-5)


def test_diverged_flows_leave_no_points() -> None:
    def burst(x: Array, p: Array) -> Array:
        """Oscillates with a growing amplitude, or blows up."""
        return np.array([x[1], -x[0] + p * x[1] ** 3])

    points = flow_maxima(burst, [0.0, 5.0], [1.0, 0.0], T=20, dt=0.02, transient=0)
    assert set(points.parameter) == {0.0}


def test_stroboscope_of_a_driven_oscillator() -> None:
    """x'' + x' + x = p cos t has the response x = p sin t: at t = 0 (mod 2π) x = 0, x' = p."""

    def driven(x: Array, p: Array, t: float) -> Array:
        return np.array([x[1], -x[0] - x[1] + p * np.cos(t)])

    advance = stroboscopic_map(driven, 2 * np.pi)
    points = map_iterates(advance, [1.0, 2.0], [0.0, 0.0], state=1, transient=10, keep=3)
    np.testing.assert_allclose(points.value, points.parameter, atol=1e-6)


def test_what_does_not_fit_is_refused() -> None:
    flow = {"T": 1.0, "dt": 0.1}
    for call in (
        lambda: map_iterates(logistic, 3.0, [0.3]),
        lambda: map_iterates(logistic, [3.0], [0.3], state=1),
        lambda: map_iterates(logistic, [3.0], [0.3], keep=0),
        lambda: map_iterates(logistic, [3.0, 3.1, 3.2], [[0.3, 0.3]]),
        lambda: flow_maxima(oscillator, [1.0], [1.0, 0.0], T=1.0, dt=0.0),
        lambda: flow_maxima(oscillator, [1.0], [1.0, 0.0], T=1.0, dt=2.0),
        lambda: flow_crossings(oscillator, [1.0], [1.0, 0.0], section=2, level=0, **flow),
        lambda: flow_crossings(oscillator, [1.0], [1.0, 0.0], section=0, level=0, direction=2, **flow),
        lambda: stroboscopic_map(lambda x, p, t: x, 0.0),
    ):
        with pytest.raises(ValueError, match=r"give|there are states|must be positive"):
            call()
