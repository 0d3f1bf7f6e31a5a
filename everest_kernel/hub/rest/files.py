"""Files: uploads in every style that clients use, downloads, deletion."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from ..contents import Contents
from ..files import APPLICATION_FILES, Files, StoredFile, canonical
from ..identity import Identity
from ..jobs import Jobs
from .common import Refusal, json_response, user_of
from .uploads import receive

__all__ = ["file_routes"]


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
