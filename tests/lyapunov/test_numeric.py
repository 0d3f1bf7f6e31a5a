"""Systems as numpy functions: against sympy's own numbers, differences and the shapes they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everest_kernel.lyapunov import System, jacobian, rates, systems
from everest_kernel.lyapunov.expressions import real_symbol
from everest_kernel.lyapunov.numeric import evaluated, runge_kutta, state_index, tangent_rates

SMOOTH = ["lorenz", "roessler", "thomas", "duffing", "van_der_pol", "henon_heiles", "henon", "standard_map", "logistic"]
MIXED = System.flow(
    "x' = where(x > a, sin(t*b), abs(y)) + mod(x, 2); y' = max(x, y)^3 - exp(-x^2)/b", defaults={"a": 0.1, "b": 2.0}
)


def values_of(system: System) -> np.ndarray:
    return np.array([system.defaults[name] for name in system.parameters])


@pytest.mark.parametrize("system", [*map(systems.named, SMOOTH), MIXED], ids=lambda s: s.name or "mixed")
def test_right_hand_sides_are_those_of_sympy(system: System) -> None:
    x, p, t = np.linspace(0.2, 0.9, system.dimension), values_of(system), 0.7
    names = {**dict(zip(system.states, x, strict=True)), **dict(zip(system.parameters, p, strict=True)), "t": t}
    numbers = {real_symbol(name): float(value) for name, value in names.items()}
    expected = [float(equation.subs(numbers)) for equation in system.equations]
    entries = [[float(entry.subs(numbers)) for entry in row] for row in system.jacobian()]
    np.testing.assert_allclose(rates(system)(x, p, t), expected, rtol=1e-12)
    np.testing.assert_allclose(jacobian(system)(x, p, t), entries, rtol=1e-12, atol=1e-15)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-2, 2), min_size=3, max_size=3), st.floats(-1, 30))
def test_jacobians_are_differences(x: list[float], rho: float) -> None:
    system, at, p = systems.lorenz(), np.array(x), np.array([10.0, rho, 8 / 3])
    f, h = rates(system), 1e-5
    columns = [(f(at + h * e, p) - f(at - h * e, p)) / (2 * h) for e in np.eye(3)]
    np.testing.assert_allclose(jacobian(system)(at, p), np.transpose(columns), atol=1e-6)


@pytest.mark.parametrize("system", [systems.lorenz(), systems.duffing(), systems.henon(), systems.lorenz_96(6)])
def test_many_points_are_single_points_side_by_side(system: System) -> None:
    random = np.random.default_rng(1)
    n, points = system.dimension, 5
    x = random.normal(size=(n, points))
    p = values_of(system)[:, None] * random.uniform(0.5, 1.5, (len(system.parameters), points))
    t = random.uniform(0, 3, points)
    together, entries = rates(system)(x, p, t), jacobian(system)(x, p, t)
    assert together.shape == (n, points)
    assert entries.shape == (n, n, points)
    for i in range(points):
        np.testing.assert_allclose(together[:, i], rates(system)(x[:, i], p[:, i], t[i]), rtol=1e-13)
        np.testing.assert_allclose(entries[..., i], jacobian(system)(x[:, i], p[:, i], t[i]), rtol=1e-13)


@pytest.mark.parametrize("name", ["lorenz", "duffing", "henon"])
def test_tangent_rates_are_the_state_and_the_jacobian_times_vectors(name: str) -> None:
    system = systems.named(name)
    n, random = system.dimension, np.random.default_rng(2)
    y, p = random.normal(size=(n, 3, 4)), np.repeat(values_of(system)[:, None], 4, axis=1)
    out = tangent_rates(system)(y, p, 0.3)
    np.testing.assert_allclose(out[:, 0], rates(system)(y[:, 0], p, 0.3), rtol=1e-13)
    expected = np.einsum("ijp,jkp->ikp", jacobian(system)(y[:, 0], p, 0.3), y[:, 1:])
    np.testing.assert_allclose(out[:, 1:], expected, rtol=1e-12, atol=1e-14)


def test_constant_equations_fill_all_points_and_time_is_0_unless_given() -> None:
    system = System.flow("x' = 2; y' = cos(t)")
    assert rates(system)(np.zeros((2, 3))).tolist() == [[2, 2, 2], [1, 1, 1]]
    assert jacobian(system)(np.zeros((2, 3))).tolist() == np.zeros((2, 2, 3)).tolist()


@pytest.mark.parametrize(("x", "p"), [((2,), (3,)), ((3, 4), (2, 4)), ((3, 4), ()), ((), (3,))])
def test_other_lengths_are_refused(x: tuple[int, ...], p: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"Lorenz needs \(3, points\) and \(3, points\)"):
        rates(systems.lorenz())(np.zeros(x), np.zeros(p))


def test_a_runge_kutta_step_is_of_fourth_order() -> None:
    errors = []
    for steps in (10, 20):
        x, h = np.array([[1.0]]), 1 / steps
        for _ in range(steps):
            x = runge_kutta(lambda y, later: -y, x, -x, h)
        errors.append(abs(x[0, 0] - math.exp(-1)))
    assert errors[0] / errors[1] == pytest.approx(16, rel=0.1)


def test_expressions_in_parameters_at_all_points() -> None:
    system = systems.lorenz()
    total = evaluated(system.constant_sum, system, [[10, 16], [28, 28], [2, 4]])
    assert total.tolist() == [-13, -21]
    assert evaluated(real_symbol("rho") * 0 + 3, system, np.ones((3, 2))).tolist() == [3, 3]


def test_states_by_name_or_index() -> None:
    system = systems.lorenz()
    assert [state_index(system, state) for state in ("z", 1, "x")] == [2, 1, 0]
    with pytest.raises(ValueError, match="Lorenz has no state 'w'; the states are x, y, z"):
        state_index(system, "w")
    for index in (-1, 3):
        with pytest.raises(ValueError, match=f"state = {index}"):
            state_index(system, index)
