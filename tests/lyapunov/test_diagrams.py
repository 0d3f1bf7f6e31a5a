"""Bifurcation diagrams of systems: the points that suit each kind, and the period of a drive."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy

from everest_kernel.lyapunov import System, bifurcation, systems
from everest_kernel.lyapunov.drive import drive_frequency, drive_periods

OSCILLATOR = System.flow("x' = v; v' = -w^2*x", start=(1.0, 0.3))
RESPONSE = System.flow("x' = -x + a*cos(w*t)", start=[0.0], parameters=["a", "w"], defaults={"a": 1.0, "w": 1.0})


def test_maps_give_iterates() -> None:
    points = bifurcation(systems.logistic(), {"r": [2.5, 3.2]}, T=4)
    parameter, value = points
    assert parameter.tolist() == [2.5] * 4 + [3.2] * 4
    np.testing.assert_allclose(value[:4], 0.6)
    np.testing.assert_allclose(np.unique(value[4:].round(6)), [0.513045, 0.799455])
    assert (points.parameter_name, points.value_name) == ("r", "x")


def test_other_parameters_keep_their_places() -> None:
    points = bifurcation(systems.henon(), {"b": [0.0, 0.3], "a": 0.3}, "y", T=1)
    fixed = [(b - 1 + np.sqrt((1 - b) ** 2 + 1.2)) / 0.6 for b in (0.0, 0.3)]
    np.testing.assert_allclose(points.value, np.array([0.0, 0.3]) * fixed, atol=1e-9)


def test_flows_give_maxima() -> None:
    points = bifurcation(OSCILLATOR, {"w": [1.0, 2.0]}, T=20, dt=0.02, transient=1)
    np.testing.assert_allclose(points.value, np.sqrt(1 + (0.3 / points.parameter) ** 2), atol=2e-6)
    assert points.value_name == "maxima of x"


@pytest.mark.parametrize(("section", "signs"), [(("x", 0.5), {1}), ((0, 0.5, -1), {-1}), (("x", 0.5, 0), {1, -1})])
def test_or_their_values_on_a_section(section: Any, signs: set[int]) -> None:
    points = bifurcation(OSCILLATOR, {"w": [1.0, 2.0]}, "v", T=20, dt=0.02, transient=0, section=section)
    amplitude = 1 + (0.3 / points.parameter) ** 2
    np.testing.assert_allclose(np.abs(points.value), points.parameter * np.sqrt(amplitude - 0.25), atol=1e-5)
    assert set(np.sign(points.value)) == signs
    assert points.value_name == "v where x = 0.5"


@pytest.mark.parametrize("values", [{"w": [0.5, 1.0, 3.0]}, {"a": [1.0, 2.0], "w": 1.7}])
def test_driven_flows_are_seen_once_a_period_at_the_phase_of_the_start(values: dict[str, Any]) -> None:
    """The response to a cos(w t) is a (cos w t + w sin w t) / (1 + w²): at whole periods a / (1 + w²)."""
    points = bifurcation(RESPONSE, values, T=30, transient=40, dt=0.05)
    a, w = (points.parameter, values["w"]) if "a" in values else (1.0, points.parameter)
    np.testing.assert_allclose(points.value, a / (1 + w**2), atol=1e-5)
    assert points.value_name == "x once a period of the drive"


@pytest.mark.parametrize(
    ("right", "frequency"),
    [
        ("cos(w*t + 1) + x*sin(-w*t)^2", "w"),
        ("sin(2*t)*cos(3*t)", "1"),
        ("cos(0.5*t) + sin(0.75*t)", "1/4"),
        ("cos(w*t/2) + cos(w*t/3)", "w/6"),
        ("cos(t) + cos(sqrt(2)*t)", None),
        ("cos(w*t) + cos(t)", None),
        ("cos(w*t) + t", None),
        ("cos(x*t)", None),
        ("cos(w*t^2)", None),
        ("exp(-t)*cos(t)", None),
        ("x", None),
    ],
)
def test_the_frequency_of_the_drive(right: str, frequency: str | None) -> None:
    found = drive_frequency(System.flow(f"x' = {right}"))
    if frequency is None:
        assert found is None
    else:
        w = sympy.Symbol("w", real=True)
        expected = sympy.sympify(frequency, locals={"w": w})
        assert float(abs((found / expected).subs(w, 1.3))) == pytest.approx(1)


def test_periods_of_the_drive_at_points() -> None:
    duffing = systems.duffing()
    values = np.array([[0.25, 0.25], [0.4, 0.4], [1.0, -2.0]])
    np.testing.assert_allclose(drive_periods(duffing, values), [2 * np.pi, np.pi])
    assert drive_periods(duffing, values, 3).tolist() == [3, 3]
    with pytest.raises(ValueError, match="has no period where its frequency w is 0"):
        drive_periods(duffing, values * [[1], [1], [0]])
    with pytest.raises(ValueError, match="give a positive number"):
        drive_periods(duffing, values, 0.0)


def test_a_period_that_is_not_seen_can_be_given() -> None:
    square = System.flow("x' = -x + a*where(mod(t, 2) < 1, 1, -1)", start=[0.0])
    with pytest.raises(ValueError, match="do not show the period of the drive: give period="):
        bifurcation(square, {"a": [1.0, 2.0]})
    points = bifurcation(square, {"a": [1.0, 2.0]}, period=2.0, T=4, transient=20, dt=0.001)
    at_start = (np.exp(-1) - 1) / (1 + np.exp(-1))  # of the periodic solution
    np.testing.assert_allclose(points.value, np.repeat([at_start, 2 * at_start], 2), atol=2e-3)


@pytest.mark.parametrize(
    ("system", "parameters", "options", "message"),
    [
        (systems.henon(), {"a": 1.0}, {}, "not none"),
        (systems.henon(), {"a": [1.0], "b": [0.3]}, {}, "not a, b"),
        (systems.henon(), {"a": [[1.0]]}, {}, "one axis"),
        (systems.henon(), {"c": [1.0]}, {}, "no parameter 'c'"),
        (systems.henon(), {"a": [1.0]}, {"state": "z"}, "no state 'z'"),
        (systems.henon(), {"a": [1.0]}, {"dt": 0.1}, "a map has iterations"),
        (systems.henon(), {"a": [1.0]}, {"T": -3.0}, "must not be negative"),
        (systems.henon(), {"a": [1.0]}, {"section": ("x", 0.0)}, "for autonomous flows"),
        (systems.duffing(), {"g": [1.0]}, {"section": ("x", 0.0)}, "for autonomous flows"),
        (systems.lorenz(), {"rho": [1.0]}, {"period": 2.0}, "does not depend on t"),
        (systems.lorenz(), {"rho": [1.0]}, {"dt": -0.1}, "dt must be a positive number"),
    ],
)
def test_bad_input(system: System, parameters: dict[str, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bifurcation(system, parameters, **options)


def test_pictures_with_and_without_exponents() -> None:
    points = bifurcation(systems.logistic(), {"r": [2.5, 3.2, 3.5]}, T=4)
    (alone,) = points.picture(title="logistic").axes
    assert (alone.get_xlabel(), alone.get_ylabel(), alone.get_title()) == ("r", "x", "logistic")
    assert len(alone.lines[0].get_xdata()) == 12
    upper, lower = points.picture([2.5, 3.2, 3.5], [-0.7, -0.9, -0.87]).axes
    assert (upper.get_ylabel(), lower.get_xlabel()) == ("x", "r")
    with pytest.raises(ValueError, match="together with exponent_parameter"):
        points.picture(exponents=[1.0])
