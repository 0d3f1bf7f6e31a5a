"""A module of Python text for one system: what is done at every step, straight-line, for numba or for numpy.

Two layouts of the same statements, because the innermost loop must be over something that is long and has the same
operations everywhere; LLVM then computes as many at a time as the processor has room for:

* `lanes`: n up to 12. The innermost loop is over parameter points. Its body is a whole Runge-Kutta step, first of the
  state and then of each vector, so that what one of them needs stays in registers.
* `vectors`: larger n. One parameter point; the innermost loop is over the tangent vectors.

Without numba, numpy's arrays are the innermost loop: `rows`, as `vectors`, where a row has all points.

Norms of the tangent vectors are multiplied over a few orthonormalisations before one logarithm is taken. Compiled
code may reorder and fuse operations, but not assume that all numbers are finite: a point that diverges becomes NaN
alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import indent
from typing import TYPE_CHECKING

from . import templates
from .expressions import real_symbol
from .printing import Printer
from .program import Program
from .statements import Statements, statements

if TYPE_CHECKING:
    from .system import System

__all__ = ["LANES", "Layout", "layout_for", "numba_text", "numpy_text", "program_for"]

LANES = 32
"""Points of one loop: four AVX-512 vectors, which hide the latency of each other's operations."""
_MOST_STATES = 12
"""Largest n of which parameter points are the lanes; beyond it the vectors are enough of them."""

_UNROLLED = 30
"""Largest n k of which each vector has a loop of its own, at places that are constants."""

_COEFFICIENTS = (("s", "a", "h", "d6"), ("k", "b", "h", "d3"), ("l", "c", "dt", "d3"), ("m", "", "", "d6"))
"""Of the classical Runge-Kutta method (Kutta, Z. Math. Phys. 46 (1901) 435): slope, next stage, distance, weight."""


@dataclass(frozen=True)
class Layout:
    """How arrays lie in the generated code.

    Attributes:
        name: `lanes` or `vectors`.
        points: parameter points that are computed together.
        shape: of the array with the state in column 0 and the vectors in the others.
    """

    name: str
    points: int
    shape: tuple[int, ...]


def layout_for(dimension: int, vectors: int) -> Layout:
    """The layout for n states and k tangent vectors."""
    if dimension > _MOST_STATES:
        return Layout("vectors", 1, (dimension, 1 + vectors))
    return Layout("lanes", LANES, (dimension, 1 + vectors, LANES))


def program_for(system: System, *, leading: int | None = None, trace_rule: bool = False) -> Program:
    """A system as what computes it needs it.

    Args:
        system: the flow or map.
        leading: how many exponents; all if not given.
        trace_rule: take the last exponent from the sum of all.
    """
    n = len(system.states)
    vectors = n - 1 if trace_rule else leading or n
    trace = trace_rule and system.constant_sum is None
    return Program(
        name=system.name,
        parameters=tuple(system.parameters),
        dimension=n,
        vectors=vectors,
        points=layout_for(n, vectors).points,
        trace=trace,
        trace_rule=trace_rule,
        sum=_sum_code(system),
        flow=system.kind == "flow",
        driven=system.driven,
        numba=numba_text(system, vectors, trace=trace),
        numpy=numpy_text(system, trace=trace),
    )


def _sum_code(system: System) -> str:
    if system.constant_sum is None:
        return ""
    printer = Printer({real_symbol(name): f"p{i}_" for i, name in enumerate(system.parameters)}, "T")
    code = printer.code(system.constant_sum)
    for name, value in reversed(printer.statements):
        code = code.replace(name, f"({value})")
    return code


def numba_text(system: System, vectors: int, *, trace: bool = False) -> str:
    """The module that numba compiles; its `integrate` is documented in `templates`.

    Args:
        system: the flow or map.
        vectors: k, how many tangent vectors.
        trace: also integrate the divergence along the orbit (log |det J| is not: maps cannot).
    """
    layout = layout_for(len(system.states), vectors)
    parts = _Parts(system, statements(system), vectors, layout.points, trace=trace)
    lanes = layout.name == "lanes"
    if lanes:  # in one function: each one costs the compiler about as much as its content
        functions, advance, orthonormal = "", parts.lanes(), parts.orthonormal_lanes()
    else:
        functions = parts.vectors() + "\n\n\n" + templates.ORTHONORMAL_VECTORS + "\n\n\n"
        advance, orthonormal = "advance(w, t, steps, dt)", "orthonormalize(w)"
    body = templates.NUMBA + functions + templates.INTEGRATE
    body = body.replace("# advance", indent(advance, " " * 12).strip())
    body = body.replace("# orthonormalize", indent(orthonormal, " " * 12).strip())
    sizes = {"N_": len(system.states), "K_": vectors, "L_": layout.points, **parts.places}
    return "".join([f"{name} = {size}\n" for name, size in sizes.items()]).join(body.split("# sizes\n"))


