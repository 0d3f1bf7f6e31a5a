"""Systems: sources, names, derivatives with corners, sums, hashes, and the errors of arguments."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from everest_kernel.lyapunov.expressions import real_symbol
from everest_kernel.lyapunov.names import EquationError
from everest_kernel.lyapunov.system import System

X, Y, A, B = (real_symbol(name) for name in ("x", "y", "a", "b"))
LORENZ = "x' = sigma*(y-x); y' = rho*x-y-x*z; z' = x*y-beta*z"


def lorenz(x: Any, y: Any, z: Any, sigma: Any, rho: Any, beta: Any) -> Any:
    return sigma * (y - x), rho * x - y - x * z, x * y - beta * z


def test_every_source_gives_the_same_system() -> None:
    x, y, z, sigma, rho, beta = sympy.symbols("x y z sigma rho beta")  # not real: renamed
    right = [sigma * (y - x), rho * x - y - x * z, x * y - beta * z]
    order = ["sigma", "rho", "beta"]
    sources = [
        System.flow(LORENZ),
        System.flow(lorenz),
        System.flow(dict(zip((x, y, z), right, strict=True)), parameters=order),
        System.flow({"x": "sigma*(y-x)", "y": "rho*x-y-x*z", "z": "x*y-beta*z"}),
        System.flow(right, states=["x", "y", "z"], parameters=order),
    ]
    for system in sources:
        assert system.states == ("x", "y", "z")
        assert system.parameters == ("sigma", "rho", "beta")
        assert system.equations == sources[0].equations
        assert system.key == sources[0].key
        assert (system.kind, system.driven, system.dimension, dict(system.defaults)) == ("flow", False, 3, {})


def test_jacobian_divergence_and_sum() -> None:
    system = System.flow(LORENZ)
    sigma, rho, beta, z = (real_symbol(name) for name in ("sigma", "rho", "beta", "z"))
    assert system.jacobian() == ((-sigma, sigma, 0), (rho - z, -1, -X), (Y, X, -beta))
    assert system.divergence() == system.constant_sum == -sigma - 1 - beta


@pytest.mark.parametrize(
    ("text", "derivative"),
    [
        ("abs(x - 1)", sympy.sign(X - 1)),
        ("sign(x)*x", sympy.sign(X)),
        ("floor(3*x) + ceil(x)", sympy.Integer(0)),
        ("mod(2*x, 1)", sympy.Integer(2)),
        ("mod(a, x)", -sympy.floor(A / X)),
        ("x % 1 - x", sympy.Integer(0)),
        ("where(x > 0, x^2, 0)", sympy.Piecewise((2 * X, X > 0), (0, True))),
        ("heaviside(x)", sympy.Integer(0)),
        ("max(x, 2*x)", None),
        ("sqrt(x^2)", sympy.sign(X)),
        ("x^a", A * X ** (A - 1)),
        ("a^x", A**X * sympy.log(A)),
        ("cbrt(x)", None),
        ("tanh(x)", 1 - sympy.tanh(X) ** 2),
    ],
)
def test_derivatives_almost_everywhere(text: str, derivative: sympy.Expr | None) -> None:
    found = System.flow(f"x' = {text} + 0*a").jacobian()[0][0]
    assert not found.has(sympy.DiracDelta, sympy.Derivative, sympy.Subs, sympy.Heaviside)
    if derivative is not None:
        assert sympy.expand(found - derivative) == 0


GRID = st.integers(-128, 128).map(lambda i: i / 64 + 0.0037)  # off the singular point of roots and angles

CORNERED = [
    *("abs(x)*y", "max(x, y, 0.25)", "min(x*y, sin(x), a)", "mod(3*x + y, a)", "clip(x, -0.5, y)"),
    *(
        "where(x > y, x*y, y^2)",
        "where(abs(x) < 1 and y > 0, x, where(x > 0, 1, -1) + x*y)",
        "cbrt(x*y)",
        "hypot(x, y)",
    ),
    *(
        "sign(x)*x^3 + floor(y)*x",
        "atan2(y, x)",
        "x if x + y > 0.1 else exp(x)*y",
        "log1p(x^2)*expm1(y)",
        "sech(x)/2^y",
    ),
]


@pytest.mark.parametrize("text", CORNERED)
@settings(max_examples=20, deadline=None)
@given(x=GRID, y=GRID, a=st.floats(0.3, 2))
def test_derivatives_agree_with_differences(text: str, x: float, y: float, a: float) -> None:
    system = System.flow(f"x' = {text} + 0*a; y' = x")
    arguments = [real_symbol(name) for name in ("x", "y", "a")]
    value = sympy.lambdify(arguments, system.equations[0], "numpy")
    slopes = sympy.lambdify(arguments, list(system.jacobian()[0]), "numpy")
    h = 1e-6
    with np.errstate(all="ignore"):
        for i, step in enumerate(((h, 0), (0, h))):
            forward, here, backward = (float(value(x + s * step[0], y + s * step[1], a)) for s in (1, 0, -1))
            one_sided = (forward - here) / h, (here - backward) / h
            slope = float(slopes(x, y, a)[i])
            scale = 1 + abs(slope)
            if abs(one_sided[0] - one_sided[1]) < 1e-3 * scale:  # else a corner or a jump lies between
                assert slope == pytest.approx(sum(one_sided) / 2, abs=2e-3 * scale)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x -> 1 - a*x^2 + y; y -> b*x", sympy.log(sympy.Abs(B))),
        ("x -> a*min(x, 1 - x)", sympy.log(sympy.Abs(A))),
        ("x -> 1 - a*abs(x)", sympy.log(sympy.Abs(A))),
        ("x -> where(x < 0.5, a*x, a - a*x)", sympy.log(sympy.Abs(A))),
        ("x -> a*x*(1 - x)", None),
        ("x -> floor(x)", None),
        ("p -> p + k*sin(x); x -> x + p + k*sin(x)", sympy.Integer(0)),
        ("; ".join(f"x{i} -> a*x{i}" for i in range(5)), None),
    ],
)
def test_sum_of_maps(text: str, expected: sympy.Expr | None) -> None:
    assert System.map(text).constant_sum == expected


def test_sum_of_flows_that_varies() -> None:
    assert System.flow("x' = -x^3 + t").constant_sum is None
    assert System.flow("x' = -x*t").constant_sum is None
    assert System.flow("x' = (x + 1)*(y - 1) ; y' = x - y*(y - 2)/2").constant_sum == 0


def test_driven() -> None:
    assert System.flow("x' = -x + cos(w*t)").driven
    assert System.flow("x' = -x + cos(w*t)").parameters == ("w",)
    assert not System.flow("x' = -x").driven


def test_order_of_states_and_parameters() -> None:
    system = System.flow("x' = a*y; y' = b*x", states=["y", "x"], parameters=["b", "a"], start=[1, 2])
    assert (system.states, system.parameters, system.start) == (("y", "x"), ("b", "a"), (1.0, 2.0))
    assert system.equations == (B * X, A * Y)


def test_start_and_defaults() -> None:
    system = System.flow("x' = a*y; y' = b*x", defaults={"b": 2})
    assert dict(system.defaults) == {"b": 2.0}
    assert len(set(system.start)) == 2
    assert all(0 < value < 1 for value in system.start)
    assert System.map("x -> r*x*(1-x)").dt == 1.0


def test_key_is_of_the_equations_alone() -> None:
    one = System.flow("x' = a*x + 0.1", start=[1], name="one", dt=0.5, defaults={"a": 1})
    assert one.key == System.flow("x' = 0.1 + x*a").key
    others = ["x' = a*x + 0.10000000000000002", "x' = b*x + 0.1", "y' = a*y + 0.1", "x' = a*x^2 + 0.1"]
    assert len({one.key, *(System.flow(text).key for text in others)}) == 5
    assert System.map("x' = a*x + 0.1").key != one.key


def test_key_is_the_same_in_another_process() -> None:
    text = "x' = sin(a*y) + max(x, y, b) + abs(x) % 2; y' = where(x > 0 and y < b, x, y)"
    code = f"from everest_kernel.lyapunov.system import System; print(System.flow({text!r}).key)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == System.flow(text).key


def test_systems_are_values() -> None:
    one, two = System.flow(LORENZ), System.flow(LORENZ)
    assert one == two
    assert hash(one) == hash(two)
    one.jacobian()
    copy = pickle.loads(pickle.dumps(one))
    assert copy == one
    assert copy.jacobian() == one.jacobian()


def test_text_of_a_system_reads_back() -> None:
    for system in (System.flow(LORENZ), System.map("x -> where(x > 0.1, a*x, -x); y -> mod(x + y, 2*pi)")):
        again = (System.flow if system.kind == "flow" else System.map)(str(system), parameters=system.parameters)
        assert again.key == system.key


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"parameters": ["a"]}, r"'b' is in the equations but neither a state \(x, y\) nor in parameters=\['a'\]"),
    ({"parameters": ["a", "bb"]}, "'b' is in the equations .* Did you mean 'bb'"),
    ({"parameters": ["a", "b", "c"]}, "the parameter 'c' does not occur"),
    ({"parameters": ["a", "b", "x"]}, "'x' is given as a parameter but has an equation"),
    ({"parameters": ["a", "b", "a"]}, "the parameter 'a' is named twice"),
    ({"parameters": ["a", "b", "sin"]}, "the parameter 'sin' shadows the function"),
    ({"parameters": "a"}, "a list of names, not the text"),
    ({"states": ["x"]}, r"states=\['x'\], but the equations are those of x, y"),
    ({"states": ["x", "x"]}, "the state 'x' is named twice"),
    ({"start": [1.0]}, "start has 1 numbers for 2 states"),
    ({"start": 3.0}, r"start is one number for each state \(x, y\), not 3.0"),
    ({"start": ["a", "b"]}, "start is one number for each state"),
    ({"start": [1.0, math.nan]}, "start has values that are not finite"),
    ({"defaults": {"a": math.inf}}, "the default of a is not a finite number: inf"),
    ({"defaults": {"a": "one"}}, "the default of a is not a finite number: 'one'"),
    ({"defaults": {"aa": 1.0}}, "defaults name 'aa', which is no parameter here. Did you mean 'a'"),
    ({"dt": 0.0}, "dt is a positive number"),
    ({"dt": math.nan}, "dt is a positive number"),
]


@pytest.mark.parametrize(("arguments", "message"), ERRORS)
def test_refused_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(EquationError, match=message):
        System.flow("x' = a*y; y' = b*x", **arguments)


@pytest.mark.parametrize("name", ["_a", "a_", "np", "numba", "nan"])
def test_reserved_parameters(name: str) -> None:
    with pytest.raises(EquationError, match="generated program"):
        System.flow(f"x' = {name}*x")


@pytest.mark.parametrize("source", [None, 3, {}, [], "", {1: "x"}, ["x"]])
def test_no_equations(source: Any) -> None:
    with pytest.raises(EquationError):
        System.flow(source)


def test_refused_sources() -> None:
    x, y = sympy.symbols("x y")
    with pytest.raises(EquationError, match=r"needs states=\[…\]"):
        System.flow([y, -x])
    with pytest.raises(EquationError, match="2 equations for 1 states"):
        System.flow([y, -x], states=["x"])
    with pytest.raises(EquationError, match="in the equation of x: there is no function 'gamma'"):
        System.flow({x: sympy.gamma(x)})
    with pytest.raises(EquationError, match="in the equation of x: "):
        System.flow({x: sympy.Integral(x, (x, 0, y))})
    with pytest.raises(EquationError, match=r"not a real number|neither a real number"):
        System.flow({x: sympy.I * x})
    with pytest.raises(EquationError, match="finite"):
        System.flow({x: x + sympy.oo})
    with pytest.raises(EquationError, match="in the equation of x"):
        System.flow({x: object()})
    with pytest.raises(EquationError, match=r"t is the name of time|t is the time of flows"):
        System.map("x -> x + t")
