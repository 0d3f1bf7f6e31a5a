"""Other ways to run a sweep, each started beforehand with two worker processes: Dask, ipyparallel, Parsl, Ray.

They are installed by pip into an environment of their own, kept in the user's cache folder, and run there as programs
of `benchmarks/peers`. As a program: `python benchmarks/sweep_peers.py [POINTS…] [--only PEER] [--limit SECONDS]`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.figures import Figure, table
from benchmarks.peer_environment import cached_folder, end_all, environment, installed, last_line

__all__ = ["PEERS", "PeerRuns", "floor_cpu", "peer_figures", "peer_runs", "peer_times"]

_PROGRAMS = Path(__file__).resolve().parent / "peers"


@dataclass(frozen=True)
class _Peer:
    name: str
    program: str
    packages: tuple[str, ...]


_PEERS = (
    _Peer("Dask", "dask_map.py", ("distributed",)),
    _Peer("ipyparallel", "ipyparallel_map.py", ("ipyparallel",)),
    _Peer("Parsl", "parsl_map.py", ("parsl",)),
    _Peer("Ray", "ray_map.py", ("ray",)),
)
PEERS = tuple(peer.name for peer in _PEERS)


@dataclass(frozen=True)
class PeerRuns:
    """The runs of one way to do the sweep.

    Attributes:
        version: the peer's.
        seconds: of each run, from the first submission to the full array of results.
    """

    version: str
    seconds: tuple[float, ...]


def floor_cpu(points: int, seconds: float, cores: int) -> float:
    """Seconds that a sweep of pure computing takes at least: the work shared out evenly over the cores.

    Args:
        points: how many.
        seconds: of one core for each point.
        cores: how many compute.
    """
    return points * seconds / cores


def _read(answer: str) -> dict[str, PeerRuns]:
    version, runs = "", dict[str, list[float]]()
    for line in answer.splitlines():
        try:
            values = json.loads(line)
        except ValueError:  # the program was ended while it wrote
            continue
        version = values.get("version", version)
        if "way" in values:
            runs.setdefault(values["way"], []).append(values["seconds"])
    return {way: PeerRuns(version, tuple(seconds)) for way, seconds in runs.items()}


def _run(peer: _Peer, folder: Path, points: int, repeats: int, limit: float) -> dict[str, PeerRuns | str]:
    refused = installed(folder, peer.packages)
    if refused:
        return {peer.name: refused}
    mark = uuid.uuid4().hex
    # a short path: sockets below it must fit in a socket's address
    with tempfile.TemporaryDirectory(prefix="peer", ignore_cleanup_errors=True) as home:
        said, answer = Path(home, "said"), Path(home, "answer")
        command = [folder / "bin" / "python", _PROGRAMS / peer.program, str(points), str(repeats)]
        why = ""
        with said.open("wb") as errors, answer.open("wb") as output:
            started = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                cwd=home,
                env=environment(folder, home, mark),
                start_new_session=True,
            )
            try:
                if started.wait(limit):
                    why = "failed"
            except subprocess.TimeoutExpired:
                why = f"was not done after {limit:g} s"
            finally:
                end_all(mark)
                started.wait()
        if why == "failed":
            why = f"failed: {last_line(said.read_text(errors='replace'))}"
        found: dict[str, PeerRuns | str] = {**_read(answer.read_text())}
    if why:
        found[peer.name] = why
    return found


def peer_runs(
    points: int,
    *,
    names: Collection[str] = PEERS,
    repeats: int = 3,
    limit: float = 300.0,
    folder: Path | None = None,
) -> dict[str, PeerRuns | str]:
    """Let every peer compute `y = x*x` for many points, one peer after the other.

    Args:
        points: how many.
        names: which of PEERS.
        repeats: how often each way is run at most; slow ones are not repeated.
        limit: seconds after which a peer is ended, start-up included.
        folder: for the peers' environment (default: one in the user's cache folder, made when missing).

    Returns:
        by name, the runs of each way; for a peer that cannot run, or not to the end, its name and why.
    """
    folder = folder or cached_folder("peers")
    found: dict[str, PeerRuns | str] = {}
    for peer in (peer for peer in _PEERS if peer.name in names):
        found |= _run(peer, folder, points, repeats, limit)
    return found


def peer_times(points: int) -> dict[str, float | str]:
    """The least seconds that each peer's way needs for a sweep of `y = x*x`, or why there is no figure.

    Args:
        points: how many.
    """
    return {way: min(runs.seconds) if isinstance(runs, PeerRuns) else runs for way, runs in peer_runs(points).items()}


def peer_figures(points: int = 10_000, names: Collection[str] = PEERS, limit: float = 300.0) -> list[Figure]:
    """What `peer_runs` measures, as figures without goals; a peer without a figure is printed with its reason."""
    figures = []
    for way, runs in peer_runs(points, names=names, limit=limit).items():
        if isinstance(runs, str):
            print(f"{way} {runs}", flush=True)
            continue
        detail = f"median {statistics.median(runs.seconds):.3f} s, n={len(runs.seconds)}, version {runs.version}"
        figures.append(Figure(f"{points} points by {way}", min(runs.seconds), "s", detail=detail))
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("points", nargs="*", type=int, default=[10_000], help="how many points (default: 10000)")
    parser.add_argument("--only", action="append", choices=PEERS, help="a peer (default: all)")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds for a peer (default: 300)")
    chosen = parser.parse_args()
    for points in chosen.points:
        print(table(peer_figures(points, chosen.only or PEERS, chosen.limit)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
