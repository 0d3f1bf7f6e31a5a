"""Files into and out of a task's directory."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..wire import InputData, ProtocolError, StagedFile, TaskContext, data_uri, read_data_uri, safe_path
from .output import Output

if TYPE_CHECKING:
    import httpx

__all__ = ["Stager", "StagingError", "present"]

_BLOCK = 1 << 18


class StagingError(Exception):
    """A file could not be brought to the task or away from it; the message names it."""


class Stager:
    """Moves files. The HTTP client is made when a file first needs it."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def fetch(self, inputs: tuple[InputData, ...], directory: Path) -> None:
        """Put all inputs into the task's directory.

        Raises:
            StagingError: a path that leaves the directory, or a file that cannot be had.
        """
        for item in inputs:
            try:
                target = directory / safe_path(item.path)
                if target.parent != directory:
                    target.parent.mkdir(parents=True, exist_ok=True)
                if item.uri.startswith("data:"):
                    _write(target, read_data_uri(item.uri))
                else:
                    await self._download(item, target)
            except (ProtocolError, OSError) as error:
                raise StagingError(f"the input {item.path!r} cannot be staged: {error}") from error

    async def _download(self, item: InputData, target: Path) -> None:
        import httpx

        headers = {"Authorization": item.auth} if item.auth else {}
        # a redirect would carry the Authorization header to wherever it points
        follow = not item.auth
        try:
            async with self._http().stream("GET", item.uri, headers=headers, follow_redirects=follow) as response:
                response.raise_for_status()
                with target.open("wb") as stream:
                    async for block in response.aiter_bytes(_BLOCK):
                        stream.write(block)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise StagingError(f"the input {item.path!r} cannot be fetched: {error}") from error

    async def deliver(
        self, paths: Sequence[str], streams: Mapping[str, Output], directory: Path, context: TaskContext
    ) -> tuple[StagedFile, ...]:
        """Bring away those of `paths` that are `streams` or exist as plain files in the task's directory.

        Raises:
            StagingError: one is a link out of the directory, or cannot be delivered.
        """
        staged = []
        files = present([path for path in paths if path not in streams], directory)
        for path in paths:
            try:
                if path in streams:
                    staged.append(StagedFile(path, await self._deliver_stream(streams[path], context)))
                elif path in files:
                    staged.append(StagedFile(path, await self._deliver(files[path], context)))
            except OSError as error:
                raise StagingError(f"the output {path!r} cannot be read: {error}") from error
        return tuple(staged)

    async def _deliver_stream(self, output: Output, context: TaskContext) -> str:
        small = output.small()
        if small is not None and len(small) <= context.inline_limit:
            return data_uri(small)
        return await self._deliver(output.save(), context)

    async def _deliver(self, source: Path, context: TaskContext) -> str:
        if context.inline_limit and source.stat().st_size <= context.inline_limit:
            return data_uri(source.read_bytes())
        if not context.upload_uri:
            raise StagingError(f"the server named no place for the output {source.name!r}")
        import httpx

        headers = {"Authorization": context.auth, "Content-Type": "application/octet-stream"}
        query = {"filename": source.name}
        try:
            response = await self._http().post(
                context.upload_uri, params=query, headers=headers, content=_blocks(source)
            )
            response.raise_for_status()
            return str(response.json()["uri"])
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError) as error:
            raise StagingError(f"the output {source.name!r} cannot be delivered: {error}") from error

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            import httpx

            self._client = httpx.AsyncClient(timeout=httpx.Timeout(60, connect=10), follow_redirects=False)
        return self._client

    async def aclose(self) -> None:
        """Close the HTTP client."""
        if self._client is not None:
            await self._client.aclose()


def _write(target: Path, content: bytes) -> None:
    # without a file object: a sweep writes the same small files thousands of times
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(handle, rest) :]
    finally:
        os.close(handle)


def present(paths: Sequence[str], directory: Path) -> dict[str, Path]:
    """Those of `paths`, in a task's directory, that exist as plain files below it.

    Raises:
        StagingError: one is a link out of the directory.
        ProtocolError: one is no safe path.
    """
    found = {}
    for path in paths:
        source = directory / safe_path(path)
        if not source.is_file():
            continue
        if not source.resolve().is_relative_to(directory.resolve()):
            raise StagingError(f"the output {path!r} is a link that leaves the task's directory")
        found[path] = source
    return found


async def _blocks(source: Path) -> AsyncIterator[bytes]:
    handle = os.open(source, os.O_RDONLY)
    try:
        while block := os.read(handle, _BLOCK):
            yield block
    finally:
        os.close(handle)
