"""Files: uploads in every style that clients use, downloads, deletion."""

from __future__ import annotations

from collections.abc import Callable

import anyio
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from ..contents import Contents
from ..files import APPLICATION_FILES, Files, StoredFile, canonical
from ..identity import Identity
from ..jobs import Jobs
from ..live import LiveJob
from .common import Refusal, json_response, user_of
from .open_file import OpenFileResponse
from .uploads import receive

__all__ = ["file_routes"]

_STORING_SECONDS = 10.0


def file_routes(files: Files, contents: Contents, jobs: Jobs, identity: Identity) -> list[Route]:
    """The endpoints below `/api/files`, and the one that drops all uploads."""

    async def upload(request: Request) -> Response:
        user = user_of(request, identity)
        name, content = await receive(request, contents)
        uri = await files.add_temporary(user, name, content)
        return json_response({"uri": uri, "filename": name, "length": content.size})

    def check_runs(user: str, job_id: str) -> None:
        live = jobs.live(job_id)
        if live is None or live.job.user != user:
            raise Refusal(404, "there is no such job that runs")

    async def deliver(request: Request) -> Response:
        user, job_id = user_of(request, identity), request.path_params["job"]
        check_runs(user, job_id)
        name, content = await receive(request, contents)
        try:
            check_runs(user, job_id)  # it may have ended meanwhile, and then nothing would drop the file
        except Refusal:
            contents.discard(content)
            raise
        uri = await files.add_to_job(user, job_id, name, content)
        return json_response({"uri": uri, "filename": name, "length": content.size})

    async def download(request: Request) -> Response:
        user = user_of(request, identity)
        headers, kind = {"X-Content-Type-Options": "nosniff"}, "application/octet-stream"
        stored = files.open(user, _uri(request))
        if stored is None and (live := _running_job(request, user, jobs)) is not None:
            output = live.outputs.get(request.url.path.split("/")[5])
            if output is not None and not live.ending:
                return OpenFileResponse(output.snapshot(), output.length, media_type=kind, headers=headers)
            stored = await _once_it_ended(live, lambda: files.open(user, _uri(request))) if output else None
        if stored is None:
            raise Refusal(404, "there is no such file")
        if isinstance(stored.content, bytes):
            body = b"" if request.method == "HEAD" else stored.content
            return Response(body, media_type=kind, headers={**headers, "Content-Length": str(stored.size)})
        return FileResponse(stored.content, media_type=kind, headers=headers)

    async def delete(request: Request) -> Response:
        user, uri = user_of(request, identity), _uri(request)
        if uri.startswith(APPLICATION_FILES) and files.open(user, uri) is not None:
            raise Refusal(403, "the file belongs to an application: change the application instead")
        if not await files.delete(user, uri):
            raise Refusal(404, "there is no such file")
        return json_response({})

    async def delete_temporary(request: Request) -> Response:
        await files.delete_temporary(user_of(request, identity))
        return json_response({})

    return [
        Route("/api/files/temp", upload, methods=["POST"]),
        Route("/api/files/temp/", upload, methods=["POST"]),
        # our agents bring a task's outputs here, so that they go with the job
        Route("/api/files/jobs/{job}", deliver, methods=["POST"]),
        Route("/api/files/{path:path}", download, methods=["GET", "HEAD"]),
        Route("/api/files/{path:path}", delete, methods=["DELETE"]),
        Route("/api/user/tmp_files", delete_temporary, methods=["DELETE"]),
    ]


def _uri(request: Request) -> str:
    # from the path as it was sent: an encoded slash belongs to a name
    raw = request.scope.get("raw_path")
    return canonical(raw.decode("ascii", "replace") if raw else request.url.path)


def _running_job(request: Request, user: str, jobs: Jobs) -> LiveJob | None:
    """The running job of this user whose file is asked for."""
    parts = request.url.path.split("/")
    live = jobs.live(parts[4]) if len(parts) == 6 and parts[3] == "jobs" else None
    return live if live is not None and live.job.user == user else None


async def _once_it_ended(live: LiveJob, find: Callable[[], StoredFile | None]) -> StoredFile | None:
    """A file of a job that is just being written to disk."""
    with anyio.move_on_after(_STORING_SECONDS):
        await live.over.wait()
        return find()
    raise Refusal(503, "the file is being stored: ask again")
