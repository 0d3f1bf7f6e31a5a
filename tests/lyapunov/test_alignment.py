"""SALI and GALI: linear maps, for which they are known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from everest_kernel.lyapunov.alignment import Advance, alignment, gali, sali, tangent_vectors

Array = NDArray[np.float64]


def linear(matrix: list[list[float]]) -> Advance:
    a = np.array(matrix)

    def advance(x: Array, v: Array) -> tuple[Array, Array]:
        return a @ x, np.einsum("ij,jkp->ikp", a, v)

    return advance


def test_parallel_antiparallel_and_orthogonal_vectors() -> None:
    pairs = np.array([[[1, 2], [1, -3], [1, 0]], [[0, 0], [0, 0], [0, 5]]], dtype=float)  # (n, cases, k)
    vectors = np.moveaxis(pairs, 1, 2)
    np.testing.assert_allclose(sali(vectors), [0, 0, np.sqrt(2)])
    np.testing.assert_allclose(gali(vectors), [[1, 1, 1], [0, 0, 1]])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 6))
def test_gali_is_the_volume_and_goes_with_sali(seed: int, n: int) -> None:
    vectors = np.random.default_rng(seed).standard_normal((n, n))
    units = vectors / np.linalg.norm(vectors, axis=0)
    volumes = gali(vectors)
    for k in range(1, n + 1):
        gram = units[:, :k].T @ units[:, :k]
        assert volumes[k - 1] == pytest.approx(np.sqrt(max(np.linalg.det(gram), 0)), abs=1e-7)
    far = max(np.linalg.norm(units[:, 0] + s * units[:, 1]) for s in (1, -1))
    assert 2 * volumes[1] == pytest.approx(sali(vectors) * far, abs=1e-12)


def test_stretching_aligns_at_the_difference_of_the_exponents() -> None:
    """diag(4, 2, 1): GALI_2 falls by 2 a step, GALI_3 by 2 · 4."""
    first = np.array([[1.0, 1, 1], [0, 1, 1], [0, 0, 1]])
    result = alignment(linear([[4, 0, 0], [0, 2, 0], [0, 0, 1]]), np.zeros(3), steps=12, k=3, vectors=first)
    pushed = np.diag([4.0, 2, 1]) ** 12 @ first
    units = pushed / np.linalg.norm(pushed, axis=0)
    np.testing.assert_allclose(result.gali[-1, :, 0], [1, np.linalg.norm(units[1:, 1]), np.linalg.det(units)])
    ratio = result.gali[-1, :, 0] / result.gali[-2, :, 0]
    np.testing.assert_allclose(ratio, [1, 1 / 2, 1 / 8], rtol=1e-3)


def test_a_rotation_keeps_both_indices() -> None:
    c, s = np.cos(1.0), np.sin(1.0)
    result = alignment(linear([[c, -s], [s, c]]), [1.0, 0.0], steps=100, vectors=[[1, 1], [0, 1]])
    np.testing.assert_allclose(result.sali[:, 0], 2 * np.sin(np.pi / 8), rtol=1e-12)
    np.testing.assert_allclose(result.gali[:, 1, 0], np.sqrt(0.5), rtol=1e-12)


def test_a_shear_aligns_as_a_power_of_time() -> None:
    """(1, 0) stays, (0, 1) becomes (t, 1): the sine of their angle is 1 / sqrt(1 + t²)."""
    result = alignment(linear([[1, 1], [0, 1]]), np.zeros((2, 2)), steps=50, every=25, vectors=np.eye(2))
    np.testing.assert_array_equal(result.steps, [0, 25, 50])
    np.testing.assert_allclose(result.gali[:, 1], [[1, 1]] + [[1 / np.sqrt(1 + t * t)] * 2 for t in (25, 50)])


def test_it_ends_when_all_are_aligned_and_a_lost_orbit_stays_alone() -> None:
    a = np.diag([4.0, 1.0])

    def advance(x: Array, v: Array) -> tuple[Array, Array]:
        return x * [[1, np.inf]], np.einsum("ij,jkp->ikp", a, v) * [1, np.nan]

    result = alignment(advance, np.ones((2, 2)), steps=1000)
    assert 20 < result.steps[-1] < 30
    np.testing.assert_allclose(np.linalg.norm(result.vectors[:, :, 0], axis=0), 1)
    assert result.sali[-1, 0] < 1e-13
    assert np.isnan(result.sali[-1, 1])
    assert np.isnan(result.gali[-1, 1, 1])


def test_first_vectors_are_orthonormal_and_repeatable() -> None:
    vectors = tangent_vectors(5, 3, seed=2)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(3), atol=1e-14)
    np.testing.assert_array_equal(vectors, tangent_vectors(5, 3, seed=2))
    with pytest.raises(ValueError, match="k must be 1 … 2"):
        tangent_vectors(2, 3)


@pytest.mark.parametrize(
    "bad",
    [{"k": 1}, {"k": 3}, {"steps": 0}, {"every": 0}, {"vectors": np.eye(3)}, {"state": np.zeros((2, 2, 2))}],
    ids=str,
)
def test_what_does_not_fit_is_refused(bad: dict[str, object]) -> None:
    arguments = {"state": np.zeros(2), "steps": 10} | bad
    with pytest.raises(ValueError, match=r"alignment|vectors"):
        alignment(linear([[1, 0], [0, 1]]), **arguments)  # type: ignore[arg-type]
