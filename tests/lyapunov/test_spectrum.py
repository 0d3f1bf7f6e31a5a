"""Spectra of any system: algebraic facts, properties, independence of grouping, bad input."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from everest_kernel.lyapunov import StepWarning, System, kaplan_yorke, spectrum, systems

CODES = pytest.mark.parametrize("code", ["numba", "numpy"])
CLASSIC = {"sigma": 10.0, "rho": 28.0, "beta": 8 / 3}
NAMES = "xyz"


def linear(matrix: NDArray[np.float64]) -> System:
    """x' = A x with the entries of A as parameters: one program for all matrices of a size."""
    n = len(matrix)
    rows = [" + ".join(f"a{r}{c}*{NAMES[c]}" for c in range(n)) for r in range(n)]
    entries = {f"a{r}{c}": float(matrix[r, c]) for r in range(n) for c in range(n)}
    return System.flow(
        "; ".join(f"{NAMES[r]}' = {row}" for r, row in enumerate(rows)), defaults=entries, start=[1.0] * n
    )


# --- exact facts


@CODES
def test_a_diagonal_system_gives_its_diagonal(code: str) -> None:
    found = spectrum(linear(np.diag([-0.5, 0.25, -2.0])), T=20, transient=0, code=code)
    assert found.exponents == pytest.approx([0.25, -0.5, -2.0], abs=1e-8)
    assert found.kernel.startswith(code)


@CODES
def test_a_strongly_non_normal_system_needs_true_orthogonalisation(code: str) -> None:
    found = spectrum(linear(np.array([[-1.0, 50.0], [0.0, -2.0]])), T=200, code=code)
    assert found.exponents == pytest.approx([-1, -2], abs=1e-8)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=9, max_size=9))
def test_linear_systems_have_the_real_parts_of_their_eigenvalues(entries: list[float]) -> None:
    matrix = np.array(entries).reshape(3, 3)
    found = spectrum(linear(matrix), T=200, dt=0.05, renormalize=0.1, check=False)
    assert found.exponents == pytest.approx(np.sort(np.linalg.eigvals(matrix).real)[::-1], abs=0.06)
    assert found.sum == pytest.approx(np.trace(matrix), abs=1e-5)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_rotation_of_coordinates_changes_nothing(seed: int) -> None:
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    matrix = np.array([[-0.3, 2.0, 0.1], [0.0, -0.9, 0.4], [0.2, 0.0, -2.5]])
    plain = spectrum(linear(matrix), T=200, transient=100)
    turned = spectrum(linear(rotation @ matrix @ rotation.T), T=200, transient=100)
    assert turned.exponents == pytest.approx(plain.exponents, abs=0.01)


@CODES
def test_time_scaled_by_a_power_of_two_scales_exponents_to_the_last_bit(code: str) -> None:
    text = "x' = c*sigma*(y - x); y' = c*(x*(rho - z) - y); z' = c*(x*y - beta*z)"
    lorenz = System.flow(text, start=(0.5, 1, 1.5), defaults=CLASSIC)
    one = spectrum(lorenz, {"c": 1.0}, T=50, transient=10, dt=0.01, code=code)
    four = spectrum(lorenz, {"c": 4.0}, T=12.5, transient=2.5, dt=0.0025, code=code)
    assert np.array_equal(four.exponents, 4 * one.exponents)


def test_another_interval_between_orthonormalisations_changes_rounding_only() -> None:
    runs = [spectrum(systems.lorenz(), CLASSIC, T=20, renormalize=r).exponents for r in (0.05, 0.1, 0.5)]
    assert runs[1] == pytest.approx(runs[0], abs=1e-6)
    assert runs[2] == pytest.approx(runs[0], abs=1e-3)


@CODES
def test_the_sum_is_the_mean_divergence(code: str) -> None:
    full = spectrum(systems.roessler(), T=100, code=code)
    ruled = spectrum(systems.roessler(), T=100, code=code, trace_rule=True)
    assert full.exact_sum is None
    assert ruled.exponents == pytest.approx(full.exponents, abs=5e-4)


