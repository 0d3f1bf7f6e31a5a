"""Conditions of sweeps, computed with numpy for a block of points at once, wherever numpy gives what Python would."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CONSTANTS", "FUNCTIONS", "Block", "ByPoint"]

Columns = Mapping[str, NDArray[Any]]

FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{function.__name__: function for function in (abs, min, max, round, int, float)},
    **{
        name: getattr(math, name)
        for name in (
            "sqrt",
            "exp",
            "log",
            "log10",
            "log2",
            "sin",
            "cos",
            "tan",
            "atan2",
            "hypot",
            "floor",
            "ceil",
            "isnan",
        )
    },
}
"""Functions that a condition may call."""
CONSTANTS = {"pi": math.pi}
"""Names that a condition may use besides the parameters."""
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_EXACT = 2**53


class ByPoint(Exception):  # noqa: N818 - a way out, not an error
    """Numpy might not do here what Python does."""


class Block:
    """Computes an expression for some points at once."""

    def __init__(self, columns: Columns, size: int) -> None:
        self._columns, self._size = columns, size

    def truth(self, node: ast.expr) -> NDArray[np.bool_]:
        """Whether an expression is true, as Python's `if` sees it; shape (size,)."""
        if isinstance(node, ast.BoolOp):
            return self._chain(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return ~self.truth(node.operand)
        if isinstance(node, ast.Compare):
            return self._compare(node)
        value = self.value(node)
        if value.dtype.kind not in "bif":
            raise ByPoint
        return np.asarray(value != 0)

    def _chain(self, node: ast.BoolOp) -> NDArray[np.bool_]:
        """`and`, `or`: later parts are computed only where they matter, so that `a != 0 and 1/a > 2` is sound."""
        found: NDArray[np.bool_] = np.array(self.truth(node.values[0]))
        for part in node.values[1:]:
            open_ = np.flatnonzero(found if isinstance(node.op, ast.And) else ~found)
            if not open_.size:
                break
            inner = Block({name: column[open_] for name, column in self._columns.items()}, open_.size)
            found[open_] = inner.truth(part)
        return found

    def _compare(self, node: ast.Compare) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] | None = None
        left = self.value(node.left)
        for operation, right_node in zip(node.ops, node.comparators, strict=True):
            if isinstance(operation, (ast.In, ast.NotIn)):
                if len(node.ops) > 1 or not isinstance(right_node, (ast.Tuple, ast.List)):
                    raise ByPoint
                equal = [_compared(operator.eq, left, self.value(choice)) for choice in right_node.elts]
                inside = np.any(equal, axis=0) if equal else np.zeros(self._size, np.bool_)
                return inside if isinstance(operation, ast.In) else ~inside
            right = self.value(right_node)
            part = _compared(_COMPARISONS[type(operation)], left, right)
            found = part if found is None else found & part
            left = right
        assert found is not None
        return found

    def value(self, node: ast.expr) -> NDArray[Any]:
        """An expression's value: bool, int64, float64 or text; shape (size,)."""
        if isinstance(node, ast.Name) and node.id in self._columns:
            column = self._columns[node.id]
            if column.dtype.kind == "O":
                raise ByPoint
            return column
        if isinstance(node, (ast.Constant, ast.Name)):
            return self._constant(CONSTANTS[node.id] if isinstance(node, ast.Name) else node.value)
        if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
            operand = _number(self.value(node.operand))
            return -_small(operand) if isinstance(node.op, ast.USub) else operand
        if isinstance(node, ast.BinOp):
            left, right = _number(self.value(node.left)), _number(self.value(node.right))
            if isinstance(node.op, ast.Pow):
                return _by_element(operator.pow, left, right)
            return _calculated(_ARITHMETIC[type(node.op)], left, right)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            # element by element with Python's own functions: numpy's may differ in the last bit
            return _by_element(FUNCTIONS[node.func.id], *(self.value(argument) for argument in node.args))
        if isinstance(node, ast.Compare) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
            return self.truth(node)
        raise ByPoint  # `a or b` as a value, tuples

    def _constant(self, value: Any) -> NDArray[Any]:
        if not isinstance(value, (bool, int, float, str)) or (isinstance(value, str) and value.endswith("\0")):
            raise ByPoint
        if isinstance(value, int) and not -_EXACT <= value <= _EXACT:
            raise ByPoint
        return np.broadcast_to(_array(value), (self._size,))


def _array(value: Any) -> NDArray[Any]:
    """As an array; ints have 64 bits also where numpy's own have 32."""
    array = np.asarray(value)
    return array.astype(np.int64) if array.dtype.kind == "i" else array


def _number(value: NDArray[Any]) -> NDArray[Any]:
    """A number to calculate with: truth values count as 0 and 1, as in Python."""
    if value.dtype.kind not in "bif":
        raise ByPoint
    return value.astype(np.int64) if value.dtype.kind == "b" else value


def _small(value: NDArray[Any]) -> NDArray[Any]:
    """The value, if its ints are floats without loss."""
    if value.dtype.kind == "i" and value.size and not (value.min() >= -_EXACT and value.max() <= _EXACT):
        raise ByPoint
    return value


def _calculated(operation: Callable[[Any, Any], Any], left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    left, right = _small(left), _small(right)
    product = operation is operator.mul and left.dtype.kind == right.dtype.kind == "i" and left.size > 0
    if product and int(np.abs(left).max()) * int(np.abs(right).max()) > _EXACT:
        raise ByPoint
    return np.asarray(operation(left, right))


def _compared(comparison: Callable[[Any, Any], Any], left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.bool_]:
    if (left.dtype.kind == "U") != (right.dtype.kind == "U"):
        raise ByPoint
    if left.dtype.kind != right.dtype.kind:
        left, right = _small(left), _small(right)
    return np.asarray(comparison(left, right), np.bool_)


def _by_element(function: Callable[..., Any], *arguments: NDArray[Any]) -> NDArray[Any]:
    if not arguments:
        raise ByPoint
    found = [function(*values) for values in zip(*(argument.tolist() for argument in arguments), strict=True)]
    kinds = {type(value) for value in found}
    array = _array(found) if len(kinds) == 1 and kinds <= {bool, int, float} else None
    if array is None or array.dtype.kind not in "bif":  # such as ints beyond 64 bits
        raise ByPoint
    return _small(array)
