"""What an agent is sent for a task."""

from __future__ import annotations

from collections.abc import Callable

from ..wire import (
    AgentInfo,
    InputData,
    OutputData,
    TaskContext,
    TaskId,
    TaskSpec,
    TaskSubmit,
    data_uri,
    file_uri,
    name_of_uri,
)
from .contents import INLINE_LIMIT
from .files import Files
from .identity import Identity
from .jobs import LiveJob
from .tasks import command_line, output_paths, stage_inputs

__all__ = ["Submissions"]


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
        """The message for one attempt at a job's task."""
        job, application, base = live.job, live.application, self._base_url()
        token = self._tokens[task] = self._identity.issue_for_task(job.user)
        staging = stage_inputs(application, job.inputs)
        data = [InputData(path, data_uri(text)) for path, text in staging.texts.items()]
        data += [self._file(live, path, uri, token) for path, uri in staging.files.items()]
        spec = TaskSpec(
            name=job.name,
            command=command_line(application, job.inputs),
            input_data=tuple(data),
            output_data=(OutputData(tuple(output_paths(application, job.inputs).values())),),
            environment={"EVEREST_TASK_TOKEN": token, "EVEREST_SERVER": base},
            resource_requirements={name: value for name, value in job.resource_requirements.items() if value},
        )
        context = TaskContext(True, f"{base}/api/files/temp", f"Bearer {token}", INLINE_LIMIT)
        return TaskSubmit(str(task), spec, context)

    def forget(self, task: TaskId) -> None:
        """The task is over: its token is worthless."""
        token = self._tokens.pop(task, None)
        if token is not None:
            self._identity.end_task(token)

    def _file(self, live: LiveJob, path: str, uri: str, token: str) -> InputData:
        if uri.startswith(("http://", "https://")):
            return InputData(path, uri)  # another server's file: fetched without our token
        published = file_uri("jobs", live.job.id, name_of_uri(uri))
        stored = self._files.open(live.job.user, published)
        if stored is not None and isinstance(stored.content, bytes):
            return InputData(path, data_uri(stored.content))
        return InputData(path, self._base_url() + published, f"Bearer {token}")
