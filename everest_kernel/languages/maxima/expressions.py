"""Expressions of Maxima's as SymPy's. The text is read by a parser of its own: nothing in it is ever evaluated."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any

from ...wire import ConfigurationError

__all__ = ["to_sympy"]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|\d+e[+-]?\d+|\d+)|(?P<name>'?[A-Za-z%_][\w%]*)"
    r"|(?P<sign><=|>=|[-+*/^!(),=<>#\[\]])|(?P<end>\Z))"
)
_LONGEST, _DEEPEST = 100_000, 150
_CONSTANTS = {"%pi": "pi", "%e": "E", "%i": "I", "inf": "oo", "infinity": "zoo", "und": "nan", "true": "true"}
_CONSTANTS |= {"%gamma": "EulerGamma", "%phi": "GoldenRatio", "%catalan": "Catalan", "false": "false"}
_SAME = """
    sqrt exp log sin cos tan cot sec csc asin acos atan acot asec acsc sinh cosh tanh coth sech csch asinh acosh atanh
    acoth asech acsch gamma beta erf erfc erfi zeta floor binomial factorial conjugate ceiling atan2
"""
_OTHER = """
    abs:Abs signum:sign max:Max min:Min realpart:re imagpart:im lambert_w:LambertW bessel_j:besselj bessel_y:bessely
    bessel_i:besseli bessel_k:besselk kron_delta:KroneckerDelta
"""
_FUNCTIONS = {**{name: name for name in _SAME.split()}, **dict(pair.split(":") for pair in _OTHER.split())}
_RELATIONS = {"=": "Eq", "<": "Lt", ">": "Gt", "<=": "Le", ">=": "Ge", "#": "Ne"}


def to_sympy(text: str) -> Any:
    """The expression.

    Raises:
        ConfigurationError: SymPy is not installed here, or the text has something that SymPy or this parser has not.
    """
    try:
        sympy = importlib.import_module("sympy")
    except ImportError as error:
        raise ConfigurationError("symbolic = sympy needs sympy here, which is not installed") from error
    if len(text) > _LONGEST:
        raise ConfigurationError(f"an expression of {len(text):,} characters is too long; symbolic = text brings it")
    parser = _Parser(text, sympy)
    try:
        return parser.whole()
    except (TypeError, ValueError, AttributeError) as error:
        raise parser.unknown(str(error)) from error


class _Parser:
    """By precedence: relations, sums, products, signs, powers, factorials."""

    def __init__(self, text: str, sympy: Any) -> None:
        self._text, self._sympy = text, sympy
        self._at = self._depth = 0
        self._next()

    def whole(self) -> Any:
        value = self._relation()
        if self._kind != "end":
            raise self.unknown(f"{self._token!r} at {self._at}")
        return value

    def unknown(self, what: str) -> ConfigurationError:
        return ConfigurationError(f"cannot be read as an expression of SymPy's: {what}; symbolic = text brings it")

    def _next(self) -> None:
        match = _TOKEN.match(self._text, self._at)
        if not match:
            raise self.unknown(f"{self._text[self._at : self._at + 20]!r}")
        self._kind = str(match.lastgroup)
        self._token = match.group(self._kind)
        self._at = match.end()

    def _take(self, *signs: str) -> str:
        if self._kind != "sign" or self._token not in signs:
            return ""
        taken = self._token
        self._next()
        return taken

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            raise self.unknown(f"{self._token!r} where {sign!r} should be")

    def _relation(self) -> Any:
        left = self._sum()
        sign = self._take(*_RELATIONS)
        if not sign:
            return left
        return getattr(self._sympy, _RELATIONS[sign])(left, self._sum(), evaluate=False)

    def _sum(self) -> Any:
        terms = [self._product()]
        while sign := self._take("+", "-"):
            term = self._product()
            terms.append(term if sign == "+" else -term)
        return terms[0] if len(terms) == 1 else self._sympy.Add(*terms)

    def _product(self) -> Any:
        value = self._signed()
        while sign := self._take("*", "/"):
            other = self._signed()
            value = value * other if sign == "*" else value / other
        return value

    def _signed(self) -> Any:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self.unknown("it is nested too deeply")
        sign = self._take("-", "+")
        value = self._signed() if sign else self._power()
        self._depth -= 1
        return -value if sign == "-" else value

    def _power(self) -> Any:
        base = self._atom()
        while self._take("!"):
            base = self._sympy.factorial(base)
        if self._take("^"):
            return self._sympy.Pow(base, self._signed(), evaluate=True)
        return base

    def _atom(self) -> Any:
        kind, token = self._kind, self._token
        if self._take("("):
            value = self._relation()
            self._need(")")
            return value
        if self._take("["):
            return self._sympy.Tuple(*self._items("]"))
        if kind not in ("number", "name"):
            raise self.unknown(f"{token!r}")
        self._next()
        if kind == "number":
            return self._sympy.Float(float(token)) if set(token) & set(".e") else self._sympy.Integer(token)
        if self._take("("):
            return self._function(token)(*self._items(")"))
        if token in _CONSTANTS:
            return getattr(self._sympy, _CONSTANTS[token])
        if token == "minf":
            return -self._sympy.oo
        return self._sympy.Symbol(token)

    def _items(self, end: str) -> list[Any]:
        items: list[Any] = []
        while not self._take(end):
            if items:
                self._need(",")
            items.append(self._relation())
        return items

    def _function(self, name: str) -> Callable[..., Any]:
        if name.startswith("'") or name in ("integrate", "diff", "sum", "product", "limit", "at"):
            raise self.unknown(f"{name}(...) stands unevaluated")
        known = _FUNCTIONS.get(name)
        made: Callable[..., Any] = getattr(self._sympy, known) if known else self._sympy.Function(name)
        return made
