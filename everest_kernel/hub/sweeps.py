"""The parameter-sweep application: from a plan and an archive to tasks, and from their outputs to the results."""

from __future__ import annotations

import asyncio
import heapq
import io
import logging
import re
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from ..wire import (
    Application,
    ApplicationConfig,
    Criterion,
    InputMapping,
    Job,
    Parameter,
    Plan,
    ProtocolError,
    TaskId,
    TaskInfo,
    TaskState,
    file_parameter,
    file_uri,
    parse_plan,
    substitute,
)
from .archives import ResultsArchive, unpack
from .contents import Content, Contents
from .database import Database
from .files import Files, published_uris
from .live import LiveJob
from .sweep import Sweep
from .sweep_records import StoredTask, SweepRecords
from .tasks import InputError

__all__ = ["SWEEP_APPLICATIONS", "SWEEP_TYPE", "PreparedSweep", "Sweeps"]

log = logging.getLogger(__name__)

SWEEP_TYPE = "parameter-sweep"
"""`type` of an application whose jobs are sweeps; ours, because Everest's is unknown."""
_MAX_PLAN = 16 << 20
_PAGE = 500
_NUMBER = re.compile(rb"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:inf|nan))\b", re.IGNORECASE)


def _application(app_id: str, user: str, alias: str) -> Application:
    plan = Parameter(title="Plan", description="parameters, files and command", type="string", format="uri")
    return Application(
        id=app_id,
        user=user,
        alias=alias,
        name="Parameter Sweep",
        annotation="Runs a command for each point of a parameter space",
        inputs={"plan": plan, "files": file_parameter("Files (ZIP)", required=False)},
        outputs={"results": file_parameter("Results (ZIP)", required=False)},
        type=SWEEP_TYPE,
        # so that two uploads of the same name do not meet
        config=ApplicationConfig(input_mappings=(InputMapping("plan", "plan"), InputMapping("files", "files"))),
    )


SWEEP_APPLICATIONS = (
    # the ids and the alias that programs of others have compiled in
    _application("530f36d73d00002d04548b0e", "everest", "parameter-sweep"),
    _application("57430c9c2b00004f3492590d", "everest", "parameter-sweep-2"),
    _application("5820b5b70000000000000001", "vladimirv", "SSOP"),
)


class PreparedSweep(NamedTuple):
    """A sweep whose plan and archive are read, and the files of the archive, to be stored with its job."""

    sweep: Sweep
    files: dict[str, Content]


