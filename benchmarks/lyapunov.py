"""Lyapunov spectra: generated kernels beside own C and beside other Python packages, per core and with equal work.

A point is one set of parameters: classical Runge-Kutta steps of 0.01 for 500 units of time, all exponents, the tangent
vectors orthonormalised every 0.05, nothing left out at the beginning. Where a contestant runs a shorter time, its rate
is scaled to that. Rates "per core" are points in a second of processor time on one core, so that another program on
that core does not count; the clock's rate stands beside them. The contestants' results must agree.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from .figures import Figure
from .kernels import running_kernel
from .lyapunov_cases import HYPERCHAOS, LORENZ, LORENZ96, Case, lorenz96_40, spectra
from .lyapunov_peers import PEERS, PeerError, SpectraPeer, running_peer
from .lyapunov_rounds import FULL_TIME, Contestant, Run, Taken, one_core, ratio, take_turns, timed

__all__ = ["beside_c", "beside_peers", "drawn_grid", "many_states", "numpy_beside_peers", "own_systems", "two_threads"]

_ROUNDS = 7
_POINTS = 1024
_PEER_GOALS = {"lyapax": 20.0, "pynamicalsys": 150.0}


def _check(case: Case, name: str, found: NDArray[np.float64], T: float) -> None:  # noqa: N803 (the length of a run)
    """Exponents must be those of the C reference but for the noise of finite runs; 1 % of the points may escape.

    The hyperchaotic system has orbits that leave it after a long time, which ones is a matter of rounding.
    """
    expected = case.in_c(len(found), T)
    escaped = float(np.isnan(found).any(axis=1).mean())
    leading = abs(float(np.nanmedian(found[:, 0] - expected[:, 0])))
    sums = np.abs(found.sum(axis=1) - expected.sum(axis=1))
    off = float(np.nanmax(sums)) if case.constant_sum else 0.0
    if not (escaped <= 0.01 and leading <= 25 / T and off <= 0.02):
        apart = f"leading exponents differ by {leading:.3g}, sums by {off:.3g}, {escaped:.1%} escaped"
        raise RuntimeError(f"{case.name} by {name}: {apart}")


def _rates(case: Case, contestants: list[Contestant], rounds: int = _ROUNDS) -> tuple[dict[str, Taken], list[Figure]]:
    """Rates of all contestants, interleaved, each as a figure without a goal."""
    taken = take_turns(contestants, rounds)
    figures = []
    for one in contestants:
        _check(case, one.name, taken[one.name].last.exponents, one.T)
        what = f"{case.name}, {one.name}, points/s/core"
        length = "" if one.T == FULL_TIME else f", runs of {one.T:g} scaled to {FULL_TIME:g}"
        figures.append(Figure(what, taken[one.name].rate, "/s", detail=f"{taken[one.name].detail}{length}"))
    return taken, figures


def _against_c(case: Case, goal: float) -> list[Figure]:
    ours, own_c = "generated kernel", "own C"
    with one_core():
        taken, figures = _rates(
            case,
            [
                Contestant(own_c, _POINTS, FULL_TIME, timed(case.in_c)),
                Contestant(ours, _POINTS, FULL_TIME, timed(partial(spectra, case))),
            ],
        )
    over = ratio(taken[ours], taken[own_c])
    detail = f"{_POINTS} points a round; median of the rounds' ratios"
    return [*figures, Figure(f"{case.name}, {ours} / {own_c}", over, "x", goal, False, detail)]


def beside_c() -> list[Figure]:
    """Lorenz's system by the warm numba kernel and by hand-written C, in turn on one core."""
    return _against_c(LORENZ, 0.65)


def own_systems() -> list[Figure]:
    """Systems that a user wrote as text, of 4 and of 5 states, beside C of the same."""
    return [*_against_c(HYPERCHAOS, 0.5), *_against_c(LORENZ96, 0.5)]


def _asked(peer: SpectraPeer, points: int, T: float) -> Run:  # noqa: N803
    return Run(*peer.run(points, T))


@contextmanager
def _peers() -> Iterator[list[Contestant]]:
    """All peers that can run, each in a process of its own on the core of this one; the others are printed with why."""
    with ExitStack() as stack:
        found = []
        for name in PEERS:
            try:
                peer = stack.enter_context(running_peer(name))
            except PeerError as error:
                print(error, flush=True)
                continue
            print(f"{name} {peer.version}: {peer.differs}", flush=True)
            found.append(Contestant(name, peer.points, FULL_TIME, partial(_asked, peer)))
        yield found


