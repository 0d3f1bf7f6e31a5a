"""What stands in for a number while a user's function runs: an expression that grows with each operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .expressions import ALIASES, call, number, power, product, total
from .names import FUNCTIONS, EquationError

__all__ = ["Traced", "apply", "unwrapped"]

_BRANCH = (
    "it branches on a state or a parameter (if, while, and, or, not, a < x < b, max of a list). Equations need one"
    " expression: use abs, sign, np.where(condition, a, b), min, max or Piecewise; join conditions by & and |"
)


class Traced:
    """An expression, or a condition, in place of a number while the user's function runs."""

    __slots__ = ("value",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Any) -> None:
        self.value = value

    def _sympy_(self) -> Any:
        return self.value

    def __repr__(self) -> str:
        return str(self.value)

    def __bool__(self) -> bool:
        raise EquationError(_BRANCH)

    def __float__(self, *_: object) -> float:
        raise EquationError(f"it needs the number behind {self.value}, which is a symbol (float, int, range, an index)")

    __int__ = __index__ = __round__ = __trunc__ = __complex__ = __float__

    def __getattr__(self, name: str) -> Any:
        # numpy computes functions of arrays of objects by calling methods of these names
        if name in FUNCTIONS or name in ALIASES:
            return lambda *others: apply(name, self, *others)
        raise AttributeError(f"{self.value} is a scalar without {name!r}")

    def __neg__(self) -> Traced:
        return Traced(product([number(-1), self.value]))

    def __pos__(self) -> Traced:
        return self

    def __abs__(self) -> Any:
        return apply("abs", self)

    def __floor__(self) -> Any:
        return apply("floor", self)

    def __ceil__(self) -> Any:
        return apply("ceil", self)

    def __invert__(self) -> Traced:
        import sympy

        return Traced(sympy.Not(self.value))


def _binary(name: str, build: Callable[[Any, Any], Any], *, reflected: bool = True) -> None:
    """Gives `Traced` an operator and, unless it is a comparison, its reflection."""

    def method(self: Traced, other: object, swap: bool = False) -> Any:
        if isinstance(other, np.ndarray) and other.ndim:
            return NotImplemented  # numpy goes through the elements
        try:
            value = unwrapped(other)
        except EquationError:
            if isinstance(other, float):  # nan and infinity
                raise
            return NotImplemented
        return Traced(build(value, self.value) if swap else build(self.value, value))

    setattr(Traced, f"__{name}__", method)
    if reflected:
        setattr(Traced, f"__r{name}__", lambda self, other: method(self, other, swap=True))


def _operators() -> None:
    def compared(name: str) -> Callable[[Any, Any], Any]:
        def build(left: Any, right: Any) -> Any:
            import sympy

            return getattr(sympy, name)(left, right)

        return build

    def quotient(left: Any, right: Any) -> Any:
        return product([left, power(right, number(-1))])

    _binary("add", lambda left, right: total([left, right]))
    _binary("sub", lambda left, right: total([left, product([number(-1), right])]))
    _binary("mul", lambda left, right: product([left, right]))
    _binary("truediv", quotient)
    _binary("floordiv", lambda left, right: call("floor", [quotient(left, right)]))
    _binary("mod", lambda left, right: call("mod", [left, right]))
    _binary("pow", power)
    _binary("and", compared("And"))
    _binary("or", compared("Or"))
    for name in ("lt", "le", "gt", "ge", "eq", "ne"):
        _binary(name, compared(name.capitalize()), reflected=False)


_operators()


def unwrapped(value: Any) -> Any:
    """The sympy expression or condition behind a traced value or a number."""
    if isinstance(value, Traced):
        return value.value
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return unwrapped(value.item())
    if isinstance(value, (bool, np.bool_)):
        import sympy

        return sympy.true if value else sympy.false
    if hasattr(value, "free_symbols"):
        return value
    return number(value)


def apply(name: str, *arguments: Any) -> Any:
    """A function on symbols and numbers; on lists and arrays element by element, as numpy does."""
    if any(isinstance(argument, (list, tuple, np.ndarray)) and np.ndim(argument) for argument in arguments):
        if name in ("max", "min") and len(arguments) == 1:
            return apply(name, *arguments[0])
        arrays = np.broadcast_arrays(*(np.asarray(argument, dtype=object) for argument in arguments))
        result = np.empty(arrays[0].shape, dtype=object)
        for index in np.ndindex(result.shape):
            result[index] = apply(name, *(array[index] for array in arrays))
        return result
    return Traced(call(name, [unwrapped(argument) for argument in arguments]))
