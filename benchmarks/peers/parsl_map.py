"""Parsl: a call of an app a point, on the high-throughput executor with local worker processes.

By default a worker gets its next task when it has answered the last; prefetched tasks save it that round trip.
"""

from __future__ import annotations

import os

import parsl
from measuring import WORKERS, Report
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.providers import LocalProvider


def square(x: float) -> float:
    return x * x


def measure(report: Report, way: str, prefetched: int) -> None:
    # without encryption, scaling and a log of every task it is faster than with its defaults
    executor = HighThroughputExecutor(
        encrypted=False,
        address="127.0.0.1",
        max_workers_per_node=WORKERS,
        cores_per_worker=(os.cpu_count() or WORKERS) / WORKERS,
        prefetch_capacity=prefetched,
        provider=LocalProvider(init_blocks=1, min_blocks=1, max_blocks=1),
    )
    settings = Config(executors=[executor], strategy="none", initialize_logging=False, run_dir="parsl")
    with parsl.load(settings):
        app = parsl.python_app(square)
        report.measure(way, lambda points: [call.result() for call in [app(x) for x in points]])


def main() -> None:
    report = Report(parsl.__version__)
    measure(report, "Parsl HTEX", 0)
    measure(report, "Parsl HTEX, 100 prefetched", 100)


if __name__ == "__main__":
    main()
