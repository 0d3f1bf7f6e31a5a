"""Which threads take an interrupt: the main thread alone.

The operating system may hand SIGINT to any thread that does not block it. Python then notes it, but a main thread
that sleeps in a system call, as in `time.sleep` or while it waits for a lock, is not woken: the interrupt has no
effect until that call ends. Threads that block SIGINT leave it to the main thread, whose call it ends.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["interrupts_let_in", "interrupts_shut_out"]


@contextmanager
def interrupts_shut_out() -> Iterator[None]:
    """Threads that start in this block never take SIGINT; nor does this one before its end, where it comes late."""
    with _masked("SIG_BLOCK"):
        yield


@contextmanager
def interrupts_let_in() -> Iterator[None]:
    """Programs that start in this block take SIGINT, whatever this thread does: they inherit its mask."""
    with _masked("SIG_UNBLOCK"):
        yield


@contextmanager
def _masked(how: str) -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):  # Windows, where the main thread is the one that is told
        yield
        return
    before = signal.pthread_sigmask(getattr(signal, how), {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
