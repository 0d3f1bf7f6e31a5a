"""Uploads of one client: each content goes to the server once."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from ..wire import ProtocolError, RefusedError
from .answers import read_as
from .transport import Transport

__all__ = ["Uploads"]

_PATH = "/api/files/temp"
_BLOCK = 1 << 20
_CHECK_AFTER = 60.0
"""Seconds for which an upload is taken to be there still; servers drop temporary files at times of their own."""


class Uploads:
    """Remembers what was uploaded under which name.

    Args:
        transport: to the server.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._known: dict[tuple[str, str], tuple[str, float]] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    async def upload(self, content: bytes | Path, name: str, *, raw: bool) -> str:
        """The URI of a content under a name; sent unless it is there already.

        Args:
            content: bytes, or a file that is read in blocks.
            name: what the file is called in the task's directory.
            raw: whether the server takes a bare body with the name beside it. Everest takes a name only from a
                multipart body; there the part's own name does not matter.
        """
        digest = await asyncio.to_thread(_digest, content)
        async with self._locks.setdefault((digest, name), asyncio.Lock()):  # the same at the same time: one sends it
            return await self._upload(content, name, digest, raw=raw)

    async def _upload(self, content: bytes | Path, name: str, digest: str, *, raw: bool) -> str:
        known = self._known.get((digest, name))
        now = asyncio.get_running_loop().time()
        if known is not None and (now - known[1] < _CHECK_AFTER or await self._exists(known[0])):
            return known[0]
        answer = await (self._send_raw(content, name) if raw else self._send_multipart(content, name))
        uri = read_as(answer, dict[str, Any]).get("uri")
        if not isinstance(uri, str):
            raise ProtocolError(f"the server took the file {name!r} and did not say where it is")
        self._known[digest, name] = (uri, now)
        return uri

    async def _send_raw(self, content: bytes | Path, name: str) -> httpx.Response:
        body: bytes | AsyncIterator[bytes] = content if isinstance(content, bytes) else _blocks(content)
        headers = {"Content-Type": "application/octet-stream"}
        return await self._transport.request("POST", _PATH, content=body, params={"filename": name}, headers=headers)

    async def _send_multipart(self, content: bytes | Path, name: str) -> httpx.Response:
        # httpx reads the file in blocks while it sends, and knows its length beforehand
        with io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as stream:
            files = {"file": (name, stream, "application/octet-stream")}
            return await self._transport.request("POST", _PATH, files=files)

    async def _exists(self, uri: str) -> bool:
        try:
            await self._transport.request("HEAD", uri)
        except RefusedError as error:
            if error.status >= 500 and error.status != 501:
                raise
            return False  # gone, or this server cannot be asked so: it is sent again
        return True


def _digest(content: bytes | Path) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    digest = hashlib.sha256()
    with content.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


async def _blocks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as stream:
        while block := await asyncio.to_thread(stream.read, _BLOCK):
            yield block
