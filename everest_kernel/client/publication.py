"""Publishing an application under a stable alias, and checking one that somebody else published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from ..wire import Application, ConfigurationError, Parameter, RefusedError
from .answers import TokenInfo, read_application, read_applications, read_as
from .transport import Transport

__all__ = ["BY_HAND", "Published", "check_fit", "differences", "ensure", "merged", "misfits", "publish"]

_ABSENT = frozenset({404, 405})
BY_HAND = (
    "Publish an application by hand in the server's web pages, with the inputs program, cell and files and the "
    'outputs values, fetched, pictures, stdout and stderr, and name it in the route: application = "user/alias".'
)
"""What to do where a server does not let a user publish."""
_SERVERS_OWN = ("id", "user", "resources")


@dataclass(frozen=True)
class Published:
    """Where an application is, and what had to be done.

    Attributes:
        address: `user/alias`, or the id where the server does not tell the user.
        change: whether anything was sent.
    """

    address: str
    change: Literal["created", "updated", "unchanged"]


async def ensure(transport: Transport, application: Application, known: dict[str, str]) -> str:
    """The id of an application with this alias, published when the user has none; `known` remembers.

    Raises:
        RefusedError: the server does not let this user publish.
    """

    async def find() -> str | None:
        present = read_applications(await transport.request("GET", "/api/apps"))
        return next((a.id for a in present if a.alias.rpartition("/")[2] == application.alias), None)

    found = known.get(application.alias) or await find()
    if found is None:
        try:
            answer = await transport.request("POST", "/api/apps", json=application)
        except RefusedError as error:
            found = await find() if error.status == 409 else None  # another kernel was faster
            if found is None:
                error.hint = error.hint or BY_HAND
                raise
        else:
            found = read_application(answer).id
    return known.setdefault(application.alias, found)


async def publish(transport: Transport, application: Application, owner: TokenInfo) -> Published:
    """Create the user's application of this alias, or make it what it should be; send nothing if it is so already.

    Raises:
        RefusedError: the server does not let this user publish.
        ConfigurationError: several applications have the alias and it cannot be told which is the user's.
    """
    try:
        return await _publish(transport, application, owner.user)
    except RefusedError as error:
        error.hint = error.hint or BY_HAND
        raise


async def _publish(transport: Transport, application: Application, user: str) -> Published:
    present_id = await _find(transport, application, user)
    if present_id is None:
        created = read_application(await transport.request("POST", "/api/apps", json=_description(application)))
        return Published(_address(created, application.alias, user), "created")
    answer = await transport.request("GET", f"/api/apps/{present_id}")
    present = read_application(answer)
    address = _address(present, application.alias, user)
    if not differences(application, present):
        return Published(address, "unchanged")
    body = merged(application, read_as(answer, dict[str, Any]))
    await transport.request("PUT", f"/api/apps/{present.id}", json=body)
    return Published(address, "updated")


async def _find(transport: Transport, application: Application, user: str) -> str | None:
    """The id of the user's application with this alias."""
    alias = application.alias
    if user:
        try:
            return read_application(await transport.request("GET", f"/api/apps/{user}/{alias}")).id
        except RefusedError as error:
            if error.status != 404:
                raise
            return None
    try:
        answer = await transport.request("GET", "/api/apps")
    except RefusedError as error:
        if error.status not in _ABSENT:
            raise
        answer = await transport.request("GET", "/api/apps/search", params={"name": application.name})
    found = [a for a in read_applications(answer) if a.alias.rpartition("/")[2] == alias]
    if len(found) > 1:
        owners = ", ".join(a.user or a.id for a in found)
        raise ConfigurationError(
            f"{len(found)} applications have the alias {alias!r} (of {owners}), and it is not known which is yours",
            hint=f'Name yours in the route: application = "user/{alias}".',
        )
    return found[0].id if found else None


def _address(present: Application, alias: str, user: str) -> str:
    owner = present.user or user
    return f"{owner}/{alias}" if owner else present.alias if "/" in present.alias else present.id


def _description(application: Application) -> dict[str, Any]:
    """As `application.json` has it: without what the server adds."""
    raw: dict[str, Any] = msgspec.to_builtins(application)
    return {key: value for key, value in raw.items() if key not in _SERVERS_OWN}


def merged(wanted: Application, present: Mapping[str, Any]) -> dict[str, Any]:
    """What to send for `present` to become `wanted`; settings that are no business of ours stay."""
    body = {key: value for key, value in present.items() if key not in ("id", "user")}
    ours = _description(wanted)
    before = present.get("config")
    if isinstance(before, Mapping):
        limits = before.get("resourceRequirements")
        kept = limits if isinstance(limits, Mapping) else {}
        config = ours["config"]
        config["resourceRequirements"] = {**kept, **config["resourceRequirements"]}
        ours["config"] = {**before, **config}
    return {**body, **ours}


def differences(wanted: Application, present: Application) -> list[str]:
    """In which respects a published application is not what it should be. What servers add does not count."""
    limits = present.config.resource_requirements
    pairs = {
        "name": (wanted.name, present.name),
        "annotation": (wanted.annotation, present.annotation),
        "inputs": (_parameters(wanted.inputs), _parameters(present.inputs)),
        "outputs": (_parameters(wanted.outputs), _parameters(present.outputs)),
        "command": (wanted.config.command, present.config.command),
        "input mappings": (set(wanted.config.input_mappings), set(present.config.input_mappings)),
        "output mappings": (set(wanted.config.output_mappings), set(present.config.output_mappings)),
        "resource requirements": (
            {name: limit for name, limit in wanted.config.resource_requirements.items() if name in limits},
            {name: limit for name, limit in limits.items() if name in wanted.config.resource_requirements},
        ),
    }
    return [name for name, (ours, theirs) in pairs.items() if ours != theirs]


def _parameters(parameters: Mapping[str, Parameter]) -> dict[str, tuple[Any, ...]]:
    return {
        name: (p.type, p.format, (p.items or {}).get("format", ""), p.required, p.title, p.description)
        for name, p in parameters.items()
    }


def misfits(wanted: Application, present: Application) -> list[str]:
    """Why jobs of a cell cannot be jobs of an application that somebody published; empty when they can."""
    found = []
    for name, parameter in wanted.inputs.items():
        there = present.inputs.get(name)
        if there is None:
            found.append(f"it has no input {name!r}")
        elif _kind(there) != _kind(parameter):
            found.append(f"its input {name!r} is {_kind(there)} and should be {_kind(parameter)}")
    for name, there in present.inputs.items():
        if there.required and name not in wanted.inputs:
            found.append(f"it requires an input {name!r}, which a cell does not have")
        elif there.required and name in wanted.inputs and not wanted.inputs[name].required:
            found.append(f"it requires {name!r}, which many cells do without")
    found += [f"it has no output {name!r}" for name in wanted.outputs if name not in present.outputs]
    return found


def check_fit(which: str, wanted: Application, present: Application) -> None:
    """Check that jobs of a cell can be jobs of a published application.

    Raises:
        ConfigurationError: they cannot; the message has every reason.
    """
    problems = misfits(wanted, present)
    if problems:
        raise ConfigurationError(
            f"the application {which} cannot run a cell: {'; '.join(problems)}",
            hint="`%everest publish ROUTE` publishes one that can.",
        )


def _kind(parameter: Parameter) -> str:
    if parameter.is_file_list:
        return "a list of files"
    return "a file" if parameter.is_file else {"string": "a text"}.get(parameter.type, f"of type {parameter.type}")
