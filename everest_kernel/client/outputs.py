"""Downloads: files of a server, and what a job has written, whether it runs or has ended."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

from ..wire import Job, RefusedError, file_uri
from .follow import is_file_uri
from .transport import Transport

__all__ = ["output_blocks", "whole_file"]

_ABSENT = frozenset({400, 403, 404, 405})
"""How servers answer for a file that is not there, or not yet."""


@contextmanager
def whole_file(target: Path) -> Iterator[IO[bytes]]:
    """A file to write to, which becomes `target` at the end; after an error `target` is as it was."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise


@asynccontextmanager
async def output_blocks(transport: Transport, job: Job, stream: str) -> AsyncIterator[AsyncIterator[bytes] | None]:
    """What a job has written on a stream until now, in pieces; None when the server has nothing of it.

    A server of Everest keeps it when the job has ended, if its application declares the stream as an output. The
    embedded hub gives it while the job runs, too, and for every application.
    """
    value = job.result.get(stream)
    if isinstance(value, str) and not is_file_uri(value):
        yield _only(value.encode())
        return
    async with AsyncExitStack() as stack:
        try:
            blocks = await stack.enter_async_context(transport.stream(value or file_uri("jobs", job.id, stream)))
        except RefusedError as error:
            if value is not None or error.status not in _ABSENT:
                raise
            yield None
            return
        yield blocks


async def _only(data: bytes) -> AsyncIterator[bytes]:
    yield data
