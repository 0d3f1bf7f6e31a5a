"""A parameter sweep from a plan and files to an archive of results.

Where the server has Everest's parameter-sweep application, the sweep is one job of it. Elsewhere each task is a job
of its own, a few at a time; the archive looks the same.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import anyio

from ..wire import (
    Application,
    ConfigurationError,
    Job,
    JobRequest,
    JobState,
    ProtocolError,
    RefusedError,
    parse_plan,
    safe_path,
)
from .follow import is_file_uri
from .job_log import LogLine
from .single_jobs import SingleJobs

if TYPE_CHECKING:
    from .client import EverestClient

__all__ = ["SWEEP_APPLICATIONS", "SweepOutcome", "SweepProgress", "run_sweep"]

SWEEP_APPLICATIONS = ("530f36d73d00002d04548b0e", "57430c9c2b00004f3492590d")
"""Ids of Everest's parameter-sweep application, as programs of others have them."""
_CANCEL_SECONDS = 5.0


class SweepProgress(NamedTuple):
    """How far a sweep is; a real Everest tells only the end."""

    total: int
    done: int
    failed: int


@dataclass(frozen=True)
class SweepOutcome:
    """A sweep that is over.

    Attributes:
        state: DONE when every task succeeded, else FAILED or CANCELLED.
        way: whether it was a job of the sweep application, or a job for each task.
        archive: the results, as far as there are any: a folder for each task; None when there are none.
        info: what went wrong, in words; empty when nothing did.
        job_id: of the sweep's one job; empty for a job each.
        progress: counts, where they are known.
    """

    state: JobState
    way: Literal["application", "jobs"]
    archive: Path | None
    info: str = ""
    job_id: str = ""
    progress: SweepProgress | None = None


async def run_sweep(
    client: EverestClient,
    plan: str,
    files: Mapping[str, bytes | Path],
    target: Path,
    *,
    name: str = "sweep",
    resources: Sequence[str] = (),
    application: str = "",
    concurrency: int = 4,
    on_progress: Callable[[SweepProgress], None] = lambda progress: None,
) -> SweepOutcome:
    """Run a sweep to its end. When this is cancelled, so are its jobs.

    Args:
        client: of the server.
        plan: text of the plan; see `wire.plans`.
        files: path, as the plan's `input_files` names it, to content.
        target: where the archive of results goes; replaced as a whole, or not at all.
        name: display name.
        resources: names or ids; empty for those that the application is bound to.
        application: a sweep application (id or `user/alias`); by default Everest's own, where the server has it.
        concurrency: how many jobs at once, where each task is a job.
        on_progress: told when tasks have ended.

    Raises:
        ProtocolError: the plan, or a name of a file, is malformed; nothing was sent.
        ConfigurationError: no such application or resource.
        EverestError: anything else that ends a sweep. A task that fails does not.
    """
    parsed = parse_plan(plan)
    for path in files:
        safe_path(path)
    ids = await client.resource_ids(resources)
    found = await _sweep_application(client, application)
    if found is None:
        with _replacing(target) as temporary:
            singles = SingleJobs(client, parsed, files, name=name, resources=ids)
            await singles.run(
                temporary, concurrency, lambda done, failed: on_progress(SweepProgress(singles.total, done, failed))
            )
        counts = SweepProgress(singles.total, singles.done, singles.failed)
        state = JobState.FAILED if singles.failed else JobState.DONE
        return SweepOutcome(state, "jobs", target, singles.failure, progress=counts)
    job = await _submit(client, found, plan, files, name, ids)
    try:
        job = await client.follow(job.id, _Watch(on_progress), job=job, output=False)
    except asyncio.CancelledError:
        with anyio.CancelScope(shield=True), anyio.move_on_after(_CANCEL_SECONDS):
            await client.cancel(job.id)
        raise
    results = job.result.get("results")
    if is_file_uri(results):  # a failed sweep has the results of those tasks that succeeded
        await client.download_to(str(results), target)
    elif job.state is JobState.DONE:
        raise ProtocolError(f"the sweep is done, but {client.server.url} gives no results", job_id=job.id)
    archive = target if is_file_uri(results) else None
    return SweepOutcome(job.state, "application", archive, job.info, job.id, _progress(job))


async def _sweep_application(client: EverestClient, wanted: str) -> str | None:
    """The address of the server's sweep application, or None."""
    for address in (wanted,) if wanted else SWEEP_APPLICATIONS:
        try:
            present = await client.application(address)
        except (ConfigurationError, RefusedError) as error:
            if wanted or (isinstance(error, RefusedError) and error.status not in (400, 403)):
                raise
            continue
        if _takes_plans(present):
            return address
        if wanted:
            raise ConfigurationError(
                f"the application {wanted} is no parameter sweep: it has no input 'plan' and output 'results'"
            )
    return None


def _takes_plans(application: Application) -> bool:
    plan, results = application.inputs.get("plan"), application.outputs.get("results")
    return plan is not None and plan.is_file and results is not None and results.is_file


async def _submit(
    client: EverestClient,
    address: str,
    plan: str,
    files: Mapping[str, bytes | Path],
    name: str,
    resources: tuple[str, ...],
) -> Job:
    with tempfile.TemporaryDirectory(prefix="everest-sweep-") as folder:
        archive = Path(folder) / "files.zip"
        await asyncio.to_thread(_pack, files, archive)
        inputs = {
            "plan": await client.upload(plan.encode(), "plan.txt"),
            "files": await client.upload(archive, "files.zip"),
        }
    return await client.submit(address, JobRequest(name=name, inputs=inputs, resources=resources))


def _pack(files: Mapping[str, bytes | Path], target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        for path, content in sorted(files.items()):
            # no time stamps: equal files give equal archives, which are not uploaded again
            entry = zipfile.ZipInfo(path)
            entry.compress_type = zipfile.ZIP_DEFLATED
            if isinstance(content, bytes):
                archive.writestr(entry, content)
                continue
            with content.open("rb") as source, archive.open(entry, "w", force_zip64=True) as sink:
                while block := source.read(1 << 18):
                    sink.write(block)


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """A file that takes the target's place at the end, or vanishes."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:40]}.")
    os.close(handle)
    try:
        yield Path(name)
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise


def _progress(job: Job) -> SweepProgress | None:
    return SweepProgress(job.tasks_total, job.tasks_done, job.tasks_failed) if job.tasks_total else None


class _Watch:
    """Follows the sweep's job."""

    def __init__(self, tell: Callable[[SweepProgress], None]) -> None:
        self._tell = tell
        self._last: SweepProgress | None = None

    def on_state(self, job: Job) -> None:
        progress = _progress(job)
        if progress is not None and progress != self._last:
            self._last = progress
            self._tell(progress)

    def on_output(self, stream: str, data: bytes) -> None:
        """A sweep's job has no output of its own."""

    def on_restart(self, attempt: int) -> None:
        """Nor attempts."""

    def on_log(self, lines: list[LogLine]) -> None:
        """Its log tells of each task; the archive tells more."""
