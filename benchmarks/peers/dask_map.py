"""Dask: a future a point with `Client.map`, on a local cluster of worker processes."""

from __future__ import annotations

import distributed
from distributed import Client, LocalCluster
from measuring import WORKERS, Report


def square(x: float) -> float:
    return x * x


def main() -> None:
    report = Report(distributed.__version__)
    workers = {"n_workers": WORKERS, "threads_per_worker": 1, "processes": True}
    with LocalCluster(**workers, dashboard_address=None) as cluster, Client(cluster) as client:
        # not pure: a pure function of the same points may be answered from results that the scheduler still has
        report.measure("Dask client.map", lambda points: client.gather(client.map(square, points, pure=False)))


if __name__ == "__main__":
    main()
