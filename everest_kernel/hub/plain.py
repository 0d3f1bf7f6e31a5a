"""Tasks for agents that know nothing of our dialect: inputs by address, outputs as files.

Values and small files, which our own agents get inside the message, are held here and served over HTTP to
the task's agent for as long as the task is not over.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ..wire import InputData, OutputData, ProtocolError, TaskContext, TaskId, TaskSubmit, read_data_uri
from .tasks import STREAMS

__all__ = ["PlainTasks"]

INPUTS_PATH = "/compute/agent/inputs"


@dataclass(frozen=True)
class _Held:
    """Inputs of one attempt, by their number, for whoever shows this header."""

    attempt: int
    auth: str
    contents: dict[int, bytes]


class PlainTasks:
    """Turns our messages into plain ones."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, int], _Held] = {}

    def submission(self, submit: TaskSubmit, hub: str) -> TaskSubmit:
        """The same task with absolute input addresses, streams as output paths, and an empty context.

        Args:
            submit: as our own agents get it.
            hub: the hub's address, as the agent reaches it.
        """
        task = TaskId.parse(submit.task_id)
        auth, held, inputs = f"Bearer {secrets.token_urlsafe(32)}", dict[int, bytes](), list[InputData]()
        for number, item in enumerate(submit.spec.input_data):
            if item.uri.startswith("data:"):
                held[number] = read_data_uri(item.uri)
                item = InputData(item.path, f"{hub}{INPUTS_PATH}/{task}/{number}", auth)
            inputs.append(item)
        if held:  # an earlier attempt's are forgotten
            self._held[task.job_id, task.number] = _Held(task.attempt, auth, held)
        asked = [path for group in submit.spec.output_data for path in group.paths]
        streams = STREAMS if submit.context.stream else ()  # who would be told live is told at the end
        paths = tuple(dict.fromkeys([*asked, *streams]))
        spec = msgspec.structs.replace(submit.spec, input_data=tuple(inputs), output_data=(OutputData(paths),))
        return TaskSubmit(submit.task_id, spec, TaskContext())

    def forget(self, task: TaskId) -> None:
        """The task is over."""
        self._held.pop((task.job_id, task.number), None)

    def routes(self) -> list[Route]:
        """Where the inputs are fetched."""

        async def content(request: Request) -> Response:
            found = self._find(request.path_params["task"], request.path_params["number"])
            if found is None or not secrets.compare_digest(
                request.headers.get("authorization", "").encode(), found[1].encode()
            ):
                return PlainTextResponse("there is nothing for you at this address", 401)
            return Response(found[0], media_type="application/octet-stream")

        return [Route(f"{INPUTS_PATH}/{{task}}/{{number:int}}", content, methods=["GET"])]

    def _find(self, text: str, number: int) -> tuple[bytes, str] | None:
        try:
            task = TaskId.parse(text)
        except ProtocolError:
            return None
        held = self._held.get((task.job_id, task.number))
        if held is None or held.attempt != task.attempt or number not in held.contents:
            return None
        return held.contents[number], held.auth
