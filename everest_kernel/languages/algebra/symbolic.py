"""Expressions of Maple and Giac as sympy's. Nothing of the text is evaluated but what this grammar knows."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .reader import UnreadableError

__all__ = ["to_sympy"]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.(?!\.)\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[^\W\d]\w*|`[^`]*`)|(?P<mark>\*\*|<=|>=|<>|!=|==|\.\.|[-+*/^()\[\]{},=<>!]))"
)
_DEEPEST = 150
_FUNCTIONS = {
    "ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh", "arccosh": "acosh",
    "arctanh": "atanh", "abs": "Abs", "GAMMA": "gamma", "Gamma": "gamma", "Psi": "digamma", "Zeta": "zeta",
    "Beta": "beta", "BesselJ": "besselj", "BesselY": "bessely", "BesselI": "besseli", "BesselK": "besselk",
    "Re": "re", "Im": "im", "conj": "conjugate", "signum": "sign", "dilog": "", "Dirac": "DiracDelta",
    "factorial": "factorial", "binomial": "binomial", "LambertW": "LambertW", "Ei": "Ei", "Si": "Si", "Ci": "Ci",
    "erf": "erf", "erfc": "erfc", "ceil": "ceiling", "min": "Min", "max": "Max", "surd": "real_root",
    **{n: n for n in (
        "sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "coth", "exp", "log", "sqrt", "asin", "acos",
        "atan", "asinh", "acosh", "atanh", "floor", "ceiling", "conjugate", "sign", "gamma", "zeta", "beta",
    )},
}  # fmt: skip
_CONSTANTS = {"Pi": "pi", "pi": "pi", "infinity": "oo", "gamma": "EulerGamma", "euler_gamma": "EulerGamma",
              "Catalan": "Catalan", "true": "true", "false": "false", "undef": "nan", "undefined": "nan"}  # fmt: skip
_RELATIONS = {"=": "Eq", "==": "Eq", "<": "Lt", ">": "Gt", "<=": "Le", ">=": "Ge", "<>": "Ne", "!=": "Ne"}


def to_sympy(text: str, units: frozenset[str]) -> Any:
    """The expression that a text denotes.

    Args:
        text: as the program writes it.
        units: names of the imaginary unit.

    Raises:
        UnreadableError: something that is not an expression of numbers, names, functions and operators.
    """
    parser = _Parser(text, units)
    value = parser.relation()
    if parser.kind:
        raise UnreadableError(f"{text[:80]!r} is no plain expression")
    return value


class _Parser:
    """A parser by recursive descent."""

    def __init__(self, text: str, units: frozenset[str]) -> None:
        import sympy

        self._sympy = sympy
        self._units = units
        self._text = text
        self._place = self._depth = 0
        self.kind = self._token = ""
        self._advance()

    def _advance(self) -> str:
        token = self._token
        match = _TOKEN.match(self._text, self._place)
        if match is None:
            if self._text[self._place :].strip():
                raise UnreadableError(f"{self._text[self._place : self._place + 40]!r} is not known")
            self.kind = self._token = ""
        else:
            self.kind, self._token, self._place = match.lastgroup or "", match[match.lastgroup or 0], match.end()
        return token

    def _expect(self, token: str) -> None:
        if self._token != token:
            raise UnreadableError(f"{token!r} is missing in {self._text[:80]!r}")
        self._advance()

    def relation(self) -> Any:
        """An equation, or what has no sign of relation."""
        left = self._sum()
        if self._token in _RELATIONS and self.kind == "mark":
            make = getattr(self._sympy, _RELATIONS[self._advance()])
            left = make(left, self._sum(), evaluate=False)
        return left

    def _sum(self) -> Any:
        terms = [self._product()]
        while self._token in ("+", "-"):
            sign = 1 if self._advance() == "+" else -1
            terms.append(sign * self._product())
        return self._sympy.Add(*terms)

    def _product(self) -> Any:
        value = self._signed()
        while self._token in ("*", "/"):
            value = value * self._signed() if self._advance() == "*" else value / self._signed()
        return value

    def _signed(self) -> Any:
        signs = 1
        while self._token in ("+", "-"):
            signs *= 1 if self._advance() == "+" else -1
        return signs * self._power()

    def _power(self) -> Any:
        base = self._atom()
        while self._token == "!":
            self._advance()
            base = self._sympy.factorial(base)
        if self._token in ("^", "**"):
            self._advance()
            self._deeper()
            base = base ** self._signed()
            self._depth -= 1
        return base

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise UnreadableError("the expression is nested too deeply")

    def _atom(self) -> Any:
        kind, token = self.kind, self._advance()
        if kind == "number":
            return self._number(token)
        if kind == "name":
            return self._call(token) if self._token == "(" else self._name(token)
        if token == "(":
            self._deeper()
            value = self.relation()
            self._expect(")")
            self._depth -= 1
            return value
        if token == "[":
            return self._sympy.Tuple(*self._list("]"))
        if token == "{":
            return self._sympy.FiniteSet(*self._list("}"))
        raise UnreadableError(f"{self._text[:80]!r} is no plain expression")

    def _number(self, token: str) -> Any:
        if token.isdigit():
            return self._sympy.Integer(token)
        digits = len(re.sub(r"[eE].*|\D", "", token).lstrip("0"))
        return self._sympy.Float(token, max(digits, 15))

    def _name(self, token: str) -> Any:
        if token in self._units:
            return self._sympy.I
        if token in _CONSTANTS:
            return getattr(self._sympy, _CONSTANTS[token])
        return self._sympy.Symbol(token.strip("`"))

    def _list(self, end: str) -> list[Any]:
        self._deeper()
        items = []
        while self._token != end:
            items.append(self.relation())
            if self._token != end:
                self._expect(",")
        self._advance()
        self._depth -= 1
        return items

    def _call(self, name: str) -> Any:
        self._advance()
        arguments = self._list(")")
        special = _SPECIAL.get(name)
        if special is not None and len(arguments) >= 2:
            return special(self._sympy, arguments)
        known = getattr(self._sympy, _FUNCTIONS.get(name) or "", None)
        try:
            return (known or self._sympy.Function(name.strip("`")))(*arguments)
        except (TypeError, ValueError) as error:
            raise UnreadableError(f"{name}: {error}") from error


def _derivative(sympy: Any, arguments: list[Any]) -> Any:
    return sympy.Derivative(arguments[0], *arguments[1:])


def _integral(sympy: Any, arguments: list[Any]) -> Any:
    first, second, *bounds = arguments
    return sympy.Integral(first, (second, *bounds) if bounds else second)


_SPECIAL: dict[str, Callable[[Any, list[Any]], Any]] = {
    "diff": _derivative,
    "Diff": _derivative,
    "int": _integral,
    "Int": _integral,
    "integrate": _integral,
    "log": lambda sympy, arguments: sympy.log(*arguments),
}
