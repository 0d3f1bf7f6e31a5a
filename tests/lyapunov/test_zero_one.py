"""The 0-1 test: known kinds of motion, invariance, sampling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from everest_kernel.lyapunov.zero_one import zero_one

GOLDEN = (5**0.5 - 1) / 2


def logistic(r: float, samples: int = 1000) -> NDArray[np.float64]:
    x, out = 0.3, np.empty(samples)
    for step in range(-500, samples):
        x = r * x * (1 - x)
        if step >= 0:
            out[step] = x
    return out


@pytest.mark.parametrize("r", [2.5, 3.2, 3.5, 3.83])
def test_periodic_orbits_are_regular(r: float) -> None:
    assert abs(zero_one(logistic(r)).K) < 0.1


@pytest.mark.parametrize("r", [3.7, 3.9, 4.0])
def test_chaotic_orbits_are_chaotic(r: float) -> None:
    assert zero_one(logistic(r)).K > 0.9


def test_a_rotation_is_regular() -> None:
    angle = 2 * np.pi * GOLDEN * np.arange(2000)
    assert abs(zero_one(np.cos(angle) + 0.3 * np.sin(2 * angle)).K) < 0.1


def test_displacement_is_the_mean_over_all_starts() -> None:
    """K_c against the formula written out, for one frequency: the FFT changes nothing."""
    series, lags = logistic(3.6, 200), 20
    c = np.random.default_rng(5).uniform(np.pi / 5, 4 * np.pi / 5, 1)[0]
    centred = series - series.mean()
    walk = np.cumsum(centred * np.exp(1j * c * np.arange(1, 201)))
    moved = [np.mean([abs(walk[j + n] - walk[j]) ** 2 for j in range(200 - lags)]) for n in range(1, lags + 1)]
    expected = np.corrcoef(np.arange(1, lags + 1), moved)[0, 1]
    assert pytest.approx(expected, abs=1e-9) == zero_one(series, frequencies=1, seed=5).K


@settings(max_examples=15, deadline=None)
@given(
    scale=st.floats(1e-3, 1e6),
    shift=st.floats(-1e3, 1e3),
    sign=st.sampled_from([-1, 1]),
)
def test_unit_and_origin_do_not_matter(scale: float, shift: float, sign: int) -> None:
    series = logistic(3.6, 300)
    assert pytest.approx(float(zero_one(series).K), abs=1e-4) == zero_one(sign * scale * (series + shift)).K


def test_each_series_of_an_array_is_tested_by_itself() -> None:
    rows = np.array([[logistic(3.5), logistic(4.0)], [np.full(1000, 0.1), np.full(1000, np.nan)]])
    answer = zero_one(rows)
    assert answer.K.shape == answer.oversampled.shape == answer.stride.shape == (2, 2)
    assert answer.K[0, 1] == zero_one(rows[0, 1]).K
    assert answer.K[1, 0] == 0
    assert np.isnan(answer.K[1, 1])
    assert not answer.oversampled.any()
    assert (answer.stride == 1).all()
    assert answer.message == ""


def test_rounding_about_a_fixed_point_is_no_motion() -> None:
    noise = np.random.default_rng(1).integers(-2, 3, 1000) * 2.0**-52
    assert zero_one(1 + noise).K == 0


def test_the_seed_decides() -> None:
    series = logistic(3.6, 300)
    assert zero_one(series, seed=3).K == zero_one(series, seed=3).K
    assert zero_one(series, seed=3).K != zero_one(series, seed=4).K


def test_oversampling_is_said_and_the_stride_mends_it() -> None:
    """Chaos between whose samples nine more are put looks regular."""
    coarse = logistic(4.0, 4000)
    fine = np.interp(np.arange(0, 3999, 0.05), np.arange(4000), coarse)
    with pytest.warns(UserWarning, match="1 of 1 series are sampled too finely"):
        answer = zero_one(fine[:4000])
    assert answer.K < 0.9
    assert answer.oversampled
    mended = zero_one(fine[:: int(answer.stride)][:4000])
    assert mended.K > 0.9
    assert mended.message == ""


def test_a_slow_wave_is_oversampled() -> None:
    with pytest.warns(UserWarning, match="keep one sample in 25"):
        answer = zero_one(np.sin(2 * np.pi * np.arange(1000) / 100))
    assert answer.stride == 25


@pytest.mark.parametrize(("series", "frequencies"), [(np.zeros(99), 100), (np.float64(1), 100), (np.zeros(200), 0)])
def test_too_little_is_refused(series: NDArray[np.float64], frequencies: int) -> None:
    with pytest.raises(ValueError, match="zero_one"):
        zero_one(series, frequencies=frequencies)
