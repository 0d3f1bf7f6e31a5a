"""The file in a request: in every style that clients use."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.requests import ClientDisconnect, Request

from ...wire import ProtocolError, safe_name
from ..contents import Content, Contents
from ..identity import new_id
from .common import Refusal
from .multipart import file_part

__all__ = ["receive"]


async def receive(request: Request, contents: Contents) -> tuple[str, Content]:
    """The name and the content of an upload: the body itself, or the first part that has a file name.

    Raises:
        Refusal: 400 when it cannot be read, ends early, or has a name that is none.
    """
    kind = request.headers.get("content-type", "")
    async with aclosing(_chunks(request)) as chunks:
        if not kind.lower().startswith("multipart/"):
            name = _checked(request.query_params.get("filename") or f"file-{new_id()}")
            return name, await contents.receive(chunks)
        sent, file = await file_part(kind, chunks)
        async with aclosing(file) as blocks:
            # some send the whole path, with the separators of their system
            name = _checked(sent.replace("\\", "/").rsplit("/", 1)[-1])
            return name, await contents.receive(blocks)


def _checked(name: str) -> str:
    try:
        return safe_name(name)
    except ProtocolError as error:
        raise Refusal(400, error.message) from error


async def _chunks(request: Request) -> AsyncGenerator[bytes, None]:
    try:
        async with aclosing(request.stream()) as stream:
            async for chunk in stream:
                yield chunk
    except ClientDisconnect as error:
        raise Refusal(400, "the upload ended early") from error
