"""Runs one sweep for the cell or the background job that wants it, on the client's event loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..sweeps import Grid, Keeper, LaneTarget, Progress, Refinement, SweepDriver, Taker, run_as_one_job
from ..sweeps.outputs import SweepOutputError
from ..sweeps.run import Counts, Lane, Rules, Run
from ..wire import CellOptionError, ConfigurationError, JobFailedError
from .channels import Channel
from .remembered import shared_points
from .sweep_cell import PreparedSweep
from .sweep_lanes import open_lanes
from .sweep_news import SweepNews

if TYPE_CHECKING:
    from ..client import SweepProgress
    from ..sweeps import Waiting
    from .session import NotebookSession

__all__ = ["SweepRun"]

_Numbers = NDArray[np.int64]


class SweepRun:
    """One sweep.

    Args:
        prepared: what to do.
        channel: of the cell.
        replaces: whether the front end replaces displays.
        watched: whether a terminal's user sees what is written over itself.

    Attributes:
        grid: the results so far; filled while it runs.
        id: names the sweep for people: the same cell has the same one.
        state: in one word.

    Raises:
        CellOptionError: a refinement of parameters that have no order.
    """

    def __init__(self, prepared: PreparedSweep, channel: Channel, *, replaces: bool, watched: bool) -> None:
        self.prepared = prepared
        self.grid = Grid(prepared.space, prepared.cell.outputs, spill=_spill_folder())
        self.id = f"sweep-{prepared.content[:8]}"
        self.state = "starting"
        self._channel = channel
        self._refinement = _refinement(prepared)
        fill = self._refinement.fill if self._refinement is not None else None
        self._news = SweepNews(prepared, self.id, self.grid, channel, replaces=replaces, watched=watched, fill=fill)

    @property
    def progress(self) -> Progress:
        """As it was last told."""
        return self._news.progress

    async def run(self, session: NotebookSession) -> Grid:
        """Compute what is missing; the grid.

        Raises:
            JobFailedError: it stopped before all points had an answer, or all have failed; the grid has what there is.
            EverestError: the sweep could not be run.
        """
        self.state = "running"
        options = self.prepared.options
        facts = json.dumps({"line": options.line, "code": self.prepared.cell.code})
        keeper = Keeper(shared_points(), self.prepared.content, facts, self.prepared.space)
        try:
            await keeper.open(fresh=options.fresh, retry_failed=options.retry_failed)
            reason = await self._run(session, keeper)
            self.state = "failed" if reason else "done"
        except asyncio.CancelledError:
            self.state = "interrupted"
            raise
        except BaseException:
            self.state = "failed"
            raise
        finally:
            keeper.close()
            await self._news.finish()
            if keeper.problem:
                self._channel.text("stderr", f"[{keeper.problem}]\n")
        if reason:
            raise JobFailedError(reason, hint=self.hint())
        return self.grid

    def hint(self) -> str:
        """What to do after it stopped."""
        name, done = self.prepared.options.into or "grid", f"{self.grid.done:,} points have results"
        return f"`{name}` has what there is ({done}); the same cell computes only what is missing."

    async def _run(self, session: NotebookSession, keeper: Keeper) -> str:
        """All points, or one level of the refinement after another; why it stopped before, if it did."""
        if self._refinement is None:
            wanted = await asyncio.to_thread(lambda: list(self.prepared.space.numbers()))
            self._leave_out(wanted)
        else:
            wanted = [self._refinement.first()]
        while sum(map(len, wanted)):
            missing = await self._recall(keeper, wanted)
            self._news.introduce()
            if sum(map(len, missing)):
                reason = await self._compute(session, keeper, missing)
                if reason:
                    return reason
            wanted = [await asyncio.to_thread(self._further)]
        if self.grid.failed and not self.grid.done:
            return f"all {self.grid.failed:,} points failed: {self.grid.failures[0].error.splitlines()[0]}"
        return ""

    def _further(self) -> _Numbers:
        """The next level of the refinement; empty at its end."""
        if self._refinement is None or self.prepared.refine is None or not self.grid.done:
            return np.empty(0, np.int64)
        output = self.prepared.refine[0]
        further = self._refinement.next(self.grid.array(output))
        if not further.size:
            self.grid.leave_out()
            self.grid.interpolate_by(output, self._refinement.fill)
        return further

    async def _recall(self, keeper: Keeper, wanted: Sequence[_Numbers]) -> list[_Numbers]:
        """Put what is on disk into the grid; the points that are missing."""
        missing = []
        for numbers in wanted:
            known = await keeper.known(numbers)
            for group, values, seconds in known.groups:
                self._news.kept += len(group)
                try:
                    self.grid.put(group, values, seconds=seconds, resource="", job_id="", computed=False)
                except SweepOutputError as error:  # kept by sweeps that had other points, of another form
                    self.grid.fail(group, [error.message] * len(group), resource="", job_id="")
                    self._news.kept_failed += len(group)
            failed, errors = known.failed
            if len(failed):
                self.grid.fail(failed, errors, resource="", job_id="")
                self._news.kept += len(failed)
                self._news.kept_failed += len(failed)
            missing.append(known.missing)
        return missing

    async def _compute(self, session: NotebookSession, keeper: Keeper, missing: list[_Numbers]) -> str:
        """Compute points; why it stopped before all had an answer, if it did."""
        lanes, targets = await open_lanes(session, self.prepared, self.id)
        options, news = self.prepared.options, self._news
        if options.application:
            missing = [await self._in_one_job(keeper, np.concatenate(missing), lanes[0], targets[lanes[0].name])]
        one_by_one = any(target.chunks.one_by_one for target in targets.values())
        names = {(target.server, target.route.name): lane for lane, target in targets.items()}
        waiting = [] if options.fresh else await keeper.waiting(np.concatenate(missing), names)
        blocks = _without(missing, waiting)
        rules = Rules(retries=options.retries, chunk=options.chunk, one_by_one=one_by_one)
        run = Run(blocks, sum(map(len, blocks)), lanes, rules)
        driver = SweepDriver(
            run,
            self.prepared.space,
            self.grid,
            targets,
            keeper,
            leaves=lambda: session.closing,
            submitted=session.note_job,
        )
        jobs = news.jobs

        def look() -> None:
            news.jobs = jobs + driver.jobs
            news.look(run.counts, run.shares)

        async with news.watching(look):
            reason = await driver.drive(waiting)
        news.part_ended()
        return reason

    async def _in_one_job(self, keeper: Keeper, numbers: _Numbers, lane: Lane, target: LaneTarget) -> _Numbers:
        """Compute points by the sweep application; the numbers of those that its tasks could not."""
        total, news = len(numbers), self._news
        counts = Counts(total, 0, 0, total, 0)

        def tell(progress: SweepProgress) -> None:
            nonlocal counts
            done = total * progress.done // max(progress.total, 1)  # as far as tasks tell; the grid knows at the end
            counts = Counts(total, done, 0, total - done, 0)

        news.jobs += 1
        async with news.watching(lambda: news.look(counts)):
            left, _ = await run_as_one_job(
                target, self.prepared.space, numbers, lane.slots, Taker(self.grid, keeper), tell
            )
        news.part_ended()
        return left

    def _leave_out(self, wanted: Sequence[_Numbers]) -> None:
        if self.prepared.space.where:
            left_out = np.ones(self.prepared.space.size, bool)
            for numbers in wanted:
                left_out[numbers] = False
            self.grid.leave_out(np.flatnonzero(left_out))


def _without(missing: Sequence[_Numbers], waiting: Sequence[Waiting]) -> list[_Numbers]:
    """The points that no waiting chunk has."""
    if not waiting:
        return [numbers for numbers in missing if len(numbers)]
    taken = np.concatenate([chunk.numbers for chunk in waiting])
    return [left for numbers in missing if len(left := numbers[~np.isin(numbers, taken)])]


def _refinement(prepared: PreparedSweep) -> Refinement | None:
    """What chooses the points, when not all are wanted."""
    if prepared.refine is None:
        return None
    space, left_out = prepared.space, None
    if any(len(axis.names) > 1 or axis.label not in axis.names for axis in space.axes):
        raise CellOptionError("--refine needs parameters that are combined each with each")
    for name, (_, values) in space.coordinates().items():
        if values.dtype.kind not in "iuf":
            raise CellOptionError(f"--refine needs numbers, and {name} has others")
    if space.where:
        left_out = ~space.allowed(np.arange(space.size, dtype=np.int64))
    return Refinement(space.shape, level=prepared.refine[1], budget=prepared.options.refine_budget, left_out=left_out)


def _spill_folder() -> Path | None:
    from ..records import records_home

    try:
        return records_home() / "spilled"
    except ConfigurationError:
        return None
