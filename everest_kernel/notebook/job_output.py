"""What a job has written, in full: from the server's record, not from what was shown."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .channels import Channel

if TYPE_CHECKING:
    from ..client import EverestClient
    from .session import NotebookSession

__all__ = ["JobText", "read_output", "save_output", "show_output"]

_STREAMS = ("stdout", "stderr")


class JobText(str):
    """Text that shows itself as it was written, not in quotes."""

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self).rstrip("\n"))


async def read_output(session: NotebookSession, job_id: str, streams: tuple[str, ...] = _STREAMS) -> JobText:
    """The output as text.

    Raises:
        EverestError: the server does not give it.
    """
    collected = _Collected()
    await show_output(await session.client_of_job(job_id), job_id, collected, streams)
    return JobText("".join(collected.parts))


async def show_output(
    client: EverestClient, job_id: str, channel: Channel, streams: tuple[str, ...] = _STREAMS
) -> None:
    """Show the output on a channel, in pieces.

    Raises:
        EverestError: the server does not give it.
    """
    job = await client.job(job_id)
    for stream in streams:
        value = job.result.get(stream)
        if isinstance(value, str):
            await _show_stream(client, value, stream, channel)


async def save_output(client: EverestClient, job_id: str, folder: Path) -> list[Path]:
    """Write the streams to files of their names; their paths.

    Raises:
        EverestError: the server does not give it.
    """
    from ..client import is_file_uri

    job = await client.job(job_id)
    saved = []
    for stream in _STREAMS:
        value, target = job.result.get(stream), folder / stream
        if not isinstance(value, str):
            continue
        if is_file_uri(value):
            await client.download_to(value, target)
        else:
            target.write_text(value, "utf-8")
        saved.append(target)
    return saved


async def _show_stream(client: EverestClient, value: str, stream: str, channel: Channel) -> None:
    """Show an output: a file, in pieces, or a text that the server gives as it is."""
    from ..client import is_file_uri

    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def show(text: str) -> None:
        if text:  # a stream message without text is against the protocol
            channel.text(stream, text)

    if not is_file_uri(value):
        show(value)
        return
    async with client.stream(value) as blocks:
        async for block in blocks:
            show(decoder.decode(block))
    show(decoder.decode(b"", final=True))


class _Collected:
    """A channel that keeps text."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def text(self, stream: str, text: str) -> None:
        self.parts.append(text)

    def display(self, display: Any) -> None:
        """There is none in a record of output."""
