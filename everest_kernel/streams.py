"""`sys.stdout` and `sys.stderr` of the kernel."""

from __future__ import annotations

import _thread
import sys
import threading

from ipykernel.iostream import OutStream

__all__ = ["Stream"]


class Stream(OutStream):  # type: ignore[misc]  # ipykernel has no types
    """ipykernel's stream, whose flush may be interrupted at any point.

    ipykernel waits for a `threading.Event`. That is Python code: an interrupt can come between its taking a lock and
    the `with` that gives it back. The lock stays taken, and the thread that sends all messages waits for it for ever:
    the kernel never says a word again. Here both sides use a bare lock, which is taken and given back in one step.
    """

    def flush(self) -> None:
        """Send what was written; returns when it is sent, or after `flush_timeout` seconds."""
        sender = self.pub_thread
        if sender is None or not sender.thread.is_alive() or sender.thread.ident == threading.get_ident():
            self._flush()
            return
        sent = _thread.allocate_lock()
        sent.acquire()
        sender.schedule(self._flush)
        sender.schedule(sent.release)
        if not sent.acquire(timeout=self.flush_timeout):
            print("the output could not be sent yet", file=sys.__stderr__)
