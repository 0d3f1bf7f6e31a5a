"""Lyapunov spectra: facts that nobody can tune to, then published values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from everest_kernel.lyapunov import (
    Flow,
    LyapunovSpectrum,
    Schedule,
    benettin,
    kaplan_yorke,
    lorenz_eigenvalues,
    lorenz_spectrum,
)

CLASSIC = (10.0, 28.0, 8 / 3)


@dataclass(frozen=True)
class LinearFlow:
    """x' = A x: its exponents are the real parts of the eigenvalues of A, whatever the orbit."""

    matrix: NDArray[np.float64]
    points: int = 1

    @property
    def dimension(self) -> int:
        return len(self.matrix)

    def take(self, part: slice) -> Flow:
        return LinearFlow(self.matrix, part.stop - part.start)

    def derivative(self, y: NDArray[np.float64], out: NDArray[np.float64]) -> None:
        out[:] = np.einsum("ij,jkp->ikp", self.matrix, y)


def exponents(flow: Flow, schedule: Schedule) -> NDArray[np.float64]:
    blocks, _ = benettin(flow, np.ones((flow.dimension, flow.points)), schedule)
    return np.sort(blocks.mean(axis=0)[:, 0])[::-1]


# --- exact facts


def test_a_diagonal_system_gives_its_diagonal() -> None:
    found = exponents(LinearFlow(np.diag([-0.5, 0.25, -2.0])), Schedule(T=20, dt=0.01, transient=0))
    assert found == pytest.approx([0.25, -0.5, -2.0], abs=1e-8)


def test_a_strongly_non_normal_system_needs_true_orthogonalisation() -> None:
    found = exponents(LinearFlow(np.array([[-1.0, 50.0], [0.0, -2.0]])), Schedule(T=200, dt=0.01, transient=50))
    assert found == pytest.approx([-1, -2], abs=1e-8)


@settings(max_examples=15)
@given(st.lists(st.floats(-1, 1), min_size=9, max_size=9))
def test_linear_systems_have_the_real_parts_of_their_eigenvalues(entries: list[float]) -> None:
    matrix = np.array(entries).reshape(3, 3)
    found = exponents(LinearFlow(matrix), Schedule(T=200, dt=0.05, transient=50))
    expected = np.sort(np.linalg.eigvals(matrix).real)[::-1]
    assert found == pytest.approx(expected, abs=0.06)
    assert found.sum() == pytest.approx(np.trace(matrix), abs=1e-5)


def test_in_stable_regimes_they_are_the_eigenvalues_of_the_equilibrium() -> None:
    regimes = [0.5, 0.9, 10.0, 20.0, 22.0]
    found = lorenz_spectrum(10, regimes, 8 / 3, T=400, transient=200)
    for rho, exponents in zip(regimes, found.exponents, strict=True):
        expected = lorenz_eigenvalues(10, rho, 8 / 3).real
        complex_pair = expected[0] == pytest.approx(expected[1])
        assert exponents == pytest.approx(expected, abs=1e-2 if complex_pair else 1e-5), rho
    assert found.sum == pytest.approx(found.exact_sum, abs=1e-5)


def test_the_eigenvalues_themselves() -> None:
    """Against the closed form at the origin and the printed values of two regimes."""
    sigma, rho, beta = 10.0, 0.5, 8 / 3
    root = np.sqrt((sigma - 1) ** 2 + 4 * sigma * rho)
    closed = sorted([-beta, (-(sigma + 1) + root) / 2, (-(sigma + 1) - root) / 2], reverse=True)
    assert lorenz_eigenvalues(sigma, rho, beta).real == pytest.approx(closed, rel=1e-12)
    assert lorenz_eigenvalues(10, 20, 8 / 3).real == pytest.approx([-0.1548, -0.1548, -13.357081], abs=1e-4)


def test_the_sums_error_falls_as_the_fourth_power_of_the_step() -> None:
    errors = [abs(float((s := lorenz_spectrum(*CLASSIC, T=50, dt=dt)).sum - s.exact_sum)) for dt in (0.02, 0.01, 0.005)]
    assert errors[0] / errors[1] == pytest.approx(16, rel=0.4)
    assert errors[1] / errors[2] == pytest.approx(16, rel=0.4)
    assert errors[2] < 2e-5


def test_mirrored_starts_have_equal_spectra() -> None:
    one = lorenz_spectrum(*CLASSIC, T=20, start=(0.5, 1, 1.5))
    other = lorenz_spectrum(*CLASSIC, T=20, start=(-0.5, -1, 1.5))
    assert np.array_equal(one.exponents, other.exponents)


# --- published values


@pytest.fixture(scope="module")
def published() -> LyapunovSpectrum:
    """The classic parameters and Wolf's, with the defaults."""
    return lorenz_spectrum([10, 16], [28, 45.92], [8 / 3, 4])


