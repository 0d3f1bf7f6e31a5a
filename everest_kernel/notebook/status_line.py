"""What a waiting cell is doing, on a front end that cannot replace displays: a line that is written over itself."""

from __future__ import annotations

from dataclasses import dataclass

from ..languages import Display
from .channels import Channel

__all__ = ["StatusLine", "Terminal"]

_ERASE = "\r\x1b[K"
_WIDTH = 79
"""A longer line would be wrapped, and no longer be written over by the next one."""


@dataclass
class Terminal:
    """What all that write on one terminal must know of each other.

    Attributes:
        shown: whose status is on it.
        open: whether a line of a program's is unfinished.
    """

    shown: StatusLine | None = None
    open: bool = False


class StatusLine:
    """A channel that can show a status below what was shown, and takes it away before anything else is.

    Args:
        channel: where everything goes.
        terminal: where that ends.
        enabled: False where nobody watches, as in a file.
    """

    def __init__(self, channel: Channel, terminal: Terminal | None = None, *, enabled: bool = True) -> None:
        self._channel = channel
        self._terminal = terminal or Terminal()
        self._enabled = enabled
        self._text = ""

    def status(self, text: str) -> None:
        """Show this instead of what was shown; nothing while a line of a program's is unfinished."""
        if self._terminal.open or not self._enabled or (self._terminal.shown is self and text == self._text):
            return
        if self._terminal.shown is not self:
            self._clear()
        self._terminal.shown, self._text = self, text
        cut = text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
        self._channel.text("stderr", _ERASE + cut)

    def clear(self) -> None:
        """Take it away, if it is there."""
        if self._terminal.shown is self:
            self._clear()

    def text(self, stream: str, text: str) -> None:
        """Show text in its place."""
        self._clear()
        self._terminal.open = not text.endswith("\n")
        self._channel.text(stream, text)

    def display(self, display: Display) -> None:
        """Show a display in its place."""
        self._clear()
        self._channel.display(display)

    def _clear(self) -> None:
        """Take away whatever status is there: a background job prints while another cell waits."""
        if self._terminal.shown is not None:
            self._terminal.shown = None
            self._channel.text("stderr", _ERASE)  # on its own channel: that of the other may be slower
