"""Derivatives of the right-hand sides, almost everywhere: a jump or a corner contributes nothing where it sits.

sympy's own `diff` turns sign into a Dirac delta, leaves floor and mod underived, and walks every expression once per
symbol. Here one walk gives the whole gradient, and only of the symbols that occur.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sympy

__all__ = ["determinant", "gradient", "magnitude"]

_Gradient = dict[Any, Any]


def gradient(expression: sympy.Expr, symbols: Collection[sympy.Symbol]) -> dict[sympy.Symbol, sympy.Expr]:
    """The partial derivatives that are not identically zero.

    d abs(u) = sign(u) du; sign, floor and ceil have derivative 0; d mod(u, c) = du − floor(u/c) dc; max, min and
    Piecewise take the derivative of the branch that is in force.

    Args:
        expression: an expression as `expressions` builds it.
        symbols: the symbols to derive by.

    Returns:
        Symbol to derivative, only for symbols that occur.
    """
    import sympy

    if isinstance(expression, sympy.Symbol):
        return {expression: sympy.Integer(1)} if expression in symbols else {}
    if not expression.args or isinstance(expression, (sympy.sign, sympy.floor, sympy.ceiling)):
        return {}
    if isinstance(expression, sympy.Piecewise):
        return _piecewise(expression.args, symbols)
    if isinstance(expression, (sympy.Max, sympy.Min)):
        return _piecewise(_branches(expression), symbols)
    parts = [gradient(argument, symbols) for argument in expression.args]
    if not any(parts):
        return {}
    return _combined(parts, _outer(expression))


def _combined(parts: Sequence[_Gradient], outer: Callable[[int], Any]) -> _Gradient:
    """The chain rule: sum over i of outer(i) times the gradient of argument i."""
    import sympy

    terms: dict[Any, list[Any]] = {}
    for i, part in enumerate(parts):
        if part:
            factor = outer(i)
            for symbol, derivative in part.items():
                terms.setdefault(symbol, []).append(factor * derivative)
    sums = {symbol: sympy.Add(*several) for symbol, several in terms.items()}
    return {symbol: total for symbol, total in sums.items() if total != 0}


def _outer(expression: Any) -> Callable[[int], Any]:
    """The derivative of an operation by its i-th argument, as a function of i."""
    import sympy

    arguments = expression.args
    if isinstance(expression, sympy.Add):
        return lambda i: sympy.Integer(1)
    if isinstance(expression, sympy.Mul):
        return lambda i: sympy.Mul(*arguments[:i], *arguments[i + 1 :])
    if isinstance(expression, sympy.Pow):
        base, exponent = arguments
        return lambda i: exponent * base ** (exponent - 1) if i == 0 else expression * sympy.log(base)
    if isinstance(expression, sympy.Abs):
        return lambda i: sympy.sign(arguments[0])
    if isinstance(expression, sympy.Mod):
        return lambda i: sympy.Integer(1) if i == 0 else -sympy.floor(arguments[0] / arguments[1])
    return lambda i: expression.fdiff(i + 1)


def _piecewise(branches: Sequence[Any], symbols: Collection[Any]) -> _Gradient:
    import sympy

    parts = [(gradient(value, symbols), condition) for value, condition in branches]
    occurring = dict.fromkeys(symbol for part, _ in parts for symbol in part)
    return {s: sympy.Piecewise(*((part.get(s, 0), condition) for part, condition in parts)) for s in occurring}


def _branches(extreme: Any) -> list[tuple[Any, Any]]:
    """The arguments of a max or min with the conditions under which each is the result; of equal ones the first."""
    import sympy

    wins = sympy.Ge if isinstance(extreme, sympy.Max) else sympy.Le
    *others, last = extreme.args
    ranked = [(a, sympy.And(*(wins(a, b) for b in extreme.args if b is not a))) for a in others]
    return [*ranked, (last, sympy.true)]


def determinant(rows: Sequence[Sequence[sympy.Expr]]) -> sympy.Expr:
    """The determinant by cofactors along the first row, for the few states of a map; not expanded."""
    import sympy

    if len(rows) == 1:
        return rows[0][0]
    terms = []
    for j, entry in enumerate(rows[0]):
        if entry != 0:
            minor = determinant([[*row[:j], *row[j + 1 :]] for row in rows[1:]])
            terms.append((-1) ** j * entry * minor)
    return sympy.Add(*terms)


def magnitude(expression: sympy.Expr) -> sympy.Expr:
    """abs(expression) almost everywhere: signs count 1, and branches of equal magnitude become one."""
    import sympy

    if isinstance(expression, sympy.Mul):
        return sympy.Mul(*(magnitude(factor) for factor in expression.args))
    if isinstance(expression, sympy.sign):
        return sympy.Integer(1)
    if isinstance(expression, sympy.Piecewise):
        return sympy.Piecewise(*((magnitude(value), condition) for value, condition in expression.args))
    return sympy.Abs(expression)
