"""The routes of a sweep as lanes: clients, applications, and how many jobs at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..sweeps import LaneTarget, chunk_language_of
from ..sweeps.run import Lane
from .sweep_cell import PreparedSweep

if TYPE_CHECKING:
    from ..client import EverestClient
    from ..routes import Route
    from .session import NotebookSession

__all__ = ["open_lanes"]

_UNKNOWN_SLOTS = 4
"""How many jobs at once where the server does not say what its resources can take."""
_MOST_SLOTS = 64


async def open_lanes(
    session: NotebookSession, prepared: PreparedSweep, sweep_id: str
) -> tuple[list[Lane], dict[str, LaneTarget]]:
    """Connect to the routes' servers, and see to the applications.

    Raises:
        EverestError: a server cannot be reached, or lacks what a route names.
    """
    lanes, targets = [], {}
    for route in prepared.routes:
        client = await session.client(route.server)
        resources = await client.resource_ids(route.resources)
        targets[route.name] = await _target(route, client, resources, prepared, sweep_id)
        lanes.append(Lane(route.name, await _slots(client, resources)))
    return lanes, targets


async def _target(
    route: Route, client: EverestClient, resources: tuple[str, ...], prepared: PreparedSweep, sweep_id: str
) -> LaneTarget:
    options, wanted = prepared.options, route.cell_application
    if route.application:
        app_id = await client.check_application(route.application, wanted)
    else:
        app_id = await client.ensure_application(wanted)
    return LaneTarget(
        route=route,
        server=route.server,
        client=client,
        app_id=app_id,
        chunks=chunk_language_of(route, prepared.cell),
        resources=resources,
        time_limit=options.time_limit or route.time_limit,
        queue_limit=options.queue_limit or route.queue_limit,
        files={file.staging.staged: file.path for file in prepared.files},
        name=options.name or f"{route.name} {sweep_id}",
    )


async def _slots(client: EverestClient, wanted: tuple[str, ...]) -> int:
    """How many jobs the resources compute at once."""
    known = await client.resources()
    chosen = [resource for resource in known or () if (resource.id in wanted if wanted else resource.online)]
    slots = sum(resource.slots or 1 for resource in chosen)
    return min(slots, _MOST_SLOTS) if slots else _UNKNOWN_SLOTS
