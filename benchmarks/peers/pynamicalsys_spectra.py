"""pynamicalsys: `ContinuousDynamicalSystem.lyapunov` of its own Lorenz system, compiled by numba, one point a call."""

from __future__ import annotations

import numpy as np
import pynamicalsys
from spectra import BETA, SIGMA, START, STEP, serve

system = pynamicalsys.ContinuousDynamicalSystem(model="lorenz system")
system.integrator("rk4", time_step=STEP)


def spectra(rho: np.ndarray, T: float) -> np.ndarray:  # noqa: N803 (the length of a run is T)
    found = [system.lyapunov(START, T, parameters=[SIGMA, value, BETA], endpoint=False) for value in rho]
    return np.sort(found, axis=1)[:, ::-1]


if __name__ == "__main__":
    serve(pynamicalsys.__version__, "orthonormalises after every step, it has no other way", spectra)
