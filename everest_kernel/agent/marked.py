"""Processes of a task, found by what their environment carries: also those that left its process group."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import ExitStack, suppress

import psutil

__all__ = ["TASK_VARIABLE", "kill_marked"]

TASK_VARIABLE = "EVEREST_TASK_ID"
"""Every process of a task carries it in its environment."""
_ROUNDS = 20
_DEATH_SECONDS = 0.5


def kill_marked(mark: str) -> int:
    """Kill every process whose environment carries this task's id, until none is left; how many there were."""
    killed = 0
    for _ in range(_ROUNDS):  # a process may fork while the list is read
        found = _marked_of_linux(mark) if sys.platform == "linux" else _marked(mark)
        if not found:
            break
        killed += _kill_all(found) if hasattr(os, "pidfd_open") else _kill_all_portably(found)
    return killed


def _marked_of_linux(mark: str) -> list[int]:
    # five times as fast as the same with psutil; a zombie has no environment any more
    wanted, found = f"{TASK_VARIABLE}={mark}".encode(), []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError), open(f"/proc/{name}/environ", "rb") as stream:  # another user's, or gone
                if wanted in stream.read().split(b"\0"):
                    found.append(int(name))
    return found


def _marked(mark: str) -> list[int]:
    return [process.pid for process in psutil.process_iter() if _carries(process, mark)]


def _carries(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(TASK_VARIABLE) == mark and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False


def _kill_all(pids: list[int]) -> int:
    """Kill them and wait for their deaths; whoever adopted them may take long to notice, and that is not waited for."""
    killed, alive = 0, select.poll()
    with ExitStack() as stack:
        for pid in pids:
            with suppress(ProcessLookupError):
                descriptor = os.pidfd_open(pid)
                stack.callback(os.close, descriptor)
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                alive.register(descriptor, select.POLLIN)
                killed += 1
        deadline = time.monotonic() + _DEATH_SECONDS
        left = killed
        while left and (rest := deadline - time.monotonic()) > 0:
            for descriptor, _event in alive.poll(rest * 1000):
                alive.unregister(descriptor)
                left -= 1
    return killed


def _kill_all_portably(pids: list[int]) -> int:
    found = []
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(pid))
            found[-1].kill()
    psutil.wait_procs(found, timeout=_DEATH_SECONDS)
    return len(found)
