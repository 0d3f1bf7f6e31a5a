"""What a waiting cell is doing, on a front end that cannot replace displays: a line that is written over itself."""

from __future__ import annotations

from ..languages import Display
from .channels import Channel

__all__ = ["StatusLine"]

_ERASE = "\r\x1b[K"
_WIDTH = 79
"""A longer line would be wrapped, and no longer be written over by the next one."""


class StatusLine:
    """A channel that can show a status below what was shown, and takes it away before anything else is.

    Args:
        channel: where everything goes.
        enabled: False where nobody watches, as in a file.
    """

    def __init__(self, channel: Channel, *, enabled: bool = True) -> None:
        self._channel = channel
        self._enabled = enabled
        self._shown = ""
        self._open = False

    def status(self, text: str) -> None:
        """Show this instead of what was shown; nothing while a line of the program's is unfinished."""
        if self._open or text == self._shown or not self._enabled:
            return
        self._shown = text
        cut = text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
        self._channel.text("stderr", _ERASE + cut)

    def clear(self) -> None:
        """Take it away."""
        if self._shown:
            self._shown = ""
            self._channel.text("stderr", _ERASE)

    def text(self, stream: str, text: str) -> None:
        """Show text in its place."""
        self.clear()
        self._open = not text.endswith("\n")
        self._channel.text(stream, text)

    def display(self, display: Display) -> None:
        """Show a display in its place."""
        self.clear()
        self._channel.display(display)
