"""Sampled orbits: solutions that are known, shapes, escapes, bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from everest_kernel.lyapunov import System, orbit, systems

OSCILLATOR = System.flow("x' = v; v' = -w^2*x", start=(1.0, 0.0), defaults={"w": 1.0})


def test_an_oscillator_is_a_cosine_at_the_times_given() -> None:
    w = np.array([[1.0, 2.0], [0.5, 1.5]])
    times, states = orbit(OSCILLATOR, {"w": w}, T=5, dt=0.01, transient=2, every=50)
    np.testing.assert_allclose(times, 2 + 0.5 * np.arange(11))
    assert states.shape == (11, 2, 2, 2)
    np.testing.assert_allclose(states[:, 0], np.cos(w * times[:, None, None]), atol=1e-6)
    np.testing.assert_allclose(states[:, 1], -w * np.sin(w * times[:, None, None]), atol=1e-6)


def test_driven_flows_know_the_time_through_the_transient() -> None:
    driven = System.flow("x' = a*cos(t)", start=[0.0])
    times, states = orbit(driven, {"a": [1.0, 3.0]}, T=4, dt=0.02, transient=3, every=10)
    np.testing.assert_allclose(states[:, 0], np.sin(times)[:, None] * [1, 3], atol=1e-7)


def test_maps_are_iterated() -> None:
    times, states = orbit(systems.logistic(), {"r": 4.0}, T=6, transient=1, start=[0.3], every=2)
    series = [0.3]
    for _ in range(7):
        series.append(4 * series[-1] * (1 - series[-1]))
    assert times.tolist() == [1, 3, 5, 7]
    np.testing.assert_allclose(states[:, 0], series[1::2], rtol=1e-12)


def test_points_may_have_starts_of_their_own() -> None:
    starts = [[1.0, 2.0], [0.0, 0.0]]
    _, states = orbit(OSCILLATOR, {"w": [1.0, 1.0]}, T=1, dt=0.1, transient=0, start=starts)
    np.testing.assert_allclose(2 * states[..., 0], states[..., 1])
    assert states[0].tolist() == starts


def test_an_orbit_that_escapes_is_nan_from_there_alone() -> None:
    _, states = orbit(System.flow("x' = a*x^2", start=[1.0]), {"a": [1.0, -1.0]}, T=2, dt=0.01, transient=0, every=10)
    assert np.isfinite(states[:9]).all()
    assert np.isnan(states[-5:, 0, 0]).all()
    np.testing.assert_allclose(states[:, 0, 1], 1 / (1 + np.linspace(0, 2, 21)), atol=1e-8)


def test_a_short_orbit_needs_no_interval_between_orthonormalisations() -> None:
    assert orbit(OSCILLATOR, T=0.02, dt=0.01, transient=0).states.shape == (3, 2)


@pytest.mark.parametrize(
    ("parameters", "options", "message"),
    [
        ({"q": 1.0}, {}, "no parameter 'q'"),
        ({"w": [1.0, np.inf]}, {}, "not finite"),
        ({}, {"T": -1.0}, "T must be a positive number"),
        ({}, {"T": 0.001}, "shorter than one step"),
        ({}, {"dt": 0.0}, "dt must be a positive number"),
        ({}, {"transient": -1.0}, "transient must not be negative"),
        ({}, {"every": 0}, "every = 0"),
        ({}, {"start": [1.0]}, r"give \(2,\)"),
        ({}, {"start": [1.0, np.nan]}, "not finite"),
    ],
)
def test_bad_input(parameters: dict[str, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        orbit(OSCILLATOR, parameters, **options)


def test_a_map_has_no_step() -> None:
    with pytest.raises(ValueError, match="a map has iterations"):
        orbit(systems.henon(), dt=0.1)