@CODES
def test_the_phase_of_a_driven_flow_has_exactly_zero(code: str) -> None:
    found = spectrum(systems.duffing(), T=200, code=code)
    assert found.exponents.shape == (3,)
    assert 0.0 in found.exponents.tolist()
    assert found.sum == pytest.approx(found.exact_sum, abs=1e-6)


def test_leading_exponents_are_the_first_of_all() -> None:
    full = spectrum(systems.lorenz(), CLASSIC, T=50)
    two = spectrum(systems.lorenz(), CLASSIC, T=50, leading=2)
    assert two.exponents == pytest.approx(full.exponents[:2], abs=1e-9)
    assert np.isnan(two.kaplan_yorke)


def test_numba_and_numpy_agree_while_chaos_lets_them() -> None:
    one, other = (spectrum(systems.lorenz(), CLASSIC, T=5, transient=1, code=code) for code in ("numba", "numpy"))
    assert one.exponents == pytest.approx(other.exponents, abs=1e-9)


@pytest.mark.parametrize("sites", [4, 8, 14])
def test_all_layouts_of_compiled_code_compute_the_same(sites: int) -> None:
    """4 states are unrolled, 8 a loop per stage, of 14 the vectors are the lanes."""
    one, other = (
        spectrum(systems.lorenz_96(sites), T=2, transient=1, dt=0.01, code=code) for code in ("numba", "numpy")
    )
    assert one.exponents == pytest.approx(other.exponents, abs=1e-8)
    assert one.sum == pytest.approx(-sites, abs=1e-4)


# --- maps


@pytest.mark.parametrize(
    ("r", "exact"),
    [(2.5, np.log(0.5)), (3.2, 0.5 * np.log(abs(4 + 2 * 3.2 - 3.2**2))), (2.0, -np.inf)],
)
@CODES
def test_the_logistic_map_where_it_is_periodic(r: float, exact: float, code: str) -> None:
    found = spectrum(systems.logistic(), {"r": r}, starts=[0.5 if np.isinf(exact) else 0.3], code=code)
    assert found.exponents[0] == pytest.approx(exact, abs=1e-6)
    assert not found.diverged


@CODES
def test_a_superstable_orbit_that_floats_miss_by_a_rounding(code: str) -> None:
    found = spectrum(systems.logistic(), {"r": 1 + np.sqrt(5)}, starts=[0.5], code=code)
    assert found.exponents[0] < -15
    assert not found.diverged


@CODES
def test_the_logistic_map_at_four(code: str) -> None:
    found = spectrum(systems.logistic(), {"r": 4.0}, starts=16, code=code)
    assert found.exponents[0] == pytest.approx(np.log(2), abs=4 * float(found.standard_error[0]) + 1e-6)
    assert found.standard_error[0] < 1e-3


@CODES
def test_arnolds_cat(code: str) -> None:
    found = spectrum(systems.arnold_cat(), T=1000, code=code)
    assert found.exponents == pytest.approx(np.log((3 + np.sqrt(5)) / 2) * np.array([1, -1]), abs=1e-9)


# --- a point does not know its neighbours


@CODES
def test_a_result_does_not_depend_on_how_points_are_grouped(code: str) -> None:
    rho = np.linspace(20, 60, 100)
    options = {"T": 2, "transient": 1, "code": code}
    whole = spectrum(systems.lorenz(), {**CLASSIC, "rho": rho}, **options)
    parts = [spectrum(systems.lorenz(), {**CLASSIC, "rho": rho[i : i + 7]}, **options) for i in range(0, 100, 7)]
    assert np.array_equal(whole.exponents, np.concatenate([part.exponents for part in parts]))
    threads = [spectrum(systems.lorenz(), {**CLASSIC, "rho": rho}, threads=n, **options) for n in (1, 2, 3)]
    assert all(np.array_equal(run.exponents, whole.exponents) for run in threads)


