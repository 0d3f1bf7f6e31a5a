"""Why a job waits, in words. A pure function of what the scheduler knows and of what is attached."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from .scheduled import Slots

__all__ = ["Waiting", "reason"]

_MOST_NAMES = 3


class Waiting(NamedTuple):
    """A job of whose tasks none is with an agent.

    Attributes:
        resources: ids that it names; empty: any that its user may use.
        position: when its next task is drawn, 1 for the next of all; None: it is in no queue.
        lost: whether agents that may still run its tasks are waited for.
        last_resource: the one whose agent that is, when it is known.
        held: whether the hub has started and gives the agents time to come back, before it sends more.
        cancelling: whether its owner wants it to end.
    """

    resources: tuple[str, ...]
    position: int | None = None
    lost: bool = False
    last_resource: str | None = None
    held: bool = False
    cancelling: bool = False


def reason(waiting: Waiting, names: Mapping[str, str], usable: Collection[str], connected: Mapping[str, Slots]) -> str:
    """What a job waits for.

    Args:
        waiting: the job.
        names: of all resources that exist, by id.
        usable: ids of those to which it may go if it names none.
        connected: those whose agents are there, by id.
    """
    if waiting.cancelling:
        return "it is being cancelled"
    if waiting.lost:
        name = names.get(waiting.last_resource or "")
        if name is not None:
            return f"the agent of {name} is away, and is waited for"
        return "the hub was started again and waits for the agents that may still run it"
    if waiting.held:
        return "the hub was started again and waits for its agents"
    if waiting.position is None:
        return "its next task is being looked for"
    return _of_resources(waiting.resources, names, usable, connected)


def _of_resources(
    named: tuple[str, ...], names: Mapping[str, str], usable: Collection[str], connected: Mapping[str, Slots]
) -> str:
    present = [resource for resource in named or usable if resource in names]
    if not present:
        return f"{_the(list(named), 'does not exist', 'do not exist')} any more" if named else "no resource is attached"
    there = [resource for resource in present if resource in connected]
    if not there:
        return _the([names[resource] for resource in present], "is offline", "are offline")
    with_slots = [resource for resource in there if connected[resource].slots > 0]
    if not with_slots:
        return _the([names[resource] for resource in there], "takes no tasks", "take no tasks")
    return _the([names[resource] for resource in with_slots], "is busy", "are busy")


def _the(names: list[str], one: str, several: str) -> str:
    if len(names) == 1:
        return f"the resource {names[0]} {one}"
    if len(names) > _MOST_NAMES:
        return f"all {len(names)} resources {several}"
    return f"the resources {', '.join(names[:-1])} and {names[-1]} {several}"
