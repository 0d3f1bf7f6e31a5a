"""The adaptive check: linear flows, a fixed point of Lorenz's flow, driven and diverging orbits."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from everest_kernel.lyapunov.adaptive import AdaptiveSpectrum, adaptive_spectrum

Array = NDArray[np.float64]


def linear(matrix: list[list[float]], **options: object) -> AdaptiveSpectrum:
    a = np.array(matrix)
    times = {"T": 20.0, "transient": 20.0} | options
    return adaptive_spectrum(lambda x, t: a @ x, lambda x, t: a, np.ones(len(a)), **times)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["DOP853", "RK45", "LSODA", "Radau", "BDF"])
def test_non_normal_linear_flow(method: str) -> None:
    tolerances = {"rtol": 1e-6, "atol": 1e-6, "T": 5.0, "transient": 10.0}
    result = linear([[-1, 50], [0, -2]], method=method, **tolerances)
    np.testing.assert_allclose(result.exponents, [-1, -2], atol=2e-3)
    assert result.message == ""


def test_exponents_are_descending_and_have_a_history() -> None:
    result = linear([[-3, 0, 0], [0, -1, 0], [0, 0, -2]], T=5.2, transient=0.0, renormalize=0.25, blocks=4)
    np.testing.assert_allclose(result.exponents, [-1, -2, -3], atol=1e-7)
    np.testing.assert_allclose(result.standard_error, 0, atol=1e-6)
    assert result.times[-1] == pytest.approx(5.2)
    assert result.running.shape == (len(result.times), 3)
    np.testing.assert_allclose(result.running[-1], [-3, -1, -2], atol=1e-7)


def test_some_exponents_only() -> None:
    assert linear([[-1, 50], [0, -2]], k=1).exponents == pytest.approx([-1], abs=1e-6)


def lorenz(rho: float, **options: object) -> AdaptiveSpectrum:
    return adaptive_spectrum(
        lambda x, t: [10 * (x[1] - x[0]), x[0] * (rho - x[2]) - x[1], x[0] * x[1] - 8 / 3 * x[2]],
        lambda x, t: [[-10, 10, 0], [rho - x[2], -1, -x[0]], [x[1], x[0], -8 / 3]],
        [0.5, 1.0, 1.5],
        **({"T": 20.0, "transient": 10.0, "rtol": 1e-7, "atol": 1e-7} | options),  # type: ignore[arg-type]
    )


def test_lorenz_at_a_fixed_point() -> None:
    result = lorenz(10)
    expected = np.array([-0.5955, -0.5955, -12.475671])  # real parts of the eigenvalues at the equilibrium
    assert result.exponents.sum() == pytest.approx(-13 - 2 / 3, abs=1e-5)
    np.testing.assert_allclose(result.exponents, expected, atol=0.05)
    assert result.exponents[:2].mean() == pytest.approx(expected[:2].mean(), abs=1e-3)
    np.testing.assert_allclose(result.exponents[2], expected[2], atol=1e-3)


def test_error_of_the_blocks() -> None:
    """The growth of x' = cos(t) x over blocks is known: sines of their ends."""
    result = adaptive_spectrum(
        lambda x, t: np.cos(t) * x, lambda x, t: [[np.cos(t)]], [1.0], T=10.0, transient=0, renormalize=0.5, blocks=5
    )
    ends = np.sin(np.arange(0, 12, 2.0))
    means = np.diff(ends) / 2
    assert result.exponents[0] == pytest.approx(means.mean(), abs=1e-8)
    assert result.standard_error[0] == pytest.approx(means.std(ddof=1) / np.sqrt(5), abs=1e-8)


def test_time_begins_at_t0_and_the_transient_goes_before() -> None:
    result = adaptive_spectrum(
        lambda x, t: np.cos(t) * x, lambda x, t: [[np.cos(t)]], [1.0], T=2.0, transient=1.0, renormalize=0.5, t0=3.0
    )
    assert result.exponents[0] == pytest.approx((np.sin(6) - np.sin(4)) / 2, abs=1e-8)


def test_one_block_has_no_error() -> None:
    assert np.isnan(linear([[-1.0]], blocks=1).standard_error).all()


@pytest.mark.parametrize("method", ["DOP853", "LSODA", "Radau"])
def test_a_diverging_orbit_is_nan_and_says_when(method: str) -> None:
    result = adaptive_spectrum(
        lambda x, t: x * x, lambda x, t: np.diag(2 * x), [1.0], T=5.0, transient=0.0, method=method, rtol=1e-6
    )
    assert np.isnan(result.exponents).all()
    assert np.isnan(result.standard_error).all()
    assert float(result.message.split("diverged at t = ")[1].split()[0]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    "bad",
    [
        {"T": 0.0},
        {"renormalize": 30.0},
        {"rtol": -1.0},
        {"transient": -1.0},
        {"k": 2},
        {"method": "Euler"},
        {"T": np.nan},
    ],
    ids=str,
)
def test_bad_numbers_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        linear([[-1.0]], **bad)
    with pytest.raises(ValueError, match="start"):
        adaptive_spectrum(lambda x, t: x, lambda x, t: [[1]], [np.nan])
