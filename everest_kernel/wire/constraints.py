"""The expressions of a plan's `constraint` lines."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import Any

import simpleeval

from .errors import ProtocolError

__all__ = ["Constraint"]

_MAX_LENGTH = 1_000
_PARTS = (
    *(ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd),
    *(ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn),
    *(ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow),
    *(ast.Name, ast.Load, ast.Constant, ast.Tuple, ast.List),
)


class Constraint:
    """A condition on the parameters of a sweep; see `plans` for what it may contain.

    Raises:
        ProtocolError: the text is no such expression.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            if len(text) > _MAX_LENGTH:
                raise ValueError(f"it is longer than {_MAX_LENGTH} characters")
            tree = ast.parse(text, mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ProtocolError(f"the constraint {text[:80]!r} cannot be read: {error}") from error
        for node in ast.walk(tree):
            if not isinstance(node, _PARTS):
                raise ProtocolError(f"the constraint {text[:80]!r} has a {type(node).__name__}, which is not allowed")
        self.names = frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
        self._tree = tree.body
        self._evaluator = simpleeval.EvalWithCompoundTypes(functions={})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constraint) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Constraint({self.text!r})"

    def holds(self, values: Mapping[str, str]) -> bool:
        """Whether it is true at a point.

        Raises:
            ProtocolError: it cannot be computed there: a division by zero, a text compared with a number.
        """
        self._evaluator.names = {name: _typed(values[name]) for name in self.names}
        try:
            return bool(self._evaluator.eval(self.text, previously_parsed=self._tree))
        except (simpleeval.InvalidExpression, ArithmeticError, TypeError, ValueError) as error:
            where = ", ".join(f"{name} = {values[name]}" for name in sorted(self.names))
            raise ProtocolError(f"the constraint {self.text[:80]!r} cannot be computed at {where}: {error}") from error


def _typed(text: str) -> Any:
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if math.isfinite(number) else text
    return text
