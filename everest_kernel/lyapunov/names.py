"""Which names a system may give its states and parameters, and the error for equations that cannot be used."""

from __future__ import annotations

import difflib
import keyword
from collections.abc import Iterable

__all__ = ["CONSTANTS", "FUNCTIONS", "TIME", "EquationError", "check_names", "suggestion"]

TIME = "t"
"""The time of a driven flow; never a state or a parameter."""

CONSTANTS = frozenset({"pi", "e"})
"""Numbers known by name where a system does not use the name itself."""

FUNCTIONS = frozenset(
    [
        "sin",
        "cos",
        "tan",
        "sec",
        "csc",
        "cot",
        "asin",
        "acos",
        "atan",
        "atan2",
        "sinh",
        "cosh",
        "tanh",
        "sech",
        "asinh",
        "acosh",
        "atanh",
        "exp",
        "expm1",
        "log",
        "ln",
        "log2",
        "log10",
        "log1p",
        "sqrt",
        "cbrt",
        "hypot",
        "pow",
        "abs",
        "sign",
        "sgn",
        "floor",
        "ceil",
        "mod",
        "min",
        "max",
        "clip",
        "heaviside",
        "where",
        "Piecewise",
    ]
)
"""Functions that equations may call."""

_OF_THE_PROGRAM = frozenset({"math", "np", "numpy", "numba", "range", "nan", "inf", "True", "False", "None"})


class EquationError(ValueError):
    """Equations, names or values of a system that cannot be used; the message says which, and what to do."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """The tail of an error message: " Did you mean 'sin'?", or nothing when no known name is near."""
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""


def check_names(names: Iterable[str], what: str) -> None:
    """Refuses names that the equations or the generated program need for themselves.

    Args:
        names: names of states or of parameters.
        what: "state" or "parameter", for the message.

    Raises:
        EquationError: a name that is no identifier, is reserved, or comes twice.
    """
    seen: set[str] = set()
    for name in names:
        problem = _problem(name)
        if problem is None and name in seen:
            problem = "is named twice"
        if problem is not None:
            raise EquationError(f"the {what} {name!r} {problem}. Choose another name.")
        seen.add(name)


def _problem(name: str) -> str | None:
    if not isinstance(name, str) or not name.isidentifier():
        return "is not a name: use letters, digits and _"
    if keyword.iskeyword(name):
        return "is a word of Python itself" + (" (lam is usual)" if name == "lambda" else "")
    if name in FUNCTIONS:
        return "shadows the function of that name"
    if name == TIME:
        return "is the name of time in driven flows (maps have no time)"
    if name.startswith("_") or name.endswith("_"):
        return "begins or ends with _, which is kept for the generated program"
    if name in _OF_THE_PROGRAM:
        return "is used by the generated program"
    return None
