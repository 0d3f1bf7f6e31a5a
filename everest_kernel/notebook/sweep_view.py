"""What a sweep's cell shows while it runs, and in the end: a bar, and a picture of one output that fills in.

The bar and the picture are two displays. A picture inside the bar's HTML would be lost wherever notebooks are shown
without trust (JupyterLab takes `data:` images out of HTML there), and so would every picture in a PDF; a display of
its own with `image/png` is shown by all of them, and the bar can change without sending the picture again.
"""

from __future__ import annotations

import base64
import html
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Protocol

from ..languages import Display
from ..sweeps.progress import Progress, format_count_rate, format_progress, progress_parts
from ..wire import EverestError
from .channels import Channel
from .status_line import StatusLine, Terminal
from .sweep_picture import Drawn

__all__ = ["Drawing", "SweepView", "Throttle", "progress_html"]

_INTERVAL = 0.5
"""Seconds between two updates, at the least."""
_DRAWING_SHARE = 0.05
"""The part of one core's time that drawing may take: the sweep itself may run on the same machine."""
_WIDTH = 79
_MOST_RESOURCES = 8
_DONE, _KEPT, _FAILED, _RUNNING, _EMPTY = "#1976d2", "#90caf9", "#d32f2f", "#1976d255", "#88888833"
"""Told apart on light and dark pages, and by those who do not see red and green apart."""


class Drawing(Protocol):
    """Draws what a sweep has so far."""

    def draw(self, *, final: bool) -> Drawn:
        """The picture now; the final one may take longer, and be finer."""

    def text(self) -> str:
        """The same in characters; several lines."""


class Throttle:
    """Lets something happen at most once in an interval.

    Args:
        interval: seconds from one time to the next, at the least.
    """

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self._last: float | None = None

    def wait(self, now: float) -> float:
        """Seconds until it may happen again; 0 when it may now."""
        return 0.0 if self._last is None else max(self._last + self.interval - now, 0.0)

    def ready(self, now: float) -> bool:
        """Whether it may happen now; when it may, it is taken to happen."""
        if self.wait(now) > 0:
            return False
        self._last = now
        return True


