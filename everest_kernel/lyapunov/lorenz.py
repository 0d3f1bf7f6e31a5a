"""The Lorenz flow: x' = σ(y − x), y' = x(ρ − z) − y, z' = xy − βz (Lorenz, J. Atmos. Sci. 20 (1963) 130)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .benettin import Array, Schedule, benettin
from .spectrum import LyapunovSpectrum

__all__ = ["LorenzFlow", "lorenz_eigenvalues", "lorenz_spectrum"]


@dataclass(frozen=True)
class LorenzFlow:
    """The flow for arrays of parameters, each of shape (points,)."""

    sigma: Array
    rho: Array
    beta: Array

    dimension = 3

    @property
    def points(self) -> int:
        """Number of parameter points."""
        return len(self.sigma)

    def take(self, part: slice) -> LorenzFlow:
        """The flow for some of the points."""
        return LorenzFlow(self.sigma[part], self.rho[part], self.beta[part])

    def derivative(self, y: Array, out: Array) -> None:
        """f(x) into `out[:, 0]`, J(x) V into `out[:, 1:]`; see `benettin.Flow`.

        The first row of J is constant, so it serves state and vectors at once.
        """
        x, z, vx, vz = y[0, 0], y[2, 0], y[0, 1:], y[2, 1:]
        dx, dy, dz = out
        np.subtract(y[1], y[0], out=dx)
        dx *= self.sigma
        slope = self.rho - z
        np.multiply(slope, y[0], out=dy)
        dy -= y[1]
        dy[1:] -= x * vz
        np.multiply(x, y[1], out=dz)
        dz -= self.beta * y[2]
        dz[1:] += y[1, 0] * vx

    def divergence(self) -> Array:
        """Tr J = −(σ + 1 + β), which is the exact sum of all exponents."""
        return np.asarray(-(self.sigma + 1 + self.beta))


def lorenz_spectrum(
    sigma: ArrayLike,
    rho: ArrayLike,
    beta: ArrayLike,
    *,
    T: float = 500.0,  # noqa: N803 - the field's symbol
    dt: float = 0.005,
    transient: float = 50.0,
    renormalize: float = 0.1,
    start: Sequence[float] | NDArray[np.float64] = (0.5, 1.0, 1.5),
) -> LyapunovSpectrum:
    """All three Lyapunov exponents of the Lorenz flow at every point of a parameter grid.

    Args:
        sigma: parameter σ (Prandtl number); the three parameters are broadcast against each other.
        rho: parameter ρ (reduced Rayleigh number).
        beta: parameter β (aspect ratio).
        T: averaging time. One run's L1 scatters by about 0.15 / √T at (10, 28, 8/3).
        dt: Runge-Kutta step; at (10, 28, 8/3) the sum's error is 6e-6 with 0.005 and 1e-4 with 0.01, for half the work.
        transient: time dropped before; without it L1 is low by 0.018 at T = 500.
        renormalize: time between two orthonormalisations.
        start: the initial state (x, y, z), of shape (3,) or (3, *grid).

    Returns:
        Exponents with shape (*grid, 3), their standard errors, and more.

    Raises:
        ValueError: parameters that are not finite or do not broadcast, or times that make no sense.
    """
    grids = np.broadcast_arrays(*(np.asarray(p, dtype=np.float64) for p in (sigma, rho, beta)))
    shape = grids[0].shape
    for name, grid in zip(("sigma", "rho", "beta"), grids, strict=True):
        if not np.isfinite(grid).all():
            raise ValueError(f"{name} has values that are not finite")
    flow = LorenzFlow(*(np.ascontiguousarray(grid).ravel() for grid in grids))
    first = np.asarray(start, dtype=np.float64)
    if first.shape not in ((3,), (3, *shape)):
        raise ValueError(f"start must have the shape (3,) or {(3, *shape)}, not {first.shape}")
    initial = np.broadcast_to(first.reshape(3, -1), (3, flow.points))
    schedule = Schedule(T, dt, transient, renormalize)
    blocks, seconds = benettin(flow, initial, schedule)
    return _spectrum(blocks, shape, flow.divergence().reshape(shape), schedule, seconds)


def _spectrum(
    blocks: Array, shape: tuple[int, ...], exact_sum: Array, schedule: Schedule, seconds: float
) -> LyapunovSpectrum:
    mean = blocks.mean(axis=0)
    count = len(blocks)
    error = blocks.std(axis=0, ddof=1) / np.sqrt(count) if count > 1 else np.zeros_like(mean)
    order = np.argsort(-mean, axis=0, kind="stable")  # Gram-Schmidt sorts them in the limit only
    exponents, errors = (np.take_along_axis(a, order, axis=0).T.reshape(*shape, 3) for a in (mean, error))
    return LyapunovSpectrum(np.ascontiguousarray(exponents), np.ascontiguousarray(errors), exact_sum, schedule, seconds)


def lorenz_eigenvalues(sigma: float, rho: float, beta: float) -> NDArray[np.complex128]:
    """Eigenvalues of the Jacobian at the equilibrium that attracts: the origin for ρ ≤ 1, else C±.

    Returns:
        Shape (3,), by descending real part. Where the equilibrium is stable these are the Lyapunov exponents.
    """
    q = np.sqrt(max(beta * (rho - 1), 0.0))
    x, z = (0.0, 0.0) if rho <= 1 else (q, rho - 1)
    jacobian = np.array([[-sigma, sigma, 0.0], [rho - z, -1.0, -x], [x, x, -beta]])
    values = np.linalg.eigvals(jacobian).astype(np.complex128)
    return np.asarray(values[np.argsort(-values.real, kind="stable")])
