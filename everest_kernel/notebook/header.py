"""The one line above a remote cell's output: where it runs, what it is doing, what went and what came back."""

from __future__ import annotations

import html
from dataclasses import dataclass, field

from ..wire import Job, format_size

__all__ = ["Header", "format_age", "format_elapsed", "format_seconds", "format_size"]


def format_seconds(seconds: float) -> str:
    """A length of time: `0.24 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`."""
    if seconds < 9.95:
        return f"{max(seconds, 0):.2f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 172_800:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


@dataclass
class Header:
    """What is known so far.

    Attributes:
        seconds: from the cell's start to its end.
        queued, ran: seconds that the job waited and ran, as far as is known.
        sent: names of values and files to their sizes; None for a module, which has none.
        returned: the same for what came back.
        left: names that stayed on the resource, with their types.
        held_back: names that look like secrets.
        live: whether output comes while the job runs.
        note: what runs the cell, when it is not what the route's name promises.
        remark: how the cell came to its job, when it is not a new one.
        elapsed: seconds since the cell's start, while it waits.
        quiet: seconds since the last output, while it waits.
        position: place in the queue, 1 for the next.
        waiting_for: why the job does not run yet.
    """

    route: str
    state: str = "starting"
    resource: str = ""
    job_id: str = ""
    seconds: float | None = None
    sent: dict[str, int] = field(default_factory=dict)
    returned: dict[str, int] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    held_back: tuple[str, ...] = ()
    live: bool = True
    note: str = ""
    remark: str = ""
    queued: float | None = None
    ran: float | None = None
    elapsed: float | None = None
    quiet: float | None = None
    position: int | None = None
    waiting_for: str = ""

    def take_times(self, job: Job) -> None:
        """How long a job that ended waited and ran, by its server's clock alone; a real Everest does not say."""
        if job.submitted and job.started:
            self.queued = (job.started - job.submitted) / 1000
            if job.finished:
                self.ran = (job.finished - job.started) / 1000

    def status(self) -> str:
        """What the cell is doing, in few words: where there is only one short line for it."""
        return ", ".join([f"{self._where()}: {self.state}", *self._waiting()])

    def text(self) -> str:
        """The line as plain text."""
        took = "" if self.seconds is None else f" in {format_seconds(self.seconds)}"
        parts = [f"{self._where()}: {self.state}{took}"]
        if self.remark:
            parts.append(self.remark)
        parts += self._waiting() if self.seconds is None else self._times()
        if self.sent:
            parts.append(f"sent {_list(self.sent)}")
        if self.returned:
            parts.append(f"back {_list(self.returned)}")
        if self.left:
            parts.append("left there " + ", ".join(f"{name} ({kind})" for name, kind in self.left.items()))
        if self.held_back:
            parts.append(f"not sent {', '.join(self.held_back)} (looks secret; --in sends it)")
        if self.job_id:
            parts.append(f"job {self.job_id}")
        if not self.live and self.seconds is None:
            parts.append("no live output on this server: log and output are shown as they become available")
        return " · ".join(parts)

    def details(self) -> tuple[str, str]:
        """Time, and what went and came, for a table."""
        took = "" if self.seconds is None else format_seconds(self.seconds)
        time = ", ".join(filter(None, [took, *(self._waiting() if self.seconds is None else self._times())]))
        moved = [f"{word} {_list(names)}" for word, names in (("sent", self.sent), ("back", self.returned)) if names]
        return time, ", ".join(filter(None, [self.remark, *moved]))

    def bundle(self) -> dict[str, str]:
        """The line as a MIME bundle."""
        text = self.text()
        style = "color: var(--jp-ui-font-color2, #666); font-size: 85%"
        return {"text/plain": text, "text/html": f'<div style="{style}">{html.escape(text)}</div>'}

    def _where(self) -> str:
        name = f"{self.route} ({self.note})" if self.note else self.route
        return f"{name} on {self.resource}" if self.resource else name

    def _waiting(self) -> list[str]:
        parts = []
        if self.position is not None:
            parts.append("next in the queue" if self.position == 1 else f"number {self.position:,} in the queue")
        if self.waiting_for:
            parts.append(f"waits: {self.waiting_for}")
        if self.elapsed is not None:
            parts.append(format_elapsed(self.elapsed))
        if self.quiet is not None:
            parts.append(f"last output {format_elapsed(self.quiet)} ago")
        return parts

    def _times(self) -> list[str]:
        queued = "" if self.queued is None else f"queued {format_seconds(self.queued)}"
        ran = "" if self.ran is None else f"ran {format_seconds(self.ran)}"
        return [", ".join(filter(None, (queued, ran)))] if queued or ran else []


def format_elapsed(seconds: float) -> str:
    """A length of time in whole seconds or more: `3 s`. What is told again and again must not flicker."""
    return f"{max(int(seconds), 0)} s" if seconds < 120 else format_seconds(seconds)


def format_age(seconds: float) -> str:
    """How long ago something was, roughly: `5 s`, `12 min`, `3 h`, `4 d`."""
    whole = max(0, int(seconds))
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if whole >= length:
            return f"{whole // length} {unit}"
    return f"{whole} s"


def _list(sizes: dict[str, int], most: int = 8) -> str:
    shown = [f"{name} ({format_size(size)})" for name, size in list(sizes.items())[:most]]
    if len(sizes) > most:
        shown.append(f"{len(sizes) - most} more ({format_size(sum(list(sizes.values())[most:]))})")
    return ", ".join(shown) + (f", {format_size(sum(sizes.values()))} in all" if len(sizes) > 1 else "")
