"""jitcode: `jitcode_lyap`, right-hand sides in C, integrated by SciPy's dopri5, one point at a time.

Its integrators choose their steps. A loose tolerance with the benchmark's step as the longest makes them do that one.
"""

from __future__ import annotations

import jitcode
import numpy as np
import symengine
from jitcode import y
from spectra import BETA, RENORMALIZE, SIGMA, START, STEP, serve

sigma, rho, beta = symengine.symbols("sigma rho beta")
velocity = [sigma * (y(1) - y(0)), y(0) * (rho - y(2)) - y(1), y(0) * y(1) - beta * y(2)]
system = jitcode.jitcode_lyap(velocity, n_lyap=3, control_pars=[sigma, rho, beta], verbose=False)
system.set_integrator("dopri5", rtol=1.0, atol=1e3, first_step=STEP, max_step=STEP)


def spectrum(value: float, T: float) -> np.ndarray:  # noqa: N803 (the length of a run is T)
    system.set_parameters(SIGMA, value, BETA)
    system.set_initial_value(START, 0.0)
    times = RENORMALIZE * np.arange(1, round(T / RENORMALIZE) + 1)
    total = np.sum([system.integrate(time)[1] for time in times], axis=0)
    return np.sort(total / len(times))[::-1]


def spectra(values: np.ndarray, T: float) -> np.ndarray:  # noqa: N803
    return np.array([spectrum(value, T) for value in values])


if __name__ == "__main__":
    serve(jitcode.__version__, "Dormand and Prince's method, six evaluations a step for four", spectra)
