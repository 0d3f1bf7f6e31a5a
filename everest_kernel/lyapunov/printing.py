"""Sympy expressions as Python source that numba compiles to vector code and numpy runs on arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sympy

__all__ = ["FUNCTIONS", "Printer"]

FUNCTIONS = (
    *("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
    *("exp", "log"),
)
"""Functions that go by one name in sympy and in the code."""

_MOST_FACTORS = 16
"""Largest power that is written as a product."""


class Printer:
    """Writes expressions, and the temporaries that they share, as statements.

    Args:
        names: what each symbol is called in the code.
        prefix: of the temporaries' names.
    """

    def __init__(self, names: Mapping[sympy.Symbol, str], prefix: str) -> None:
        self._names = dict(names)
        self._prefix = prefix
        self._known: dict[str, str] = {}
        self.statements: list[tuple[str, str]] = []
        """Names and the code that gives their values, in the order in which they are needed."""

    def share(self, symbol: sympy.Symbol, expression: sympy.Expr) -> None:
        """A subexpression that gets a symbol of its own."""
        self._names[symbol] = self.atom(expression)

    def knows(self, symbol: sympy.Symbol) -> bool:
        """Whether this symbol has a name already."""
        return symbol in self._names

    def code(self, expression: sympy.Expr) -> str:
        """Source of an expression.

        Raises:
            NotImplementedError: it holds something that this knows no code for.
        """
        if expression.is_Symbol:
            return str(self._names[expression])
        if expression.is_number:
            return repr(float(expression))
        if expression.is_Relational or expression.is_Boolean:  # shared by several pieces
            return f"({self._condition(expression)})"
        kind = type(expression).__name__
        write: Callable[[Sequence[Any]], str] | None = getattr(self, f"_{kind.lower()}", None)
        if write is not None:
            return str(write(expression.args))
        if kind in FUNCTIONS:
            return f"{kind}({', '.join(map(self.code, expression.args))})"
        raise NotImplementedError(f"there is no code for {kind} in {expression}")

    def atom(self, expression: sympy.Expr) -> str:
        """A name or a number for an expression; its statement is written if it needs one."""
        return self._atom(self.code(expression))

    def _atom(self, code: str) -> str:
        """A name for the value of this code; names and numbers stand for themselves."""
        if code.replace("_", "").isalnum() or _is_number(code):
            return code
        if code not in self._known:
            self._known[code] = name = f"{self._prefix}{len(self.statements)}_"
            self.statements.append((name, code))
        return self._known[code]

    # --- one for each kind of expression, by sympy's name of it

    def _add(self, terms: Sequence[Any]) -> str:
        text = ""
        for term in sorted(terms, key=lambda t: t.could_extract_minus_sign()):
            negative = term.could_extract_minus_sign()
            code = self.code(-term if negative else term)
            text += f" - {code}" if negative else f" + {code}" if text else code
        return f"({text.strip()})" if not text.startswith(" -") else f"(-{text[3:]})"

    def _mul(self, factors: Sequence[Any]) -> str:
        above, below, sign = [], [], ""
        for factor in factors:
            if factor == -1:
                sign = "-"
            elif factor.is_Pow and factor.exp.could_extract_minus_sign():
                below.append(self.code(1 / factor))
            else:
                above.append(self.code(factor))
        over = "*".join(above) or "1.0"
        text = f"{sign}{over}" if not below else f"{sign}{over}/{below[0] if len(below) == 1 else self._product(below)}"
        return f"({text})"

    def _pow(self, args: Sequence[Any]) -> str:
        base, exponent = args
        if exponent.could_extract_minus_sign():
            return f"(1.0/{self.code(base**-exponent)})"
        if exponent.is_Integer and exponent <= _MOST_FACTORS:
            return self._product([self._atom(self.code(base))] * int(exponent))
        if exponent == 0.5 or str(exponent) == "1/2":
            return f"sqrt({self.code(base)})"
        return f"({self.code(base)}**{self.code(exponent)})"

    @staticmethod
    def _product(factors: list[str]) -> str:
        return f"({'*'.join(factors)})"

    def _abs(self, args: Sequence[Any]) -> str:
        return f"abs({self.code(args[0])})"

    def _sign(self, args: Sequence[Any]) -> str:
        x = self._atom(self.code(args[0]))
        return f"where({x} > 0.0, 1.0, where({x} < 0.0, -1.0, 0.0))"

    def _floor(self, args: Sequence[Any]) -> str:
        return f"floor({self.code(args[0])})"

    def _ceiling(self, args: Sequence[Any]) -> str:
        return f"(-floor(-{self.code(args[0])}))"

    def _mod(self, args: Sequence[Any]) -> str:
        x, over = (self._atom(self.code(a)) for a in args)
        return f"({x} - {over}*floor({x}/{over}))"

    def _min(self, args: Sequence[Any]) -> str:
        return self._extreme(args, "<")

    def _max(self, args: Sequence[Any]) -> str:
        return self._extreme(args, ">")

    def _extreme(self, args: Sequence[Any], than: str) -> str:
        best = self._atom(self.code(args[0]))
        for other in args[1:]:
            code = self._atom(self.code(other))
            best = self._atom(f"where({code} {than} {best}, {code}, {best})")
        return best

    def _piecewise(self, pieces: Sequence[Any]) -> str:
        text = "nan"
        for value, condition in reversed(pieces):
            always = str(condition) == "True"
            text = self.code(value) if always else f"where({self._condition(condition)}, {self.code(value)}, {text})"
        return text

    def _heaviside(self, args: Sequence[Any]) -> str:
        x = self._atom(self.code(args[0]))
        return f"where({x} > 0.0, 1.0, where({x} < 0.0, 0.0, 0.5))"

    def _condition(self, condition: Any) -> str:
        if condition.is_Symbol:
            return self.code(condition)
        joined = {"And": " & ", "Or": " | "}.get(type(condition).__name__)
        if joined is not None:
            return "(" + joined.join(f"({self._condition(a)})" for a in condition.args) + ")"
        if type(condition).__name__ == "Not":
            return f"(({self._condition(condition.args[0])}) == False)"
        return f"{self.code(condition.lhs)} {condition.rel_op} {self.code(condition.rhs)}"


def _is_number(code: str) -> bool:
    try:
        float(code)
    except ValueError:
        return False
    return True
