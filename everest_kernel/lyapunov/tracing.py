"""Python functions to equations: the function runs once, on symbols, and what it computes is written down.

Its globals are replaced for that run, so that `math.sin`, `np.sin` and functions of the user's own work on symbols.
"""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from .expressions import ALIASES, piecewise, real_symbol
from .names import FUNCTIONS, TIME, EquationError, check_names, suggestion
from .reading import Equations
from .traced import Traced, apply, unwrapped

__all__ = ["trace"]


def _function(name: str) -> Callable[..., Any]:
    """The stand-in for a function of math, numpy or sympy."""

    def stand_in(*arguments: Any) -> Any:
        if name == "Piecewise":
            return Traced(piecewise(*((unwrapped(value), unwrapped(condition)) for value, condition in arguments)))
        return apply(name, *arguments)

    return stand_in


def _extreme(name: str, native: Callable[..., Any]) -> Callable[..., Any]:
    """The built-in min or max: on symbols an expression, on anything else itself."""

    def stand_in(*arguments: Any, **options: Any) -> Any:
        several = list(arguments[0]) if len(arguments) == 1 else list(arguments)
        symbolic = any(isinstance(argument, Traced) for argument in several)
        return apply(name, *several) if symbolic and len(several) > 1 else native(*arguments, **options)

    return stand_in


_OTHER_NAMES = {
    "conjugate": None,
    "logical_and": operator.and_,
    "logical_or": operator.or_,
    "logical_not": operator.inv,
}
_NOT_OURS = {("math", "remainder"), ("math", "fmod"), ("numpy", "fmod")}  # they round or take signs otherwise than mod


