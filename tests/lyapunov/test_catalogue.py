"""The catalogue: Jacobians against differences, sums against the reference, starts that stay on bounded orbits."""

from __future__ import annotations

import inspect
import math
import time
from typing import Any

import numpy as np
import pytest
import sympy

from everest_kernel.lyapunov import systems
from everest_kernel.lyapunov.expressions import real_symbol
from everest_kernel.lyapunov.names import EquationError
from everest_kernel.lyapunov.system import System

ALL = {name: systems.named(name) for name in systems.names()}


def compiled(system: System) -> tuple[Any, Any]:
    """f(state, t) and J(state, t) at the defaults."""
    t = real_symbol("t")
    symbols = [*map(real_symbol, system.states), t]
    values = {real_symbol(name): value for name, value in system.defaults.items()}
    right = [equation.subs(values) for equation in system.equations]
    rows = [[entry.subs(values) for entry in row] for row in system.jacobian()]
    f, jacobian = (sympy.lambdify(symbols, expression, "numpy", cse=True) for expression in (right, rows))
    return (
        lambda x, t=0.0: np.array(f(*x, t), dtype=float),
        lambda x, t=0.0: np.array(jacobian(*x, t), dtype=float),
    )


@pytest.mark.parametrize("name", ALL)
def test_jacobian_against_central_differences(name: str) -> None:
    system = ALL[name]
    f, jacobian = compiled(system)
    random = np.random.default_rng(7)
    checked = 0
    for _ in range(6):
        x, t = random.uniform(-2, 2, system.dimension), random.uniform(0, 6)
        step = 1e-5
        steps = step * np.eye(system.dimension)
        differences = np.array([(f(x + e, t) - f(x - e, t)) / (2 * step) for e in steps]).T
        one_sided = np.array([(f(x + e, t) - f(x, t)) / step for e in steps]).T
        if np.abs(differences - one_sided).max() > 1e-2:
            continue  # a jump lies in between
        np.testing.assert_allclose(jacobian(x, t), differences, rtol=1e-6, atol=1e-6)
        checked += 1
    assert checked >= 3


SUMS: list[tuple[System, float]] = [
    (systems.lorenz(), -13.666667),
    (systems.lorenz(16, 45.92, 4), -21),
    (systems.halvorsen(), -3.81),
    (systems.thomas(), -0.54),
    (systems.rabinovich_fabrikant(), -0.46),
    (systems.chen(), -10),
    (systems.sprott_b(), -1),
    (systems.quadratic_jerk(), -2.017),
    (systems.rucklidge(), -3),
    (systems.moore_spiegel(), -1),
    (systems.duffing(), -0.25),
    (systems.duffing(0.2, 0.3, 1), -0.2),
    (systems.ueda(), -0.05),
    (systems.lorenz_96(36), -36),
    (systems.lorenz_96(40), -40),
    (systems.lorenz_96(5), -5),
    (systems.henon_heiles(), 0),
    (systems.henon(), -1.2039728),
    (systems.standard_map(), 0),
    (systems.arnold_cat(), 0),
    (systems.tent(1.7), math.log(1.7)),
]


@pytest.mark.parametrize(("system", "total"), SUMS, ids=[system.name for system, _ in SUMS])
def test_sum_against_the_reference(system: System, total: float) -> None:
    assert system.constant_sum is not None
    values = {real_symbol(name): value for name, value in system.defaults.items()}
    assert float(system.constant_sum.subs(values)) == pytest.approx(total, abs=1e-6)


VARYING = [
    "baker",
    "chua",
    "delayed_logistic",
    "hyperchaotic_roessler",
    "logistic",
    "roessler",
    "tinkerbell",
    "van_der_pol",
]


@pytest.mark.parametrize("name", VARYING)
def test_sum_that_varies(name: str) -> None:
    assert ALL[name].constant_sum is None


@pytest.mark.parametrize("name", ALL)
def test_the_start_leads_to_a_bounded_orbit_that_moves(name: str) -> None:
    system = ALL[name]
    f, _ = compiled(system)
    x, h, orbit = np.array(system.start), system.dt, []
    for i in range(600):
        if system.kind == "map":
            x = f(x)
        else:
            t = i * h
            k1 = f(x, t)
            k2 = f(x + h / 2 * k1, t + h / 2)
            k3 = f(x + h / 2 * k2, t + h / 2)
            x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + f(x + h * k3, t + h))
        orbit.append(x)
    assert np.abs(orbit).max() < 200
    assert np.std(orbit[300:], axis=0).max() > 1e-3


@pytest.mark.parametrize("name", ALL)
def test_form_of_the_catalogue(name: str) -> None:
    system, make = ALL[name], getattr(systems, name)
    assert len(system.start) == system.dimension
    assert set(system.defaults) == set(system.parameters)
    assert system.driven == (name in ("duffing", "ueda", "van_der_pol"))
    assert (system.dt == 1.0) == (system.kind == "map")
    assert "'" in make.__doc__ or "->" in make.__doc__
    assert any(character.isdigit() for character in make.__doc__.splitlines()[2])  # a source with its year
    own = [p for p in inspect.signature(make).parameters if (name, p) not in {("lorenz_96", "N")}]
    assert name == "henon_heiles" or list(system.parameters) == own


def test_energy_of_henon_heiles() -> None:
    for energy, y0 in ((1 / 8, -0.25), (1 / 6, -0.25), (1 / 8, 0.1)):
        x, y, u, v = systems.henon_heiles(energy, y0).start
        assert (u**2 + v**2 + x**2 + y**2) / 2 + x**2 * y - y**3 / 3 == pytest.approx(energy)
        assert (x, y, v) == (0.0, y0, 0.0)
    with pytest.raises(EquationError, match="no orbit of energy"):
        systems.henon_heiles(0.01, 0.9)


def test_orbit_of_the_standard_map_uses_the_new_momentum() -> None:
    f, _ = compiled(systems.standard_map(1.0))
    p, x = f(np.array([0.5, 1.0]))
    assert p == pytest.approx(0.5 + math.sin(1.0))
    assert x == pytest.approx(1.0 + p)


@pytest.mark.parametrize("spelling", ["lorenz_96", "Lorenz-96", "lorenz96", "LORENZ 96"])
def test_names_as_people_write_them(spelling: str) -> None:
    assert systems.named(spelling, N=5).dimension == 5


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("lorentz", {}, "no system 'lorentz' in the catalogue. Did you mean 'lorenz'"),
        ("qqq", {}, "It has arnold_cat, baker, chen"),
        ("named", {}, "no system 'named'"),
        ("lorenz", {"roh": 28.0}, r"has no parameter 'roh' \(it has sigma, rho, beta\). Did you mean 'rho'"),
        ("lorenz_96", {"N": 3}, "whole number of at least 4"),
        ("lorenz_96", {"N": 4.5}, "whole number of at least 4"),
        ("lorenz", {"rho": math.nan}, "the default of rho is not a finite number"),
    ],
)
def test_wrong_names(name: str, values: dict[str, float], message: str) -> None:
    with pytest.raises(EquationError, match=message):
        systems.named(name, **values)


def test_lorenz_96_is_quick() -> None:
    begun = time.process_time()
    systems.lorenz_96(40).jacobian()
    assert time.process_time() - begun < 0.5


def test_jacobian_of_lorenz_96_is_sparse() -> None:
    rows = systems.lorenz_96(40).jacobian()
    assert all(sum(entry != 0 for entry in row) == 4 for row in rows)
