"""Applications: list, search, create, read, change, delete, by id or by `user/alias`; and job submission."""

from __future__ import annotations

import re

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...wire import Application, JobRequest
from ..applications import AliasTakenError, Applications
from ..identity import Identity
from ..jobs import Jobs
from ..tasks import InputError
from .common import Refusal, body_as, json_response, user_of

__all__ = ["application_routes"]

_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")


def application_routes(applications: Applications, jobs: Jobs, identity: Identity) -> list[Route]:
    """The endpoints below `/api/apps`."""

    async def index(request: Request) -> Response:
        return json_response(applications.all(user_of(request, identity)))

    async def search(request: Request) -> Response:
        user_of(request, identity)
        part = request.query_params.get("name", "").lower()
        found = [a for a in applications.all(user_of(request, identity)) if part in a.name.lower()]
        number, size = (_positive(request, name, default) for name, default in (("pagenum", 1), ("pagesize", 100)))
        return json_response(found[(number - 1) * size : number * size])

    async def create(request: Request) -> Response:
        user = user_of(request, identity)
        application = await _description(request)
        try:
            return json_response(await applications.create(user, application))
        except AliasTakenError as error:
            raise Refusal(409, str(error)) from error

    async def read(request: Request) -> Response:
        return json_response(_find(request, user_of(request, identity)))

    async def change(request: Request) -> Response:
        user = user_of(request, identity)
        present = _find(request, user)
        if present.user != user:
            raise Refusal(403, "only its owner can change an application")
        try:
            return json_response(await applications.replace(present, await _description(request)))
        except AliasTakenError as error:
            raise Refusal(409, str(error)) from error

    async def delete(request: Request) -> Response:
        user = user_of(request, identity)
        present = _find(request, user)
        if present.user != user:
            raise Refusal(403, "only its owner can delete an application")
        await applications.delete(present)
        return json_response({})

    async def submit(request: Request) -> Response:
        user = user_of(request, identity)
        application = _find(request, user)
        submission = await body_as(request, JobRequest)
        _check_limits(submission)
        if submission.resources:
            known = {resource for resource, _, _ in identity.resources()}
            unknown = [resource for resource in submission.resources if resource not in known]
            if unknown:
                raise Refusal(400, f"there is no resource {unknown[0][:80]!r}")
        try:
            job = await jobs.submit(user, application, submission, request.headers.get("idempotency-key"))
        except InputError as error:
            raise Refusal(400, str(error)) from error
        return json_response(job, 201)

    def _find(request: Request, user: str) -> Application:
        application = applications.find(user, request.path_params["app"])
        if application is None:
            raise Refusal(404, "there is no such application")
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


async def _description(request: Request) -> Application:
    application = await body_as(request, Application)
    if application.alias and not _ALIAS.match(application.alias):
        raise Refusal(400, "an alias has letters, digits, dots, dashes and underscores, at most 128")
    if not application.config.command.strip():
        raise Refusal(400, "the application has no command")
    return msgspec.structs.replace(application, id="", user="")


def _check_limits(submission: JobRequest) -> None:
    for name, value in submission.resource_requirements.items():
        if not 0 <= value < 1e9:
            raise Refusal(400, f"the resource requirement {name!r} is out of range")


def _positive(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    return min(int(text), 1_000_000) if text.isascii() and text.isdigit() and int(text) > 0 else default
