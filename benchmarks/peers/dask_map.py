"""Dask: a future a point with `Client.map`, on a local cluster of worker processes.

By default a worker is sent another task when one of its two is done, so each task waits for a round trip; with
unlimited saturation the scheduler sends all at once, which suits tiny tasks better.
"""

from __future__ import annotations

import dask
import distributed
from distributed import Client, LocalCluster
from measuring import WORKERS, Report


def square(x: float) -> float:
    return x * x


def measure(report: Report, way: str, saturation: float) -> None:
    workers = {"n_workers": WORKERS, "threads_per_worker": 1, "processes": True}
    with (
        dask.config.set({"distributed.scheduler.worker-saturation": saturation}),
        LocalCluster(**workers, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        # not pure: a pure function of the same points may be answered from results that the scheduler still has
        report.measure(way, lambda points: client.gather(client.map(square, points, pure=False)))


def main() -> None:
    report = Report(distributed.__version__)
    measure(report, "Dask client.map", 1.1)
    measure(report, "Dask client.map, all sent at once", float("inf"))


if __name__ == "__main__":
    main()
