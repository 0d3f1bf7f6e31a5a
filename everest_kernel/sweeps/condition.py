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
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..wire import CellOptionError
from .condition_blocks import CONSTANTS, FUNCTIONS, Block, ByPoint

__all__ = ["FUNCTIONS", "Condition"]

Columns = Mapping[str, NDArray[Any]]

_MAX_LENGTH = 10_000
_PARTS = (
    *(ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd),
    *(ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn),
    *(ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow),
    *(ast.Name, ast.Load, ast.Constant, ast.Tuple, ast.List, ast.Call),
)
_INSTEAD = {ast.BitAnd: "and", ast.BitOr: "or", ast.Invert: "not", ast.BitXor: "**", ast.NamedExpr: "=="}


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
        self._scope = {"__builtins__": {}, **FUNCTIONS, **CONSTANTS}

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
            if isinstance(node, ast.Call) and node.func.id in parameters:  # type: ignore[attr-defined]
                name = ast.unparse(node.func)
                raise CellOptionError(f"the condition calls {name}, which is a parameter here", hint="Rename it.")
            if isinstance(node, ast.Name) and id(node) not in called:
                self._known(node.id, parameters)

    def _known(self, name: str, parameters: Sequence[str]) -> None:
        if name in parameters or name in CONSTANTS:
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
                return Block(columns, size).truth(self._tree)
        except (ByPoint, ArithmeticError, TypeError, ValueError):
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
