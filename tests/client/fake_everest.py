"""An Everest of years ago: no extensions, no event stream, and every oddity that a test asks for.

It runs jobs truly, by their application's description, when a job is asked for often enough.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

TOKEN = "a1b2c3d4" * 8
RESOURCE = "5f00000000000000000000aa"
STAMP = "2026-03-01 12:00:0"


@dataclass
class FakeEverest:
    """Its settings are its oddities; `calls` remembers what was asked.

    Attributes:
        prefixes: below which it has its token endpoints.
        states: what a job says it is, request for request; the last but one stays until its program has ended.
        answers: for `METHOD path`, answers to give instead, each once.
        publishing: whether applications can be made and changed.
        resources: what `GET /api/resources` gives; None: it has no such endpoint.
        token_info: what `GET …/access_token` gives; None: it has no such endpoint.
        tells_user: whether applications carry their owner.
        submission: status of a submission's answer, and its fields (None: all).
    """

    prefixes: tuple[str, ...] = ("/auth", "/api/auth")
    users: dict[str, str] = field(default_factory=lambda: {"ada": "correct horse"})
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    states: list[str] = field(default_factory=lambda: ["SUBMITTED", "RUNNING", "DONE"])
    answers: dict[str, list[Response]] = field(default_factory=dict)
    publishing: bool = True
    resources: list[dict[str, Any]] | None = None
    token_info: dict[str, Any] | None = None
    tells_user: bool = True
    submission: tuple[int, tuple[str, ...] | None] = (201, None)
    job_fields: dict[str, Any] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    apps: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    date: float | None = None
    most_active: int = 0
    changed: anyio.Event = field(default_factory=anyio.Event)

    def __post_init__(self) -> None:
        routes = [
            *(Route(f"{p}/access_token", self._token, methods=["POST", "GET", "DELETE"]) for p in self.prefixes),
            Route("/api/apps", self._apps, methods=["GET", "POST"]),
            Route("/api/apps/{app:path}", self._app, methods=["GET", "POST", "PUT"]),
            Route("/api/jobs", self._all_jobs, methods=["GET"]),
            Route("/api/jobs/{job}", self._job, methods=["GET"]),
            Route("/api/jobs/{job}/log", self._log, methods=["GET"]),
            Route("/api/jobs/{job}/cancel", self._cancel, methods=["POST"]),
            Route("/api/files/temp", self._upload, methods=["POST"]),
            Route("/api/files/{name:path}", self._file, methods=["GET"]),
        ]
        if self.resources is not None:
            routes.append(Route("/api/resources", self._resources, methods=["GET"]))
        self._starlette = Starlette(routes=routes)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self._starlette(scope, receive, send)
        request = Request(scope)
        key = f"{scope['method']} {scope['path']}"
        self.calls[key] += 1
        planned = self.answers.get(key)
        app: Any = self._starlette
        if planned:
            app = planned.pop(0)
        elif not self._known(request) and not self._is_log_in(scope["path"]):
            app = HTMLResponse("<html><title>401 Unauthorized</title></html>", 401)

        async def dated(message: Any) -> None:
            if message["type"] == "http.response.start" and self.date is not None:
                stamp = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(self.date))
                message = {**message, "headers": [*message["headers"], (b"date", stamp.encode())]}
            await send(message)

        return await app(scope, receive, dated)

    def _is_log_in(self, path: str) -> bool:
        """Whether a path is one that strangers may ask; below /api all others are answered with 401."""
        return path in [f"{prefix}/access_token" for prefix in self.prefixes] or not path.startswith("/api/")

    async def running(self, count: int) -> None:
        """Wait until so many jobs say that they run."""
        while sum(job["state"] == "RUNNING" for job in self.jobs.values()) < count:
            await self.changed.wait()

    def _known(self, request: Request) -> bool:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        return (bearer if scheme == "Bearer" else request.cookies.get("access_token", "")) in self.tokens

    async def _token(self, request: Request) -> Response:
        if request.method == "POST":
            if "authorization" in request.headers and not self._known(request):
                return PlainTextResponse("who is this?", 401)
            given = await request.json()
            self.bodies.append(given)
            if self.users.get(given["username"]) != given["password"]:
                return PlainTextResponse("bad credentials", 403)
            token = f"{len(self.tokens):08d}" * 8
            self.tokens.add(token)
            return JSONResponse({"access_token": token}, headers={"set-cookie": f"access_token={token}; Path=/"})
        if not self._known(request):
            return PlainTextResponse("Unauthorized", 401)
        if request.method == "DELETE":
            self.tokens.discard(request.headers["authorization"].split()[1])
            return PlainTextResponse("")
        return PlainTextResponse("", 404) if self.token_info is None else JSONResponse(self.token_info)

    async def _apps(self, request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse(list(self.apps.values()))
        return await self._store(request, f"{len(self.apps) + 1:024x}", 201)

    async def _store(self, request: Request, app_id: str, status: int) -> Response:
        if not self.publishing:
            return PlainTextResponse("you are not allowed to publish applications", 403)
        owner = {"user": "ada"} if self.tells_user else {}
        self.apps[app_id] = {**await request.json(), "id": app_id, **owner}
        return JSONResponse(self.apps[app_id], status)

    async def _app(self, request: Request) -> Response:
        wanted = request.path_params["app"]
        found = next((a for a in self.apps.values() if wanted in (a["id"], f"ada/{a['alias']}")), None)
        if found is None:
            return PlainTextResponse("no such app", 404)
        if request.method == "PUT":
            return await self._store(request, found["id"], 200)
        if request.method == "GET":
            return JSONResponse(found)
        body = await request.json()
        self.bodies.append(body)
        job_id = f"6{len(self.jobs):023x}"
        self.jobs[job_id] = {
            "id": job_id,
            "name": body.get("name", ""),
            "state": self.states[0],
            "appId": found["id"],
            "appAlias": None,
            "submitted": int(time.time() * 1000),
            "inputs": body["inputs"],
            **self.job_fields,
        }
        active = sum(job["state"] not in ("DONE", "FAILED", "CANCELLED") for job in self.jobs.values())
        self.most_active = max(self.most_active, active)
        self.logs[job_id] = f"{STAMP}0.123 Job submitted\n"
        status, fields = self.submission
        shown = {k: v for k, v in self.jobs[job_id].items() if fields is None or k in fields}
        return JSONResponse(shown, status)

    async def _all_jobs(self, request: Request) -> Response:
        return JSONResponse(list(self.jobs.values()))

    async def _job(self, request: Request) -> Response:
        job = self.jobs.get(request.path_params["job"])
        if job is None:
            return PlainTextResponse("no such job", 404)
        if job["state"] != "CANCELLED":
            seen = min(job.pop("seen", 0) + 1, len(self.states) - 1)
            state = self.states[seen]
            if state != job["state"] and state == "RUNNING":
                said = f'["TASK_STATE", "{job["id"]}-0-0", "RUNNING", {{}}]'
                self.logs[job["id"]] += f"{STAMP}1.5 [{RESOURCE}/agent-1] Received {said}\n"
            if state in ("DONE", "FAILED") and job["state"] != state:
                self._run(job)  # it takes no time worth a thread
                state = "FAILED" if job.pop("exit") else state
            if job["state"] != "FAILED":
                job |= {"state": state, "seen": seen}
        self.changed.set()
        self.changed = anyio.Event()
        return JSONResponse({k: v for k, v in job.items() if k != "seen"})

    def _run(self, job: dict[str, Any]) -> None:
        """As an agent would: inputs into files, the command, outputs out of files."""
        app = self.apps[job["appId"]]
        config = app["config"]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for mapping in config["inputMappings"]:
                (folder / mapping["file"]).write_text(str(job["inputs"][mapping["param"]]))
            for uri in job["inputs"].get("files", []):
                (folder / uri.rpartition("/")[2]).write_bytes(self.files[uri])
            with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
                done = subprocess.run(config["command"], shell=True, cwd=folder, stdout=out, stderr=err, check=False)
            job |= {"result": {}, "exit": done.returncode}
            for mapping in config["outputMappings"]:
                path = folder / mapping["file"]
                if path.is_file():
                    uri = f"/api/files/jobs/{job['id']}/{path.name}"
                    self.files[uri] = path.read_bytes()
                    job["result"][mapping["param"]] = uri

    async def _log(self, request: Request) -> Response:
        return PlainTextResponse(self.logs[request.path_params["job"]])

    async def _cancel(self, request: Request) -> Response:
        self.jobs[request.path_params["job"]]["state"] = "CANCELLED"
        return PlainTextResponse("")

    async def _upload(self, request: Request) -> Response:
        name = "upload.bin"  # for a bare body: it has no name
        content = b""
        if request.headers.get("content-type", "").startswith("multipart/"):
            async with request.form() as form:
                part = next(p for p in form.values() if isinstance(p, UploadFile))
                name, content = part.filename or name, await part.read()
        else:
            content = await request.body()
        uri = f"/api/files/temp/{len(self.files):024x}/{name}"
        self.files[uri] = content
        return JSONResponse({"uri": uri, "filename": name, "length": len(content)})

    async def _file(self, request: Request) -> Response:
        content = self.files.get(request.url.path)
        return Response(content) if content is not None else PlainTextResponse("no such file", 404)

    async def _resources(self, request: Request) -> Response:
        return JSONResponse(self.resources)
