"""The file in a multipart upload, streamed: starlette's own form parser would write it to disk a first time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from .common import Refusal

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

__all__ = ["file_part"]


async def file_part(content_type: str, chunks: AsyncIterator[bytes]) -> tuple[str, AsyncGenerator[bytes, None]]:
    """The name and the bytes of the first part that has a file name; the names of the parts do not matter.

    Old clients send their file under any part name, and some send text parts before or after it.

    Raises:
        Refusal: 400 when it is no multipart body, has no such part, or ends early; also while the bytes are read.
    """
    _, options = parse_options_header(content_type)
    if not options.get(b"boundary"):
        raise Refusal(400, "the upload's content type names no boundary")
    parts = _Parts()
    try:
        parser = MultipartParser(options[b"boundary"], parts.callbacks())
    except FormParserError as error:
        raise Refusal(400, f"the upload cannot be read: {error}") from error
    while parts.name is None:
        chunk = await anext(chunks, None)
        if chunk is None or parts.ended:
            raise Refusal(400, "the upload has no part with a file name")
        _feed(parser, chunk)
    return parts.name, _blocks(parser, parts, chunks)


async def _blocks(parser: MultipartParser, parts: _Parts, chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    while True:
        for block in parts.take():
            yield block
        chunk = await anext(chunks, None)
        if chunk is None:
            break
        _feed(parser, chunk)
    if not parts.ended:
        raise Refusal(400, "the upload ended early")


def _feed(parser: MultipartParser, chunk: bytes) -> None:
    try:
        parser.write(chunk)
    except FormParserError as error:
        raise Refusal(400, f"the upload cannot be read: {error}") from error


class _Parts:
    """What the parser reports; the bytes of the first file wait here to be taken."""

    def __init__(self) -> None:
        self.name: str | None = None
        self.ended = False
        self._header = b""
        self._value = b""
        self._disposition = b""
        self._in_file = False
        self._waiting: list[bytes] = []

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def take(self) -> list[bytes]:
        taken, self._waiting = self._waiting, []
        return taken

    def _begin(self) -> None:
        self._disposition = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _headers_finished(self) -> None:
        name = parse_options_header(self._disposition)[1].get(b"filename", b"")
        if name and self.name is None:
            self.name = _decoded(name)
            self._in_file = True

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._waiting.append(data[start:end])

    def _end_part(self) -> None:
        self._in_file = False

    def _end(self) -> None:
        self.ended = True


def _decoded(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("latin-1")
