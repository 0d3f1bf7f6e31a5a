"""Applications: list, search, create, read, change, delete, by id or by `user/alias`; and job submission."""

from __future__ import annotations

import asyncio
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from ...wire import Application, JobRequest
from ..application_archives import Described, pack_application
from ..applications import AliasTakenError, Applications
from ..contents import Contents
from ..files import Files
from ..identity import Identity
from ..jobs import Jobs
from ..tasks import InputError
from .common import Refusal, body_as, check_owner, json_response, page_of, user_of
from .descriptions import check_ids, read_description

__all__ = ["application_routes"]


def application_routes(
    applications: Applications, jobs: Jobs, files: Files, contents: Contents, identity: Identity
) -> list[Route]:
    """The endpoints below `/api/apps`."""

    async def index(request: Request) -> Response:
        return json_response(applications.all(user_of(request, identity)))

    async def search(request: Request) -> Response:
        user = user_of(request, identity)
        part = request.query_params.get("name", "").lower()
        found = [a for a in applications.all(user) if part in a.name.lower() or part in a.alias.lower()]
        offset, size = page_of(request, 100) or (0, 100)
        return json_response(found[offset : offset + size])

    async def create(request: Request) -> Response:
        user = user_of(request, identity)
        ids = request.query_params.getlist("id")
        if ids:  # or anybody could take the name of another user's application
            check_owner(request, identity)
            check_ids(ids)
        found = await described(request, user)
        try:
            return json_response(await applications.create(user, found.application, found.contents, ids=ids))
        except AliasTakenError as error:
            discard(found)
            raise Refusal(409, str(error)) from error

    async def read(request: Request) -> Response:
        user = user_of(request, identity)
        application = find(request, user)
        if request.query_params.get("format") == "zip":
            return await _exported(application, user, files, contents)
        return json_response(application)

    async def change(request: Request) -> Response:
        user = user_of(request, identity)
        present = own(request, user)
        found = await described(request, user)
        try:
            return json_response(await applications.replace(present, found.application, found.contents))
        except AliasTakenError as error:
            discard(found)
            raise Refusal(409, str(error)) from error

    async def delete(request: Request) -> Response:
        user = user_of(request, identity)
        await applications.delete(own(request, user))
        return json_response({})

    async def submit(request: Request) -> Response:
        user = user_of(request, identity)
        application = find(request, user)
        submission = await body_as(request, JobRequest)
        _check_limits(submission)
        check_resources(user, submission.resources)
        try:
            job = await jobs.submit(user, application, submission, request.headers.get("idempotency-key"))
        except InputError as error:
            raise Refusal(400, str(error)) from error
        return json_response(job, 201)

    async def described(request: Request, user: str) -> Described:
        found = await read_description(request, user, files, contents)
        check_resources(user, found.application.resources)
        return found

    def discard(found: Described) -> None:
        for content in found.contents.values():
            contents.discard(content)

    def check_resources(user: str, resources: tuple[str, ...]) -> None:
        unknown = [resource for resource in resources if not identity.may_use(user, resource)]
        if unknown:
            raise Refusal(400, f"there is no resource {unknown[0][:80]!r}")

    def find(request: Request, user: str) -> Application:
        application = applications.find(user, request.path_params["app"])
        if application is None:
            raise Refusal(404, "there is no such application")
        return application

    def own(request: Request, user: str) -> Application:
        application = find(request, user)
        if application.user != user or applications.is_built_in(application):
            raise Refusal(403, "only its owner can change or delete an application")
        return application

    one = "/api/apps/{app:path}"
    # starlette tries routes in order, and submissions are what a hub gets most of
    return [
        Route(one, submit, methods=["POST"]),
        Route("/api/apps", index, methods=["GET"]),
        Route("/api/apps", create, methods=["POST"]),
        # an old client sends its search with whatever verb it used before; it must never delete by it
        Route("/api/apps/search", search, methods=["GET", "DELETE"]),
        Route(one, read, methods=["GET"]),
        Route(one, change, methods=["PUT"]),
        Route(one, delete, methods=["DELETE"]),
    ]


async def _exported(application: Application, user: str, files: Files, contents: Contents) -> Response:
    stored = {file.uri: files.open(user, file.uri) for file in application.own_files}
    found = {uri: file.content for uri, file in stored.items() if file is not None}

    def write(path: Path) -> None:
        with path.open("wb") as stream:
            pack_application(application, stream, found.__getitem__)

    path = contents.incoming()
    try:
        await asyncio.to_thread(write, path)
    except BaseException:
        path.unlink()
        raise
    name = f"{application.alias}.zip"
    return FileResponse(path, media_type="application/zip", filename=name, background=BackgroundTask(path.unlink))


def _check_limits(submission: JobRequest) -> None:
    for name, value in submission.resource_requirements.items():
        if not 0 <= value < 1e9:
            raise Refusal(400, f"the resource requirement {name!r} is out of range")
