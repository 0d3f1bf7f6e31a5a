"""Where peers run: environments of their own, kept in the user's cache folder, with nothing of ours in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import filelock
import platformdirs
import psutil

__all__ = ["cached_folder", "end_all", "environment", "installed", "last_line"]

_MARK = "BENCHMARK_PEER_RUN"  # in the environment of every process that a peer starts


def cached_folder(name: str) -> Path:
    """The folder of an environment of this name and this Python's version, which `installed` makes.

    Args:
        name: of the peer, or of the peers that share it.
    """
    cache = platformdirs.user_cache_path("everest-kernel-benchmarks")
    return cache / f"{name}-{sys.version_info[0]}.{sys.version_info[1]}"


def last_line(text: str) -> str:
    """The last line of what a program said that is not empty."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def installed(folder: Path, packages: tuple[str, ...]) -> str:
    """Install packages where they are missing, and numpy; returns why that was impossible, or nothing.

    Args:
        folder: of the environment, which is made when missing.
        packages: as pip takes them.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    python = folder / "bin" / "python"
    stamp = folder / f"has-{'-'.join(packages)}"
    with filelock.FileLock(f"{folder}.lock"):
        if stamp.exists():
            return ""
        if not python.exists():
            made = subprocess.run([sys.executable, "-m", "venv", folder], capture_output=True, text=True)
            if made.returncode:
                shutil.rmtree(folder, ignore_errors=True)  # half an environment would be taken for a whole one
                return f"no environment for it: {last_line(made.stdout + made.stderr)}"
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "numpy", *packages]
        done = subprocess.run(pip, capture_output=True, text=True)
        if done.returncode:
            return f"pip could not install it: {last_line(done.stderr)}"
        stamp.touch()
        return ""


def environment(folder: Path, home: str, mark: str) -> dict[str, str]:
    """Variables for a peer: its own commands first, nothing of ours, no proxies, and a home that goes with the run.

    Args:
        folder: of its environment.
        home: the folder that goes with the run.
        mark: by which `end_all` finds the processes of the run.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV") and not name.lower().endswith("_proxy")
    }
    path = os.pathsep.join([str(folder / "bin"), os.environ.get("PATH", os.defpath)])
    return kept | {
        "PATH": path,
        "HOME": home,
        "IPYTHONDIR": f"{home}/ipython",
        "RAY_USAGE_STATS_ENABLED": "0",
        _MARK: mark,
    }


def end_all(mark: str) -> None:
    """End what a run left behind, also processes that no longer descend from its program.

    Args:
        mark: that `environment` was given.
    """
    left = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(_MARK) == mark:
                process.kill()
                left.append(process)
        except psutil.Error:  # gone, or another user's
            continue
    psutil.wait_procs(left, timeout=10)
