"""Everest's application description (`application.json`)."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

__all__ = [
    "Application",
    "ApplicationConfig",
    "ApplicationFile",
    "InputMapping",
    "OutputMapping",
    "Parameter",
    "ResourceRequirement",
    "file_list_parameter",
    "file_parameter",
]


class Parameter(msgspec.Struct, rename="camel", omit_defaults=True, frozen=True):
    """One input or output, in the style of JSON Schema.

    Attributes:
        type: `string`, `number`, `integer`, `boolean` or `array`.
        format: `uri` for a file; empty for plain text.
        items: for arrays, the description of one element.
        required: whether a job without it is refused (input) or fails (output).
    """

    title: str = ""
    description: str = ""
    type: str = "string"
    required: bool = True
    format: str = ""
    items: dict[str, Any] | None = None
    view_type: str = ""

    @property
    def is_file(self) -> bool:
        """Whether the value is one file URI."""
        return self.type == "string" and self.format == "uri"

    @property
    def is_file_list(self) -> bool:
        """Whether the value is an array of file URIs."""
        return self.type == "array" and (self.items or {}).get("format") == "uri"


class InputMapping(msgspec.Struct, frozen=True):
    """Write input `param` into `file` in the task directory. `pattern` is empty in every known application."""

    param: str
    file: str
    pattern: str = ""


class OutputMapping(msgspec.Struct, frozen=True):
    """Read output `param` from `file`; `stdout` and `stderr` name the captured streams."""

    param: str
    file: str
    pattern: str = ""


class ResourceRequirement(msgspec.Struct, rename="camel", frozen=True):
    """One requirement of an application. Units are ours where Everest's are unknown: `timeLimit` in seconds."""

    default_value: float = 1
    allow_override: bool = False


class ApplicationConfig(msgspec.Struct, rename="camel", frozen=True):
    """How an application runs: its command line and what goes into and comes out of files."""

    command: str = ""
    input_mappings: tuple[InputMapping, ...] = ()
    output_mappings: tuple[OutputMapping, ...] = ()
    resource_requirements: dict[str, ResourceRequirement] = {}


class ApplicationFile(msgspec.Struct, frozen=True):
    """A file that is put into the directory of each task. Everest's own form of these entries is not known.

    Attributes:
        path: where it goes, relative to the task's directory.
        uri: where its content can be had; in a request, an upload to take over.
        length: bytes; set by the server.
        sha256: hexadecimal; set by the server.
    """

    path: str
    uri: str
    length: int = 0
    sha256: str = ""


class Application(msgspec.Struct, rename="camel", frozen=True):
    """A published command-line program with typed inputs and outputs.

    `id` and `user` are set by the server, and `resources` are those that a job uses which names none; the other fields
    are those of `application.json`. Entries of `files` are an `ApplicationFile` on the embedded hub.
    """

    alias: str = ""
    name: str = ""
    annotation: str = ""
    description: str = ""
    keywords: tuple[str, ...] = ()
    inputs: dict[str, Parameter] = {}
    outputs: dict[str, Parameter] = {}
    type: str = "application"
    config: ApplicationConfig = ApplicationConfig()
    retry_failed_tasks: bool = False
    files: tuple[Any, ...] = ()
    version: str = "1.0.0"
    id: str = ""
    user: str = ""
    resources: tuple[str, ...] = ()

    @property
    def own_files(self) -> tuple[ApplicationFile, ...]:
        """Its files, as far as their entries have the embedded hub's form."""
        return tuple(msgspec.convert(e, ApplicationFile) for e in self.files if _is_own(e))

    def content_hash(self) -> str:
        """Sixteen hex digits that depend on what the application does, not on who published it where."""
        # where a file is kept depends on who published it; what is in it does not
        files = tuple((file.path, file.sha256) for file in self.own_files)
        plain = msgspec.structs.replace(self, id="", user="", alias="", resources=(), files=files)
        return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()[:16]


def _is_own(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("path"), str) and isinstance(entry.get("uri"), str)


def file_parameter(title: str, *, required: bool = True) -> Parameter:
    """A parameter that holds one file."""
    return Parameter(title=title, type="string", format="uri", required=required)


def file_list_parameter(title: str, *, required: bool = True) -> Parameter:
    """A parameter that holds several files."""
    return Parameter(title=title, type="array", items={"type": "string", "format": "uri"}, required=required)
