"""The 0-1 test and the alignment indices from a system alone."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from everest_kernel.lyapunov import System, alignment_of, systems, zero_one_test

SPIRAL = System.flow("x' = a*x - y; y' = x + a*y; z' = -z", start=(1.0, 0.2, 0.5), defaults={"a": 0.0})


def test_zero_one_on_a_grid_of_a_map() -> None:
    found = zero_one_test(systems.logistic(), {"r": [[3.5, 3.83], [3.97, 4.5]]}, samples=500)
    assert found.K.shape == (2, 2)
    np.testing.assert_allclose(found.K[0], 0, atol=0.1)
    assert found.K[1, 0] > 0.95
    assert np.isnan(found.K[1, 1])


def test_zero_one_chooses_the_distance_of_samples_of_a_flow() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = zero_one_test(systems.lorenz(), {"rho": [10.0, 28.0, 160.0]}, "x", samples=300, dt=0.01)
    assert found.K[0] == 0
    assert found.K[1] > 0.9
    assert abs(found.K[2]) < 0.2
    assert not found.oversampled.any()


def test_zero_one_takes_the_distance_that_is_given() -> None:
    with pytest.warns(UserWarning, match="sampled too finely"):
        found = zero_one_test(SPIRAL, samples=2000, every=1, dt=0.02, transient=0)
    assert found.oversampled
    assert found.stride == pytest.approx(np.pi / 2 / 0.02, rel=0.1)


def test_alignment_of_a_linear_flow_falls_with_the_gap_of_its_exponents() -> None:
    """Exponents a, a, -1: GALI_3 falls as exp(-(1 + a) t), and GALI_2 stays."""
    a = np.array([[0.0, 0.2, 0.5]])
    found = alignment_of(SPIRAL, {"a": a}, 3, T=6, dt=0.02, transient=1, every=100, stop=0)
    assert found.steps.tolist() == [0, 100, 200, 300]
    assert found.sali.shape == (4, 1, 3)
    assert found.gali.shape == (4, 3, 1, 3)
    assert found.state.shape == (3, 1, 3)
    assert found.vectors.shape == (3, 3, 1, 3)
    slope = np.log(found.gali[3, 2] / found.gali[1, 2]) / 4
    np.testing.assert_allclose(slope, -(1 + a), atol=0.15)
    assert (found.gali[:, 1] > 0.05).all()


def test_alignment_of_one_point_and_of_maps() -> None:
    chaotic = alignment_of(systems.standard_map(), {"k": 6.0}, T=40, transient=10)
    regular = alignment_of(systems.standard_map(), {"k": 0.1}, T=40, transient=10, start=[3.0, 0.3])
    assert chaotic.sali.ndim == 1
    assert chaotic.sali[-1] < 1e-12
    assert regular.sali[-1] > 1e-3


def test_alignment_of_a_driven_flow_knows_the_time() -> None:
    """A rotation of one direction by a drive: det of the tangent map follows sin, from where the transient ended."""
    driven = System.flow("x' = cos(t)*x; y' = 0*x", start=(0.1, 0.1))
    found = alignment_of(driven, T=1.5, dt=0.01, transient=0.5, every=150, stop=0)
    assert found.gali[0, 1] == pytest.approx(1)
    stretch = np.exp(np.sin(2.0) - np.sin(0.5))
    first = np.linalg.qr(np.random.default_rng(0).standard_normal((2, 2)))[0]
    moved = np.diag([stretch, 1.0]) @ first
    expected = abs(np.linalg.det(moved / np.linalg.norm(moved, axis=0)))
    assert found.gali[-1, 1] == pytest.approx(expected, abs=1e-8)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="k = 4 tangent vectors; give 2 … 3"):
        alignment_of(systems.lorenz(), k=4)
    with pytest.raises(ValueError, match="no parameter 'r'"):
        alignment_of(systems.lorenz(), {"r": 28})
    with pytest.raises(ValueError, match="samples = 50 are too few"):
        zero_one_test(systems.lorenz(), samples=50)
    with pytest.raises(ValueError, match="every = 0"):
        zero_one_test(systems.henon(), every=0)
    with pytest.raises(ValueError, match="no state 'q'"):
        zero_one_test(systems.henon(), state="q")
    with pytest.raises(ValueError, match="a map has iterations"):
        zero_one_test(systems.henon(), dt=0.5)
