"""Files: uploads in every style that clients use, downloads, deletion."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from ...wire import ProtocolError, safe_name
from ..contents import Content, Contents
from ..files import Files, StoredFile
from ..identity import Identity, new_id
from ..jobs import Jobs
from .common import Refusal, json_response, user_of

__all__ = ["file_routes"]

_BLOCK = 1 << 18


def file_routes(files: Files, contents: Contents, jobs: Jobs, identity: Identity) -> list[Route]:
    """The endpoints below `/api/files`, and the one that drops all uploads."""

    async def upload(request: Request) -> Response:
        user = user_of(request, identity)
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            name, content = await _multipart(request, contents)
        else:
            name = _checked_name(request.query_params.get("filename") or f"file-{new_id()}")
            try:
                content = await contents.receive(request.stream())
            except ClientDisconnect as error:
                raise Refusal(400, "the upload ended early") from error
        uri = await files.add_temporary(user, name, content)
        return json_response({"uri": uri, "filename": name, "length": content.size})

    async def download(request: Request) -> Response:
        user = user_of(request, identity)
        stored = files.open(user, _uri(request)) or _running_output(request, user, jobs)
        if stored is None:
            raise Refusal(404, "there is no such file")
        headers = {"X-Content-Type-Options": "nosniff"}
        kind = "application/octet-stream"
        if isinstance(stored.content, bytes):
            body = b"" if request.method == "HEAD" else stored.content
            return Response(body, media_type=kind, headers={**headers, "Content-Length": str(stored.size)})
        return FileResponse(stored.content, media_type=kind, headers=headers)

    async def delete(request: Request) -> Response:
        if not await files.delete(user_of(request, identity), _uri(request)):
            raise Refusal(404, "there is no such file")
        return json_response({})

    async def delete_temporary(request: Request) -> Response:
        await files.delete_temporary(user_of(request, identity))
        return json_response({})

    return [
        Route("/api/files/temp", upload, methods=["POST"]),
        Route("/api/files/temp/", upload, methods=["POST"]),
        Route("/api/files/{path:path}", download, methods=["GET", "HEAD"]),
        Route("/api/files/{path:path}", delete, methods=["DELETE"]),
        Route("/api/user/tmp_files", delete_temporary, methods=["DELETE"]),
    ]


def _uri(request: Request) -> str:
    # as it was sent: URIs are kept percent-encoded
    raw = request.scope.get("raw_path")
    return raw.decode("ascii", "replace").split("?", 1)[0] if raw else request.url.path


def _checked_name(name: str) -> str:
    try:
        return safe_name(name)
    except ProtocolError as error:
        raise Refusal(400, error.message) from error


async def _multipart(request: Request, contents: Contents) -> tuple[str, Content]:
    """The first part that has a file name; the names of the parts do not matter."""
    try:
        async with request.form(max_files=8, max_fields=16) as form:
            for part in form.multi_items():
                if isinstance(part[1], UploadFile) and part[1].filename:
                    name = _checked_name(part[1].filename.replace("\\", "/").rsplit("/", 1)[-1])
                    return name, await contents.receive(_blocks(part[1]))
    except MultiPartException as error:
        raise Refusal(400, f"the upload cannot be read: {error.message}") from error
    raise Refusal(400, "the upload has no part with a file name")


async def _blocks(file: UploadFile) -> AsyncIterator[bytes]:
    while block := await file.read(_BLOCK):
        yield block


def _running_output(request: Request, user: str, jobs: Jobs) -> StoredFile | None:
    """What a running job has written so far."""
    parts = request.url.path.split("/")
    if len(parts) != 6 or parts[3] != "jobs":
        return None
    live = jobs.live(parts[4])
    output = live.outputs.get(parts[5]) if live and live.job.user == user else None
    if output is None:
        return None
    length = output.length
    return StoredFile(parts[5], length, output.read(0, length))
