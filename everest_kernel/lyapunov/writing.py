"""Expressions to text that `reading` reads back: for messages, for content hashes and for people."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sympy

__all__ = ["expression_text"]


def expression_text(expression: sympy.Expr) -> str:
    """The expression in the language of equations, with every digit of its numbers; equal expressions, equal texts."""
    return str(_printer().doprint(expression))


@cache
def _printer() -> Any:
    import sympy

    class Printer(sympy.StrPrinter):  # type: ignore[misc]
        """sympy's text, with our names of functions."""

        def _print_Float(self, expr: Any) -> str:  # noqa: N802 - sympy's names
            return repr(float(expr))

        def _print_Exp1(self, expr: Any) -> str:  # noqa: N802
            return "exp(1)"  # a state may be called e

        def _print_Function(self, expr: Any) -> str:  # noqa: N802
            names = {"Abs": "abs", "ceiling": "ceil", "Mod": "mod", "Max": "max", "Min": "min"}
            name = expr.func.__name__
            return f"{names.get(name, name)}({self.stringify(expr.args, ', ')})"

        _print_Abs = _print_Mod = _print_Max = _print_Min = _print_LatticeOp = _print_Function  # noqa: N815

        def _print_Relational(self, expr: Any) -> str:  # noqa: N802
            return f"({self._print(expr.lhs)} {expr.rel_op} {self._print(expr.rhs)})"

        def _print_And(self, expr: Any) -> str:  # noqa: N802
            return "(" + " and ".join(sorted(self._print(a) for a in expr.args)) + ")"

        def _print_Or(self, expr: Any) -> str:  # noqa: N802
            return "(" + " or ".join(sorted(self._print(a) for a in expr.args)) + ")"

        def _print_Not(self, expr: Any) -> str:  # noqa: N802
            return f"(not {self._print(expr.args[0])})"

    return Printer()
