"""Lorenz: facts that nobody can tune to, then published values."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from everest_kernel.lyapunov import LyapunovSpectrum, Schedule, spectrum, systems

CLASSIC = {"sigma": 10.0, "rho": 28.0, "beta": 8 / 3}


def eigenvalues(sigma: float, rho: float, beta: float) -> NDArray[np.float64]:
    """Real parts at the equilibrium that attracts, descending: the origin for rho <= 1, else C+."""
    q = np.sqrt(max(beta * (rho - 1), 0.0))
    x, z = (0.0, 0.0) if rho <= 1 else (q, rho - 1)
    values = np.linalg.eigvals(np.array([[-sigma, sigma, 0.0], [rho - z, -1.0, -x], [x, x, -beta]]))
    return np.sort(values.real)[::-1]


def test_in_stable_regimes_they_are_the_eigenvalues_of_the_equilibrium() -> None:
    regimes = [0.5, 0.9, 10.0, 20.0, 22.0]
    found = spectrum(systems.lorenz(), {**CLASSIC, "rho": regimes}, T=400, transient=200, dt=0.005)
    for rho, exponents in zip(regimes, found.exponents, strict=True):
        expected = eigenvalues(10, rho, 8 / 3)
        complex_pair = expected[0] == pytest.approx(expected[1])
        assert exponents == pytest.approx(expected, abs=1e-2 if complex_pair else 1e-5), rho
    assert found.sum == pytest.approx(found.exact_sum, abs=1e-5)


def test_the_sums_error_falls_as_the_fourth_power_of_the_step() -> None:
    runs = [spectrum(systems.lorenz(), CLASSIC, T=50, dt=dt, renormalize=0.1) for dt in (0.02, 0.01, 0.005)]
    errors = [abs(float(run.sum - run.exact_sum)) for run in runs if run.exact_sum is not None]
    assert errors[0] / errors[1] == pytest.approx(16, rel=0.4)
    assert errors[1] / errors[2] == pytest.approx(16, rel=0.4)
    assert errors[2] < 2e-5


@pytest.mark.parametrize("code", ["numba", "numpy"])
def test_mirrored_starts_have_equal_spectra(code: str) -> None:
    one = spectrum(systems.lorenz(), CLASSIC, T=20, starts=(0.5, 1, 1.5), code=code)
    other = spectrum(systems.lorenz(), CLASSIC, T=20, starts=(-0.5, -1, 1.5), code=code)
    assert np.array_equal(one.exponents, other.exponents)


def test_without_a_transient_the_first_is_low() -> None:
    late = spectrum(systems.lorenz(), CLASSIC, T=50, starts=64).exponents[0]
    early = spectrum(systems.lorenz(), CLASSIC, T=50, starts=64, transient=0).exponents[0]
    assert late == pytest.approx(0.9056, abs=0.02)
    assert early == pytest.approx(0.9056 - 0.18, abs=0.04)


@pytest.fixture(scope="module")
def published() -> LyapunovSpectrum:
    """The classic parameters and Wolf's, 16 starts each."""
    return spectrum(systems.lorenz(), {"sigma": [10, 16], "rho": [28, 45.92], "beta": [8 / 3, 4]}, starts=16, dt=0.005)


def test_the_classic_parameters(published: LyapunovSpectrum) -> None:
    """Sprott, Chaos and Time-Series Analysis (2003): 0.9056, 0, -14.5723; Kaplan-Yorke dimension 2.062."""
    first, second, _ = published.exponents[0]
    assert first == pytest.approx(0.9056, abs=0.007)
    assert second == pytest.approx(0, abs=0.003)
    assert published.sum[0] == pytest.approx(-(10 + 1 + 8 / 3), abs=2e-5)
    assert published.kaplan_yorke[0] == pytest.approx(2.062, abs=0.001)
    assert 0 < published.standard_error[0, 0] < 0.006


def test_wolfs_parameters(published: LyapunovSpectrum) -> None:
    """Wolf et al., Physica D 16 (1985) 285: 2.16, 0, -32.4 bits; recomputed 1.5028, 0, -22.5028."""
    assert published.exponents[1] == pytest.approx([1.5028, 0, -22.5028], abs=0.012)
    assert published.sum[1] == pytest.approx(-21, abs=1e-4)


def test_the_picture_along_rho() -> None:
    """Where L1 is negative, zero and positive, outside of the regions where it depends on the start."""
    rho = [0.5, 10, 20, 28, 60, 99.65, 120, 150, 170, 230]
    found = spectrum(systems.lorenz(), {**CLASSIC, "rho": rho}, T=1000, transient=200, dt=0.0025, renormalize=0.05)
    signs = np.where(np.abs(found.exponents[:, 0]) < 0.01, 0, np.sign(found.exponents[:, 0]))
    assert signs.tolist() == [-1, -1, -1, 1, 1, 0, 1, 0, 1, 0]


def test_the_schedule_that_was_used() -> None:
    assert spectrum(systems.lorenz(), CLASSIC, T=1).schedule == Schedule(T=1, dt=0.005, transient=50, renormalize=0.025)
