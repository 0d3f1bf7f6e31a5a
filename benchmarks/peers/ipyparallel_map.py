"""ipyparallel: the load-balanced view's map on local engines, with a point and with a hundred points in a task."""

from __future__ import annotations

import ipyparallel
from measuring import WORKERS, Report


def square(x: float) -> float:
    return x * x


def main() -> None:
    report = Report(ipyparallel.__version__)
    with ipyparallel.Cluster(n=WORKERS) as client:
        client.wait_for_engines(WORKERS, timeout=60)
        view = client.load_balanced_view()
        for chunk in (100, 1):
            report.measure(
                f"ipyparallel map, chunk {chunk}",
                lambda points, chunk=chunk: view.map_sync(square, points, chunksize=chunk),
                after=lambda: client.purge_everything(),
            )


if __name__ == "__main__":
    main()
