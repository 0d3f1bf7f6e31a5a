"""The one line above a remote cell's output: where it ran, what went and what came back."""

from __future__ import annotations

import html
from dataclasses import dataclass, field

__all__ = ["Header", "format_size"]


def format_size(size: int) -> str:
    """Bytes as people read them: `24 B`, `1.5 kB`, `80 MB`."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.5 or unit == "TB":
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    raise AssertionError("unreachable")


@dataclass
class Header:
    """What is known so far.

    Attributes:
        sent: names of values and files to their sizes; None for a module, which has none.
        returned: the same for what came back.
        left: names that stayed on the resource, with their types.
        held_back: names that look like secrets.
        live: whether output comes while the job runs.
        note: what runs the cell, when it is not what the route's name promises.
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

    def text(self) -> str:
        """The line as plain text."""
        name = f"{self.route} ({self.note})" if self.note else self.route
        where = f"{name} on {self.resource}" if self.resource else name
        took = "" if self.seconds is None else f" in {format_seconds(self.seconds)}"
        parts = [f"{where}: {self.state}{took}"]
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

    def bundle(self) -> dict[str, str]:
        """The line as a MIME bundle."""
        text = self.text()
        style = "color: var(--jp-ui-font-color2, #666); font-size: 85%"
        return {"text/plain": text, "text/html": f'<div style="{style}">{html.escape(text)}</div>'}


def format_seconds(seconds: float) -> str:
    """A length of time: `0.24 s`, `12 s`, `3 min 5 s`."""
    if seconds < 9.95:
        return f"{seconds:.2f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s"


def _list(sizes: dict[str, int], most: int = 8) -> str:
    shown = [f"{name} ({format_size(size)})" for name, size in list(sizes.items())[:most]]
    if len(sizes) > most:
        shown.append(f"{len(sizes) - most} more ({format_size(sum(list(sizes.values())[most:]))})")
    return ", ".join(shown)
