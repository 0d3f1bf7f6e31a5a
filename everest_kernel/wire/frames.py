"""A connection as seen by those who speak over it, whichever side dialled and whichever library carries it."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Frames", "FramesClosed"]


class FramesClosed(Exception):  # noqa: N818 - what happens to every connection in the end
    """The connection is over."""


class Frames(Protocol):
    """Text frames both ways."""

    async def send(self, text: str) -> None:
        """Send one frame.

        Raises:
            FramesClosed: the connection is over.
        """

    async def receive(self) -> str:
        """Wait for the next frame.

        Raises:
            FramesClosed: the connection is over.
        """
