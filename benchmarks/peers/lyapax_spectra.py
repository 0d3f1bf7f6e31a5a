"""lyapax: `sweep_lyapunov_spectrum`, which maps the spectrum over all points; compiled by JAX once for each T and size.

Called without `jax.jit` around it, it traces and compiles again each time, and is 30 times slower at this size.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402 (arrays are of doubles only when they are made after that)
import lyapax  # noqa: E402
import numpy as np  # noqa: E402
from lyapax.integrators import rk4_step  # noqa: E402
from lyapax.sweep import sweep_lyapunov_spectrum  # noqa: E402
from spectra import BETA, RENORMALIZE, SIGMA, START, STEP, serve  # noqa: E402


def step(state: Any, parameters: dict[str, Any]) -> Any:
    def velocity(u: Any) -> Any:
        x, y, z = u
        return jnp.array(
            [
                parameters["sigma"] * (y - x),
                x * (parameters["rho"] - z) - y,
                x * y - parameters["beta"] * z,
            ]
        )

    return rk4_step(velocity, STEP)(state)


@cache
def compiled(T: float) -> Any:  # noqa: N803 (the length of a run is T)
    return jax.jit(
        lambda parameters: (
            sweep_lyapunov_spectrum(
                step,
                jnp.array(START),
                parameters,
                dt=STEP,
                n_steps=round(T / STEP),
                renorm_every=round(RENORMALIZE / STEP),
            ).exponents
        )
    )


def spectra(rho: np.ndarray, T: float) -> np.ndarray:  # noqa: N803
    same = np.ones_like(rho)
    return np.asarray(compiled(T)({"sigma": SIGMA * same, "rho": rho, "beta": BETA * same}))


if __name__ == "__main__":
    serve(lyapax.__version__, "QR by Householder's reflections", spectra)
