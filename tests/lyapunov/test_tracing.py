"""Python functions to equations."""

from __future__ import annotations

import functools
import math
import math as m
from collections.abc import Callable
from math import cos, fmod, sin
from typing import Any

import numpy as np
import pytest
import sympy
from numpy import arctan2, where

from everest_kernel.lyapunov.expressions import real_symbol
from everest_kernel.lyapunov.names import EquationError
from everest_kernel.lyapunov.system import System
from everest_kernel.lyapunov.tracing import trace

X, Y, A, T = (real_symbol(name) for name in ("x", "y", "a", "t"))
SCALE = 3.0


def helper(u: Any) -> Any:
    return SCALE * math.tanh(u) + cos(u)


def first(x: Any, a: Any) -> Any:
    return helper(x) * a


def imports_inside(x: Any, a: Any) -> Any:
    import math as inner

    return inner.exp(a * x)


def loops(x: Any, y: Any, a: Any) -> Any:
    total = 0
    for power in range(3):
        total += a * x**power
    return total, max(x, y, 0)


def fills_an_array(x: Any, y: Any) -> Any:
    out = np.zeros(2)
    out[0] = y
    out[1] = -np.sin(x)
    return out


def doubled(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        return 2 * function(*arguments, **named)

    return wrapper


@doubled
def decorated(x: Any, a: Any) -> Any:
    return a * math.sin(x)


CASES: list[tuple[Callable[..., Any], list[Any]]] = [
    (lambda x, a: math.sin(x) * a, [A * sympy.sin(X)]),
    (lambda x, a: (np.sin(x) * a,), [A * sympy.sin(X)]),
    (lambda x, a: m.exp(-x) + sin(a), [sympy.exp(-X) + sympy.sin(A)]),
    (lambda x, a: sympy.sin(x) + sympy.Abs(a), [sympy.sin(X) + sympy.Abs(A)]),
    (fills_an_array, [Y, -sympy.sin(X)]),
    (decorated, [2 * A * sympy.sin(X)]),
    (first, [A * (3.0 * sympy.tanh(X) + sympy.cos(X))]),
    (imports_inside, [sympy.exp(A * X)]),
    (loops, [A * X**2 + A * X + A, sympy.Max(X, Y, 0, evaluate=False)]),
    (lambda x, y, a: [arctan2(y, x), abs(x) % 2], [sympy.atan2(Y, X), sympy.Mod(sympy.Abs(X), 2, evaluate=False)]),
    (lambda x, y: np.array([2 * x, x - y]), [2 * X, X - Y]),
    (lambda x, y: np.sin(np.array([x, y])), [sympy.sin(X), sympy.sin(Y)]),
    (lambda x, y: np.array([1.0, 2.0]) * x, [1.0 * X, 2.0 * X]),
    (lambda x, y: (np.float64(2.5) * x, np.int64(3) + y), [2.5 * X, Y + 3]),
    (lambda x, a: where(x > a, x, -x), [sympy.Piecewise((X, X > A), (-X, True))]),
    (lambda x, a: np.where((x > 0) & (x < a), 1, 0), [sympy.Piecewise((1, (X > 0) & (A > X)), (0, True))]),
    (
        lambda x, a: np.where(np.logical_or(x == 0, x >= a), 1, 0),
        [sympy.Piecewise((1, sympy.Eq(X, 0) | (X >= A)), (0, True))],
    ),
    (lambda x: sympy.Piecewise((x, x > 1), (1, True)), [sympy.Piecewise((X, X > 1), (1, True))]),
    (lambda x: math.floor(x) + math.pi * math.ceil(x) + x // 2, None),
    (lambda x: np.clip(x, -1, 1), None),
    (lambda x: 2**x / +x + (-x) ** 0.5 + np.sqrt(x) + pow(x, 3), [2**X / X + sympy.sqrt(-X) + sympy.sqrt(X) + X**3]),
    (lambda x: sum([x, x * x]), [X + X**2]),
]


@pytest.mark.parametrize(("function", "expected"), CASES)
def test_functions_of_scalars(function: Callable[..., Any], expected: list[Any] | None) -> None:
    system = System.flow(function)
    if expected is not None:
        assert list(system.equations) == expected
    point = {name: 0.3 + 0.4 * i for i, name in enumerate((*system.states, *system.parameters))}
    symbols = {real_symbol(name): value for name, value in point.items()}
    values = np.atleast_1d(np.asarray(function(**point), dtype=complex))
    for value, equation in zip(values, system.equations, strict=True):
        assert complex(equation.subs(symbols)) == pytest.approx(value)


def test_the_users_own_globals_are_left_alone() -> None:
    trace(first)
    assert helper(0.0) == 1.0
    assert first.__globals__["math"] is math
    assert math.sin(0.5) == sin(0.5)


def test_closures_and_defaults() -> None:
    gain, library = 2, math

    def flow(x: Any, y: Any, a: float = 1.5, *, b: float = 2.5) -> Any:
        return gain * library.sin(y), a * x + b

    system = System.flow(flow)
    assert (system.states, system.parameters) == (("x", "y"), ("a", "b"))
    assert dict(system.defaults) == {"a": 1.5, "b": 2.5}
    assert system.equations[0] == 2 * sympy.sin(Y)


def test_defaults_of_states_are_the_start() -> None:
    def flow(x: float = 0.25, y: float = 0.5, a: float = 1.5) -> Any:
        return y, -a * x

    assert System.flow(flow).start == (0.25, 0.5)
    assert System.flow(flow, start=(1, 2)).start == (1.0, 2.0)


def test_time_may_be_anywhere() -> None:
    for function in (lambda t, x, y, a: (y, -x + a * sin(t)), lambda x, y, a, t: (y, -x + a * sin(t))):
        system = System.flow(function)
        assert (system.states, system.parameters, system.driven) == (("x", "y"), ("a",), True)
    assert not System.flow(lambda t, x: -x).driven


def test_states_by_name() -> None:
    system = System.flow(lambda a, x, y: (a * y, x), states=["x", "y"])
    assert (system.states, system.parameters) == (("x", "y"), ("a",))


def test_order_of_parameters() -> None:
    def flow(x: Any, a: Any, b: Any) -> Any:
        return a * b * x

    assert System.flow(flow).parameters == ("a", "b")
    assert System.flow(flow, parameters=["b", "a"]).parameters == ("b", "a")


def branching(x: Any, a: Any) -> Any:
    return x if x > a else -x


def equality(x: Any) -> Any:
    return 1 if x == 0 else x


def truth(x: Any) -> Any:
    return 1 if x else 2


def counting(x: Any) -> Any:
    return sum(range(x))


REFUSED: list[tuple[Callable[..., Any], str]] = [
    (branching, r"function branching .*use abs, sign, np.where"),
    (equality, "use abs, sign"),
    (truth, "use abs, sign"),
    (lambda x: x if 0 < x < 1 else 2, "use abs, sign"),
    (counting, "needs the number behind x"),
    (lambda x: math.gamma(x), "math.gamma is not known here"),
    (lambda x: math.sine(x), "math.sine is not known here. Did you mean 'sin'"),
    (lambda x: np.random.normal() * x, "numpy.random is not known"),
    (lambda x: fmod(x, 1), "needs the number behind x"),
    (lambda x: float(x), "needs the number behind x"),
    (lambda x: None, "returns NoneType"),
    (lambda x: {"x": x}, "returns dict"),
    (lambda x: (x, x), r"returns 2 values, which does not fit its 1 arguments \(x\)"),
    (lambda x: (), "returns 0 values"),
    (lambda *x: x, r"takes \*arguments"),
    (lambda x, sin: x, "shadows the function"),
    (lambda x, np: x, "used by the generated program"),
    (lambda _x: _x, "begins or ends with _"),
    (lambda x: undefined_name * x, "NameError"),  # type: ignore[name-defined] # noqa: F821
    (lambda x: x / 0, "division by zero"),
    (lambda x: x * math.nan, "nan is not a finite number"),
    (lambda x: x * 1j, "failed on symbols: TypeError"),
    (lambda x: x + "a", "failed on symbols: TypeError"),
    (lambda x: x.real, "a scalar without 'real'"),
    (lambda x: 10**10 ** (x * 0 + 10), "exponents go up to 1000"),
    (lambda x, a=math.inf: a * x, "the default of a is not finite"),
    (lambda x, a="b": a, "the default of a is not a number"),
    (lambda x: [*x], "TypeError"),
    (lambda x: round(x, 2), "needs the number behind x"),
    (lambda x: (yield x), "is a generator"),
    (math.sin, "is not a plain Python function"),
]


@pytest.mark.parametrize(("function", "message"), REFUSED)
def test_refused(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(EquationError, match=message):
        System.flow(function)


def test_refused_states() -> None:
    with pytest.raises(EquationError, match=r"returns 1 values, which does not fit states=\['x', 'y'\]"):
        System.flow(lambda x, y: x, states=["x", "y"])
    with pytest.raises(EquationError, match="has no argument 'z'"):
        System.flow(lambda x, y: x, states=["z"])
    with pytest.raises(EquationError, match="'b' is an argument but neither"):
        System.flow(lambda x, a, b: a * b * x, parameters=["a"])
