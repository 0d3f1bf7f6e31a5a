"""Where output of a cell goes: to the front end as messages of that cell, or to a terminal."""

from __future__ import annotations

import math
import queue
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

from ..languages import Display

__all__ = [
    "Channel",
    "KernelChannel",
    "LocalChannel",
    "Nowhere",
    "QueueChannel",
    "cell_id",
    "channel_for",
    "replaces_displays",
]


_LOOK_SECONDS = 1.0
"""How long an interrupt may go unseen that came between Python's last look and the system call that waits."""


class Channel(Protocol):
    """Takes output from any thread."""

    def text(self, stream: str, text: str) -> None:
        """Show text on `stdout` or `stderr`."""

    def display(self, display: Display) -> None:
        """Show a display, or replace one."""


class KernelChannel:
    """Sends IOPub messages whose parent is the cell that was running when the channel was made.

    Sent directly rather than through `sys.stdout`: that is bound to the cell that runs *now*, and flushes only
    five times a second. See "Messages on the IOPub channel" of the Jupyter messaging specification.
    """

    def __init__(self, kernel: Any) -> None:
        self._session = kernel.session
        self._socket = kernel.iopub_socket
        self._parent = kernel.get_parent("shell")

    def text(self, stream: str, text: str) -> None:
        """A `stream` message."""
        self._send("stream", {"name": stream, "text": text}, f"stream.{stream}")

    def display(self, display: Display) -> None:
        """A `display_data` or `update_display_data` message."""
        kind = "update_display_data" if display.update else "display_data"
        content = {"data": display.data, "metadata": display.metadata, "transient": display.transient}
        self._send(kind, content, "display_data")

    def _send(self, kind: str, content: dict[str, Any], topic: str) -> None:
        self._session.send(self._socket, kind, content, parent=self._parent, ident=topic.encode())


class LocalChannel:
    """Writes where `print` and `display` write now: in a terminal, or inside `%%capture`."""

    def text(self, stream: str, text: str) -> None:
        """Write to `sys.stdout` or `sys.stderr`."""
        target = sys.stderr if stream == "stderr" else sys.stdout
        target.write(text)
        target.flush()

    def display(self, display: Display) -> None:
        """Publish through IPython's display publisher."""
        from IPython.core.display_functions import publish_display_data

        publish_display_data(display.data, display.metadata, transient=display.transient or None, update=display.update)


class QueueChannel:
    """Carries output to the thread that waits for the cell, which passes it on there with `pump`."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Callable[[Channel], None] | None] = queue.SimpleQueue()

    def text(self, stream: str, text: str) -> None:
        """Keep it for the waiting thread."""
        self._queue.put(lambda channel: channel.text(stream, text))

    def display(self, display: Display) -> None:
        """Keep it for the waiting thread."""
        self._queue.put(lambda channel: channel.display(display))

    def close(self) -> None:
        """No more output will come."""
        self._queue.put(None)

    def pump(self, channel: Channel, patience: float | None = None) -> bool:
        """Pass on what comes until `close`; False when that takes more than `patience` seconds."""
        deadline = math.inf if patience is None else time.monotonic() + patience
        while True:
            left = deadline - time.monotonic()
            try:
                item = self._queue.get(timeout=max(0.0, min(left, _LOOK_SECONDS)))
            except queue.Empty:
                if left <= _LOOK_SECONDS:
                    return False
                continue
            if item is None:
                return True
            item(channel)


class Nowhere:
    """Output that nobody sees."""

    def text(self, stream: str, text: str) -> None:
        """Drop it."""

    def display(self, display: Display) -> None:
        """Drop it."""


def channel_for(shell: Any) -> Channel:
    """The channel of the cell that is running now."""
    kernel = getattr(shell, "kernel", None)
    return LocalChannel() if kernel is None else KernelChannel(kernel)


def replaces_displays(shell: Any) -> bool:
    """Whether the front end replaces displays, as notebooks and what executes them do.

    Consoles do not. They name no cell, which notebooks do, and can be asked questions, which nbclient cannot.
    """
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return False
    parent = kernel.get_parent("shell") or {}
    return bool(cell_id(shell)) or not (parent.get("content") or {}).get("allow_stdin")


def cell_id(shell: Any) -> str:
    """The front end's id of the cell that is running now; empty when it has none."""
    kernel = getattr(shell, "kernel", None)
    parent = (kernel.get_parent("shell") or {}) if kernel is not None else {}
    return str((parent.get("metadata") or {}).get("cellId") or "")