class _Module:
    """Stands in for math, numpy or sympy."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        here = self._module.__name__
        if (here, name) not in _NOT_OURS:
            if name in FUNCTIONS or name in ALIASES:
                return _function(name)
            if name in _OTHER_NAMES:
                return _OTHER_NAMES[name]
        if name in ("zeros", "ones", "empty"):  # arrays to be filled with symbols
            return lambda shape, *_, **__: np.full(shape, 1 if name == "ones" else 0, dtype=object)
        value = getattr(self._module, name, None)
        if isinstance(value, (int, float, type)) or name in _ARRAYS:
            return value
        raise EquationError(f"{here}.{name} is not known here.{suggestion(name, FUNCTIONS)}")


_ARRAYS = frozenset({"array", "asarray", "stack", "concatenate", "roll", "sum", "dot"})


class _Rebinding:
    """Copies of functions whose globals compute on symbols."""

    def __init__(self) -> None:
        self._done: dict[int, Any] = {}
        native = __import__

        def importing(*arguments: Any, **options: Any) -> Any:
            return self.value(native(*arguments, **options))

        self._builtins = dict(vars(__import__("builtins")))
        self._builtins |= {"max": _extreme("max", max), "min": _extreme("min", min), "__import__": importing}

    def value(self, value: Any) -> Any:
        """The stand-in for a global, or the value itself."""
        value = getattr(value, "py_func", value)  # a function compiled by numba
        if isinstance(value, ModuleType):
            return _Module(value) if value.__name__ in ("math", "numpy", "sympy") else value
        if isinstance(value, FunctionType) and value.__module__.partition(".")[0] not in ("numpy", "sympy"):
            return self.function(value)
        home = (getattr(value, "__module__", None) or "").partition(".")[0]
        known = isinstance(value, (BuiltinFunctionType, np.ufunc, FunctionType, type)) or home == "numpy"
        if known and callable(value) and (home in ("math", "numpy", "sympy") or isinstance(value, np.ufunc)):
            name = value.__name__
            if (name in FUNCTIONS or name in ALIASES) and (home, name) not in _NOT_OURS:
                return _function(name)
        return value

    def function(self, function: FunctionType) -> FunctionType:
        """The function with its globals and closure replaced."""
        if id(function) in self._done:
            return self._done[id(function)]  # type: ignore[no-any-return]
        scope: dict[str, Any] = {"__builtins__": self._builtins, "__name__": function.__module__}
        cells = tuple(CellType() for _ in function.__closure__ or ())
        copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, cells or None)
        copy.__kwdefaults__ = function.__kwdefaults__
        self._done[id(function)] = copy
        for name in _names(function.__code__):
            if name in function.__globals__:
                scope[name] = self.value(function.__globals__[name])
        for cell, old in zip(cells, function.__closure__ or (), strict=True):
            cell.cell_contents = self.value(old.cell_contents)
        return copy


def _names(code: CodeType) -> set[str]:
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*map(_names, inner))


def trace(
    function: Callable[..., Any], *, states: Sequence[str] | None = None
) -> tuple[Equations, dict[str, float], tuple[str, ...]]:
    """Runs a function of scalars once on symbols.

    Args:
        function: takes the states, then the parameters, and t anywhere if it is driven; returns one value per state.
        states: which arguments are the states, if they are not the first.

    Returns:
        The equations; the default values of arguments; and all names of arguments but states and t, in order.

    Raises:
        EquationError: a wrong number of values, a branch on a symbol, or a function that has no expression here.
    """
    title = f"the function {getattr(function, '__name__', '?')}"
    plain = getattr(function, "py_func", function)
    if not isinstance(plain, FunctionType):
        raise EquationError(f"{title} is not a plain Python function (def or lambda): wrap it in one")
    if inspect.isgeneratorfunction(plain) or inspect.iscoroutinefunction(plain):
        raise EquationError(f"{title} is a generator or a coroutine: return the values")
    arguments = inspect.signature(plain).parameters
    if any(argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD) for argument in arguments.values()):
        raise EquationError(f"{title} takes *arguments: name each state and parameter, so that each can be set")
    names = [name for name in arguments if name != TIME]
    check_names(names, "argument")
    values = _run(plain, arguments, title)
    chosen = tuple(states) if states is not None else tuple(names[: len(values)])
    if len(values) != len(chosen) or not values:
        wanted = f"states={list(chosen)}" if states is not None else f"its {len(names)} arguments ({', '.join(names)})"
        raise EquationError(f"{title} returns {len(values)} values, which does not fit {wanted}: one for each state")
    for name in chosen:
        if name not in names:
            raise EquationError(
                f"{title} has no argument {name!r} for the state of that name.{suggestion(name, names)}"
            )
    others = tuple(name for name in names if name not in chosen)
    defaults = _defaults(arguments, title)
    used = {symbol.name for value in values for symbol in value.free_symbols}
    return Equations(chosen, tuple(values), (*others, *([TIME] if TIME in used else []))), defaults, others


def _run(function: FunctionType, arguments: Mapping[str, inspect.Parameter], title: str) -> list[Any]:
    symbols = {name: Traced(real_symbol(name)) for name in arguments}
    positional = [symbols[name] for name, argument in arguments.items() if argument.kind != argument.KEYWORD_ONLY]
    named = {name: symbols[name] for name, argument in arguments.items() if argument.kind == argument.KEYWORD_ONLY}
    try:
        result = _Rebinding().function(function)(*positional, **named)
        if result is None or isinstance(result, (dict, set, str)):
            raise EquationError(f"it returns {type(result).__name__}, not a tuple with one value for each state")
        several = isinstance(result, (tuple, list, np.ndarray)) and np.ndim(np.asarray(result, dtype=object))
        return [unwrapped(value) for value in (result if several else [result])]
    except EquationError as error:
        raise EquationError(f"{title} cannot become equations: {error}") from error
    except (TypeError, AttributeError, ValueError, ArithmeticError, LookupError, NameError, RecursionError) as error:
        raise EquationError(f"{title} failed on symbols: {type(error).__name__}: {error}") from error


def _defaults(arguments: Mapping[str, inspect.Parameter], title: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, argument in arguments.items():
        if argument.default is not argument.empty and name != TIME:
            try:
                found[name] = float(argument.default)
            except (TypeError, ValueError):
                raise EquationError(f"{title}: the default of {name} is not a number: {argument.default!r}") from None
            if not math.isfinite(found[name]):
                raise EquationError(f"{title}: the default of {name} is not finite: {found[name]}")
    return found
