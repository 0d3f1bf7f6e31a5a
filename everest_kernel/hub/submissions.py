"""What an agent is sent for a task."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from ..wire import (
    AgentInfo,
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


class Submissions:
    """Makes TASK_SUBMIT messages, each with a token that is good while its task runs.

    Args:
        base_url: gives the hub's own address, for files that agents fetch and deliver.
    """

    def __init__(self, identity: Identity, files: Files, base_url: Callable[[], str]) -> None:
        self._identity = identity
        self._files = files
        self._base_url = base_url
        self._tokens: dict[TaskId, str] = {}

    def build(self, live: LiveJob, task: TaskId, info: AgentInfo) -> TaskSubmit:
        """The message for one attempt at one task of a job."""
        job, base = live.job, self._base_url()
        token = self._tokens[task] = self._identity.issue_for_task(job.user)
        data, command, outputs = self._of_sweep(live, task, token) if live.sweep else self._of_job(live, token)
        spec = TaskSpec(
            name=job.name,
            command=command,
            input_data=tuple(data),
            output_data=(OutputData(tuple(outputs)),),
            environment={"EVEREST_TASK_TOKEN": token, "EVEREST_SERVER": base},
            resource_requirements={name: value for name, value in job.resource_requirements.items() if value},
        )
        streams = live.sweep is None  # nobody watches a thousand tasks
        context = TaskContext(streams, f"{base}/api/files/jobs/{job.id}", f"Bearer {token}", INLINE_LIMIT)
        return TaskSubmit(str(task), spec, context)

    def _of_job(self, live: LiveJob, token: str) -> _Parts:
        application, inputs = live.application, live.job.inputs
        staging = stage_inputs(application, inputs)
        data = [InputData(path, data_uri(text)) for path, text in staging.texts.items()]
        published = published_uris(live.job.id, staging.files.values())
        data += [self._file(live, path, published.get(uri, uri), token) for path, uri in staging.files.items()]
        return data, command_line(application, inputs), output_paths(application, inputs).values()

    def _of_sweep(self, live: LiveJob, task: TaskId, token: str) -> _Parts:
        sweep = live.sweep
        assert sweep is not None
        planned = sweep.task(task.number)
        data = [self._sweep_file(live, sweep, path, token) for path in planned.input_files]
        return data, planned.command, planned.output_files

    def _sweep_file(self, live: LiveJob, sweep: Sweep, path: str, token: str) -> InputData:
        if path in sweep.inline:
            return InputData(path, sweep.inline[path])
        data = self._stored(live, path, sweep.inputs[path], token)
        if len(sweep.inline) < _KEPT_INPUTS and data.uri.startswith("data:"):
            sweep.inline[path] = data.uri
        return data

    def forget(self, task: TaskId) -> None:
        """The task is over: its token is worthless."""
        token = self._tokens.pop(task, None)
        if token is not None:
            self._identity.end_task(token)

    def _file(self, live: LiveJob, path: str, uri: str, token: str) -> InputData:
        if uri.startswith(("http://", "https://")):
            return InputData(path, uri)  # another server's file: fetched without our token
        return self._stored(live, path, uri, token)

    def _stored(self, live: LiveJob, path: str, uri: str, token: str) -> InputData:
        stored = self._files.open(live.job.user, uri)
        if stored is not None and isinstance(stored.content, bytes):
            return InputData(path, data_uri(stored.content))
        return InputData(path, self._base_url() + uri, f"Bearer {token}")
