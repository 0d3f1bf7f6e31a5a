"""Two integrators on one point: they agree where they should, and say so where they do not."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from everest_kernel.lyapunov import StepWarning, System, compare_integrators, systems

STIFF = System.flow("x' = v; v' = -x - 0.1*v; z' = -m*(z - x)", start=(1, 0, 1), defaults={"m": 100.0})
SHORT: dict[str, Any] = {"T": 20, "transient": 5, "rtol": 1e-7, "code": "numpy"}


def test_a_driven_flow_has_the_phase_in_both() -> None:
    found = compare_integrators(systems.duffing(), {"g": 0.1}, **SHORT)
    for spectrum in (found.fixed, found.adaptive):
        assert spectrum.exponents.shape == (3,)
        assert spectrum.exponents[0] == 0
    np.testing.assert_allclose(found.difference, 0, atol=1e-4)
    assert found.in_errors[0] == 0
    assert found.agrees
    assert found.adaptive.running.shape[1] == 3


def test_a_stiff_flow_agrees_with_a_step_that_is_small_enough() -> None:
    found = compare_integrators(STIFF, method="LSODA", dt=0.005, **SHORT)
    np.testing.assert_allclose(found.adaptive.exponents, [-0.05, -0.05, -100], atol=0.05)
    assert found.agrees
    lines = repr(found).splitlines()
    assert lines[0] == "system, m = 100: T = 20, transient 5"
    assert lines[1].split() == [
        "RK4,",
        "dt",
        "=",
        "0.005",
        "LSODA,",
        "rtol",
        "=",
        "1e-07",
        "difference",
        "in",
        "standard",
        "errors",
    ]
    assert [line.split("  ")[0] for line in lines[2:]] == [
        *("L1", "L2", "L3", "sum", "exact sum", "D_KY", "class", "They agree."),
    ]


def test_a_step_that_is_too_large_is_shown() -> None:
    """At dt = 0.025 the factor of a step is 0.648, and that of the flow exp(-2.5)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StepWarning)
        found = compare_integrators(STIFF, method="Radau", dt=0.025, **SHORT)
    assert found.fixed.exponents[2] == pytest.approx(np.log(1 - 2.5 + 2.5**2 / 2 - 2.5**3 / 6 + 2.5**4 / 24) / 0.025)
    assert not found.agrees
    assert repr(found).endswith("They differ: trust neither before you know why.")


def test_orbits_that_diverge() -> None:
    blow_up = System.flow("x' = x^2", start=[1.0])
    found = compare_integrators(blow_up, **SHORT)
    assert found.agrees
    assert "DOP853: the orbit diverged at t = 1" in repr(found)
    assert np.isnan(found.difference).all()
    assert not replace(found, adaptive=replace(found.adaptive, message="", exponents=np.zeros(1))).agrees


def test_a_driven_orbit_that_diverges_is_so_in_both() -> None:
    found = compare_integrators(System.flow("x' = x^2 + cos(t)", start=[2.0]), **SHORT)
    assert found.adaptive.exponents.shape == (2,)
    assert np.isnan(found.adaptive.exponents).all()
    assert repr(found).count("diverged") == 3


def test_start_and_parameters_are_those_given() -> None:
    two = System.flow("x' = a*x - x^3", start=[1.0], defaults={"a": 1.0})
    assert compare_integrators(two, {"a": 2.0}, **SHORT).adaptive.exponents == pytest.approx([-4], abs=1e-4)
    still = compare_integrators(two, {"a": 0.5}, start=[0.0], **SHORT)
    assert still.adaptive.exponents == pytest.approx([0.5], abs=1e-4)
    assert still.fixed.exponents == pytest.approx([0.5], abs=1e-4)


@pytest.mark.parametrize(
    ("system", "parameters", "options", "message"),
    [
        (systems.henon(), {}, {}, "a map has none"),
        (systems.lorenz(), {"rho": [1.0, 2.0]}, {}, "one parameter point"),
        (systems.lorenz(), {"r": 1.0}, {}, "no parameter 'r'"),
        (systems.lorenz(), {}, {"start": [[1, 2, 3], [4, 5, 6]]}, "one start, not 2"),
        (systems.lorenz(), {}, {"start": [1.0]}, "starts must have the shape"),
        (STIFF, {}, {"method": "Euler", "T": 1.0, "transient": 0, "code": "numpy"}, "give one of"),
    ],
)
def test_bad_input(system: System, parameters: dict[str, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compare_integrators(system, parameters, **options)
