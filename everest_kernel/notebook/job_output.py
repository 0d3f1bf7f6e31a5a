"""What a job has written, in full or until now: from the server's record, not from what was shown."""

from __future__ import annotations

import codecs
from collections.abc import AsyncIterator
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
) -> bool:
    """Show the output on a channel, in pieces; False when the server has nothing of it.

    Raises:
        EverestError: the server does not give it.
    """
    job, found = await client.job(job_id), False
    for stream in streams:
        async with client.output(job_id, stream, job=job) as blocks:
            if blocks is not None:
                found = True
                await _show(blocks, stream, channel)
    return found


async def save_output(client: EverestClient, job_id: str, folder: Path) -> list[Path]:
    """Write the streams to files of their names; their paths.

    Raises:
        EverestError: the server does not give it.
    """
    from ..client import whole_file

    job = await client.job(job_id)
    saved = []
    for stream in _STREAMS:
        async with client.output(job_id, stream, job=job) as blocks:
            if blocks is None:
                continue
            with whole_file(folder / stream) as target:
                async for block in blocks:
                    target.write(block)
        saved.append(folder / stream)
    return saved


async def _show(blocks: AsyncIterator[bytes], stream: str, channel: Channel) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    async for block in blocks:
        text = decoder.decode(block)
        if text:  # a stream message without text is against the protocol
            channel.text(stream, text)
    rest = decoder.decode(b"", final=True)
    if rest:
        channel.text(stream, rest)


class _Collected:
    """A channel that keeps text."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def text(self, stream: str, text: str) -> None:
        self.parts.append(text)

    def display(self, display: Any) -> None:
        """There is none in a record of output."""
