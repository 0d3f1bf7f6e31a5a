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
        flow: whether it is a flow; else a map.
        numba: text of the module that numba compiles.
        numpy: text of the module that numpy runs.
    """

    name: str
    parameters: tuple[str, ...]
    dimension: int
    vectors: int
    points: int
    trace: bool
    flow: bool
    numba: str
    numpy: str