class Sweeps:
    """What is special about sweep jobs.

    Attributes:
        finish: called when a sweep is over: with its job, whether all went well, a message, its result and its files.
    """

    def __init__(self, database: Database, contents: Contents, files: Files) -> None:
        self._records = SweepRecords(database, contents, files)
        self._contents = contents
        self._files = files
        self.finish: Callable[[LiveJob, bool, str, dict[str, Any], dict[str, Content]], None] = _unconnected
        self._collecting: set[asyncio.Task[None]] = set()

    async def aclose(self) -> None:
        """Stop collecting results; it begins anew when the hub starts again."""
        for task in self._collecting:
            task.cancel()
        await asyncio.gather(*self._collecting, return_exceptions=True)

    def tidy(self) -> None:
        """Forget tasks of sweeps that are over: what the hub did not get done before it stopped."""
        self._records.drop_finished()

    # --- beginnings

    async def prepare(self, user: str, job_id: str, inputs: dict[str, Any]) -> PreparedSweep:
        """Read a submission's plan and archive.

        Raises:
            InputError: one of them is malformed, or they do not fit each other.
        """
        try:
            plan = self._plan(user, inputs["plan"])
            unpacked: dict[str, Content] = {}
            if inputs.get("files") is not None:
                source = self._source(user, inputs["files"])
                unpacked = await asyncio.to_thread(_unpack, source, self._contents)
        except ProtocolError as error:
            raise InputError(error.message) from error
        uris = {path: file_uri("jobs", job_id, "input", *path.split("/")) for path in unpacked}
        sweep = Sweep(plan, uris)
        for name in plan.input_files:  # those that are the same for every task are wanted now
            if "${" not in name and name not in uris:
                raise InputError(f"the plan's input file {name!r} is not in the archive")
        return PreparedSweep(sweep, {uris[path]: content for path, content in unpacked.items()})

    def restore(self, job: Job) -> tuple[Sweep, tuple[TaskId, ...]]:
        """A sweep that was unfinished when the hub stopped, and the later attempts that may run somewhere."""
        uploads = [job.inputs[name] for name in ("plan", "files") if job.inputs.get(name) is not None]
        plan = self._plan(job.user, published_uris(job.id, uploads)[job.inputs["plan"]])  # the upload may be gone
        prefix = file_uri("jobs", job.id, "input") + "/"
        uris = {path: prefix + uri for path, uri in self._files.below(prefix)}
        sweep = Sweep(plan, uris, self._records.next_base(job.id))
        for number, state, message in self._records.ended(job.id):
            sweep.end(number, state, message)
        return sweep, tuple(self._records.started_again(job.id))

    def _plan(self, user: str, uri: str) -> Plan:
        source = self._source(user, uri)
        data = source.read_bytes() if isinstance(source, Path) else source
        if len(data) > _MAX_PLAN:
            raise ProtocolError(f"the plan has more than {_MAX_PLAN >> 20} MB")
        try:
            return parse_plan(data.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise ProtocolError(f"the plan is not UTF-8 text: {error}") from error

    def _source(self, user: str, uri: str) -> bytes | Path:
        stored = self._files.open(user, uri)
        if stored is None:
            raise ProtocolError(f"there is no file {uri[:200]!r} on this server")
        return stored.content

    # --- tasks

    def attempt(self, task: TaskId) -> asyncio.Future[None]:
        """A later attempt at a task is about to be sent."""
        return self._records.attempt(task)

    def task_ended(
        self, live: LiveJob, task: TaskId, state: TaskState, info: TaskInfo, stored: Callable[[], None]
    ) -> None:
        """A task whose attempt counts is over; `stored` is called when that is on disk."""
        sweep = live.sweep
        assert sweep is not None
        staged = sweep.staged.pop(task.number, {})
        message = "" if state is TaskState.DONE else info.message
        sweep.storing += 1

        def done(future: asyncio.Future[None]) -> None:
            future.result()
            sweep.storing -= 1
            sweep.end(task.number, state.value, message)
            stored()
            self.collect_if_finished(live)

        self._records.end(task, live.job.user, state.value, message, staged).add_done_callback(done)

    def collect_if_finished(self, live: LiveJob) -> None:
        """Begin to collect the results when the last task's end is on disk."""
        if live.sweep is None or not live.sweep.finished or live.ending:
            return
        live.ending = True
        task = asyncio.ensure_future(self._collect_or_fail(live, live.sweep))
        self._collecting.add(task)
        task.add_done_callback(self._collecting.discard)

    # --- results

    async def _collect_or_fail(self, live: LiveJob, sweep: Sweep) -> None:
        try:
            await self._collect(live, sweep)
        except (OSError, KeyError, ValueError, zipfile.LargeZipFile) as error:  # a full disk; a file that is gone
            log.exception("results of job %s", live.job.id)
            _, message = sweep.verdict
            problem = f"its results cannot be collected: {error!r}"
            self.finish(live, False, f"{message}; {problem}" if message else problem, {}, {})

    async def _collect(self, live: LiveJob, sweep: Sweep) -> None:
        job_id, after = live.job.id, -1
        chosen = await self._choose(job_id, sweep.plan.criterion, sweep.plan)
        archive = ResultsArchive(self._contents.incoming())
        try:
            while page := self._records.page(job_id, after, _PAGE):
                after = page[-1].number
                kept = page if chosen is None else [task for task in page if task.number in chosen]
                await asyncio.to_thread(_add, archive, sweep.plan, kept)
            content = await asyncio.to_thread(archive.store, self._contents)
        except BaseException:
            archive.abandon()
            raise
        uri = file_uri("jobs", job_id, "results", "results.zip")  # an input may have this name too
        well, message = sweep.verdict
        self.finish(live, well, message, {"results": uri}, {uri: content})
        while self._records.any_left(job_id):  # in pieces, because a million at once would hold everybody up
            await self._records.drop_some(job_id)

    async def _choose(self, job_id: str, criterion: Criterion | None, plan: Plan) -> set[int] | None:
        """The numbers of the best tasks; None when all are wanted."""
        if criterion is None:
            return None
        best: list[tuple[float, int]] = []  # a heap: the worst of the best comes first
        after = -1
        while page := self._records.page(job_id, after, _PAGE):
            after = page[-1].number
            for score in _scores(page, criterion, plan):
                (heapq.heappush if len(best) < criterion.best else heapq.heappushpop)(best, score)
            await asyncio.sleep(0)
        return {-negative for _, negative in best}


def _unconnected(*_: object) -> None:
    raise AssertionError("a sweep ended before its hub was put together")


def _unpack(source: bytes | Path, contents: Contents) -> dict[str, Content]:
    if isinstance(source, bytes):
        return unpack(io.BytesIO(source), contents)
    with source.open("rb") as stream:
        return unpack(stream, contents)


def _add(archive: ResultsArchive, plan: Plan, tasks: Iterable[StoredTask]) -> None:
    for task in tasks:
        failure = "" if task.state == TaskState.DONE else task.message or task.state
        archive.add(task.number, plan.values(task.number), task.outputs, failure)


def _scores(page: list[StoredTask], criterion: Criterion, plan: Plan) -> Iterable[tuple[float, int]]:
    """Larger is better; of equals the earlier task, whose negative number is the larger."""
    for task in page:
        content = task.outputs.get(substitute(criterion.file, plan.values(task.number)))
        head = content[:200] if isinstance(content, bytes) else b""
        match = _NUMBER.match(head)
        score = float(match[1]) if match and task.state == TaskState.DONE else float("nan")
        if score == score:
            yield (score if criterion.maximize else -score), -task.number