def numpy_text(system: System, *, trace: bool = False) -> str:
    """The module that numpy runs.

    `evaluate(x, v, p, t, f, d)` writes f(x) and J(x) v, and returns the divergence; `rates(x, p, t, f)` writes f(x).
    """
    code = statements(system)
    n = len(system.states)
    lines = [f"S{r}_ = x[{r}]" for r in range(n)] + [f"p{i}_ = p[{i}]" for i in range(len(system.parameters))]
    lines += [f"{name} = {value}" for name, value in code.shared]
    lines += [f"f[{r}] = {rate}" for r, rate in enumerate(code.rates)]
    alone = "def rates(x, p, t_, f):\n" + indent("\n".join(lines), "    ") + "\n\n\n"
    lines += [f"{name} = {value}" for name, value in code.more]
    if any(_products(code, row) for row in range(n)):
        lines.append("w = empty_like(v[0])")
    for row in range(n):
        lines += _row_in_place(code, row)
    if trace:
        lines += [*(f"{name} = {value}" for name, value in code.last), f"return {code.divergence}"]
    return templates.NUMPY + alone + "def evaluate(x, v, p, t_, f, d):\n" + indent("\n".join(lines), "    ") + "\n"


class _Parts:
    """The functions of one numba module."""

    def __init__(self, system: System, code: Statements, vectors: int, points: int, *, trace: bool) -> None:
        self._flow = system.kind == "flow"
        self._n, self._k = len(system.states), vectors
        self._parameters = len(system.parameters)
        self._code, self._points, self._trace = code, points, trace
        self._stored = [name for name in code.varying if not name.startswith("p")]
        entries = (4 if self._flow else 1) * len(self._stored) if layout_for(self._n, vectors).name == "lanes" else 0
        rows = {"P_": self._n * (1 + vectors), "J_": self._parameters, "R_": entries, "Q_": vectors, "W_": 1}
        self.places: dict[str, int] = {}
        """Where in the one work array the parameters, Jacobians, products of norms and divergences begin; its end."""
        for name, count in rows.items():
            self.places[name] = max(self.places.values(), default=0) + count * points

    # --- points are the lanes

    def lanes(self) -> str:
        """The steps: one loop for the state, which leaves the Jacobian of each stage; then one for each vector."""
        lines = ["for step in range(steps):", "    t0 = t + step*dt", "    t1, t2 = t0 + h, t0 + dt"]
        lines += ["    for i in range(L_):", indent("\n".join(self._state()), " " * 8)]
        if self._n * self._k <= _UNROLLED:
            loops = [self._vector(str(c * self._points)) for c in range(1, self._k + 1)]
        else:
            loops = [["for c in range(1, K_ + 1):", *indent("\n".join(self._vector("c*L_")), "    ").split("\n")]]
        return "\n".join([*lines, *(f"    {line}" for loop in loops for line in loop)])

    def _state(self) -> list[str]:
        rows = range(self._n)
        lines = [f"y{r} = w[{self._at(r)} + i]" for r in rows]
        lines += [f"p{j}_ = w[{self._parameter(j)} + i]" for j in range(self._parameters)]
        if not self._flow:
            return [*lines, *self._evaluate("y", "n", "t0", 0), *(f"w[{self._at(r)} + i] = n{r}" for r in rows)]
        at, time, total = "y", "t0", "y"
        for stage, (slope, following, distance, weight) in enumerate(_COEFFICIENTS):
            lines += self._evaluate(at, slope, time, stage)
            if self._trace:
                lines += [*_assigned(self._code.last), f"w[Q_ + i] += {weight}*{self._code.divergence}"]
            lines += self._combine(slope, following, distance, weight, total)
            at, time, total = following, "t1" if distance == "h" else "t2", "n"
        return [*lines, *(f"w[{self._at(r)} + i] = n{r}" for r in rows)]

    def _evaluate(self, at: str, slope: str, time: str, stage: int) -> list[str]:
        """Slopes of the state; the entries of the Jacobian go to `J`."""
        code = self._code
        lines = [f"t_ = {time}", *(f"S{r}_ = {at}{r}" for r in range(self._n)), *_assigned(code.shared)]
        lines += [f"{slope}{r} = {rate}" for r, rate in enumerate(code.rates)] + _assigned(code.more)
        return lines + [f"w[{self._entry(stage, m)} + i] = {name}" for m, name in enumerate(self._stored)]

    def _vector(self, offset: str) -> list[str]:
        """The loop for a vector whose lanes begin so far behind the state's."""
        rows = range(self._n)
        lines = [f"y{r} = w[{self._at(r)} + {offset} + i]" for r in rows]
        constants = [name for name in self._code.varying if name[0] == "p"]
        lines += [f"{name} = w[{self._parameter(int(name[1:-1]))} + i]" for name in constants]
        stages = _COEFFICIENTS if self._flow else (("n", "", "", ""),)
        at, total = "y", "y"
        for stage, (slope, following, distance, weight) in enumerate(stages):
            lines += [f"{name} = w[{self._entry(stage, m)} + i]" for m, name in enumerate(self._stored)]
            vector = [f"{at}{r}" for r in rows]
            lines += [f"{slope}{r} = {self._code.tangent(r, vector)}" for r in rows]
            if self._flow:
                lines += self._combine(slope, following, distance, weight, total)
            at, total = following, "n"
        lines += [f"w[{self._at(r)} + {offset} + i] = n{r}" for r in rows]
        return ["for i in range(L_):", *(f"    {line}" for line in lines)]

    def _combine(self, slope: str, following: str, distance: str, weight: str, total: str) -> list[str]:
        """Add a stage to the new value, and make the place of the next stage."""
        lines = [f"n{r} = {total}{r} + {weight}*{slope}{r}" for r in range(self._n)]
        if following:
            lines += [f"{following}{r} = y{r} + {distance}*{slope}{r}" for r in range(self._n)]
        return lines

    def _at(self, row: int) -> int:
        """Where the lanes of a state begin. A constant: so the compiler sees that rows do not overlap."""
        return row * (self._k + 1) * self._points

    def _parameter(self, number: int) -> int:
        """Where the lanes of a parameter begin."""
        return self.places["P_"] + number * self._points

    def _entry(self, stage: int, number: int) -> int:
        """Where the lanes of an entry of the Jacobian begin."""
        return self.places["J_"] + (stage * len(self._stored) + number) * self._points

    # --- one point, of which the vectors are the lanes

    def vectors(self) -> str:
        """`advance`: a loop over the vectors for each row of the Jacobian."""
        code = self._code
        lines = [f"S{r}_ = Y[{self._at(r)}]" for r in range(self._n)]
        lines += [f"p{j}_ = p[{j}]" for j in range(self._parameters)] + _assigned(code.shared)
        lines += [f"D[{self._at(r)}] = {rate}" for r, rate in enumerate(code.rates)] + _assigned(code.more)
        if self._trace:
            lines += [*_assigned(code.last), f"Q[0] += weight*{code.divergence}"]
        for r in range(self._n):
            row = code.tangent(r, [f"Y[{self._at(c)} + i]" for c in range(self._n)])
            lines += ["for i in range(1, K_ + 1):", f"    D[{self._at(r)} + i] = {row}"]
        text = templates.EVALUATE_VECTORS.replace("# body", indent("\n".join(lines), " " * 4).strip())
        return text + "\n\n\n" + (templates.ADVANCE_FLOW if self._flow else templates.ADVANCE_MAP)

    def orthonormal_lanes(self) -> str:
        """Modified Gram-Schmidt on all lanes at once."""
        n, k, size = self._n, self._k, self._points
        lines = [f"v{r}_{c} = w[{self._at(r) + c * size} + i]" for c in range(1, k + 1) for r in range(n)]
        for c in range(1, k + 1):
            for before in range(1, c):
                lines.append("d = " + " + ".join(f"v{r}_{before}*v{r}_{c}" for r in range(n)))
                lines += [f"v{r}_{c} = v{r}_{c} - d*v{r}_{before}" for r in range(n)]
            lines.append("q = sqrt(" + " + ".join(f"v{r}_{c}*v{r}_{c}" for r in range(n)) + ")")
            lines += [f"w[{self.places['R_'] + (c - 1) * size} + i] *= q", "g = 1.0/where(q == 0.0, 1.0, q)"]
            lines += [f"v{r}_{c} = v{r}_{c}*g" for r in range(n)]
            lines.append(f"v{c - 1}_{c} = where(q == 0.0, 1.0, v{c - 1}_{c})")  # it has to start anew somewhere
            lines += [f"w[{self._at(r) + c * size} + i] = v{r}_{c}" for r in range(n)]
        return "\n".join(["for i in range(L_):", *(f"    {line}" for line in lines)])


