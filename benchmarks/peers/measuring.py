"""What the programs of all peers share: the points, the timing and the answer to the benchmark that started them.

The programs run in an environment of the peers' own, which has numpy but not `everest_kernel`. Called as
`PROGRAM POINTS REPEATS`, each writes JSON, an object a line: `{"version": …}` once, then `{"way": …, "seconds": …}` for
each run, so that a program that is ended before its time loses only the runs it had not finished. Each defines the
function itself, as a notebook does: peers send functions of the main program by value.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["WORKERS", "Report"]

WORKERS = 2
_WARM_UP_POINTS = 100
_MOST_SECONDS = 60.0  # a way that has used this much is not repeated


class Report:
    """Times the ways in which one peer can do the sweep.

    Whatever the peer and its workers print goes to standard error, so that standard output has the answer alone.
    """

    def __init__(self, version: str) -> None:
        self._points, self._repeats = (int(word) for word in sys.argv[1:3])
        sys.stdout.flush()
        self._answer = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        self._say(version=version)

    def _say(self, **values: object) -> None:
        self._answer.write(json.dumps(values) + "\n")
        self._answer.flush()

    def measure(
        self, way: str, sweep: Callable[[Sequence[float]], Any], after: Callable[[], object] = lambda: None
    ) -> None:
        """Time a way of doing the sweep, from the first submission to the full array of results.

        Args:
            way: its name.
            sweep: takes the points, gives a sequence of their results in order.
            after: is called after each run, outside the time: to forget results that the peer keeps.

        Raises:
            RuntimeError: a result is not the square of its point.
        """
        sweep([float(i) for i in range(_WARM_UP_POINTS)])  # all workers run, and have loaded what they need
        after()
        points = [float(i) for i in range(self._points)]
        spent = 0.0
        for _ in range(self._repeats):
            began = time.perf_counter()
            results = np.array(sweep(points))
            seconds = time.perf_counter() - began
            if not np.array_equal(results, np.square(points)):
                raise RuntimeError(f"{way}: results are wrong")
            self._say(way=way, seconds=seconds)
            after()
            spent += seconds
            if spent > _MOST_SECONDS:
                break
