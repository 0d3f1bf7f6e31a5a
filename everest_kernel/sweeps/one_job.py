"""A sweep as one job of the server's parameter-sweep application: one request, however many points.

Its tasks are chunks of equal size; each has its program in an archive of the sweep's files. Results come at the end.
Where the server has no such application, each task is a job of its own, a few at a time, with the same results.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import numpy as np
from numpy.typing import NDArray

from ..wire import EverestError, ProtocolError
from .chunks import Answer
from .space import Space
from .taking import Taker
from .target import LaneTarget

if TYPE_CHECKING:
    from ..client import SweepOutcome, SweepProgress

__all__ = ["run_as_one_job"]

_Numbers = NDArray[np.int64]
_TASKS_A_SLOT = 8
"""So that slots which are slower do not hold up the others for long."""
_MOST_IN_TASK = 20_000
_FOREVER = 1e9


async def run_as_one_job(
    target: LaneTarget,
    space: Space,
    numbers: _Numbers,
    slots: int,
    taker: Taker,
    tell: Callable[[SweepProgress], None],
) -> tuple[_Numbers, str]:
    """Compute points.

    Args:
        target: the route; its resources are the job's.
        space: gives the points' values.
        numbers: of the points.
        slots: how many tasks run at once.
        taker: of the results.
        tell: told when tasks have ended.

    Returns:
        Numbers of the points that have no answer, because their task failed; and what went wrong.

    Raises:
        CellError: the points cannot be sent.
        EverestError: the job could not be run.
    """
    from ..client import run_sweep

    size = 1 if target.chunks.one_by_one else min(_MOST_IN_TASK, -(-len(numbers) // (slots * _TASKS_A_SLOT)))
    parts = [numbers[start : start + size] for start in range(0, len(numbers), size)]
    language = target.route.language
    with tempfile.TemporaryDirectory(prefix="everest-sweep-") as folder:
        files: dict[str, bytes | Path] = {}
        for index, part in enumerate(parts):
            files[f"chunk-{index}.tar.gz"] = await anyio.to_thread.run_sync(_packed, target, space, part)
        archive = Path(folder) / "results.zip"
        outcome = await run_sweep(
            target.client,
            _plan(target, len(parts)),
            files,
            archive,
            name=target.name,
            resources=target.resources,
            concurrency=slots,
            on_progress=tell,
        )
        if outcome.archive is None:
            raise EverestError(outcome.info or "the sweep's job gave no results", job_id=outcome.job_id or None)
        answers = _answers(archive, parts, target, language.values_file)
        left = [np.empty(0, np.int64)]
        for part, answer in answers:
            done, failed, _ = taker.take(answer, part, "", outcome.job_id)
            left.append(part[~np.isin(part, np.concatenate([done, failed]))])
    return np.concatenate(left), _told(outcome)


def _packed(target: LaneTarget, space: Space, numbers: _Numbers) -> bytes:
    """The files of one task."""
    language = target.route.language
    program = target.chunks.render(space.columns(numbers), len(numbers), _FOREVER)
    contents = {
        language.program_file: program.text.encode(),
        language.cell_file: program.cell.encode(),
        **program.attachments,
        **{name: path.read_bytes() for name, path in target.files.items()},
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _plan(target: LaneTarget, tasks: int) -> str:
    language = target.route.language
    unpack = "gzip -dc chunk-${chunk}.tar.gz | tar -xf - && rm chunk-${chunk}.tar.gz"
    return (
        f"parameter chunk from 0 to {tasks - 1} step 1\n"
        "input_files chunk-${chunk}.tar.gz\n"
        f"command sh -c '{unpack} && exec {target.route.command}'\n"
        f"output_files {language.values_file} stdout stderr\n"
    )


def _answers(
    archive: Path, parts: list[_Numbers], target: LaneTarget, values_file: str
) -> Iterator[tuple[_Numbers, Answer]]:
    """What each task has found out; nothing for one whose results cannot be read."""
    try:
        results = zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, OSError) as error:
        raise ProtocolError(f"the sweep's results are no archive: {error}") from error
    with results:
        for index, part in enumerate(parts):
            try:
                answer = _answer(results, index, len(part), target, values_file)
            except Exception:  # noqa: BLE001 - whatever one task left must not cost the others their answers
                answer = Answer()
            yield part, answer


def _answer(results: zipfile.ZipFile, index: int, count: int, target: LaneTarget, values_file: str) -> Answer:
    """What one task has found out."""
    names = results.NameToInfo
    name, failure = f"{index}/{values_file}", f"{index}/failure.txt"
    content = io.BytesIO(results.read(name)) if name in names else None
    problem = results.read(failure).decode("utf-8", "replace") if failure in names else ""
    return target.chunks.read(content, count, problem, {})


def _told(outcome: SweepOutcome) -> str:
    return outcome.info if outcome.progress is None or outcome.progress.failed else ""