def _row_in_place(code: Statements, row: int) -> list[str]:
    """A row of J·v without arrays in between: they would cost more than the arithmetic."""
    entries = sorted((e for e in code.jacobian if e.row == row), key=lambda e: e.sign < 0)
    if not entries:
        return [f"d[{row}] = 0.0"]
    first, *rest = entries
    if len(rest) == 1 and rest[0].size == first.size and (first.sign, rest[0].sign) == (1, -1):  # a (v_i - v_j)
        lines = [f"subtract(v[{first.column}], v[{rest[0].column}], d[{row}])"]
        return [*lines, f"multiply(d[{row}], {first.size}, d[{row}])"] if first.size != "1.0" else lines
    lines = [f"multiply(v[{first.column}], {'-' if first.sign < 0 else ''}{first.size}, d[{row}])"]
    for entry in rest:
        step = "add" if entry.sign > 0 else "subtract"
        if entry.size == "1.0":
            lines.append(f"{step}(d[{row}], v[{entry.column}], d[{row}])")
        else:
            lines += [f"multiply(v[{entry.column}], {entry.size}, w)", f"{step}(d[{row}], w, d[{row}])"]
    return lines


def _products(code: Statements, row: int) -> bool:
    return any("w)" in line for line in _row_in_place(code, row))


def _assigned(pairs: tuple[tuple[str, str], ...]) -> list[str]:
    return [f"{name} = {value}" for name, value in pairs]
