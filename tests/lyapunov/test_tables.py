"""Spectra as texts, with their classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from everest_kernel.lyapunov import LyapunovSpectrum, OrbitClass, Schedule, spectrum, systems
from everest_kernel.lyapunov.tables import aligned, with_error


def made(exponents: object, errors: float = 0.01, exact: float | None = None, **other: object) -> LyapunovSpectrum:
    values = np.asarray(exponents, dtype=float)
    total = None if exact is None else np.full(values.shape[:-1], exact)
    plain = LyapunovSpectrum(
        exponents=values,
        standard_error=np.full_like(values, errors),
        finite_time=values[None],
        exact_sum=total,
        time=np.full(values.shape[:-1], 500.0),
        schedule=Schedule(T=500, dt=0.01, transient=50),
        kind="flow",
        driven=False,
        complete=True,
        starts=1,
        kernel="numpy 2",
        seconds=0.5,
    )
    return replace(plain, **other)  # type: ignore[arg-type]


def test_one_point() -> None:
    assert repr(made([0.9056, 0, -14.5723], exact=-41 / 3)).splitlines() == [
        "Lyapunov exponents of a flow, one point: T = 500, dt = 0.01, transient 50",
        "L1     0.906 ± 0.01",
        "L2     0.000 ± 0.01",
        "L3     -14.572 ± 0.01",
        "sum    -13.6667 (exact -13.6667)",
        "D_KY   2.0621",
        "class  chaotic",
        "numpy 2, 2 points per second",
    ]


def test_leading_exponents_have_no_sum() -> None:
    text = repr(made([0.9056, 0], complete=False))
    assert "sum" not in text
    assert "D_KY   nan" in text


def test_a_grid_shows_its_ends_and_counts_its_classes() -> None:
    chaotic, rest = [0.9, 0.0, -14.0], [-0.5, -0.6, -12.0]
    found = made([[chaotic, rest]] * 6 + [[[np.nan] * 3] * 2])
    lines = repr(found).splitlines()
    assert lines[0].startswith("Lyapunov exponents of a flow, 7 × 2 points: T = 500")
    assert [line.split("  ")[0] for line in lines[1:-2]] == [
        *("point", "0, 0", "0, 1", "1, 0", "1, 1", "…", "5, 0", "5, 1", "6, 0", "6, 1"),
    ]
    assert lines[-2] == "classes: 2 diverged, 6 fixed point, 6 chaotic"
    assert "diverged" in lines[-3]


def test_many_exponents_are_cut() -> None:
    one = repr(made(np.linspace(1, -3, 40))).splitlines()
    assert [line.split()[0] for line in one[1:14]] == [
        *("L1", "L2", "L3", "L4", "L5", "L6", "…", "L35", "L36", "L37", "L38", "L39", "L40"),
    ]
    grid = repr(made([np.linspace(1, -3, 40)] * 2)).splitlines()
    assert grid[1].split() == ["point", "L1", "L2", "L3", "L4", "…", "sum", "D_KY", "class"]


def test_maps_have_no_step_and_empty_grids_are_shown() -> None:
    found = made([0.4, -1.6], kind="map", starts=8)
    assert repr(found).startswith("Lyapunov exponents of a map, one point: T = 500, transient 50, 8 starts\n")
    assert "0 points" in repr(made(np.empty((0, 2))))


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.90561, 0.0123, "0.906 ± 0.012"),
        (-14.57, 3.4, "-14.6 ± 3.4"),
        (123.4, 56.0, "123 ± 56"),
        (0.0, 0.0, "0"),
        (1.5, np.nan, "1.5"),
        (np.nan, 0.1, "nan"),
        (-np.inf, np.nan, "-inf"),
    ],
)
def test_numbers_with_errors(value: float, error: float, text: str) -> None:
    assert with_error(value, error) == text


def test_columns_begin_one_beneath_the_other() -> None:
    assert aligned([["a", "bb", "c"], ["aaa"], ["", "b", "d"]]) == ["a    bb  c", "aaa", "     b   d"]


def test_classes_follow_from_what_was_computed() -> None:
    henon = spectrum(systems.henon(), {"a": [1.0, 1.4, 9.0]}, T=2000, code="numpy")
    assert henon.classes.tolist() == [OrbitClass.PERIODIC, OrbitClass.CHAOTIC, OrbitClass.DIVERGED]
    assert (henon.kind, henon.driven) == ("map", False)
    response = spectrum(systems.duffing(), {"g": [0.0, 0.1]}, T=100, dt=0.05, code="numpy", check=False)
    assert (response.kind, response.driven) == ("flow", True)
    assert response.classes.tolist() == [OrbitClass.PERIODIC] * 2, "a response with the drive's period"
    assert "a driven flow, 2 points" in repr(response)
