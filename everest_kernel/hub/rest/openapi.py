"""The description of the REST interface, OpenAPI 3.1: a table of operations, and schemas made from the structures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ... import __version__
from ...wire import Application, ApplicationFile, Extensions, Job, JobRequest
from .auth import Credentials
from .common import json_response
from .resources import ResourceRequest
from .users import UserRequest

__all__ = ["OPENAPI_PATH", "Operation", "description", "openapi_routes"]

OPENAPI_PATH = "/api/openapi.json"
_FILE = {"type": "string", "format": "binary"}
_OBJECT = {"type": "object"}


class Operation(NamedTuple):
    """One method of one path.

    Attributes:
        path: as starlette spells it; `{app:path}` is `{app}` in the description.
        body: media type to schema; None for none.
        gives: likewise, of the answer of success.
        query: parameter to its explanation.
        status: of success.
        refusals: statuses other than 401.
        public: whether it needs no token.
    """

    method: str
    path: str
    summary: str
    gives: dict[str, Any]
    body: dict[str, Any] | None = None
    query: dict[str, str] = {}
    status: int = 200
    refusals: tuple[int, ...] = ()
    public: bool = False


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": schema}


def _struct(kind: type) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


_STRING, _INTEGER = {"type": "string"}, {"type": "integer"}
_NOTHING = _json(_OBJECT)
_TOKEN = _json(_object(access_token=_STRING))
_TOKEN_INFO = _json(
    _object(user=_STRING, label=_STRING, created=_INTEGER, expires={"anyOf": [_INTEGER, {"type": "null"}]})
)
_RESOURCE = _object(
    id=_STRING, name=_STRING, owner=_STRING, state={"enum": ["ONLINE", "OFFLINE"]},
    slots=_INTEGER, running=_INTEGER, system=_STRING,
)  # fmt: skip
_NEW_RESOURCE = {**_RESOURCE, "properties": {**_RESOURCE["properties"], "agentToken": _STRING}}
_UPLOADED = _json(_object(uri=_STRING, filename=_STRING, length=_INTEGER))
_UPLOAD = {
    "application/octet-stream": _FILE,
    "multipart/form-data": _object(file=_FILE),
}
_APPLICATION = _json(_struct(Application))
_ARCHIVE = {"application/zip": _FILE}
_PAGE = {"pagenum": "which page, from 1", "pagesize": "how many on a page"}
_APP, _JOB = "/api/apps/{app:path}", "/api/jobs/{job}"
_FILES, _RESOURCES = "/api/files/{path:path}", "/api/resources/{resource}"


def _operations() -> Iterator[Operation]:
    for path in ("/auth/access_token", "/api/auth/access_token"):
        yield Operation(
            "POST", path, "log in; the answer also sets the cookie access_token", _TOKEN, _json(_struct(Credentials)),
            refusals=(400, 413), public=True,
        )  # fmt: skip
        yield Operation("GET", path, "what the token stands for", _TOKEN_INFO)
        yield Operation("DELETE", path, "make the token worthless", _NOTHING)
    apps = _json({"type": "array", "items": _struct(Application)})
    yield Operation("GET", "/api/apps", "all applications", apps)
    yield Operation(
        "POST", "/api/apps", "publish an application: its description, or its archive", _APPLICATION,
        {**_APPLICATION, **_ARCHIVE}, {"id": "a name it answers to, may be repeated; for the hub's owner alone"},
        refusals=(400, 403, 409, 413),
    )  # fmt: skip
    search = {"name": "a part of the name", "sortBy": "ignored", **_PAGE}
    yield Operation("GET", "/api/apps/search", "applications by name", apps, query=search)
    yield Operation("DELETE", "/api/apps/search", "the same: an old client repeats its last verb", apps, query=search)
    yield Operation(
        "GET", _APP, "an application, by id or user/alias", {**_APPLICATION, **_ARCHIVE},
        query={"format": "zip for its archive"}, refusals=(404,),
    )  # fmt: skip
    yield Operation(
        "PUT", _APP, "change it", _APPLICATION, {**_APPLICATION, **_ARCHIVE}, refusals=(400, 403, 404, 409, 413)
    )
    yield Operation("DELETE", _APP, "withdraw it; its jobs stay", _NOTHING, refusals=(403, 404))
    yield Operation(
        "POST", _APP, "submit a job", _json(_struct(Job)), _json(_struct(JobRequest)), status=201,
        refusals=(400, 404, 413),
    )  # fmt: skip
    yield from _job_operations()
    yield from _file_operations()
    yield from _other_operations()


def _job_operations() -> Iterator[Operation]:
    name = {"name": "only those of this name"}
    jobs = _json({"type": "array", "items": _struct(Job)})
    state = {"state": "only those in this state"}
    yield Operation("GET", "/api/jobs", "the user's jobs, the newest first", jobs, query={**name, **state, **_PAGE})
    yield Operation("DELETE", "/api/jobs", "delete jobs by name", _NOTHING, query=name, refusals=(400,))
    yield Operation("GET", _JOB, "a job", _json(_struct(Job)), refusals=(404,))
    yield Operation("DELETE", _JOB, "delete a job and its files; one that runs is cancelled", _NOTHING, refusals=(404,))
    yield Operation("GET", f"{_JOB}/log", "its log", {"text/plain": _STRING}, refusals=(404,))
    yield Operation("POST", f"{_JOB}/cancel", "ask for its end", _NOTHING, refusals=(404,))


def _file_operations() -> Iterator[Operation]:
    named = {"filename": "the name of a body that is the file itself"}
    for path in ("/api/files/temp", "/api/files/temp/"):
        yield Operation("POST", path, "upload a file", _UPLOADED, _UPLOAD, named, refusals=(400,))
    yield Operation(
        "POST", "/api/files/jobs/{job}", "deliver a file for a job that runs", _UPLOADED, _UPLOAD, named,
        refusals=(400, 404),
    )  # fmt: skip
    content = {"application/octet-stream": _FILE}
    yield Operation("GET", _FILES, "a file", content, refusals=(404,))
    yield Operation("HEAD", _FILES, "its size", {}, refusals=(404,))
    yield Operation("DELETE", _FILES, "delete a file", _NOTHING, refusals=(403, 404))
    yield Operation("DELETE", "/api/user/tmp_files", "delete all uploads of the user", _NOTHING)


def _other_operations() -> Iterator[Operation]:
    resource, new = _json(_RESOURCE), _json(_NEW_RESOURCE)
    resources = _json({"type": "array", "items": _RESOURCE})
    yield Operation("GET", "/api/resources", "the resources that the user can name", resources)
    yield Operation(
        "POST", "/api/resources", "attach a resource; the answer alone has its agent's token", new,
        _json(_struct(ResourceRequest)), refusals=(400, 403, 409, 413),
    )  # fmt: skip
    yield Operation("GET", _RESOURCES, "a resource", resource, refusals=(404,))
    yield Operation("DELETE", _RESOURCES, "detach it", _NOTHING, refusals=(403, 404))
    yield Operation("GET", "/api/extensions", "what this server does beyond Everest", _json(_struct(Extensions)))
    user = _object(name=_STRING)
    users = _json({"type": "array", "items": user})
    yield Operation("GET", "/api/users", "all users; for the hub's owner", users, refusals=(403,))
    yield Operation(
        "POST", "/api/users", "add a user, or change the password; for the hub's owner", _json(user),
        _json(_struct(UserRequest)), refusals=(400, 403, 413),
    )  # fmt: skip
    yield Operation("GET", OPENAPI_PATH, "this description", _NOTHING, public=True)


_KINDS = (Application, ApplicationFile, Credentials, Extensions, Job, JobRequest, ResourceRequest, UserRequest)


def description() -> dict[str, Any]:
    """The whole description."""
    _, schemas = msgspec.json.schema_components(_KINDS, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for operation in _operations():
        path = operation.path.replace(":path}", "}")
        paths.setdefault(path, {})[operation.method.lower()] = _described(operation, path)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Everest hub",
            "version": __version__,
            "description": "Everest's REST interface, with additions. Unknown fields of requests are ignored.",
        },
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Refusal": _object(error=_STRING)},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "access_token"},
            },
        },
        "security": [{"bearer": []}, {"cookie": []}],
    }


def _described(operation: Operation, path: str) -> dict[str, Any]:
    in_path = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _STRING} for name in in_path
    ]
    parameters += [
        {"name": name, "in": "query", "description": text, "schema": _STRING} for name, text in operation.query.items()
    ]
    refusals = sorted({*operation.refusals, 401})
    refusal = _json({"$ref": "#/components/schemas/Refusal"})
    described: dict[str, Any] = {
        "summary": operation.summary,
        "parameters": parameters,
        "responses": {
            str(operation.status): {"description": "success", "content": _content(operation.gives)},
            **{str(status): {"description": "refused", "content": _content(refusal)} for status in refusals},
        },
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _content(operation.body)}
    if operation.public:
        described["security"] = []
    return described


def _content(kinds: dict[str, Any]) -> dict[str, Any]:
    return {kind: {"schema": schema} for kind, schema in kinds.items()}


def openapi_routes() -> list[Route]:
    """The endpoint that serves the description, without a token."""
    whole = description()

    async def read(request: Request) -> Response:
        return json_response(whole)

    return [Route(OPENAPI_PATH, read, methods=["GET"])]