@CODES
def test_a_point_that_escapes_becomes_nan_alone(code: str) -> None:
    sigma = np.array([10.0, -50.0, 10.0])
    found = spectrum(systems.lorenz(), {**CLASSIC, "sigma": sigma}, T=5, code=code, check=False)
    assert found.diverged.tolist() == [False, True, False]
    alone = spectrum(systems.lorenz(), CLASSIC, T=5, code=code)
    assert np.array_equal(found.exponents[[0, 2]], np.stack([alone.exponents] * 2))
    assert np.isnan(found.exponents[1]).all()


@CODES
def test_extreme_growth_neither_overflows_nor_touches_neighbours(code: str) -> None:
    """Logarithms of a point whose norms run away are taken at once; when must not depend on its neighbours."""
    steep = System.map("x -> mod(c*x, 1)", start=[0.3])
    found = spectrum(steep, {"c": [1e60, 3.0]}, T=100, transient=10, code=code)
    assert found.exponents[:, 0] == pytest.approx(np.log([1e60, 3.0]), rel=1e-12)
    assert np.array_equal(found.exponents[1], spectrum(steep, {"c": 3.0}, T=100, transient=10, code=code).exponents)


def test_starts_are_averaged() -> None:
    """64 runs of T = 100: their mean has a standard error of 0.15 / sqrt(6400) = 0.002."""
    found = spectrum(systems.lorenz(), CLASSIC, T=100, starts=64)
    assert found.exponents[0] == pytest.approx(0.9056, abs=0.006)
    assert 0.001 < found.standard_error[0] < 0.004
    again = spectrum(systems.lorenz(), CLASSIC, T=100, starts=64)
    assert np.array_equal(found.exponents, again.exponents)


@CODES
def test_a_point_stops_when_its_error_is_small_enough(code: str) -> None:
    rho = np.array([10.0, 28.0, 29.0, 60.0])
    options = {"T": 100, "transient": 50, "code": code, "tolerance": 0.05}
    found = spectrum(systems.lorenz(), {**CLASSIC, "rho": rho}, **options)
    assert found.time[0] == 40, "at rest: after the least number of blocks"
    assert found.time[3] > found.time[0]
    assert (found.standard_error[found.time < 100, 0] <= 0.05).all()
    alone = spectrum(systems.lorenz(), {**CLASSIC, "rho": rho[0]}, **options)
    assert np.array_equal(alone.exponents, found.exponents[0]), "its neighbours went on, and it has not seen that"
    full = spectrum(systems.lorenz(), {**CLASSIC, "rho": rho}, T=100, code=code)
    assert found.finite_time[:8] == pytest.approx(full.finite_time[:8], rel=1e-12)
    assert np.isnan(found.finite_time[8:, 0]).all()


def test_the_convergence_ends_in_the_result() -> None:
    found = spectrum(systems.lorenz(), {**CLASSIC, "rho": [10, 28]}, T=20)
    assert found.convergence.shape == (20, 2, 3)
    assert found.convergence[-1] == pytest.approx(found.exponents, rel=1e-12)


def test_parameters_are_broadcast_into_a_grid() -> None:
    grid = {"sigma": np.array([9.0, 10.0])[:, None], "rho": [20.0, 28.0, 30.0], "beta": 8 / 3}
    found = spectrum(systems.lorenz(), grid, T=1, transient=0)
    assert found.exponents.shape == found.standard_error.shape == (2, 3, 3)
    assert found.sum.shape == found.kaplan_yorke.shape == (2, 3)
    assert found.exact_sum is not None
    assert found.exact_sum.shape == (2, 3)
    assert (np.diff(found.exponents, axis=-1) <= 0).all(), "descending"
    assert found.points_per_second > 0