def beside_peers() -> list[Figure]:
    """Lorenz's system by the warm numba kernel and by the peers, in turn on one core."""
    ours = "generated kernel"
    with one_core(), _peers() as peers:
        mine = Contestant(ours, _POINTS, FULL_TIME, timed(partial(spectra, LORENZ)))
        taken, figures = _rates(LORENZ, [mine, *peers], 5)
    for peer in peers:
        over = ratio(taken[ours], taken[peer.name])
        what = f"Lorenz, {ours} / {peer.name}"
        figures.append(Figure(what, over, "x", _PEER_GOALS.get(peer.name), False, "per core"))
    return figures


def numpy_beside_peers(points: int = 4096, T: float = 20.0) -> list[Figure]:  # noqa: N803
    """The same without numba: numpy on a chunk of points, beside the fastest peer.

    Args:
        points: in the chunk.
        T: length of numpy's runs.
    """
    ours = "numpy"
    with one_core(), _peers() as peers:
        mine = Contestant(ours, points, T, timed(partial(spectra, LORENZ, code="numpy")))
        taken, figures = _rates(LORENZ, [mine, *peers], 5)
    if peers:
        best = max((peer.name for peer in peers), key=lambda name: taken[name].rate)
        over = ratio(taken[ours], taken[best])
        figures.append(Figure(f"Lorenz, {ours} / the best peer", over, "x", 1, False, f"per core; {best}"))
    return figures


def _one_and_two(points: int, rounds: int) -> list[Taken]:
    contestants = [
        Contestant(str(threads), points, FULL_TIME, timed(partial(spectra, LORENZ, threads=threads)))
        for threads in (1, 2)
    ]
    return list(take_turns(contestants, rounds).values())


def two_threads(points: int = 2048) -> list[Figure]:
    """Two threads over one, by the clock: it needs two cores that are free.

    In a new process, which no other benchmark has kept on one core.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        one, two = pool.submit(_one_and_two, points, _ROUNDS).result()
    over = statistics.median(b / a for a, b in zip(one.per_second, two.per_second, strict=True))
    clock = f"{statistics.median(two.per_second):.0f} against {statistics.median(one.per_second):.0f} points/s"
    cost = f"two use {1 / ratio(two, one):.2f} x the processor time of one"
    detail = f"median of the rounds' ratios; {clock}; {cost}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    return [Figure("Lorenz, two threads / one, by the clock", over, "x", 1.8, False, detail)]


def many_states() -> list[Figure]:
    """Lorenz-96 with 40 states, all 40 exponents of one point, on one core."""
    case, T = lorenz96_40(), 200.0  # noqa: N806
    figures = []
    with one_core():
        for dt, goal in ((0.01, 500.0), (0.05, None)):
            mine = Contestant("generated kernel", 1, T, timed(partial(spectra, case, dt=dt)))
            taken = take_turns([mine], _ROUNDS)[mine.name]
            found = taken.last.exponents[0]
            if not (abs(found.sum() + 40) < 0.1 and 1.3 < found[0] < 2.0):
                raise RuntimeError(f"{case.name}: sum {found.sum():.4f}, leading exponent {found[0]:.3f}")
            units = [rate * FULL_TIME for rate in taken.per_core]
            detail = f"{min(units):.0f} to {max(units):.0f}, n={len(units)}; T = {T:g}, vectors every 0.05"
            what = f"{case.name}, step {dt:g}, time units/s/core"
            figures.append(Figure(what, statistics.median(units), "/s", goal, False, detail))
    return figures


def drawn_grid() -> list[Figure]:
    """A grid of 64 x 64 points in a notebook, from the cell's request to the drawn picture, hub and agent warm.

    No entry of `run.py` yet: the cell is `%lyapunov lorenz rho=20:220:64 sigma=2:20:64 beta=8/3 --T 500`.
    """
    cell = "%lyapunov lorenz rho={low}:{high}:64 sigma=2:20:64 beta=8/3 --T 500"
    taken = []
    with running_kernel("everest") as kernel:
        for low in range(20, 24):  # another grid each time, so that no kept results answer; the first one warms up
            began, seen = kernel.run(cell.format(low=low, high=low + 200))
            if not any("image/png" in content.get("data", {}) for _, _, content in seen):
                raise RuntimeError("the cell drew no picture")
            taken.append(began)
    detail = f"{min(taken[1:]):.2f} to {max(taken[1:]):.2f} s, n={len(taken) - 1}"
    return [Figure("64 x 64 grid of Lorenz, request to picture", statistics.median(taken[1:]), "s", 4, True, detail)]
