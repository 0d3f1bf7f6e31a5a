"""The compiled reference: `benchmarks/reference/*.c`, built by gcc for this processor when it is first used."""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["FLAGS", "Reference", "reference"]

_SOURCES = Path(__file__).resolve().parent / "reference"
# square roots need no errno, and no signal for what is not a number; nothing assumes that numbers are finite
FLAGS = ("-std=gnu11", "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math")


class Reference:
    """One system in C.

    Attributes:
        side_by_side: parameter points that it computes at once; it takes multiples of that.
    """

    def __init__(self, library: ctypes.CDLL, dimension: int) -> None:
        self._dimension = dimension
        self._spectrum = library.spectrum
        self._spectrum.argtypes = [
            ctypes.c_ssize_t,
            *[ctypes.c_void_p] * 2,
            ctypes.c_double,
            *[ctypes.c_long] * 2,
            ctypes.c_void_p,
        ]
        self._spectrum.restype = None
        self.side_by_side: int = library.side_by_side()

    def run(
        self,
        parameters: Sequence[NDArray[np.float64]],
        start: Sequence[float],
        *,
        T: float,  # noqa: N803 (the length of a run is T)
        dt: float,
        renormalize: float,
    ) -> NDArray[np.float64]:
        """Exponents of shape (points, states), in the order of Gram and Schmidt.

        Args:
            parameters: in the system's order, an array each; any number of points, which is filled up for the C code.
            start: of all points.
            T: length of the run.
            dt: step.
            renormalize: time between two orthonormalisations; whole steps.
        """
        asked = len(parameters[0])
        rows = np.array(parameters, dtype=np.float64)
        rows = np.ascontiguousarray(np.pad(rows, ((0, 0), (0, -asked % self.side_by_side)), mode="edge"))
        first = np.array(start, dtype=np.float64)
        found = np.empty((self._dimension, rows.shape[1]))
        steps = round(renormalize / dt)
        self._spectrum(
            rows.shape[1], rows.ctypes.data, first.ctypes.data, dt, round(T / dt) // steps, steps, found.ctypes.data
        )
        return found[:, :asked].T


@functools.cache
def reference(name: str, dimension: int) -> Reference:
    """Build a system's reference.

    Args:
        name: of its source without `.c`.
        dimension: how many states it has.

    Raises:
        RuntimeError: there is no gcc, or it failed.
    """
    gcc = shutil.which("gcc")
    if gcc is None:
        raise RuntimeError("the C reference needs gcc: apt-get install gcc")
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder, f"{name}.so")
        command = [gcc, *FLAGS, "-shared", "-fPIC", _SOURCES / f"{name}.c", "-o", built, "-lm"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"gcc could not build {name}.c:\n{done.stderr}")
        return Reference(ctypes.CDLL(str(built)), dimension)
