"""Classes of orbits: a table of spectra, and what counts as positive."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.lyapunov.classes import OrbitClass, classify, significant_sign

D, F, P, Q, C, H = OrbitClass
INF, NAN = float("inf"), float("nan")

FLOWS = [
    ((0.9056, 0.0, -14.57), C),
    ((0.112, 0.021, 0.0, -24.9), H),
    ((0.0, -0.021, -13.6), P),
    ((0.0, 0.0, -1.0), Q),
    ((0.001, -0.0005, -1.0), Q),
    ((-0.59, -0.6, -12.5), F),
    ((NAN, NAN, NAN), D),
    ((0.9, NAN, NAN), D),
    ((INF, 0.0, -1.0), D),
    ((0.0, -1.0, -INF), P),
    ((-1.0, 0.9, 0.0), C),
]
MAPS = [
    ((0.419, -1.623), C),
    ((0.2, 0.1), H),
    ((-0.16, -1.04), P),
    ((0.0, -0.3), Q),
    ((-INF, -INF), P),
    ((NAN, -INF), D),
]


@pytest.mark.parametrize(("exponents", "expected"), FLOWS)
def test_flows(exponents: tuple[float, ...], expected: OrbitClass) -> None:
    assert classify(exponents, T=1000) == expected


@pytest.mark.parametrize(("exponents", "expected"), MAPS)
def test_maps(exponents: tuple[float, ...], expected: OrbitClass) -> None:
    assert classify(exponents, T=10_000, kind="map") == expected


@pytest.mark.parametrize(
    ("exponents", "expected"), [((0.157, 0.0, -0.407), C), ((0.0, -0.1, -0.1), P), ((0.0, 0.001, -0.2), Q)]
)
def test_driven_flows_hold_the_zero_of_the_phase(exponents: tuple[float, ...], expected: OrbitClass) -> None:
    assert classify(exponents, T=1000, driven=True) == expected


def test_a_driven_flow_without_its_phase_is_refused() -> None:
    assert classify([[0.1, 0.0, -0.3], [NAN, NAN, NAN]], T=1000, driven=True).tolist() == [C, D]
    with pytest.raises(ValueError, match="append a 0"):
        classify([0.157, -0.407], T=1000, driven=True)
    with pytest.raises(ValueError, match="for flows"):
        classify([0.157, 0.0], T=1000, kind="map", driven=True)


def test_a_known_period_of_one_is_a_fixed_point() -> None:
    exponents = [[-0.7], [-0.9], [-INF], [0.69], [0.0], [NAN]]
    codes = classify(exponents, T=1000, kind="map", period=[1, 2, 1, 1, 1, 1])
    assert codes.tolist() == [F, P, F, C, Q, D]


@pytest.mark.parametrize(
    ("exponent", "error", "expected"),
    [
        (0.0029, 0.0, 0),  # within 3 / T
        (0.0031, 0.0, 1),
        (-0.0031, 0.0, -1),
        (0.0299, 0.01, 0),  # within three standard errors
        (0.0301, 0.01, 1),
        (-0.0299, 0.01, 0),
        (0.01, NAN, 1),  # one block has no error
        (-INF, NAN, -1),
        (-INF, INF, -1),
        (5.0, INF, 0),  # known to nobody
        (NAN, 0.0, 0),
    ],
)
def test_significance(exponent: float, error: float, expected: int) -> None:
    assert significant_sign(exponent, error, T=1000) == expected


@given(
    st.lists(st.floats(-2, 2), min_size=3, max_size=3),
    st.lists(st.floats(0, 0.2), min_size=3, max_size=3),
    st.permutations(range(3)),
)
def test_order_does_not_matter(exponents: list[float], errors: list[float], order: list[int]) -> None:
    values, spread = np.array(exponents), np.array(errors)
    assert classify(values, spread, T=100) == classify(values[order], spread[order], T=100)


def test_grids_keep_their_shape() -> None:
    table = np.array([spectrum for spectrum, _ in FLOWS if len(spectrum) == 3]).reshape(2, 5, 3)
    codes = classify(table, np.full(3, 1e-4), T=1000)
    assert codes.shape == (2, 5)
    assert codes.dtype == np.int8
    assert codes.reshape(-1).tolist() == [kind for spectrum, kind in FLOWS if len(spectrum) == 3]


def test_names_and_codes_stay() -> None:
    assert {kind.label: int(kind) for kind in OrbitClass} == {
        "diverged": -1,
        "fixed point": 0,
        "periodic": 1,
        "quasi-periodic": 2,
        "chaotic": 3,
        "hyperchaotic": 4,
    }


@pytest.mark.parametrize(
    "bad", [{"T": 0.0}, {"T": NAN}, {"z": -1.0}, {"allowance": -1.0}, {"kind": "ode"}, {"exponents": 1.0}], ids=str
)
def test_bad_arguments_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        classify(**({"exponents": [0.1, 0.0], "T": 100.0} | bad))  # type: ignore[arg-type]
