"""Resources by name: a server's jobs name them by id."""

from __future__ import annotations

import difflib
import re
from collections.abc import Awaitable, Callable, Sequence

from ..wire import ConfigurationError
from .answers import Resource

__all__ = ["is_resource_id", "resource_ids"]

_ID = re.compile(r"[0-9a-f]{24}\Z")


def is_resource_id(text: str) -> bool:
    """Whether this has the form of an Everest id: 24 hexadecimal digits."""
    return bool(_ID.match(text))


async def resource_ids(
    wanted: Sequence[str], url: str, known: Callable[[], Awaitable[list[Resource] | None]]
) -> tuple[str, ...]:
    """The ids of resources that are named by name or id.

    Args:
        wanted: names and ids.
        url: the server's, for messages.
        known: asks the server for its resources; gives None where the server has no list. Not called for ids alone.

    Raises:
        ConfigurationError: a name that stands for no resource, or for several.
    """
    if all(is_resource_id(word) for word in wanted):
        return tuple(wanted)
    resources = await known()
    if resources is None:
        names = ", ".join(repr(word) for word in wanted if not is_resource_id(word))
        raise ConfigurationError(
            f"{url} does not list its resources, so the name {names} cannot be looked up",
            hint="Write the resource's id (24 hexadecimal digits, in the address of its web page) instead of its name.",
        )
    return tuple(word if is_resource_id(word) else _id_of(word, resources, url) for word in wanted)


def _id_of(name: str, resources: list[Resource], url: str) -> str:
    found = [resource.id for resource in resources if name in (resource.name, resource.id)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigurationError(
            f"{len(found)} resources of {url} are named {name!r}", hint=f"Write one of their ids: {', '.join(found)}."
        )
    names = sorted({resource.name for resource in resources if resource.name})
    near = difflib.get_close_matches(name, names, n=1)
    suggestion = f" Did you mean {near[0]!r}?" if near else ""
    raise ConfigurationError(
        f"{url} has no resource {name!r}.{suggestion}", hint=f"Resources: {', '.join(names) or 'none'}."
    )
