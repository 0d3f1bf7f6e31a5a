"""Ray: a remote task a point, on a local instance with as many processors as the others have workers."""

from __future__ import annotations

import os

import ray
from measuring import WORKERS, Report


def square(x: float) -> float:
    return x * x


def main() -> None:
    report = Report(ray.__version__)
    ray.init(
        num_cpus=WORKERS,
        include_dashboard=False,
        log_to_driver=False,
        _node_ip_address="127.0.0.1",
        _temp_dir=os.path.join(os.getcwd(), "ray"),
    )
    task = ray.remote(square)
    report.measure("Ray remote", lambda points: ray.get([task.remote(x) for x in points]))
    ray.shutdown()


if __name__ == "__main__":
    main()
