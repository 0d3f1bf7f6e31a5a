"""A system as what computes it needs it: generated text and a few numbers. Travels to machines without sympy."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Program"]


@dataclass(frozen=True)
class Program:
    """What to compute for one system.

    Attributes:
        name: of the system.
        parameters: their names, in the order in which they are passed.
        dimension: n, the number of states.
        vectors: k, how many tangent vectors are integrated.
        points: parameter points that the compiled code computes together.
        trace: whether the integral of the divergence is wanted too.
        trace_rule: whether the last exponent is taken from the sum of all; there is one vector less then.
        sum: code of the sum of all exponents, in the parameters `p0_`, `p1_`, …; empty where it is not known before.
        flow: whether it is a flow; else a map.
        driven: whether it depends on time; the exponent of the phase, 0, is one more then.
        numba: text of the module that numba compiles.
        numpy: text of the module that numpy runs.
    """

    name: str
    parameters: tuple[str, ...]
    dimension: int
    vectors: int
    points: int
    trace: bool
    trace_rule: bool
    sum: str
    flow: bool
    driven: bool
    numba: str
    numpy: str

    @property
    def complete(self) -> bool:
        """Whether there is an exponent for each state; else they are the leading ones."""
        return self.vectors + self.trace_rule == self.dimension
