"""The systems whose spectra are computed, and the one place that calls `everest_kernel.lyapunov`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .lyapunov_reference import reference

__all__ = ["FIRST_POINT", "HYPERCHAOS", "LORENZ", "LORENZ96", "RENORMALIZE", "STEP", "Case", "lorenz96_40", "spectra"]

STEP = 0.01
RENORMALIZE = 0.05

# A new process's first point, printed when it is there.
FIRST_POINT = """\
from everest_kernel.lyapunov import spectrum, systems
found = spectrum(systems.lorenz(), {"sigma": 10.0, "rho": 28.0, "beta": 8 / 3}, T=500, dt=0.01, transient=0)
print(found.exponents.ravel().tolist(), found.kernel, flush=True)
"""


@dataclass(frozen=True)
class Case:
    """A system in two forms.

    Attributes:
        name: for people.
        equations: as a user writes them; none for the catalogue's Lorenz system.
        start: of every point.
        fixed: parameters that all points share.
        swept: the parameter that changes from point to point.
        sweep: from where to where.
        source: of the C reference, without `.c`; empty where there is none.
        order: of the parameters in it.
        constant_sum: whether the exponents' sum is the same for every orbit.
    """

    name: str
    equations: str
    start: tuple[float, ...]
    fixed: Mapping[str, float]
    swept: str
    sweep: tuple[float, float]
    source: str = ""
    order: tuple[str, ...] = field(default=())
    constant_sum: bool = True

    def parameters(self, points: int) -> dict[str, Any]:
        """Parameters of so many points: numbers, and an array."""
        return {**self.fixed, self.swept: np.linspace(*self.sweep, points)}

    def in_c(self, points: int, T: float) -> NDArray[np.float64]:  # noqa: N803 (the length of a run is T)
        """Exponents of shape (points, states) by the C reference, in descending order."""
        values = np.broadcast_arrays(*(self.parameters(points)[name] for name in self.order))
        library = reference(self.source, len(self.start))
        found = library.run(values, self.start, T=T, dt=STEP, renormalize=RENORMALIZE)
        return np.sort(found, axis=1)[:, ::-1]


LORENZ = Case(
    "Lorenz",
    "",
    (0.5, 1.0, 1.5),
    {"sigma": 10.0, "beta": 8 / 3},
    "rho",
    (28.0, 60.0),
    "lorenz",
    ("sigma", "rho", "beta"),
)
HYPERCHAOS = Case(
    "Rössler, 4 states",
    "x' = -y - z; y' = x + a*y + w; z' = b + x*z; w' = d*w - c*z",
    (-20.0, 0.0, 0.0, 15.0),
    {"a": 0.25, "b": 3.0, "d": 0.05},
    "c",
    (0.5, 0.52),
    "roessler4",
    ("a", "b", "c", "d"),
    constant_sum=False,
)


def _ring(sites: int) -> str:
    """Lorenz-96: each site driven by its neighbours in a ring."""
    return "; ".join(
        f"x{i}' = (x{(i + 1) % sites} - x{(i - 2) % sites})*x{(i - 1) % sites} - x{i} + F" for i in range(sites)
    )


LORENZ96 = Case("Lorenz-96, 5 states", _ring(5), (8.01, 8, 8, 8, 8), {}, "F", (7.0, 9.0), "lorenz96", ("F",))


def lorenz96_40() -> Case:
    """The ring of 40 sites, F = 8."""
    return Case("Lorenz-96, 40 states", _ring(40), (8.01, *[8.0] * 39), {}, "F", (8.0, 8.0))


def spectra(
    case: Case,
    points: int,
    T: float,  # noqa: N803 (the length of a run is T)
    *,
    dt: float = STEP,
    renormalize: float = RENORMALIZE,
    code: str = "numba",
    threads: int = 1,
) -> NDArray[np.float64]:
    """Exponents of shape (points, states) by what is measured, `everest_kernel.lyapunov`.

    Args:
        case: the system and its parameters.
        points: how many.
        T: length of each run.
        dt: step.
        renormalize: time between two orthonormalisations.
        code: `numba` or `numpy`.
        threads: how many compute.

    Raises:
        RuntimeError: other code ran than was asked for.
    """
    from everest_kernel.lyapunov import System, spectrum, systems

    system = System.flow(case.equations, start=case.start, name=case.name) if case.equations else systems.lorenz()
    found = spectrum(
        system,
        case.parameters(points),
        T=T,
        dt=dt,
        transient=0,
        renormalize=renormalize,
        code=code,
        threads=threads,
    )
    if code not in found.kernel:
        raise RuntimeError(f"asked for {code}, and {found.kernel} ran")
    return np.asarray(found.exponents).reshape(points, -1)
