"""A system as plain functions of numpy's arrays, made from the same generated statements as the kernels."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from textwrap import indent
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import templates
from .codegen import numpy_text
from .expressions import real_symbol
from .names import suggestion
from .printing import Printer
from .statements import Statements, statements

if TYPE_CHECKING:
    import sympy

    from .system import System

__all__ = ["Rates", "TangentRates", "evaluated", "jacobian", "rates", "runge_kutta", "state_index", "tangent_rates"]

Array = NDArray[np.float64]

Rates = Callable[..., Array]
"""f(x, p, t = 0) of states (n, points), parameters (parameters, points) and a time or times (points,)."""
TangentRates = Callable[..., Array]
"""The same of a state and k tangent vectors in one array (n, 1 + k, points)."""

_KEPT = 32
"""Systems whose functions are kept: generating them takes longer than most calls."""


def rates(system: System) -> Rates:
    """The right-hand sides: derivatives of a flow, next states of a map.

    Args:
        system: the flow or map.

    Returns:
        f(x, p, t=0): x of shape (n, points) or (n,); p of shape (parameters, points) or (parameters,), in the order
        of `system.parameters`; t a number or of shape (points,). Its result has the shape (n, points) or (n,).
        It raises ValueError when the first axis of x or p has another length.

    Raises:
        NotImplementedError: an equation holds something that there is no code for.
    """
    return _functions(system)[0]


def jacobian(system: System) -> Rates:
    """The derivatives ∂f_i / ∂x_j of the right-hand sides.

    Args:
        system: the flow or map.

    Returns:
        J(x, p, t=0) of the arguments of `rates`; its result has the shape (n, n, points) or (n, n).

    Raises:
        NotImplementedError: an equation holds something that there is no code for.
    """
    return _functions(system)[1]


@lru_cache(_KEPT)
def tangent_rates(system: System) -> TangentRates:
    """State and tangent vectors together: f(x) and J(x) V.

    Args:
        system: the flow or map.

    Returns:
        F(y, p, t=0): y of shape (n, 1 + k, points) with the state in column 0, p of shape (parameters, points). The
        result has the shape of y.

    Raises:
        NotImplementedError: an equation holds something that there is no code for.
    """
    evaluate = _module(numpy_text(system), system)["evaluate"]

    def both(y: Array, p: Array, t: float = 0.0) -> Array:
        out = np.empty_like(y)
        evaluate(y[:, 0], y[:, 1:], p, t, out[:, 0], out[:, 1:])
        return out

    return both


def runge_kutta(g: Callable[[Array, Any], Array], x: Array, first: Array, h: float | Array) -> Array:
    """One step of the classical fourth-order method (Kutta, Z. Math. Phys. 46 (1901) 435).

    Args:
        g: g(x, time since the step began), the derivatives.
        x: states, the points in the last axis.
        first: g at the beginning, which the caller often has.
        h: the step; a number, or one for each point.

    Returns:
        States after the step.
    """
    second = g(x + h / 2 * first, h / 2)
    third = g(x + h / 2 * second, h / 2)
    fourth = g(x + h * third, h)
    return np.asarray(x + h / 6 * (first + 2 * second + 2 * third + fourth))


def evaluated(expression: sympy.Expr, system: System, values: ArrayLike) -> Array:
    """An expression in a system's parameters alone, at all points.

    Args:
        expression: free of states and time.
        system: whose parameters they are.
        values: shape (parameters, points).

    Returns:
        Shape (points,).
    """
    p = np.asarray(values, dtype=np.float64)
    printer = Printer({real_symbol(name): f"p{i}_" for i, name in enumerate(system.parameters)}, "T")
    result = printer.code(expression)
    lines = [*_parameter_lines(system), *(f"{name} = {code}" for name, code in printer.statements), f"return {result}"]
    found = _module(templates.NUMPY + _function("value(p)", lines), system)["value"](p)
    return np.array(np.broadcast_to(np.asarray(found, dtype=np.float64), p.shape[1:]))


def state_index(system: System, state: int | str) -> int:
    """The index of a state that is given by its name or its index.

    Raises:
        ValueError: there is no such state.
    """
    if isinstance(state, str):
        if state in system.states:
            return system.states.index(state)
        known = f"the states are {', '.join(system.states)}.{suggestion(state, system.states)}"
        raise ValueError(f"{system.name or 'the system'} has no state {state!r}; {known}")
    if not 0 <= state < system.dimension:
        raise ValueError(f"state = {state}: there are states 0 … {system.dimension - 1} ({', '.join(system.states)})")
    return int(state)


@lru_cache(_KEPT)
def _functions(system: System) -> tuple[Rates, Rates]:
    """`rates` and `jacobian`."""
    names = _module(_text(system, statements(system)), system)
    n, parameters = system.dimension, len(system.parameters)

    def made(evaluate: Callable[..., None], rows: tuple[int, ...]) -> Rates:
        def function(x: ArrayLike, p: ArrayLike = (), t: float | Array = 0.0) -> Array:
            at, values = np.asarray(x, dtype=np.float64), np.asarray(p, dtype=np.float64)
            if at.shape[:1] != (n,) or (values.shape[:1] != (parameters,) and (parameters or values.size)):
                raise ValueError(
                    f"states of shape {at.shape}, parameters of shape {values.shape}; {system.name or 'the system'} "
                    f"needs ({n}, points) and ({parameters}, points), parameters in the order of system.parameters"
                )
            points = np.broadcast_shapes(at.shape[1:], values.shape[1:], np.shape(t)) if parameters else at.shape[1:]
            out = np.zeros((*rows, *points))
            evaluate(at, values, t, out)
            return out

        return function

    return made(names["rates"], (n,)), made(names["jacobian"], (n, n))


def _text(system: System, code: Statements) -> str:
    """A module with `rates(x, p, t_, out)` and `jacobian(x, p, t_, out)`, which write to `out`."""
    begin = [*(f"S{r}_ = x[{r}]" for r in range(system.dimension)), *_parameter_lines(system)]
    begin += [f"{name} = {value}" for name, value in code.shared]
    right = [f"out[{r}] = {value}" for r, value in enumerate(code.rates)]
    entries = [f"{name} = {value}" for name, value in code.more]
    entries += [f"out[{entry.row}, {entry.column}] = {entry.code}" for entry in code.jacobian]
    functions = _function("rates(x, p, t_, out)", begin + right), _function("jacobian(x, p, t_, out)", begin + entries)
    return templates.NUMPY + "\n\n".join(functions)


def _parameter_lines(system: System) -> list[str]:
    return [f"p{i}_ = p[{i}]" for i in range(len(system.parameters))]


def _function(signature: str, lines: list[str]) -> str:
    return f"def {signature}:\n" + indent("\n".join(lines), "    ") + "\n"


def _module(text: str, system: System) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(text, f"<{system.name or 'system'} for numpy>", "exec"), names)
    return names
