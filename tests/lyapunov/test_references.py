"""Spectra recomputed as the mean of 64 runs, with the standard error of that mean; here within 4 errors of the run.

Sources of the printed values are in the catalogue, `everest_kernel.lyapunov.systems`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from everest_kernel.lyapunov import spectrum, systems

FLOWS: list[tuple[str, dict[str, float], list[tuple[float, float]]]] = [
    ("lorenz", {}, [(0.9056, 1e-4), (0, 1e-4), (-14.5723, 1e-4)]),
    ("lorenz", {"sigma": 16, "rho": 45.92, "beta": 4}, [(1.5028, 1e-4), (0, 1e-4), (-22.5028, 1e-4)]),
    ("roessler", {}, [(0.0714, 1e-4), (0, 1e-4), (-5.3943, 1e-4)]),
    ("halvorsen", {}, [(0.7903, 4e-4), (0, 1e-4), (-4.6003, 4e-4)]),
    ("thomas", {}, [(0.0349, 2e-4), (0, 1e-4), (-0.5749, 2e-4)]),
    ("chen", {}, [(2.0270, 1.3e-3), (0, 1e-4), (-12.0270, 1.3e-3)]),
    ("sprott_b", {}, [(0.2101, 1e-4), (0, 1e-4), (-1.2101, 1e-4)]),
    ("rucklidge", {}, [(0.1917, 1e-4), (0, 1e-4), (-3.1917, 1e-4)]),
    ("duffing", {}, [(0.1572, 3e-4), (0, 0), (-0.4072, 3e-4)]),
    ("ueda", {}, [(0.1032, 2e-4), (0, 0), (-0.1532, 2e-4)]),
]
MAPS: list[tuple[str, dict[str, float], list[tuple[float, float]]]] = [
    ("henon", {}, [(0.41916, 4e-5), (-1.62313, 4e-5)]),
    ("henon", {"a": 1.2}, [(0.30592, 4e-5), (-1.50989, 4e-5)]),
    ("henon", {"a": 1.0}, [(-0.161178, 1e-6), (-1.042795, 1e-6)]),
    ("logistic", {"r": 3.6}, [(0.18343, 3e-5)]),
    ("logistic", {"r": 3.7}, [(0.35494, 4e-5)]),
    ("logistic", {"r": 3.83}, [(-0.36967, 1e-5)]),
    ("standard_map", {"k": 8}, [(1.4034, 1e-4), (-1.4034, 1e-4)]),
    ("delayed_logistic", {}, [(0.18319, 4e-5), (-1.2424, 3e-4)]),
]


def agrees(name: str, parameters: dict[str, float], expected: list[tuple[float, float]], **options: Any) -> None:
    found = spectrum(systems.named(name), parameters, starts=32, **options)
    values, errors = np.array(expected).T
    rounding = 1e-4  # of the printed values, and of the step
    allowed = 4 * np.sqrt(found.standard_error**2 + errors**2) + rounding
    assert (np.abs(found.exponents - values) <= allowed).all(), (found.exponents, values, allowed)
    if found.exact_sum is not None:
        assert found.sum == pytest.approx(found.exact_sum, abs=2e-4)


@pytest.mark.parametrize(("name", "parameters", "expected"), FLOWS)
def test_flows(name: str, parameters: dict[str, float], expected: list[tuple[float, float]]) -> None:
    agrees(name, parameters, expected, T=500, transient=100)


@pytest.mark.parametrize(("name", "parameters", "expected"), MAPS)
def test_maps(name: str, parameters: dict[str, float], expected: list[tuple[float, float]]) -> None:
    agrees(name, parameters, expected, T=20_000)


def test_a_hamiltonian_flow_is_symmetric() -> None:
    found = spectrum(systems.henon_heiles(), T=2000, dt=0.02)
    assert found.exponents == pytest.approx(-found.exponents[::-1], abs=1e-3)
    assert abs(found.sum) < 1e-8


def test_lorenz_96_with_forty_sites() -> None:
    found = spectrum(systems.lorenz_96(40), T=300, transient=50, dt=0.05, renormalize=0.1, check=False)
    assert found.exponents[0] == pytest.approx(1.688, abs=0.12)
    assert int((found.exponents > 0.02).sum()) in (12, 13, 14)
    assert found.sum == pytest.approx(-40, abs=0.05)
