"""Live output of one job, bound to the cell it belongs to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from types import TracebackType

from ..languages import CellStream, Display, Text
from .channels import Channel
from .coalesce import Coalescer, Show

__all__ = ["CellOutput"]

_LAST_BYTES = 4_000


class CellOutput:
    """Takes a job's bytes as they come, on the event loop, and shows them on a channel.

    Use as an asynchronous context manager; leaving it shows what still waits.

    Args:
        channel: where it is shown.
        stream: reads what the program prints.
        note: makes the sentence that tells of output too long to show.
    """

    def __init__(self, channel: Channel, stream: CellStream, note: Callable[[int, int], str]) -> None:
        self._channel = channel
        self._stream = stream
        self._text = Coalescer(note)
        self._timer: asyncio.TimerHandle | None = None
        self._last = {"stdout": b"", "stderr": b""}

    async def __aenter__(self) -> CellOutput:
        self._loop = asyncio.get_running_loop()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._parts(self._stream.close())
        self._show(self._text.close())

    def on_output(self, stream: str, data: bytes) -> None:
        """Bytes of `stdout` or `stderr`, in order."""
        self._parts(self._stream.feed(stream, data))
        self._set_timer()

    def on_note(self, text: str) -> None:
        """A line of ours or of the server's among the output; the job did not write it."""
        self._show(self._text.feed("stderr", f"{text}\n".encode(), self._loop.time()))
        self._set_timer()

    def last_lines(self, most: int = 20) -> tuple[str, ...]:
        """The end of standard error, or of standard output when there is none."""
        data = self._last["stderr"] or self._last["stdout"]
        return tuple(data.decode("utf-8", "replace").rstrip().splitlines()[-most:])

    def _parts(self, parts: Iterable[Text | Display]) -> None:
        for part in parts:
            if isinstance(part, Display):
                self._show(self._text.flush())
                self._channel.display(part)
            else:
                self._last[part.stream] = (self._last.get(part.stream, b"") + part.data)[-_LAST_BYTES:]
                self._show(self._text.feed(part.stream, part.data, self._loop.time()))

    def _show(self, shows: list[Show]) -> None:
        for show in shows:
            self._channel.text(show.stream, show.text)

    def _set_timer(self) -> None:
        wake = self._text.wake_at()
        if wake is not None and self._timer is None:
            self._timer = self._loop.call_at(wake, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._show(self._text.tick(self._loop.time()))
        self._set_timer()
