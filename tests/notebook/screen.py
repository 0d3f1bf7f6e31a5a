"""A terminal as far as a status line needs it."""

from __future__ import annotations

from everest_kernel.languages import Display

__all__ = ["Screen"]


class Screen:
    """A channel that understands line ends and the erasing of a line; the cursor is on the last line."""

    def __init__(self) -> None:
        self.lines = [""]

    def text(self, stream: str, text: str) -> None:
        """Write, as a terminal would."""
        for part in text.replace("\r\x1b[K", "\r").splitlines(keepends=True):
            if part == "\r":
                self.lines[-1] = ""
                continue
            self.lines[-1] += part.rstrip("\n")
            if part.endswith("\n"):
                self.lines.append("")

    def display(self, display: Display) -> None:
        """Show the plain text on a line of its own."""
        self.text("stdout", f"<{display.data['text/plain']}>\n")
