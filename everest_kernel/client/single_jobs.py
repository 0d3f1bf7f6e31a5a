"""The tasks of a sweep as jobs of their own, for servers without a sweep application."""

from __future__ import annotations

import asyncio
import shlex
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

import anyio
import anyio.lowlevel
import msgspec

from ..wire import (
    Application,
    ApplicationConfig,
    ConfigurationError,
    EverestError,
    InputMapping,
    Job,
    JobRequest,
    JobState,
    OutputMapping,
    Parameter,
    Plan,
    PlannedTask,
    ProtocolError,
    RefusedError,
    file_list_parameter,
    file_parameter,
)
from .follow import is_file_uri
from .follower import DeafSink

if TYPE_CHECKING:
    from .client import EverestClient

__all__ = ["SingleJobs", "task_application", "task_program"]

_STREAMS = ("stdout", "stderr")
_BLOCK = 1 << 18
_CANCEL_SECONDS = 5.0
# pauses in seconds when a server wants fewer submissions; it refused them, so none can have become a job
_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
_BUSY = frozenset({429, 503})


def task_application() -> Application:
    """A generic application that runs one task; its alias depends on all that it does."""
    plain = Application(
        name="sweep task",
        annotation="Runs one task of a parameter sweep",
        keywords=("sweep",),
        inputs={"program": Parameter(title="Program"), "files": file_list_parameter("Files", required=False)},
        outputs={
            "outputs": file_parameter("Output files", required=False),
            "stdout": file_parameter("Standard output", required=False),
            "stderr": file_parameter("Standard error", required=False),
        },
        config=ApplicationConfig(
            command="sh program.sh",
            input_mappings=(InputMapping("program", "program.sh"),),
            output_mappings=(
                OutputMapping("outputs", "outputs.tar"),
                OutputMapping("stdout", "stdout"),
                OutputMapping("stderr", "stderr"),
            ),
        ),
    )
    return msgspec.structs.replace(plain, alias=f"sweep-task-{plain.content_hash()}")


def task_program(task: PlannedTask, staged: Mapping[str, str]) -> str:
    """The shell program of one task: files to their places, the command, and an archive of what it left.

    Args:
        task: of the plan.
        staged: path of an input file to the name under which it is uploaded.
    """
    lines = ["set -e"]
    for path in task.input_files:
        place = shlex.quote(f"./{path}")
        folder = path.rpartition("/")[0]
        lines += [f"mkdir -p {shlex.quote(f'./{folder}')}"] if folder else []
        lines.append(f"cp {staged[path]} {place}")
    lines += [f"rm {name}" for name in dict.fromkeys(staged[path] for path in task.input_files)]
    lines += ["set +e", task.command, "everest_status=$?", "set --"]
    for path in task.output_files:
        if path not in _STREAMS:
            place = shlex.quote(f"./{path}")
            lines.append(f'[ -f {place} ] && set -- "$@" {place}')
    lines += ['[ $# -gt 0 ] && tar -cf outputs.tar "$@"', "exit $everest_status"]
    return "\n".join(lines) + "\n"


