"""Jobs: list, read, log, cancel, delete."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ...wire import Job, JobState
from ..identity import Identity
from ..job_log import JobLog
from ..jobs import Jobs
from .common import Refusal, json_response, page_of, user_of

__all__ = ["job_routes"]


def job_routes(jobs: Jobs, job_log: JobLog, identity: Identity, *, failed_as_cancelled: bool = False) -> list[Route]:
    """The endpoints below `/api/jobs`.

    Args:
        jobs: of all users.
        job_log: their logs.
        identity: tells who asks.
        failed_as_cancelled: show failed jobs as cancelled to the old C++ client.
    """

    def find(request: Request) -> tuple[str, Job]:
        user = user_of(request, identity)
        job = jobs.find(user, request.path_params["job"])
        if job is None:
            raise Refusal(404, "there is no such job")
        return user, job

    def shown(request: Request, job: Job) -> Job:
        if failed_as_cancelled and job.state is JobState.FAILED and _is_old_cpp_client(request):
            return msgspec.structs.replace(job, state=JobState.CANCELLED)
        return job

    async def index(request: Request) -> Response:
        user = user_of(request, identity)
        name, state, page = request.query_params.get("name"), request.query_params.get("state"), page_of(request)
        if state is None:
            found = jobs.all(user, name, page)
        else:
            found = [job for job in jobs.all(user, name) if state == job.state.value]
            if page is not None:
                found = found[page[0] : sum(page)]
        return json_response([shown(request, job) for job in found])

    async def delete_by_name(request: Request) -> Response:
        user = user_of(request, identity)
        name = request.query_params.get("name")
        if not name:
            raise Refusal(400, "name which jobs to delete: /api/jobs?name=…")
        for job in jobs.all(user, name):
            await jobs.delete(user, job.id)
        return json_response({})

    async def read(request: Request) -> Response:
        user, job = find(request)
        return json_response(shown(request, job if job.state.is_final else jobs.with_queue(user, job)))

    async def read_log(request: Request) -> Response:
        return PlainTextResponse(job_log.read(find(request)[1].id))

    async def cancel(request: Request) -> Response:
        job = find(request)[1]
        await jobs.cancel(job.id)
        return json_response({})

    async def delete(request: Request) -> Response:
        user, job = find(request)
        await jobs.delete(user, job.id)
        return json_response({})

    return [
        Route("/api/jobs", index, methods=["GET"]),
        Route("/api/jobs", delete_by_name, methods=["DELETE"]),
        Route("/api/jobs/{job}", read, methods=["GET"]),
        Route("/api/jobs/{job}", delete, methods=["DELETE"]),
        Route("/api/jobs/{job}/log", read_log, methods=["GET"]),
        Route("/api/jobs/{job}/cancel", cancel, methods=["POST"]),
    ]


def _is_old_cpp_client(request: Request) -> bool:
    # it compares the state with "FAILED " and so would poll a failed job for ever; nobody else sends this header
    return "user-agent" not in request.headers and "charsets" in request.headers
