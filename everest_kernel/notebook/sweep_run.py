"""Runs one sweep for the cell or the background job that wants it, on the client's event loop."""

from __future__ import annotations

import asyncio
import html
import json
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..client import SweepProgress
from ..languages import Display
from ..sweep import (
    Grid,
    Keeper,
    LaneTarget,
    Meter,
    Progress,
    Refinement,
    SweepDriver,
    Taker,
    run_as_one_job,
)
from ..sweep.run import Counts, Lane, Rules, Run
from ..wire import CellOptionError, ConfigurationError, JobFailedError
from .channels import Channel
from .remembered import shared_points
from .remote_run import TERMINAL
from .sweep_cell import PreparedSweep
from .sweep_lanes import open_lanes
from .sweep_picture import LivePicture
from .sweep_view import SweepView

if TYPE_CHECKING:
    from ..sweep import Waiting
    from .session import NotebookSession

__all__ = ["SweepRun"]

_TICK = 0.5
"""Seconds between two looks at how far it is."""
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
        progress: as it was last told.
        state: in one word.
    """

    def __init__(self, prepared: PreparedSweep, channel: Channel, *, replaces: bool, watched: bool) -> None:
        self.prepared = prepared
        self.grid = Grid(prepared.space, prepared.cell.outputs, spill=_spill_folder())
        self.id = f"sweep-{prepared.content[:8]}"
        self.state = "starting"
        self.progress = Progress(0)
        self._channel = channel
        self._replaces = replaces
        drawing = None
        self._refinement = _refinement(prepared)
        if prepared.options.live:
            fill = self._refinement.fill if self._refinement is not None else None
            drawing = LivePicture(self.grid, prepared.options.live, fill=fill)
        self._view = SweepView(
            channel, os.urandom(8).hex(), replaces=replaces, watched=watched, terminal=TERMINAL, drawing=drawing
        )
        self._kept = self._before = 0
        self._counts = Counts(0, 0, 0, 0, 0)
        self._shares: dict[str, tuple[int, float]] = {}
        self._jobs = 0

    async def run(self, session: NotebookSession) -> Grid:
        """Compute what is missing; the grid.

        Raises:
            JobFailedError: it stopped before all points had an answer, or all have failed; the grid has what there is.
            EverestError: the sweep could not be run.
        """
        self.state = "running"
        facts = json.dumps({"line": self.prepared.options.line, "code": self.prepared.cell.code})
        keeper = Keeper(shared_points(), self.prepared.content, facts, self.prepared.space)
        options = self.prepared.options
        try:
            await keeper.open(fresh=options.fresh, retry_failed=options.retry_failed)
            reason = await self._run(session, keeper)
            self.state = "done"
        except asyncio.CancelledError:
            self.state = "interrupted"
            raise
        except BaseException:
            self.state = "failed"
            raise
        finally:
            keeper.close()
            self._tell(ended=True)
            await asyncio.shield(asyncio.ensure_future(asyncio.to_thread(self._view.finish, self.progress)))
        if keeper.problem:
            self._channel.text("stderr", f"[{keeper.problem}]\n")
        if reason:
            self.state = "failed"
            raise JobFailedError(reason, hint=self.hint())
        return self.grid

    async def _run(self, session: NotebookSession, keeper: Keeper) -> str:
        """All points, or one level of the refinement after another; why it stopped before, if it did."""
        if self._refinement is None:
            wanted = await asyncio.to_thread(lambda: list(self.prepared.space.numbers()))
            self._leave_out(wanted)
        else:
            wanted = [self._refinement.first()]
        meter = None
        while True:
            missing = await self._recall(keeper, wanted)
            if meter is None:
                meter = Meter(time.monotonic(), kept=self._kept)
                self._introduce()
            total = sum(len(numbers) for numbers in missing)
            if total:
                reason = await self._compute(session, keeper, missing, total, meter)
                if reason:
                    return reason
            if self._refinement is None:
                break
            output = self.prepared.refine[0] if self.prepared.refine else ""
            further = await asyncio.to_thread(self._refinement.next, self.grid.array(output))
            if not further.size:
                self.grid.leave_out()
                self.grid.interpolate_by(output, self._refinement.fill)
                break
            wanted = [further]
        if self.grid.failed and not self.grid.done:
            return f"all {self.grid.failed:,} points failed: {_first_error(self.grid)}"
        return ""

    async def _recall(self, keeper: Keeper, wanted: Sequence[_Numbers]) -> list[_Numbers]:
        """Put what is on disk into the grid; the points that are missing."""
        missing = []
        for numbers in wanted:
            known = await keeper.known(numbers)
            for group, values, seconds in known.groups:
                self.grid.put(group, values, seconds=seconds, resource="", job_id="", computed=False)
                self._kept += len(group)
            failed, errors = known.failed
            if len(failed):
                self.grid.fail(failed, errors, resource="", job_id="")
                self._kept += len(failed)
            missing.append(known.missing)
        return missing

    async def _compute(
        self, session: NotebookSession, keeper: Keeper, missing: list[_Numbers], total: int, meter: Meter
    ) -> str:
        lanes, targets = await open_lanes(session, self.prepared, self.id)
        options = self.prepared.options
        rules = Rules(
            retries=options.retries,
            chunk=options.chunk,
            one_by_one=any(target.chunks.one_by_one for target in targets.values()),
        )
        names = {(target.server, target.route.name): lane for lane, target in targets.items()}
        if options.application:
            missing = await self._in_one_job(session, keeper, np.concatenate(missing), lanes[0], targets, meter)
        waiting = [] if options.fresh else await keeper.waiting(np.concatenate(missing), names)
        blocks = _without(missing, waiting)
        run = Run(blocks, sum(len(block) for block in blocks), lanes, rules)
        driver = SweepDriver(run, self.prepared.space, self.grid, targets, keeper, leaves=lambda: session.closing)
        before, jobs = self._counts, self._jobs

        def look() -> None:
            counts = run.counts
            self._counts = Counts(
                before.done + before.failed + counts.total,
                before.done + counts.done,
                before.failed + counts.failed,
                counts.in_flight,
                counts.waiting,
            )
            self._jobs = jobs + driver.jobs
            self._shares = {name: (share.points, share.speed) for name, share in run.shares.items()}
            self._look(meter, self._counts)

        async with _beside(look):
            reason = await driver.drive(waiting)
        look()
        return reason

    async def _in_one_job(
        self,
        session: NotebookSession,
        keeper: Keeper,
        numbers: _Numbers,
        lane: Lane,
        targets: dict[str, LaneTarget],
        meter: Meter,
    ) -> list[_Numbers]:
        """Compute points by the sweep application; those that its tasks could not, which others compute then."""
        before, total = self._counts, len(numbers)

        def tell(progress: SweepProgress) -> None:
            done = total * progress.done // max(progress.total, 1)  # as far as tasks tell; the grid knows better later
            self._look(meter, Counts(before.done + done, done, 0, total - done, 0))

        async with _beside(lambda: self._view.show(self.progress)):
            tell(SweepProgress(1, 0, 0))
            left, _ = await run_as_one_job(
                targets[lane.name], self.prepared.space, numbers, lane.slots, Taker(self.grid, keeper), tell
            )
        self._jobs += 1
        done, failed = self.grid.done - self._kept, self.grid.failed
        self._counts = Counts(done + failed, done, failed, 0, 0)
        self._look(meter, self._counts)
        return [left]

    def _look(self, meter: Meter, counts: Counts) -> None:
        self.progress = meter.read(time.monotonic(), counts, shares=self._shares, note=self._note())
        self._view.show(self.progress)

    # --- what is told

    def hint(self) -> str:
        """What to do after it stopped."""
        name = self.prepared.options.into or "grid"
        counts = f"{self.grid.done:,} points have results"
        return f"`{name}` has what there is ({counts}); the same cell computes only what is missing."

    def _introduce(self) -> None:
        """What will be computed, before anything is sent."""
        text = f"{self.prepared.space.describe()}\n{self._line()}"
        style = "color: var(--jp-ui-font-color2, #666); font-size: 85%; white-space: pre-wrap; margin: 0"
        data = {"text/plain": text, "text/html": f'<pre style="{style}">{html.escape(text)}</pre>'}
        self._view.channel.display(Display(data, {"everest_header": True}))

    def _line(self) -> str:
        routes = ", ".join(route.name for route in self.prepared.routes)
        parts = [f"{routes}: {self.id}"]
        if self._kept:
            parts.append(f"{self._kept:,} points are known from before (--fresh computes them again)")
        held_back = self.prepared.selection.held_back
        if held_back:
            parts.append(f"not sent {', '.join(held_back)} (looks secret; --in sends it)")
        return " · ".join(parts)

    def _note(self) -> str:
        return f"{self._jobs:,} jobs" if self._jobs > 1 else ""

    def _tell(self, *, ended: bool) -> None:
        from dataclasses import replace

        self.progress = replace(self.progress, ended=ended, total=max(self.progress.total, self._kept), kept=self._kept)

    def _leave_out(self, wanted: Sequence[_Numbers]) -> None:
        if self.prepared.space.where:
            everything = np.ones(self.prepared.space.size, bool)
            for numbers in wanted:
                everything[numbers] = False
            self.grid.leave_out(np.flatnonzero(everything))


@asynccontextmanager
async def _beside(look: Any) -> AsyncIterator[None]:
    """Looks now and then how far it is, until the block ends."""

    async def watch() -> None:
        while True:
            look()
            await asyncio.sleep(_TICK)

    task = asyncio.ensure_future(watch())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _without(missing: Sequence[_Numbers], waiting: Sequence[Waiting]) -> list[_Numbers]:
    """The points that no waiting chunk has."""
    if not waiting:
        return [numbers for numbers in missing if len(numbers)]
    taken = np.concatenate([chunk.numbers for chunk in waiting])
    return [left for numbers in missing if len(left := numbers[~np.isin(numbers, taken)])]


def _refinement(prepared: PreparedSweep) -> Refinement | None:
    """What chooses the points, when not all are wanted.

    Raises:
        CellOptionError: the parameters have no order in which there could be a border.
    """
    if prepared.refine is None:
        return None
    space, left_out = prepared.space, None
    for label, values in space.coordinates().values():
        if len([axis for axis in space.axes if axis.label == label and len(axis.names) == 1]) != 1:
            raise CellOptionError("--refine needs parameters that are combined each with each")
        if values.dtype.kind not in "iuf":
            raise CellOptionError(f"--refine needs numbers, and {label} has others")
    if space.where:
        left_out = ~space.allowed(np.arange(space.size, dtype=np.int64))
    return Refinement(space.shape, level=prepared.refine[1], budget=prepared.options.refine_budget, left_out=left_out)


def _first_error(grid: Grid) -> str:
    return next(iter(grid.failures)).error.splitlines()[0]


def _spill_folder() -> Any:
    from ..records import records_home

    try:
        return records_home() / "spilled"
    except ConfigurationError:
        return None