class SingleJobs:
    """Runs a plan's tasks, each as a job.

    Args:
        client: of the server.
        plan: which tasks there are.
        files: path to content.
        name: display name; each job adds its number.
        resources: ids.

    Raises:
        ConfigurationError: the plan has a criterion, which needs a sweep application.
        ProtocolError: it names a file that is not there.
    """

    def __init__(
        self,
        client: EverestClient,
        plan: Plan,
        files: Mapping[str, bytes | Path],
        *,
        name: str,
        resources: tuple[str, ...],
    ) -> None:
        if plan.criterion is not None:
            raise ConfigurationError(f"{client.server.url} has no sweep application, and a criterion needs one")
        self._client = client
        self._plan = plan
        self._files = files
        self._staged = {path: f"everest-in-{index}" for index, path in enumerate(sorted(files))}
        self._name = name
        self._resources = resources
        self._uris: dict[str, str] = {}
        self._uploading = anyio.Lock()
        self._writing = anyio.Lock()
        self.total, self.done, self.failed = plan.size, 0, 0
        """Elements of the product, and tasks that ended."""
        self.failure = ""
        """The first failure, as a sentence."""

    async def run(self, target: Path, concurrency: int, tell: Callable[[int, int], None]) -> None:
        """Run every task and collect the results in a ZIP archive.

        Raises:
            EverestError: what ends the sweep; tasks that fail do not.
        """
        app_id = await self._client.ensure_application(task_application())
        numbers = self._plan.numbers()
        failures: list[Exception] = []
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:

            async def work() -> None:
                try:
                    await self._work(app_id, numbers, archive, tell)
                except (EverestError, OSError) as error:
                    failures.append(error)
                    group.cancel_scope.cancel()

            async with anyio.create_task_group() as group:
                for _ in range(max(concurrency, 1)):
                    group.start_soon(work)
        if failures:  # as it is, not in a group of one
            raise failures[0]

    async def _work(
        self, app_id: str, numbers: Iterator[int | None], archive: zipfile.ZipFile, tell: Callable[[int, int], None]
    ) -> None:
        for number in numbers:  # shared: each worker takes the next
            if number is None:  # many points that constraints leave out
                await anyio.lowlevel.checkpoint()
                continue
            task = self._plan.task(number)
            job = await self._run(app_id, task)
            why = "" if job.state is JobState.DONE else job.info or f"its job {job.id} is {job.state}"
            with tempfile.TemporaryDirectory(prefix="everest-task-") as folder:
                outputs = await self._fetch(task, job, Path(folder))
                async with self._writing:
                    await asyncio.to_thread(_add, archive, task, outputs, why)
            self.done += not why
            self.failed += bool(why)
            self.failure = self.failure or (f"task {number}: {why}" if why else "")
            tell(self.done, self.failed)

    async def _run(self, app_id: str, task: PlannedTask) -> Job:
        missing = [path for path in task.input_files if path not in self._files]
        if missing:
            raise ProtocolError(f"the plan's input file {missing[0]!r} is not among the files")
        inputs = {"program": task_program(task, self._staged)}
        files = [await self._uploaded(path) for path in dict.fromkeys(task.input_files)]
        request = JobRequest(
            name=f"{self._name} {task.number}",
            inputs={**inputs, "files": files} if files else inputs,
            resources=self._resources,
        )
        job = await self._submit(app_id, request)
        try:
            return await self._client.follow(job.id, DeafSink(), job=job, output=False)
        except asyncio.CancelledError:
            with anyio.CancelScope(shield=True), anyio.move_on_after(_CANCEL_SECONDS):
                await self._client.cancel(job.id)
            raise

    async def _submit(self, app_id: str, request: JobRequest) -> Job:
        for pause in _PAUSES:
            try:
                return await self._client.submit(app_id, request)
            except RefusedError as error:
                if error.status not in _BUSY:
                    raise
                await anyio.sleep(pause)
        return await self._client.submit(app_id, request)

    async def _uploaded(self, path: str) -> str:
        """The URI of a file; each goes to the server once."""
        async with self._uploading:
            if path not in self._uris:
                self._uris[path] = await self._client.upload(self._files[path], self._staged[path])
        return self._uris[path]

    async def _fetch(self, task: PlannedTask, job: Job, folder: Path) -> dict[str, Path]:
        """Output files by path in the task's directory; only those that the plan names."""
        found: dict[str, Path] = {}
        for stream in _STREAMS:
            value = job.result.get(stream)
            if stream in task.output_files and isinstance(value, str):
                found[stream] = folder / stream
                if is_file_uri(value):
                    await self._client.download_to(value, found[stream])
                else:
                    found[stream].write_text(value, "utf-8")
        packed = job.result.get("outputs")
        if is_file_uri(packed):
            await self._client.download_to(str(packed), folder / "outputs.tar")
            wanted = frozenset(task.output_files) - frozenset(_STREAMS)
            found |= await asyncio.to_thread(_unpack, folder / "outputs.tar", wanted, folder)
        return found


def _unpack(source: Path, wanted: frozenset[str], folder: Path) -> dict[str, Path]:
    """The wanted files of a task's archive, under names of our own: those in the archive are not trusted."""
    found: dict[str, Path] = {}
    try:
        with tarfile.open(source) as archive:
            for member in archive:
                path = member.name.removeprefix("./")
                stream = archive.extractfile(member) if member.isreg() and path in wanted else None
                if stream is not None:
                    found[path] = folder / f"file-{len(found)}"
                    with found[path].open("wb") as sink:
                        _copy(stream, sink)
    except tarfile.TarError as error:
        raise ProtocolError(f"a task's outputs cannot be read: {error}") from error
    return found


def _add(archive: zipfile.ZipFile, task: PlannedTask, outputs: Mapping[str, Path], failure: str) -> None:
    """A task's folder, as a sweep application has it: outputs, parameters, and why it failed."""
    notes = {"parameters.txt": "".join(f"{name} = {value}\n" for name, value in task.values.items())}
    if failure:
        notes["failure.txt"] = f"{failure}\n"
    for name, text in notes.items():
        archive.writestr(f"{task.number}/{name if name not in outputs else f'sweep-{name}'}", text)
    for path, content in outputs.items():
        with content.open("rb") as source, archive.open(f"{task.number}/{path}", "w", force_zip64=True) as sink:
            _copy(source, sink)


def _copy(source: IO[bytes], sink: IO[bytes]) -> None:
    while block := source.read(_BLOCK):
        sink.write(block)
