"""What the peers that compute Lyapunov spectra share: the work, the timing, and the talk with the benchmark.

A program writes JSON, an object a line: `{"version": …, "differs": …}` once it is ready, and for each request
`{"points": …, "T": …}` that it reads, `{"cpu": …, "wall": …, "exponents": …}`. It computes on the one core that the
benchmark left it, and lives until its input ends, so that all contestants are measured in turn.

The work: Lorenz's system, sigma = 10, beta = 8/3, rho from 28 to 60 in so many points; from START for T units of time,
by steps of STEP, all three exponents, orthonormalised every RENORMALIZE, nothing left out at the beginning.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

import numpy as np

__all__ = ["BETA", "RENORMALIZE", "SIGMA", "START", "STEP", "serve"]

SIGMA, BETA = 10.0, 8 / 3
START = (0.5, 1.0, 1.5)
STEP = 0.01
RENORMALIZE = 0.05


def serve(version: str, differs: str, spectra: Callable[[np.ndarray, float], np.ndarray]) -> None:
    """Answer the benchmark's requests.

    What the peer prints goes to standard error, so that standard output has the answers alone.

    Args:
        version: the peer's.
        differs: what of the work the peer does otherwise.
        spectra: takes the values of rho and T, and gives the exponents, a row a point, in descending order.
    """
    sys.stdout.flush()
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(**values: object) -> None:
        answer.write(json.dumps(values) + "\n")
        answer.flush()

    say(version=version, differs=differs)
    for line in sys.stdin:
        request = json.loads(line)
        rho = np.linspace(28.0, 60.0, request["points"])
        wall, cpu = time.perf_counter(), time.process_time()
        exponents = np.asarray(spectra(rho, request["T"]))
        say(
            cpu=time.process_time() - cpu,
            wall=time.perf_counter() - wall,
            exponents=exponents.tolist(),
        )
