"""Other ways to compute Lyapunov spectra from Python: lyapax, pynamicalsys, jitcode.

Each is installed by pip into an environment of its own, kept in the user's cache folder, and runs there as a program of
`benchmarks/peers` that stays alive and computes when it is asked to, so that rounds of all contestants can take turns.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .peer_environment import cached_folder, end_all, environment, installed, last_line

__all__ = ["PEERS", "PeerError", "SpectraPeer", "running_peer"]

_PROGRAMS = Path(__file__).resolve().parent / "peers"
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


class PeerError(RuntimeError):
    """A peer cannot be installed or does not answer; says why."""


@dataclass(frozen=True)
class _Peer:
    program: str
    packages: tuple[str, ...]
    points: int


_PEERS = {
    "lyapax": _Peer("lyapax_spectra.py", ("lyapax",), 128),  # more points at once make it no faster
    "pynamicalsys": _Peer("pynamicalsys_spectra.py", ("pynamicalsys",), 4),
    "jitcode": _Peer("jitcode_spectra.py", ("jitcode", "sympy", "setuptools"), 1),
}
PEERS = tuple(_PEERS)


class SpectraPeer:
    """A peer that waits for requests.

    Attributes:
        name, version: the peer's.
        differs: what of the work it does otherwise.
        points: how many it is best given in a round.
    """

    def __init__(self, name: str, process: subprocess.Popen[str], said: Path, mark: str, limit: float) -> None:
        self.name, self.points = name, _PEERS[name].points
        self._process, self._said, self._mark, self._limit = process, said, mark, limit
        ready = self._answer()
        self.version: str = ready["version"]
        self.differs: str = ready["differs"]

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        watchdog = threading.Timer(self._limit, end_all, [self._mark])
        watchdog.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            raise PeerError(f"{self.name} gave no answer: {last_line(self._said.read_text(errors='replace'))}")
        found: dict[str, Any] = json.loads(line)
        return found

    def run(self, points: int, T: float) -> tuple[float, float, NDArray[np.float64]]:  # noqa: N803 (a run's length)
        """Compute once; returns seconds of processor time, seconds, and exponents of shape (points, 3).

        Args:
            points: how many values of rho, from 28 to 60.
            T: length of each point's run, in units of time.

        Raises:
            PeerError: it ended, or took longer than its limit.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"points": points, "T": T}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended; what it said is in the error that follows
        found = self._answer()
        return found["cpu"], found["wall"], np.array(found["exponents"])


@contextmanager
def running_peer(name: str, limit: float = 180.0) -> Iterator[SpectraPeer]:
    """A peer that has compiled what it needs before its first request, on the cores that this thread may use.

    Args:
        name: one of PEERS.
        limit: seconds that it may take to start, and for each answer.

    Raises:
        PeerError: it cannot be installed or started.
    """
    peer = _PEERS[name]
    folder = cached_folder(name)
    refused = installed(folder, peer.packages)
    if refused:
        raise PeerError(f"{name}: {refused}")
    mark = uuid.uuid4().hex
    with tempfile.TemporaryDirectory(prefix="peer", ignore_cleanup_errors=True) as home:
        said = Path(home, "said")
        with said.open("wb") as errors:
            process = subprocess.Popen(
                [folder / "bin" / "python", _PROGRAMS / peer.program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=home,
                env=environment(folder, home, mark) | _ONE_THREAD,
                start_new_session=True,
            )
        try:
            yield SpectraPeer(name, process, said, mark, limit)
        finally:
            end_all(mark)
            process.communicate()
