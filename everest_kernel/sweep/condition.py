"""The condition of a sweep (`--where`): which points of the product are run.

It is a Python expression over the parameters: numbers, quoted texts, arithmetic, comparisons, `and`, `or`, `not`,
`in`, parentheses, and the functions of `FUNCTIONS`. A point is kept where it is true.

What it means is what Python computes point by point. Most conditions are computed for a whole block with numpy, which
is some twenty times faster; whenever numpy could give another answer (an overflow, a division by zero, ints beyond
2**53 beside floats, mixed types), the block is computed by Python after all.
"""

from __future__ import annotations

import ast
import difflib
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..wire import CellOptionError

__all__ = ["FUNCTIONS", "Condition"]

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
_CONSTANTS = {"pi": math.pi}
_MAX_LENGTH = 1_000
_PARTS = (
    *(ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd),
    *(ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn),
    *(ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow),
    *(ast.Name, ast.Load, ast.Constant, ast.Tuple, ast.List, ast.Call),
)
_INSTEAD = {ast.BitAnd: "and", ast.BitOr: "or", ast.Invert: "not", ast.BitXor: "**", ast.NamedExpr: "=="}
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


class Condition:
    """A condition over some parameters.

    Args:
        text: the expression.
        parameters: names that it may use.

    Attributes:
        text: as given.
        names: parameters that it uses.
        functions: functions that it calls.

    Raises:
        CellOptionError: it cannot be read, has a part that conditions do not have, or uses an unknown name.
    """

    def __init__(self, text: str, parameters: Sequence[str]) -> None:
        self.text = text.strip()
        try:
            if len(self.text) > _MAX_LENGTH:
                raise ValueError(f"it is longer than {_MAX_LENGTH:,} characters")
            tree = ast.parse(self.text, mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = error.msg if isinstance(error, SyntaxError) else str(error)
            hint = "Write a Python expression, such as a + b <= 1 and a != 0.5."
            if isinstance(error, SyntaxError) and "=" in self.text:
                hint += " Equality is ==."
            raise CellOptionError(f"the condition {self.text[:80]!r} cannot be read: {reason}", hint=hint) from error
        self._check(tree, parameters)
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        self.names = frozenset(names.intersection(parameters))
        self.functions = frozenset(names.intersection(FUNCTIONS) - self.names)
        self._tree = tree.body
        self._code = compile(tree, "<condition>", "eval")
        self._scope = {"__builtins__": {}, **FUNCTIONS, **_CONSTANTS}

    def _check(self, tree: ast.Expression, parameters: Sequence[str]) -> None:
        called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        for node in ast.walk(tree):
            if not isinstance(node, _PARTS):
                instead = _INSTEAD.get(type(node))
                hint = f"Write {instead!r} instead." if instead else "It has arithmetic, comparisons, and, or, not, in."
                what = f"the condition {self.text[:80]!r} has a {type(node).__name__}, which conditions do not have"
                raise CellOptionError(what, hint=hint)
            if isinstance(node, ast.Call) and not (
                isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS and not node.keywords
            ):
                raise CellOptionError(
                    f"the condition calls {ast.unparse(node.func)[:80]}", hint=f"It may call {', '.join(FUNCTIONS)}."
                )
            if isinstance(node, ast.Name) and id(node) not in called:
                self._known(node.id, parameters)
        if any(name in FUNCTIONS for name in parameters) and called:
            clash = next((n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and n.func.id in parameters), "")  # type: ignore[attr-defined]
            if clash:
                raise CellOptionError(f"the condition calls {clash}, which is a parameter here", hint="Rename it.")

    def _known(self, name: str, parameters: Sequence[str]) -> None:
        if name in parameters or name in _CONSTANTS:
            return
        near = difflib.get_close_matches(name, parameters, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        hint += f"The parameters are {', '.join(parameters)}; of a variable, write the value."
        raise CellOptionError(f"the condition uses {name}, which is no parameter", hint=hint)

    def holds(self, columns: Columns, size: int) -> NDArray[np.bool_]:
        """Where it is true.

        Args:
            columns: at least its `names`; each of shape (size,).
            size: number of points.

        Returns:
            Shape (size,).

        Raises:
            CellOptionError: it cannot be computed at one of the points; the message has the point.
        """
        try:
            with np.errstate(all="raise", under="ignore"):
                return _Block(columns, size).truth(self._tree)
        except (_ByPoint, ArithmeticError, TypeError, ValueError, np.exceptions.DTypePromotionError):
            return self._by_point(columns, size)

    def _by_point(self, columns: Columns, size: int) -> NDArray[np.bool_]:
        names = sorted(self.names)
        lists = [columns[name].tolist() for name in names]
        found = np.empty(size, np.bool_)
        scope = dict(self._scope)
        for index in range(size):
            point = {name: values[index] for name, values in zip(names, lists, strict=True)}
            scope.update(point)
            try:
                found[index] = bool(eval(self._code, scope))
            except Exception as error:
                where = ", ".join(f"{name} = {value!r}" for name, value in point.items())
                raise CellOptionError(
                    f"the condition {self.text[:80]!r} cannot be computed at {where or 'any point'}: {error}",
                    hint="Guard it, as in a != 0 and 1 / a > 2.",
                ) from error
        return found


class _ByPoint(Exception):  # noqa: N818 - a way out, not an error
    """Numpy might not do here what Python does."""


class _Block:
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
            raise _ByPoint
        return np.asarray(value != 0)

    def _chain(self, node: ast.BoolOp) -> NDArray[np.bool_]:
        """`and`, `or`: later parts are computed only where they matter, so that `a != 0 and 1/a > 2` is sound."""
        found = self.truth(node.values[0]).copy()
        for part in node.values[1:]:
            open_ = np.flatnonzero(found if isinstance(node.op, ast.And) else ~found)
            if not open_.size:
                break
            inner = _Block({name: column[open_] for name, column in self._columns.items()}, open_.size)
            found[open_] = inner.truth(part)
        return found

    def _compare(self, node: ast.Compare) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] | None = None
        left = self.value(node.left)
        for operation, right_node in zip(node.ops, node.comparators, strict=True):
            if isinstance(operation, (ast.In, ast.NotIn)):
                if len(node.ops) > 1 or not isinstance(right_node, (ast.Tuple, ast.List)):
                    raise _ByPoint
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
                raise _ByPoint
            return column
        if isinstance(node, (ast.Constant, ast.Name)):
            return self._constant(_CONSTANTS[node.id] if isinstance(node, ast.Name) else node.value)
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
        raise _ByPoint  # `a or b` as a value, tuples

    def _constant(self, value: Any) -> NDArray[Any]:
        if not isinstance(value, (bool, int, float, str)) or (isinstance(value, str) and value.endswith("\0")):
            raise _ByPoint
        if isinstance(value, int) and not -_EXACT <= value <= _EXACT:
            raise _ByPoint
        return np.broadcast_to(np.asarray(value), (self._size,))


def _number(value: NDArray[Any]) -> NDArray[Any]:
    """A number to calculate with: truth values count as 0 and 1, as in Python."""
    if value.dtype.kind not in "bif":
        raise _ByPoint
    return value.astype(np.int64) if value.dtype.kind == "b" else value


def _small(value: NDArray[Any]) -> NDArray[Any]:
    """The value, if its ints are floats without loss."""
    if value.dtype.kind == "i" and value.size and not (value.min() >= -_EXACT and value.max() <= _EXACT):
        raise _ByPoint
    return value


def _calculated(operation: Callable[[Any, Any], Any], left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    left, right = _small(left), _small(right)
    if operation is operator.mul and left.dtype.kind == right.dtype.kind == "i":
        if left.size and np.abs(left.astype(np.float64)).max() * np.abs(right.astype(np.float64)).max() > _EXACT:
            raise _ByPoint
    return np.asarray(operation(left, right))


def _compared(comparison: Callable[[Any, Any], Any], left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.bool_]:
    if (left.dtype.kind == "U") != (right.dtype.kind == "U"):
        raise _ByPoint
    if left.dtype.kind != right.dtype.kind:
        left, right = _small(left), _small(right)
    return np.asarray(comparison(left, right), np.bool_)


def _by_element(function: Callable[..., Any], *arguments: NDArray[Any]) -> NDArray[Any]:
    if not arguments:
        raise _ByPoint
    found = [function(*values) for values in zip(*(argument.tolist() for argument in arguments), strict=True)]
    kinds = {type(value) for value in found}
    if len(kinds) > 1 or not kinds <= {bool, int, float}:
        raise _ByPoint
    return _small(np.array(found))