def test_the_classic_parameters(published: LyapunovSpectrum) -> None:
    """Sprott, Chaos and Time-Series Analysis (2003): 0.9056, 0, -14.5723; Kaplan-Yorke dimension 2.062."""
    first, second, _ = published.exponents[0]
    assert first == pytest.approx(0.9056, abs=0.025)
    assert second == pytest.approx(0, abs=0.01)
    assert published.sum[0] == pytest.approx(-(10 + 1 + 8 / 3), abs=1e-4)
    assert published.kaplan_yorke[0] == pytest.approx(2.062, abs=0.003)
    assert 0 < published.standard_error[0, 0] < 0.02


def test_wolfs_parameters(published: LyapunovSpectrum) -> None:
    """Wolf et al., Physica D 16 (1985) 285: 2.16, 0, -32.4 bits; recomputed 1.5028, 0, -22.5028."""
    assert published.exponents[1] == pytest.approx([1.5028, 0, -22.5028], abs=0.04)
    assert published.sum[1] == pytest.approx(-21, abs=1e-4)


def test_the_mean_over_starts_is_sharper_than_one_run() -> None:
    """64 runs of T = 100: their mean has a standard error of 0.15 / sqrt(6400) = 0.002."""
    starts = np.random.default_rng(7).normal((0.5, 1.0, 1.5), 0.1, (64, 3)).T
    found = lorenz_spectrum(np.full(64, 10.0), 28, 8 / 3, T=100, transient=50, dt=0.01, start=starts)
    assert found.exponents[:, 0].mean() == pytest.approx(0.9056, abs=0.006)


# --- a point does not know its neighbours


def test_a_result_does_not_depend_on_how_points_are_grouped() -> None:
    rho = np.linspace(20, 60, 300)  # more than one chunk
    whole = lorenz_spectrum(10, rho, 8 / 3, T=2, transient=1)
    parts = [lorenz_spectrum(10, rho[i : i + 7], 8 / 3, T=2, transient=1).exponents for i in range(0, 300, 7)]
    assert np.array_equal(whole.exponents, np.concatenate(parts))
    alone = lorenz_spectrum(10, rho[123], 8 / 3, T=2, transient=1)
    assert np.array_equal(alone.exponents, whole.exponents[123])


def test_a_point_that_escapes_becomes_nan_alone() -> None:
    sigma = np.array([10.0, -50.0, 10.0])
    found = lorenz_spectrum(sigma, 28, 8 / 3, T=5)
    assert found.diverged.tolist() == [False, True, False]
    alone = lorenz_spectrum(10, 28, 8 / 3, T=5)
    assert np.array_equal(found.exponents[[0, 2]], np.stack([alone.exponents] * 2))
    assert np.isnan(found.exponents[1]).all()


def test_parameters_are_broadcast_into_a_grid() -> None:
    found = lorenz_spectrum(np.array([9.0, 10.0])[:, None], np.array([20.0, 28.0, 30.0]), 8 / 3, T=1, transient=0)
    assert found.exponents.shape == (2, 3, 3)
    assert found.standard_error.shape == (2, 3, 3)
    assert found.exact_sum.shape == found.sum.shape == found.kaplan_yorke.shape == (2, 3)
    assert (np.diff(found.exponents, axis=-1) <= 0).all(), "descending"
    assert found.points_per_second > 0


def test_no_points_are_no_problem() -> None:
    assert lorenz_spectrum(np.array([]), 28, 8 / 3, T=1).exponents.shape == (0, 3)


# --- bad input


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"T": 0}, "T must be a positive"),
        ({"T": float("nan")}, "T must be a positive"),
        ({"dt": -0.01}, "dt must be a positive"),
        ({"transient": -1}, "transient must not be negative"),
        ({"renormalize": 0.001}, "shorter than one step"),
        ({"T": 0.05}, "shorter than the renormalisation interval"),
        ({"start": (1, 2)}, "start must have the shape"),
        ({"rho": float("inf")}, "rho has values that are not finite"),
        ({"rho": [1, 2], "sigma": [1, 2, 3]}, "broadcast"),
    ],
)
def test_senseless_input_is_refused(options: dict[str, object], said: str) -> None:
    arguments = {"sigma": 10, "rho": 28, "beta": 8 / 3, **options}
    with pytest.raises(ValueError, match=said):
        lorenz_spectrum(**arguments)  # type: ignore[arg-type]


# --- Kaplan-Yorke


@pytest.mark.parametrize(
    ("spectrum", "dimension"),
    [
        ([0.9056, 0.0, -14.5723], 2 + 0.9056 / 14.5723),
        ([-1.0, -2.0, -3.0], 0),
        ([0.0, -1.0, -2.0], 1),
        ([0.5, 0.2, 0.1], 3),
        ([float("nan")] * 3, float("nan")),
    ],
)
def test_kaplan_yorke(spectrum: list[float], dimension: float) -> None:
    found = kaplan_yorke(np.array(spectrum), tolerance=0.0)
    assert float(found) == pytest.approx(dimension, nan_ok=True)