@CODES
def test_no_points_are_no_problem(code: str) -> None:
    assert spectrum(systems.lorenz(), {"rho": []}, T=1, code=code).exponents.shape == (0, 3)


# --- bad input


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"T": 0}, "T must be a positive"),
        ({"T": float("nan")}, "T must be a positive"),
        ({"dt": -0.01}, "dt must be a positive"),
        ({"transient": -1}, "transient must not be negative"),
        ({"renormalize": 0.001}, "shorter than one step"),
        ({"T": 0.02}, "shorter than the renormalisation interval"),
        ({"starts": (1, 2)}, "starts must have the shape"),
        ({"starts": 0}, "at least 1"),
        ({"starts": (1, 2, float("nan"))}, "not finite"),
        ({"leading": 4}, "between 1 and 3"),
        ({"leading": 2, "trace_rule": True}, "without `leading`"),
        ({"tolerance": 0}, "tolerance must be a positive"),
        ({"code": "fortran"}, "code must be"),
    ],
)
def test_senseless_options_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        spectrum(systems.lorenz(), CLASSIC, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"rho": float("inf")}, "rho has values that are not finite"),
        ({"rho": [1, 2], "sigma": [1, 2, 3]}, r"do not fit together: sigma \(3,\), rho \(2,\)"),
        ({"r": 28}, "no parameter 'r'; its parameters: sigma, rho, beta"),
    ],
)
def test_senseless_parameters_are_refused(parameters: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        spectrum(systems.lorenz(), parameters)  # type: ignore[arg-type]


def test_missing_parameters_are_named() -> None:
    with pytest.raises(ValueError, match="no value for the parameters a, b"):
        spectrum(System.flow("x' = a*x; y' = -b*y"))


def test_the_sum_of_a_map_may_not_be_known() -> None:
    with pytest.raises(ValueError, match="not known beforehand"):
        spectrum(systems.tinkerbell(), trace_rule=True)


def test_a_step_that_is_too_large_is_told_with_a_better_one() -> None:
    with pytest.warns(StepWarning, match=r"dt = 0.06 is too large at sigma = 10.*Try dt = 0.01"):
        spectrum(systems.lorenz(), CLASSIC, dt=0.06, T=5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spectrum(systems.lorenz(), CLASSIC, dt=0.02, T=5)


def test_an_orbit_that_only_the_step_drives_away_is_told() -> None:
    with pytest.warns(StepWarning, match="without bound"):
        assert spectrum(systems.lorenz(), CLASSIC, dt=0.2, renormalize=0.2, T=50).diverged


def test_an_orbit_that_leaves_anyway_is_no_fault_of_the_step() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert spectrum(systems.lorenz(), {**CLASSIC, "sigma": -50.0}, T=5).diverged


# --- Kaplan-Yorke


@pytest.mark.parametrize(
    ("exponents", "dimension"),
    [
        ([0.9056, 0.0, -14.5723], 2 + 0.9056 / 14.5723),
        ([-1.0, -2.0, -3.0], 0),
        ([0.0, -1.0, -2.0], 1),
        ([0.5, 0.2, 0.1], 3),
        ([float("nan")] * 3, float("nan")),
    ],
)
def test_kaplan_yorke(exponents: list[float], dimension: float) -> None:
    found = kaplan_yorke(np.array(exponents), tolerance=0.0)
    assert float(found) == pytest.approx(dimension, nan_ok=True)
    assert np.isnan(kaplan_yorke(np.array([0.5, 0.2]), complete=False))


@CODES
def test_conditions_that_several_equations_share(code: str) -> None:
    """Of the baker's map the exponents follow from how much of the interval goes to either branch."""
    found = spectrum(systems.baker(), T=20_000, code=code)
    fractions, widths = np.array([0.4, 0.6]), np.array([0.4, 0.6])
    expected = [-(fractions * np.log(fractions)).sum(), (fractions * np.log(widths)).sum()]
    assert found.exponents == pytest.approx(expected, abs=0.01)
