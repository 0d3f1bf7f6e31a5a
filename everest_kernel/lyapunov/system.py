"""A dynamical system: a flow x' = f(x, t) or a map x -> f(x), with its Jacobian."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .derivatives import determinant, gradient, magnitude
from .expressions import real_symbol, standard
from .names import TIME, EquationError, check_names, suggestion
from .reading import Equations, Reader, read_equations
from .tracing import trace
from .writing import expression_text

if TYPE_CHECKING:
    import sympy

__all__ = ["EquationSource", "System"]

EquationSource = str | Callable[..., Any] | Mapping[Any, Any] | Sequence[Any]
"""Text, a Python function of scalars, or right-hand sides by state, or in order of `states`."""

_LARGEST_DETERMINANT = 4  # states; a determinant that varies in the state is of no use, and those are long


@dataclass(frozen=True)
class System:
    """A flow or a map of n states, made by `System.flow`, `System.map` or a function of the catalogue `systems`.

    A driven flow depends on the time t; its phase is a further state whose exponent is exactly 0 and which is not
    counted in n.
    """

    name: str
    kind: str
    """flow or map."""
    states: tuple[str, ...]
    parameters: tuple[str, ...]
    equations: tuple[sympy.Expr, ...]
    """Right-hand sides, in real symbols of the states, the parameters and t."""
    start: tuple[float, ...]
    """A state on or near the attractor."""
    defaults: Mapping[str, float] = field(hash=False)
    """Standard values of parameters."""
    driven: bool
    """Whether t occurs."""
    dt: float
    """A step of fourth order that serves the standard parameters; 1 for maps."""

    @staticmethod
    def flow(
        equations: EquationSource,
        *,
        parameters: Sequence[str] | None = None,
        states: Sequence[str] | None = None,
        start: Sequence[float] | None = None,
        name: str = "",
        dt: float = 0.01,
        defaults: Mapping[str, float] | None = None,
    ) -> System:
        """An autonomous or driven flow.

        Args:
            equations: "x' = y; y' = -k*x" (see `reading.read_equations`), a function `f(x, y, k)` of scalars that
                returns the derivatives, or right-hand sides: {"x": expr, …} or a sequence in the order of `states`,
                of sympy expressions or texts.
            parameters: names in the wanted order; found in the equations if not given.
            states: names in the wanted order; needed for sequences only.
            start: n numbers; small and unequal ones if not given.
            name: for titles.
            dt: suggested step of a fourth-order method, in the flow's unit of time.
            defaults: standard values of parameters.

        Returns:
            The system.

        Raises:
            EquationError: equations that cannot be read, names that are reserved, missing or unused, a start of the
                wrong length, values that are not finite.
        """
        return _system("flow", equations, parameters, states, start, name, dt, defaults)

    @staticmethod
    def map(
        equations: EquationSource,
        *,
        parameters: Sequence[str] | None = None,
        states: Sequence[str] | None = None,
        start: Sequence[float] | None = None,
        name: str = "",
        defaults: Mapping[str, float] | None = None,
    ) -> System:
        """A map: "x -> 1 - a*x^2 + y; y -> b*x", or any other source that `flow` takes. Errors as there."""
        return _system("map", equations, parameters, states, start, name, 1.0, defaults)

    @property
    def dimension(self) -> int:
        """n, the number of states, the phase of a driven flow not counted."""
        return len(self.states)

    @cached_property
    def _gradients(self) -> list[dict[Any, Any]]:
        symbols = frozenset(map(real_symbol, self.states))
        return [gradient(equation, symbols) for equation in self.equations]

    def jacobian(self) -> tuple[tuple[sympy.Expr, ...], ...]:
        """The n x n derivatives of equation i by state j; see `derivatives.gradient` for corners and jumps."""
        import sympy

        symbols = [real_symbol(name) for name in self.states]
        zero = sympy.Integer(0)
        return tuple(tuple(row.get(symbol, zero) for symbol in symbols) for row in self._gradients)

    def divergence(self) -> sympy.Expr:
        """The trace of the Jacobian: of a flow, the rate at which volumes grow."""
        import sympy

        return sympy.Add(
            *(row.get(real_symbol(name), 0) for name, row in zip(self.states, self._gradients, strict=True))
        )

    @cached_property
    def constant_sum(self) -> sympy.Expr | None:
        """The sum of all exponents where it is the same in every state: tr J, or log abs(det J) of a map.

        In the parameters alone; None where it varies along the orbit, where it is minus infinity, and for maps of
        more than four states.
        """
        import sympy

        if self.kind == "map" and self.dimension > _LARGEST_DETERMINANT:
            return None
        is_flow = self.kind == "flow"
        growth = self.divergence() if is_flow else magnitude(determinant(self.jacobian()))
        if not self._constant(growth):
            growth = sympy.expand(self.divergence() if is_flow else determinant(self.jacobian()))
            growth = growth if is_flow else magnitude(growth)
        if not self._constant(growth) or (growth == 0 and not is_flow):
            return None
        return growth if is_flow else sympy.log(growth)

    def _constant(self, expression: Any) -> bool:
        return not expression.free_symbols & {real_symbol(name) for name in (*self.states, TIME)}

    @cached_property
    def key(self) -> str:
        """A hash of what programs are generated from: kind, names and equations; not of name, start, values, dt."""
        parts = [self.kind, *self.states, ";", *self.parameters, ";", *map(expression_text, self.equations)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]

    def __str__(self) -> str:
        arrow = "{}' = {}" if self.kind == "flow" else "{} -> {}"
        lines = zip(self.states, map(expression_text, self.equations), strict=True)
        return "\n".join(arrow.format(state, text) for state, text in lines)


def _system(
    kind: str,
    source: EquationSource,
    parameters: Sequence[str] | None,
    states: Sequence[str] | None,
    start: Sequence[float] | None,
    name: str,
    dt: float,
    defaults: Mapping[str, float] | None,
) -> System:
    for what, given in (("parameters", parameters), ("states", states)):
        if isinstance(given, str):
            raise EquationError(f"{what} is a list of names, not the text {given!r}")
    check_names(parameters or (), "parameter")
    check_names(states or (), "state")
    found, own_defaults, signature = _equations(
        kind, source, (*(parameters or ()), *(states or ()), *(defaults or ())), states
    )
    check_names(found.states, "state")
    if kind == "map" and TIME in found.names:
        raise EquationError(f"{TIME} is the time of flows; a map has none. Add a state that counts (n -> n + 1).")
    if not (isinstance(dt, (int, float)) and math.isfinite(dt) and dt > 0):
        raise EquationError(f"dt is a positive number, not {dt!r}")
    names = tuple(n for n in found.names if n != TIME)
    chosen = _parameters(names, parameters, signature, found.states)
    own_start = [own_defaults.pop(state, None) for state in found.states]
    if start is None and None not in own_start:
        start = own_start  # type: ignore[assignment]
    values = {**own_defaults, **(defaults or {})}
    return System(
        name=name,
        kind=kind,
        states=found.states,
        parameters=chosen,
        equations=found.right,
        start=_start(start, found.states),
        defaults=_finite(values, chosen),
        driven=any(real_symbol(TIME) in right.free_symbols for right in found.right),
        dt=float(dt),
    )


def _equations(
    kind: str, source: EquationSource, taken: Collection[str], states: Sequence[str] | None
) -> tuple[Equations, dict[str, float], tuple[str, ...] | None]:
    """Equations in the order of `states`, default values, and the parameters of a signature."""
    if callable(source):
        traced, defaults, signature = trace(source, states=states)
        right = tuple(map(standard, traced.right))
        return Equations(traced.states, right, traced.names), defaults, signature
    if isinstance(source, str):
        found = read_equations(source, kind=kind, taken=taken)
    elif not isinstance(source, (Mapping, Sequence)) or not len(source):
        raise EquationError(f"equations are a text, a function, a mapping or a sequence of expressions, not {source!r}")
    elif isinstance(source, Mapping):
        found = _from_expressions([_name(state) for state in source], list(source.values()), taken)
    elif states is None:
        raise EquationError("a sequence of expressions needs states=[…], or give a mapping: {'x': …, 'y': …}")
    elif len(states) != len(source):
        raise EquationError(f"{len(source)} equations for {len(states)} states ({', '.join(states)}): one each")
    else:
        found = _from_expressions(list(states), list(source), taken)
    if states is not None and set(states) != set(found.states):
        raise EquationError(f"states={list(states)}, but the equations are those of {', '.join(found.states)}")
    if states is not None:
        by_name = dict(zip(found.states, found.right, strict=True))
        found = Equations(tuple(states), tuple(by_name[state] for state in states), found.names)
    return found, {}, None


def _name(state: Any) -> str:
    return state if isinstance(state, str) else str(getattr(state, "name", state))


def _from_expressions(states: list[str], right: list[Any], taken: Collection[str]) -> Equations:
    import sympy

    check_names(states, "state")
    reader = Reader({*states, *taken})
    read: list[Any] = []
    for state, side in zip(states, right, strict=True):
        if isinstance(side, str):
            read.append(reader.read(side, state))
            continue
        try:
            expression = standard(sympy.sympify(side, strict=True))
        except (sympy.SympifyError, EquationError) as error:
            raise EquationError(f"in the equation of {state}: {error}") from None
        for symbol in sorted(expression.free_symbols, key=lambda symbol: str(symbol.name)):
            reader.names.setdefault(symbol.name)
        read.append(expression)
    return Equations(tuple(states), tuple(read), tuple(name for name in reader.names if name not in states))


def _parameters(
    found: Sequence[str], given: Sequence[str] | None, signature: Sequence[str] | None, states: Sequence[str]
) -> tuple[str, ...]:
    if given is None:
        check_names(found, "parameter")
        return tuple(found)
    both = [name for name in given if name in states]
    if both:
        raise EquationError(f"{both[0]!r} is given as a parameter but has an equation, so it is a state")
    for name in found:
        if name not in given:
            known = [*states, *given]
            origin = "an argument" if signature is not None else "in the equations"
            raise EquationError(
                f"{name!r} is {origin} but neither a state ({', '.join(states)}) nor in parameters={list(given)}."
                + suggestion(name, known)
            )
    for name in given:
        if name not in found:
            raise EquationError(f"the parameter {name!r} does not occur in the equations.{suggestion(name, found)}")
    return tuple(given)


def _start(start: Sequence[float] | None, states: Sequence[str]) -> tuple[float, ...]:
    if start is None:
        # unequal, so that the orbit does not begin on a line of symmetry
        return tuple(0.1 + 0.1 * (i * 0.6180339887498949 % 1.0) for i in range(len(states)))
    try:
        values = [float(value) for value in start]
    except (TypeError, ValueError):
        raise EquationError(f"start is one number for each state ({', '.join(states)}), not {start!r}") from None
    if len(values) != len(states):
        raise EquationError(f"start has {len(values)} numbers for {len(states)} states ({', '.join(states)})")
    if not all(map(math.isfinite, values)):
        raise EquationError(f"start has values that are not finite: {values}")
    return tuple(values)


def _finite(values: Mapping[str, float], parameters: Sequence[str]) -> dict[str, float]:
    for name, value in values.items():
        if name not in parameters:
            raise EquationError(f"defaults name {name!r}, which is no parameter here.{suggestion(name, parameters)}")
        try:
            finite = math.isfinite(float(value))
        except (TypeError, ValueError):
            finite = False
        if not finite:
            raise EquationError(f"the default of {name} is not a finite number: {value!r}")
    return {name: float(values[name]) for name in parameters if name in values}
