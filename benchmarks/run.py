"""Measures what the project promises: `python benchmarks/run.py [NAME…]`; see README.md beside it."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import cells, hub_files, hub_rates, hub_store, lyapunov, lyapunov_start, running, sweep_cells, sweeps
from benchmarks.figures import table

BENCHMARKS = {
    "plain": cells.plain_cells,
    "start": cells.kernel_start,
    "remote": cells.remote_cells,
    "first-output": cells.first_output,
    "interrupt": running.interrupts,
    "flood": running.flood,
    "background": running.background,
    "accepted": hub_rates.accepted_jobs,
    "finished": hub_rates.finished_jobs,
    "sweep": sweeps.sweep_of_true,
    "tiny-points": sweep_cells.tiny_points,
    "computing": sweep_cells.sweep_of_computing,
    "resumed": sweep_cells.resumed,
    "bad-point": sweep_cells.bad_point,
    "refined": sweep_cells.refined,
    "polled": sweeps.polled_jobs,
    "files": hub_files.large_files,
    "one-of-many": hub_store.one_of_many,
    "lyapunov-c": lyapunov.beside_c,
    "lyapunov-peers": lyapunov.beside_peers,
    "lyapunov-threads": lyapunov.two_threads,
    "lyapunov-numpy": lyapunov.numpy_beside_peers,
    "lyapunov-own-systems": lyapunov.own_systems,
    "lyapunov-first-point": lyapunov_start.first_point,
    "lyapunov-96": lyapunov.many_states,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], help="which (default: all)")
    names = parser.parse_args().names or list(BENCHMARKS)
    root = str(Path(__file__).resolve().parent.parent)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}", flush=True)
    missed = 0
    for name in names:
        figures = BENCHMARKS[name]()
        print(table(figures), flush=True)
        missed += sum(figure.reached is False for figure in figures)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
