"""What an agent is sent for a task."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from ..wire import (
    InputData,
    OutputData,
    TaskContext,
    TaskId,
    TaskSpec,
    TaskSubmit,
    data_uri,
)
from .contents import INLINE_LIMIT
from .files import Files, published_uris
from .identity import Identity
from .live import LiveJob
from .sweep import Sweep
from .tasks import command_line, output_paths, stage_inputs

__all__ = ["Submissions"]

_KEPT_INPUTS = 32
_Parts: TypeAlias = tuple[list[InputData], str, Iterable[str]]


class _Access(NamedTuple):
    """How an agent gets at files: the hub's address, and the Authorization header."""

    base: str
    auth: str


class Submissions:
    """Makes TASK_SUBMIT messages, each with a token that is good while its task runs."""

    def __init__(self, identity: Identity, files: Files) -> None:
        self._identity = identity
        self._files = files
        self._tokens: dict[tuple[str, int], str] = {}

    def build(self, live: LiveJob, task: TaskId, base: str) -> TaskSubmit:
        """The message for one attempt at one task of a job, for an agent that reaches the hub at `base`."""
        job = live.job
        self.forget(task)  # an earlier attempt's
        token = self._tokens[task[:2]] = self._identity.issue_for_task(job.user)
        access = _Access(base, f"Bearer {token}")
        data, command, outputs = self._of_sweep(live, task, access) if live.sweep else self._of_job(live, access)
        spec = TaskSpec(
            name=job.name,
            command=command,
            input_data=tuple(data),
            output_data=(OutputData(tuple(outputs)),),
            environment={"EVEREST_TASK_TOKEN": token, "EVEREST_SERVER": base},
            resource_requirements={name: value for name, value in job.resource_requirements.items() if value},
        )
        streams = live.sweep is None  # nobody watches a thousand tasks
        context = TaskContext(streams, f"{base}/api/files/jobs/{job.id}", access.auth, INLINE_LIMIT)
        return TaskSubmit(str(task), spec, context)

    def _of_job(self, live: LiveJob, access: _Access) -> _Parts:
        application, inputs = live.application, live.job.inputs
        staging = stage_inputs(application, inputs)
        data = [InputData(path, data_uri(text)) for path, text in staging.texts.items()]
        published = published_uris(live.job.id, staging.files.values())
        data += [self._file(live, path, published.get(uri, uri), access) for path, uri in staging.files.items()]
        return data, command_line(application, inputs), output_paths(application, inputs).values()

    def _of_sweep(self, live: LiveJob, task: TaskId, access: _Access) -> _Parts:
        sweep = live.sweep
        assert sweep is not None
        planned = sweep.plan.task(task.number)
        data = [self._sweep_file(live, sweep, path, access) for path in planned.input_files]
        return data, planned.command, planned.output_files

    def _sweep_file(self, live: LiveJob, sweep: Sweep, path: str, access: _Access) -> InputData:
        if path in sweep.inline:
            return InputData(path, sweep.inline[path])
        data = self._stored(live, path, sweep.inputs[path], access)
        if len(sweep.inline) < _KEPT_INPUTS and data.uri.startswith("data:"):
            sweep.inline[path] = data.uri
        return data

    def forget(self, task: TaskId) -> None:
        """The task is over: its token is worthless."""
        token = self._tokens.pop(task[:2], None)
        if token is not None:
            self._identity.end_task(token)

    def _file(self, live: LiveJob, path: str, uri: str, access: _Access) -> InputData:
        if uri.startswith(("http://", "https://")):
            return InputData(path, uri)  # another server's file: fetched without our token
        return self._stored(live, path, uri, access)

    def _stored(self, live: LiveJob, path: str, uri: str, access: _Access) -> InputData:
        stored = self._files.open(live.job.user, uri)
        if stored is not None and isinstance(stored.content, bytes):
            return InputData(path, data_uri(stored.content))
        return InputData(path, access.base + uri, access.auth)
