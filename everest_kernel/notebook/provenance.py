"""Where a remote output is from, as metadata that a saved notebook keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from ..languages import Display
from ..wire import Job
from .channels import Channel

__all__ = ["PROVENANCE", "MarkedChannel", "provenance"]

PROVENANCE = "everest"
"""The key in an output's metadata."""


def provenance(*, job: Job, server: str, route: str, resource: str, content: str) -> dict[str, str]:
    """What is kept of a job with each of its outputs; what is not known is left out. There is no token among it.

    Args:
        job: as it was last seen.
        server: its address.
        route: the route's name.
        resource: the resource's name.
        content: hash of all that the cell's result depends on.
    """
    found = {
        "job": job.id,
        "state": str(job.state),
        "server": server,
        "route": route,
        "resource": resource,
        "content": content,
        "submitted": _clock(job.submitted),
        "started": _clock(job.started),
        "finished": _clock(job.finished),
    }
    return {name: value for name, value in found.items() if value}


class MarkedChannel:
    """Adds to each display where it is from.

    Args:
        channel: where everything goes.
        source: asked at each display, because more is known later; nothing when there is no job yet.
    """

    def __init__(self, channel: Channel, source: Callable[[], dict[str, str]]) -> None:
        self._channel = channel
        self._source = source

    def text(self, stream: str, text: str) -> None:
        """Text has no metadata."""
        self._channel.text(stream, text)

    def display(self, display: Display) -> None:
        """A display with its source."""
        source = self._source()
        metadata: dict[str, Any] = {**display.metadata, PROVENANCE: source} if source else display.metadata
        self._channel.display(replace(display, metadata=metadata))


def _clock(milliseconds: int) -> str:
    if not milliseconds:
        return ""
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc).isoformat(timespec="milliseconds")
