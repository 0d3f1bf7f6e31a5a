"""What a sweep tells while it runs: what it will compute, how far it is, and how it ended."""

from __future__ import annotations

import asyncio
import html
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from ..languages import Display
from ..sweeps import Grid, Meter, Progress
from ..sweeps.run import Counts, Share
from .channels import Channel
from .remote_run import TERMINAL
from .sweep_cell import PreparedSweep
from .sweep_picture import LivePicture
from .sweep_view import SweepView

__all__ = ["SweepNews"]

_TICK = 0.5
"""Seconds between two looks at how far it is."""


class SweepNews:
    """Tells of one sweep.

    Args:
        prepared: what it computes.
        sweep_id: names it.
        grid: its results.
        channel: of the cell.
        replaces: whether the front end replaces displays.
        watched: whether a terminal's user sees what is written over itself.
        fill: guesses what is not computed, for the picture of a refined sweep.

    Attributes:
        progress: as it was last told.
        kept: points that were known from before, those that failed included.
        kept_failed: how many of them had failed.
        jobs: that were submitted.
    """

    def __init__(
        self,
        prepared: PreparedSweep,
        sweep_id: str,
        grid: Grid,
        channel: Channel,
        *,
        replaces: bool,
        watched: bool,
        fill: Callable[..., object] | None,
    ) -> None:
        self._prepared = prepared
        self._id = sweep_id
        self._grid = grid
        live = prepared.options.live
        self._view = SweepView(
            channel,
            os.urandom(8).hex(),
            replaces=replaces,
            watched=watched,
            terminal=TERMINAL,
            drawing=LivePicture(grid, live, fill=fill) if live else None,  # type: ignore[arg-type]
        )
        self._meter: Meter | None = None
        self._counts = self._earlier = Counts(0, 0, 0, 0, 0)
        self._shares: Mapping[str, Share] = {}
        self.progress = Progress(0)
        self.kept = self.kept_failed = self.jobs = 0

    def introduce(self) -> None:
        """What will be computed, before anything is sent; once."""
        if self._meter is not None:
            return
        self._meter = Meter(time.monotonic(), kept=self.kept)
        text = f"{self._prepared.space.describe()}\n{self._line()}"
        style = "color: var(--jp-ui-font-color2, #666); font-size: 85%; white-space: pre-wrap; margin: 0"
        data = {"text/plain": text, "text/html": f'<pre style="{style}">{html.escape(text)}</pre>'}
        self._view.channel.display(Display(data, {"everest_header": True}))

    def look(self, counts: Counts, shares: Mapping[str, Share] | None = None) -> None:
        """How far it is.

        Args:
            counts: of the points that are being computed now; those of earlier parts are added.
            shares: what each resource has computed.
        """
        earlier, self._shares = self._earlier, shares if shares is not None else self._shares
        done, failed = earlier.done + counts.done, earlier.failed + counts.failed
        total = earlier.done + earlier.failed + counts.total
        self._counts = Counts(total, done, failed, counts.in_flight, counts.waiting)
        self._show()

    def part_ended(self) -> None:
        """What is computed from now on is another part of the sweep; the grid tells what there is until now."""
        done = self._grid.done - (self.kept - self.kept_failed)
        failed = self._grid.failed - self.kept_failed
        self._earlier = self._counts = Counts(done + failed, done, failed, 0, 0)
        self._show()

    async def finish(self) -> None:
        """The last state, which stays."""
        done = self._grid.done - (self.kept - self.kept_failed)
        failed = self._grid.failed - self.kept_failed
        total = max(self._counts.total, done + failed)
        self._counts = Counts(total, done, failed, 0, total - done - failed)
        self._read(ended=True)
        await asyncio.shield(asyncio.ensure_future(asyncio.to_thread(self._view.finish, self.progress)))

    @asynccontextmanager
    async def watching(self, look: Callable[[], None]) -> AsyncIterator[None]:
        """Look now and then how far it is, until the block ends."""

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
        look()

    def _show(self) -> None:
        self._read()
        self._view.show(self.progress)

    def _read(self, *, ended: bool = False) -> None:
        if self._meter is None:  # it ended before it began
            return
        note = f"{self.jobs:,} jobs" if self.jobs > 1 else ""
        shares = {name: (share.points, share.speed) for name, share in self._shares.items()}
        self.progress = self._meter.read(time.monotonic(), self._counts, shares=shares, note=note, ended=ended)

    def _line(self) -> str:
        parts = [f"{', '.join(route.name for route in self._prepared.routes)}: {self._id}"]
        if self.kept:
            parts.append(f"{self.kept:,} points are known from before (--fresh computes them again)")
        if self.kept_failed:
            parts.append(f"{self.kept_failed:,} of them had failed (--retry-failed)")
        held_back = self._prepared.selection.held_back
        if held_back:
            parts.append(f"not sent {', '.join(held_back)} (looks secret; --in sends it)")
        return " · ".join(parts)
