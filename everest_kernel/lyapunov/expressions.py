"""Expressions that a system may hold: sympy's real elementary functions, built and checked in one place.

Text and traced functions both build their expressions here, and sympy expressions from outside are rebuilt here, so
what the generated program meets is one small language whatever the source.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from numbers import Integral, Rational, Real
from typing import TYPE_CHECKING, Any

from .names import CONSTANTS, FUNCTIONS, EquationError, suggestion

if TYPE_CHECKING:
    import sympy

__all__ = ["ALIASES", "call", "constant", "number", "piecewise", "power", "product", "real_symbol", "standard", "total"]

ALIASES: Mapping[str, str] = {
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "absolute": "abs",
    "Abs": "abs",
    "fabs": "abs",
    "ceiling": "ceil",
    "fmax": "max",
    "fmin": "min",
    "Heaviside": "heaviside",
    "Max": "max",
    "maximum": "max",
    "Min": "min",
    "minimum": "min",
    "Mod": "mod",
    "power": "pow",
    "remainder": "mod",
}
"""Other spellings, those of numpy and sympy, to ours."""

_LARGEST_EXPONENT = 1000  # sympy multiplies coefficients out at once: (2 x)^(10^9) would fill the memory
_MOST_BITS = 8192
_ARGUMENTS = {
    **dict.fromkeys(("atan2", "hypot", "pow", "mod"), (2, 2)),
    **dict.fromkeys(("min", "max"), (2, 99)),
    "log": (1, 2),
    "where": (3, 3),
    "clip": (3, 3),
    "heaviside": (1, 2),
    "Piecewise": (1, 99),
}


@cache
def real_symbol(name: str) -> sympy.Symbol:
    """The real symbol of a state, a parameter or the time."""
    import sympy

    return sympy.Symbol(name, real=True)


def constant(name: str) -> sympy.Expr:
    """The number that a name of `CONSTANTS` stands for."""
    import sympy

    return {"pi": sympy.pi, "e": sympy.E}[name]


def number(value: object) -> sympy.Expr:
    """A finite real number as sympy holds it: whole numbers and fractions exactly, others to the bit.

    Raises:
        EquationError: not a finite real number.
    """
    import sympy

    if isinstance(value, bool) or not isinstance(value, Real):
        raise EquationError(f"{value!r} is not a real number")
    if isinstance(value, Integral):
        return _checked(sympy.Integer(int(value)))
    if isinstance(value, Rational):
        exact = Fraction(value)
        return _checked(sympy.Rational(exact.numerator, exact.denominator))
    if not math.isfinite(value):
        raise EquationError(f"{value!r} is not a finite number")
    return sympy.Float(float(value))


def product(factors: Sequence[sympy.Expr]) -> sympy.Expr:
    """The product, checked."""
    import sympy

    return _checked(sympy.Mul(*factors))


def total(terms: Sequence[sympy.Expr]) -> sympy.Expr:
    """The sum, checked."""
    import sympy

    return _checked(sympy.Add(*terms))


def power(base: sympy.Expr, exponent: sympy.Expr) -> sympy.Expr:
    """`base ** exponent`; exponents such as 2.0 and 0.5 become whole numbers and halves, which compute faster.

    Raises:
        EquationError: an exponent beyond 1,000, a division by zero, or a result that is no finite real number.
    """
    import sympy

    if exponent.is_Float and (2 * float(exponent)).is_integer():
        exponent = sympy.Rational(int(2 * float(exponent)), 2)
    if exponent.is_number and abs(float(exponent)) > _LARGEST_EXPONENT:
        raise EquationError(f"the power {_short(exponent)} is too large: exponents go up to {_LARGEST_EXPONENT}")
    if base.is_zero and exponent.is_negative:
        raise EquationError("a division by zero")
    return _checked(sympy.Pow(base, exponent))


def piecewise(*pairs: tuple[sympy.Expr, Any]) -> sympy.Expr:
    """Piecewise from (value, condition) pairs, the first true condition wins; the last must hold always.

    Raises:
        EquationError: pairs that leave some states without a value.
    """
    import sympy

    if pairs[-1][1] not in (True, sympy.true):
        raise EquationError("Piecewise needs a last pair (value, True), so that it has a value everywhere")
    result = sympy.Piecewise(*pairs)
    # sympy writes conditions on nested Piecewise with its if-then-else of conditions: only and, or, not remain here
    return result.replace(sympy.ITE, lambda a, b, c: sympy.Or(sympy.And(a, b), sympy.And(sympy.Not(a), c)))


def call(name: str, arguments: Sequence[Any]) -> sympy.Expr:
    """The function of that name, applied.

    Args:
        name: one of `names.FUNCTIONS` or of `ALIASES`.
        arguments: expressions; for `where` a condition first, for `Piecewise` (value, condition) pairs.

    Raises:
        EquationError: no such function, a wrong number of arguments, or a value that is no finite real number.
    """
    own = ALIASES.get(name, name)
    if own not in FUNCTIONS:
        raise EquationError(f"there is no function {name!r}.{suggestion(name, FUNCTIONS | ALIASES.keys())}")
    least, most = _ARGUMENTS.get(own, (1, 1))
    if not least <= len(arguments) <= most:
        wanted = str(least) if least == most else f"{least} or more" if most > 2 else f"{least} or {most}"
        raise EquationError(f"{name} takes {wanted} argument{'s' * (wanted != '1')}, not {len(arguments)}")
    if own == "mod" and arguments[1].is_zero:
        raise EquationError("a division by zero")
    return _checked(_builders()[own](*arguments))


@cache
def _builders() -> dict[str, Callable[..., Any]]:
    import sympy as s

    one, half = s.Integer(1), s.Rational(1, 2)

    def extreme(kind: Any) -> Callable[..., Any]:
        # sympy's own simplification of Max compares all pairs and can take seconds
        return lambda *a: kind(*a, evaluate=all(x.is_number for x in a))

    plain = {
        name: getattr(s, name)
        for name in ["sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh"]
    }
    plain |= {name: getattr(s, name) for name in ["asinh", "acosh", "atanh", "exp", "log", "sign", "floor"]}
    return plain | {
        "sec": lambda x: one / s.cos(x),
        "csc": lambda x: one / s.sin(x),
        "cot": lambda x: one / s.tan(x),
        "sech": lambda x: one / s.cosh(x),
        "expm1": lambda x: s.exp(x) - one,
        "ln": s.log,
        "log2": lambda x: s.log(x) / s.log(2),
        "log10": lambda x: s.log(x) / s.log(10),
        "log1p": lambda x: s.log(one + x),
        "sqrt": lambda x: s.Pow(x, half),
        "cbrt": lambda x: s.sign(x) * s.Pow(s.Abs(x), s.Rational(1, 3)),  # the real root, as numpy's
        "hypot": lambda x, y: s.Pow(x**2 + y**2, half),
        "pow": power,
        "abs": s.Abs,
        "sgn": s.sign,
        "ceil": s.ceiling,
        "mod": lambda x, y: s.Mod(x, y, evaluate=x.is_number and y.is_number),
        "min": extreme(s.Min),
        "max": extreme(s.Max),
        "clip": lambda x, low, high: extreme(s.Min)(extreme(s.Max)(x, low), high),
        "heaviside": lambda x, middle=half: s.Piecewise((0, x < 0), (middle, s.Eq(x, 0)), (1, True)),
        "where": lambda condition, yes, no: piecewise((yes, condition), (no, True)),
        "Piecewise": piecewise,
    }


def _checked(result: Any) -> Any:
    """Refuses constants that are not finite and real before anything is computed from them (exp(exp(exp(9))))."""
    part = result if result.is_number else result.as_coeff_Mul()[0]
    if part.is_Rational and max(abs(part.p), part.q).bit_length() > _MOST_BITS:
        raise EquationError("a number with too many digits")
    try:
        finite = part.is_finite is not False and math.isfinite(float(part))
    except OverflowError:
        finite = False
    except TypeError:  # sympy's way to say that it is complex
        raise EquationError(f"{_short(part)} is not a real number") from None
    if not finite:
        raise EquationError("a number that is not finite (a division by zero, or beyond 1.8e308)")
    return result


def _short(expression: object) -> str:
    text = str(expression)
    return text if len(text) <= 60 else text[:57] + "..."


def standard(expression: Any) -> Any:
    """A sympy expression or condition, rebuilt from real symbols and the functions named above.

    Raises:
        EquationError: it holds a function, a number or another thing that cannot be computed here.
    """
    import sympy

    if isinstance(expression, sympy.Symbol):
        return real_symbol(expression.name)
    if expression in (sympy.true, sympy.false, sympy.pi, sympy.E):
        return expression
    if isinstance(expression, sympy.Number):
        return _checked(expression)
    arguments = [standard(argument) for argument in getattr(expression, "args", ())]
    if isinstance(expression, sympy.Pow):
        return power(*arguments)
    if isinstance(expression, sympy.Piecewise):
        return piecewise(*(pair.args for pair in arguments))
    kinds = (sympy.Add, sympy.Mul, sympy.And, sympy.Or, sympy.Not, sympy.core.relational.Relational)
    if isinstance(expression, (*kinds, sympy.functions.elementary.piecewise.ExprCondPair)):
        return expression.func(*arguments)
    if isinstance(expression, sympy.core.function.Application):
        return call(expression.func.__name__, arguments)
    known = ", ".join(sorted(CONSTANTS))
    raise EquationError(f"{_short(expression)} is neither a real number, a name ({known} included) nor a function here")
