"""A module of Python text for one system: what is done at every step, straight-line, for numba or for numpy.

Three layouts of the same statements, because the innermost loop must be over something that is long and has the same
operations everywhere; LLVM then computes as many at a time as the processor has room for:

* `lanes`: n (1 + k) small. The innermost loop is over parameter points; a whole Runge-Kutta step is one loop body.
* `stages`: n up to 12. The same with one loop per stage, and the tangent vectors as a loop around it.
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
_UNROLLED = 32
"""Largest n (1 + k) of which a whole step is one loop body; beyond it compilation takes long."""
_STAGES = 12
"""Largest n of which parameter points are the lanes."""

_COEFFICIENTS = (("s", "a", "h", "d6"), ("k", "b", "h", "d3"), ("l", "c", "dt", "d3"), ("m", "", "", "d6"))
"""Of the classical Runge-Kutta method (Kutta, Z. Math. Phys. 46 (1901) 435): slope, next stage, distance, weight."""


@dataclass(frozen=True)
class Layout:
    """How arrays lie in the generated code.

    Attributes:
        name: `lanes`, `stages` or `vectors`.
        points: parameter points that are computed together.
        shape: of the array with the state in column 0 and the vectors in the others.
    """

    name: str
    points: int
    shape: tuple[int, ...]


def layout_for(dimension: int, vectors: int) -> Layout:
    """The layout for n states and k tangent vectors."""
    if dimension > _STAGES:
        return Layout("vectors", 1, (dimension, 1 + vectors))
    name = "lanes" if dimension * (1 + vectors) <= _UNROLLED else "stages"
    return Layout(name, LANES, (dimension, 1 + vectors, LANES))


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
    advance = {"lanes": parts.lanes, "stages": parts.stages, "vectors": parts.vectors}[layout.name]()
    orthonormal = parts.orthonormal_lanes() if layout.name != "vectors" else templates.ORTHONORMAL_VECTORS
    body = templates.NUMBA + advance + "\n\n\n" + orthonormal + "\n\n\n" + templates.INTEGRATE
    sizes = {"N_": len(system.states), "K_": vectors, "L_": layout.points}
    return "".join([f"{name} = {size}\n" for name, size in sizes.items()]).join(body.split("# sizes\n"))


def numpy_text(system: System, *, trace: bool = False) -> str:
    """The module that numpy runs: `evaluate(x, v, p, t, f, d)` writes f(x) and J(x) v, and returns the divergence."""
    code = statements(system)
    n = len(system.states)
    lines = [f"S{r}_ = x[{r}]" for r in range(n)] + [f"p{i}_ = p[{i}]" for i in range(len(system.parameters))]
    lines += [f"{name} = {value}" for name, value in code.shared]
    lines += [f"f[{r}] = {rate}" for r, rate in enumerate(code.rates)]
    lines += [f"{name} = {value}" for name, value in code.more]
    lines += [f"d[{r}] = {code.tangent(r, [f'v[{c}]' for c in range(n)])}" for r in range(n)]
    if trace:
        lines += [*(f"{name} = {value}" for name, value in code.last), f"return {code.divergence}"]
    return templates.NUMPY + "def evaluate(x, v, p, t_, f, d):\n" + indent("\n".join(lines), "    ") + "\n"


class _Parts:
    """The functions of one numba module."""

    def __init__(self, system: System, code: Statements, vectors: int, points: int, *, trace: bool) -> None:
        self._flow = system.kind == "flow"
        self._n, self._k = len(system.states), vectors
        self._parameters = len(system.parameters)
        self._code, self._points, self._trace = code, points, trace

    # --- points are the lanes, a step is one loop body

    def lanes(self) -> str:
        """`advance` with everything in registers."""
        load = [f"y{place} = x[{self._at(place)} + i]" for place in self._places()]
        load += [f"p{j}_ = p[{j * self._points} + i]" for j in range(self._parameters)]
        body = load + (self._runge_kutta() if self._flow else self._iterate())
        return templates.ADVANCE_LANES.replace("# body", indent("\n".join(body), " " * 12).strip())

    def _runge_kutta(self) -> list[str]:
        lines: list[str] = []
        at, time = "y", "t0"
        for slope, following, distance, weight in _COEFFICIENTS:
            lines += self._evaluate(at, slope, time)
            if self._trace:
                lines += [*_assigned(self._code.last), f"Q[i] += {weight}*{self._code.divergence}"]
            for place in self._places():
                total = f"y{place}" if slope == "s" else f"n{place}"
                lines.append(f"n{place} = {total} + {weight}*{slope}{place}")
                if following:
                    lines.append(f"{following}{place} = y{place} + {distance}*{slope}{place}")
            at, time = following, "t1" if distance == "h" else "t2"
        return lines + self._store("n")

    def _iterate(self) -> list[str]:
        return self._evaluate("y", "n", "t0") + self._store("n")

    def _store(self, name: str) -> list[str]:
        return [f"x[{self._at(place)} + i] = {name}{place}" for place in self._places()]

    def _at(self, place: str) -> int:
        """Where a row of lanes begins. A constant: so the compiler sees that rows do not overlap."""
        row, column = map(int, place.split("_"))
        return (row * (self._k + 1) + column) * self._points

    def _places(self) -> list[str]:
        return [f"{r}_{c}" for c in range(self._k + 1) for r in range(self._n)]

    def _evaluate(self, at: str, slope: str, time: str) -> list[str]:
        """Slopes of the state and of all vectors."""
        code = self._code
        lines = [f"t_ = {time}", *(f"S{r}_ = {at}{r}_0" for r in range(self._n)), *_assigned(code.shared)]
        lines += [f"{slope}{r}_0 = {rate}" for r, rate in enumerate(code.rates)]
        lines += _assigned(code.more)
        for c in range(1, self._k + 1):
            vector = [f"{at}{r}_{c}" for r in range(self._n)]
            lines += [f"{slope}{r}_{c} = {code.tangent(r, vector)}" for r in range(self._n)]
        return lines

    # --- a loop per stage

    def stages(self) -> str:
        """`advance` with the slopes in memory; vectors are a loop."""
        code = self._code
        first = [f"S{r}_ = Y[{self._at(f'{r}_0')} + i]" for r in range(self._n)]
        first += [f"p{j}_ = P[{j * self._points} + i]" for j in range(self._parameters)] + _assigned(code.shared)
        first += [f"D[{self._at(f'{r}_0')} + i] = {rate}" for r, rate in enumerate(code.rates)]
        first += _assigned(code.more) + [f"J[{m * self._points} + i] = {name}" for m, name in enumerate(code.varying)]
        if self._trace:
            first += [*_assigned(code.last), f"Q[i] += weight*{code.divergence}"]
        second = [f"{name} = J[{m * self._points} + i]" for m, name in enumerate(code.varying)]
        vector = [f"Y[{self._at(f'{r}_0')} + c*L_ + i]" for r in range(self._n)]
        second += [f"D[{self._at(f'{r}_0')} + c*L_ + i] = {code.tangent(r, vector)}" for r in range(self._n)]
        text = templates.EVALUATE_STAGES.replace("# first", indent("\n".join(first), " " * 8).strip())
        return self._stepped(text.replace("# second", indent("\n".join(second), " " * 12).strip()))

    def vectors(self) -> str:
        """`advance` for one point, of which the vectors are the lanes."""
        code = self._code
        lines = [f"S{r}_ = Y[{self._at(f'{r}_0')}]" for r in range(self._n)]
        lines += [f"p{j}_ = P[{j}]" for j in range(self._parameters)] + _assigned(code.shared)
        lines += [f"D[{self._at(f'{r}_0')}] = {rate}" for r, rate in enumerate(code.rates)] + _assigned(code.more)
        if self._trace:
            lines += [*_assigned(code.last), f"Q[0] += weight*{code.divergence}"]
        for r in range(self._n):
            row = code.tangent(r, [f"Y[{self._at(f'{c}_0')} + i]" for c in range(self._n)])
            lines += ["for i in range(1, K_ + 1):", f"    D[{self._at(f'{r}_0')} + i] = {row}"]
        return self._stepped(templates.EVALUATE_VECTORS.replace("# body", indent("\n".join(lines), " " * 4).strip()))

    def _stepped(self, evaluate: str) -> str:
        step = templates.ADVANCE_FLOW if self._flow else templates.ADVANCE_MAP
        return evaluate + "\n\n\n" + step.replace("M_", str(max(len(self._code.varying), 1)))

    def orthonormal_lanes(self) -> str:
        """Modified Gram-Schmidt on all lanes at once."""
        n, k = self._n, self._k
        lines = [f"v{r}_{c} = x[{self._at(f'{r}_{c}')} + i]" for c in range(1, k + 1) for r in range(n)]
        for c in range(1, k + 1):
            for before in range(1, c):
                lines.append("d = " + " + ".join(f"v{r}_{before}*v{r}_{c}" for r in range(n)))
                lines += [f"v{r}_{c} = v{r}_{c} - d*v{r}_{before}" for r in range(n)]
            lines.append("q = sqrt(" + " + ".join(f"v{r}_{c}*v{r}_{c}" for r in range(n)) + ")")
            lines += [f"R[{(c - 1) * self._points} + i] *= q", "g = 1.0/where(q == 0.0, 1.0, q)"]
            lines += [f"v{r}_{c} = v{r}_{c}*g" for r in range(n)]
            lines.append(f"v{c - 1}_{c} = where(q == 0.0, 1.0, v{c - 1}_{c})")  # it has to start anew somewhere
            lines += [f"x[{self._at(f'{r}_{c}')} + i] = v{r}_{c}" for r in range(n)]
        return templates.ORTHONORMAL_LANES.replace("# body", indent("\n".join(lines), " " * 8).strip())


def _assigned(pairs: tuple[tuple[str, str], ...]) -> list[str]:
    return [f"{name} = {value}" for name, value in pairs]
