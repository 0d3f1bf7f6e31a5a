"""From an application and a job's inputs to a task, and from what the task left to the job's result.

The semantics are those that Everest's clients rely on: input and output mappings, `${param}` in the command,
numbers as JSON numbers, strings to the byte. No I/O.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..wire import Application, CommandTemplate, Parameter, ProtocolError, name_of_uri, safe_path, substitute

__all__ = ["InputError", "Staging", "check_inputs", "command_line", "output_paths", "read_results", "stage_inputs"]

STREAMS = ("stdout", "stderr")


class InputError(ValueError):
    """A submission's inputs do not fit the application."""


@dataclass
class Staging:
    """What is put into the task's directory: texts that come from values, and files by URI."""

    texts: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


def check_inputs(application: Application, inputs: Mapping[str, Any]) -> None:
    """Refuse inputs that do not fit. Unknown inputs are accepted: old programs send some on purpose.

    Raises:
        InputError: a required input is missing, or one has a wrong type.
    """
    for name, parameter in application.inputs.items():
        if name not in inputs or inputs[name] is None:
            if parameter.required:
                raise InputError(f"the input {name!r} is missing")
        else:
            _check_type(name, parameter, inputs[name])


def _check_type(name: str, parameter: Parameter, value: Any) -> None:
    if parameter.is_file_list or parameter.type == "array":
        if not isinstance(value, list):
            raise InputError(f"the input {name!r} must be an array")
        if parameter.is_file_list and not all(isinstance(item, str) for item in value):
            raise InputError(f"the input {name!r} must be an array of file URIs")
    elif parameter.is_file and not isinstance(value, str):
        raise InputError(f"the input {name!r} must be a file URI")
    elif isinstance(value, (dict, list)):
        raise InputError(f"the input {name!r} must be a single value")


def stage_inputs(application: Application, inputs: Mapping[str, Any]) -> Staging:
    """Where each input goes in the task's directory.

    Raises:
        InputError: two inputs would get the same path, or a path or name is not allowed.
    """
    staging = Staging(files={file.path: file.uri for file in application.own_files})
    mapped = {mapping.param: mapping.file for mapping in application.config.input_mappings}
    for name, parameter in application.inputs.items():
        value = inputs.get(name)
        if value is None:
            continue
        path = substitute(mapped[name], _texts(inputs)) if name in mapped else None
        if parameter.is_file_list:
            for uri in value:
                _add(staging.files, staging, _name(uri), str(uri))
            if path is not None:
                _add(staging.texts, staging, path, json.dumps(value).encode())
        elif parameter.is_file:
            _add(staging.files, staging, path or _name(value), str(value))
        elif path is not None:
            _add(staging.texts, staging, path, _scalar(value).encode("utf-8", "surrogatepass"))
    return staging


def _add(target: dict[str, Any], staging: Staging, path: str, content: Any) -> None:
    try:
        checked = str(safe_path(path))
    except ProtocolError as error:
        raise InputError(str(error)) from error
    present = staging.texts.get(checked) or staging.files.get(checked)
    if present is not None and present != content:
        raise InputError(f"two inputs, or one and a file of the application, would both become {checked!r}")
    target[checked] = content


def _name(uri: str) -> str:
    try:
        return name_of_uri(uri)
    except ProtocolError as error:
        raise InputError(f"the file URI {uri[:80]!r} does not end in a file name") from error


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


def _texts(inputs: Mapping[str, Any]) -> dict[str, str]:
    """What stands for each input in a command or a file's name; an absent one becomes empty."""
    return {name: _scalar(value) for name, value in inputs.items() if value is not None}


def command_line(application: Application, inputs: Mapping[str, Any]) -> str:
    """The task's command.

    Raises:
        InputError: the command of the application cannot be split.
    """
    try:
        return CommandTemplate(application.config.command).fill(_texts(inputs))
    except ProtocolError as error:
        raise InputError(error.message) from error


def output_paths(application: Application, inputs: Mapping[str, Any]) -> dict[str, str]:
    """Output parameter to path in the task's directory.

    Raises:
        InputError: a path is not allowed.
    """
    paths = {mapping.param: substitute(mapping.file, _texts(inputs)) for mapping in application.config.output_mappings}
    for path in paths.values():
        try:
            safe_path(path)
        except ProtocolError as error:
            raise InputError(str(error)) from error
    return {param: path for param, path in paths.items() if param in application.outputs}


def read_results(
    application: Application,
    paths: Mapping[str, str],
    uri_of: Callable[[str], str | None],
    content_of: Callable[[str], bytes],
) -> tuple[dict[str, Any], list[str]]:
    """The job's result, and sentences about required outputs that are missing or malformed.

    Args:
        application: whose outputs they are.
        paths: see `output_paths`.
        uri_of: URI of a path that the task left, or None.
        content_of: content behind such a URI.
    """
    result: dict[str, Any] = {}
    problems: list[str] = []
    for name, path in paths.items():
        parameter = application.outputs[name]
        uri = uri_of(path)
        if uri is None:
            if parameter.required:
                problems.append(f"the output {name!r} is missing: there is no file {path!r}")
            continue
        if parameter.is_file:
            result[name] = uri
            continue
        text = content_of(uri).decode("utf-8", "replace")
        try:
            result[name] = _value(parameter, text)
        except ValueError:
            problems.append(f"the output {name!r} is not a {parameter.type}: {text[:40]!r}")
    return result, problems


def _value(parameter: Parameter, text: str) -> Any:
    if parameter.type == "string":
        return text
    value = json.loads(text)
    kinds: dict[str, tuple[type, ...]] = {"number": (int, float), "integer": (int,), "boolean": (bool,)}
    wanted = kinds.get(parameter.type, (object,))
    if not isinstance(value, wanted) or (isinstance(value, bool) and parameter.type != "boolean"):
        raise ValueError(parameter.type)
    return value
