"""An answer from a file that is open already: its name may go while it is read."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import IO

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

__all__ = ["OpenFileResponse"]

_PIECE = 1 << 18


class OpenFileResponse(Response):
    """The first `size` bytes of a file, which is closed afterwards, or of a content in memory."""

    def __init__(self, file: bytes | IO[bytes], size: int, *, media_type: str, headers: Mapping[str, str]) -> None:
        super().__init__(media_type=media_type, headers={**headers, "Content-Length": str(size)})
        self._file = BytesIO(file) if isinstance(file, bytes) else file
        self._size = size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it in pieces; the server's flow control decides how fast."""
        with self._file:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            left = 0 if scope["method"] == "HEAD" else self._size
            while left > 0 and (piece := self._file.read(min(left, _PIECE))):
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