class SweepView:
    """Shows a sweep's progress under its cell.

    Methods may be called from any thread. `show` does not wait for anything and may be called as often as there is
    news; what comes too soon is left out, so it should be called every second even when nothing happens.

    Args:
        channel: of the cell.
        display_id: identifies the bar's display; the picture's has `-picture` after it.
        replaces: whether the front end replaces displays; a console has a line that is written over itself.
        watched: whether a terminal's user sees what is written over itself.
        terminal: the one that the kernel's other lines are written on.
        drawing: draws the live picture; None for a bar only.
        clock: seconds, never going back.

    Attributes:
        channel: other output of the cell goes through this one, so that it does not mix with the line.
    """

    def __init__(
        self,
        channel: Channel,
        display_id: str,
        *,
        replaces: bool = True,
        watched: bool = True,
        terminal: Terminal | None = None,
        drawing: Drawing | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._status = StatusLine(channel, terminal, enabled=watched and not replaces)
        self.channel: Channel = self._status
        self._display_id = display_id
        self._replaces = replaces
        self._drawing = drawing
        self._clock = clock
        self._lock = threading.RLock()
        self._bar_times = Throttle(_INTERVAL)
        self._picture_times = Throttle(_INTERVAL)
        self._shown: set[str] = set()
        self._drawn_points = 0
        self._remark = ""
        self._ended = False
        self._worker: ThreadPoolExecutor | None = None
        self._job: Future[None] | None = None

    def show(self, progress: Progress) -> None:
        """Show how far the sweep is, unless that was shown just now."""
        with self._lock:
            now = self._clock()
            if self._ended:
                return
            if self._bar_times.ready(now):
                self._show_bar(progress)
            if self._replaces:
                self._draw_when_due(progress, now)

    def finish(self, progress: Progress) -> None:
        """Show the last state, which stays; nothing is shown after it.

        A picture is drawn before this returns, which takes a tenth of a second or so: an event loop should leave it to
        a thread (`asyncio.to_thread`).
        """
        with self._lock:
            if self._ended:
                return
            self._ended = True
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.shutdown(wait=True)  # not under the lock, which the drawing needs for showing
        if self._replaces and self._drawing is not None and progress.done + progress.kept:
            self._draw(self._drawing, final=True)
        with self._lock:
            self._status.clear()
            self._show_bar(replace(progress, ended=True), last=True)

    # --- the bar

    def _show_bar(self, progress: Progress, *, last: bool = False) -> None:
        if self._remark:
            progress = replace(progress, note=" · ".join(filter(None, [progress.note, self._remark])))
        if not self._replaces and not last:
            self._status.status(format_progress(progress, width=_WIDTH))
            return
        text = format_progress(progress)
        if not self._replaces and self._drawing is not None and progress.done + progress.kept:
            text = "\n".join(filter(None, [self._text(self._drawing), text]))
        data = {"text/plain": text, "text/html": progress_html(progress)}
        self._display(self._display_id, data, {})

    def _display(self, display_id: str, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        update = self._replaces and display_id in self._shown
        self._shown.add(display_id)
        metadata = {"everest_sweep": True, **metadata}
        self.channel.display(Display(data, metadata, {"display_id": display_id}, update))

    # --- the picture

    def _draw_when_due(self, progress: Progress, now: float) -> None:
        """Begin to draw in another thread, when there is something new and the last drawing is done."""
        points = progress.done + progress.kept
        if self._drawing is None or points == self._drawn_points or (self._job and not self._job.done()):
            return
        if not self._picture_times.ready(now):
            return
        self._drawn_points = points
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, "sweep-picture")
        self._job = self._worker.submit(self._draw, self._drawing)

    def _draw(self, drawing: Drawing, *, final: bool = False) -> None:
        """Draw and show the picture; one that cannot be drawn must not stop the sweep."""
        began = time.thread_time()
        try:
            drawn = drawing.draw(final=final)
        except EverestError as error:
            return self._give_up(f"no picture: {error}")
        except Exception as error:  # noqa: BLE001 - a library for pictures may raise anything
            return self._give_up(f"no picture: {type(error).__name__}: {error}")
        with self._lock:
            self._picture_times.interval = max(_INTERVAL, (time.thread_time() - began) / _DRAWING_SHARE)
            data = {"image/png": base64.b64encode(drawn.png).decode("ascii"), "text/plain": drawn.text}
            shown = {"width": drawn.width, "height": drawn.height, "alt": drawn.text.partition("\n")[0]}
            # with the size, which is then known before the picture is decoded, so that the page does not jump
            self._display(f"{self._display_id}-picture", data, {"image/png": shown})
        return None

    def _text(self, drawing: Drawing) -> str:
        try:
            return drawing.text()
        except Exception as error:  # noqa: BLE001 - as above
            return f"no picture: {error}"

    def _give_up(self, reason: str) -> None:
        """From now on there is only the bar, which says why."""
        with self._lock:
            self._remark, self._drawing = reason, None


def progress_html(progress: Progress) -> str:
    """The bar with its line of text, and a line for the resources; plain HTML that survives sanitizers."""
    text = " · ".join(progress_parts(progress))
    small = "font-size: 85%; opacity: 0.8"
    lines = [f'<div style="{small}">{html.escape(text)}</div>']
    resources = _resources(progress)
    if resources:
        lines.append(f'<div style="{small}">{html.escape(resources)}</div>')
    bar = "".join(_segments(progress))
    frame = f"height: 8px; max-width: 640px; margin: 4px 0px; background-color: {_EMPTY}; border-radius: 4px"
    percent = f"{100 * progress.part:.0f}"
    role = f'role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{percent}" title="{percent} %"'
    row = "overflow: hidden; white-space: nowrap; font-size: 0px"  # segments stay in one row, whatever is rounded
    return f'<div><div {role} style="{frame}; {row}">{bar}</div>{"".join(lines)}</div>'


def _segments(progress: Progress) -> list[str]:
    """The parts of the bar; one failed point of many can still be seen."""
    if progress.total <= 0:
        return []
    counts = ((progress.kept, _KEPT), (progress.done, _DONE), (progress.failed, _FAILED), (progress.running, _RUNNING))
    whole = max(progress.total, sum(count for count, _ in counts))  # a point may run twice
    widths = [max(100 * count / whole, 0.5) if count > 0 else 0.0 for count, _ in counts]
    excess = max(sum(widths) - 100, 0.0)
    largest = widths.index(max(widths))
    widths[largest] = max(widths[largest] - excess, 0.0)  # the last one must not be cut off
    shape = "display: inline-block; vertical-align: top; height: 8px"
    return [
        f'<div style="{shape}; width: {width:.2f}%; background-color: {color}"></div>'
        for width, (_, color) in zip(widths, counts, strict=True)
        if width > 0
    ]


def _resources(progress: Progress) -> str:
    """How the points were shared, with each resource's speed."""
    whole = sum(points for points, _ in progress.shares.values())
    if whole <= 0:
        return ""
    largest = sorted(progress.shares.items(), key=lambda item: (-item[1][0], item[0]))
    parts = [
        f"{name} {100 * points / whole:.0f} %" + (f" ({format_count_rate(speed)})" if speed > 0 else "")
        for name, (points, speed) in largest[:_MOST_RESOURCES]
    ]
    if len(largest) > _MOST_RESOURCES:
        parts.append(f"{len(largest) - _MOST_RESOURCES} more")
    return " · ".join(parts)
