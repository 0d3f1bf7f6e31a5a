"""Application descriptions as they come in: JSON, or the ZIP archive that Everest's web interface exports."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Collection

import msgspec
from starlette.requests import Request

from ...wire import Application, ApplicationFile, ProtocolError, safe_path
from ..application_archives import Described, unpack_application
from ..archives import TooLargeError
from ..contents import Content, Contents
from ..files import Files
from ..sweeps import SWEEP_TYPE
from .common import Refusal, body_as
from .uploads import receive

__all__ = ["check_ids", "read_description"]

_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
_ID = re.compile(r"([A-Za-z0-9][A-Za-z0-9._@-]{0,63}/)?[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
_ARCHIVES = ("application/zip", "application/x-zip-compressed", "application/octet-stream", "multipart/")


async def read_description(request: Request, user: str, files: Files, contents: Contents) -> Described:
    """The application in a request's body, with its files.

    Raises:
        Refusal: 400 when it does not fit, 413 when it is too large.
    """
    if request.headers.get("content-type", "").lower().startswith(_ARCHIVES):
        found = await _unpacked(request, contents)
    else:
        application = await body_as(request, Application)
        found = Described(application, {})
    try:
        _check(found.application)
        if not found.contents:
            _named_files(found, user, files)
    except BaseException:
        for content in found.contents.values():
            contents.discard(content)
        raise
    return Described(_as_published(found.application), found.contents)


async def _unpacked(request: Request, contents: Contents) -> Described:
    _, archive = await receive(request, contents)
    try:
        return await asyncio.to_thread(_unpack, archive, contents)
    except ProtocolError as error:
        raise Refusal(413 if isinstance(error, TooLargeError) else 400, error.message) from error
    finally:
        contents.discard(archive)


def _unpack(archive: Content, contents: Contents) -> Described:
    if archive.waiting is None:
        return unpack_application(io.BytesIO(contents.read(archive)), contents)
    with archive.waiting.open("rb") as source:
        return unpack_application(source, contents)


def _check(application: Application) -> None:
    if application.alias and not _ALIAS.match(application.alias):
        raise Refusal(400, "an alias has letters, digits, dots, dashes and underscores, at most 128")
    if application.type == SWEEP_TYPE:
        plan = application.inputs.get("plan")
        if plan is None or not plan.is_file or not plan.required:
            raise Refusal(400, "a parameter sweep needs the required file input 'plan'")
    elif not application.config.command.strip():
        raise Refusal(400, "the application has no command")


def _named_files(found: Described, user: str, files: Files) -> None:
    """Look up the files that a JSON description names: uploads to take over, or those that it has already."""
    try:
        entries = msgspec.convert(found.application.files, tuple[ApplicationFile, ...])
    except msgspec.ValidationError as error:
        raise Refusal(400, f"each of `files` has a `path` and the `uri` of an upload: {error}") from error
    for entry in entries:
        try:
            path = str(safe_path(entry.path))
        except ProtocolError as error:
            raise Refusal(400, error.message) from error
        content = files.content(user, entry.uri)
        if content is None:
            raise Refusal(400, f"there is no file {entry.uri[:200]!r}")
        if path in found.contents:
            raise Refusal(400, f"the application has the file {path[:80]!r} twice")
        found.contents[path] = content


def _as_published(application: Application) -> Application:
    config = application.config
    requirements = config.resource_requirements
    if "nodes" in requirements and all(r.default_value == 1 and not r.allow_override for r in requirements.values()):
        # the untouched defaults of Everest's own form: a time limit of 1 is no second there
        config = msgspec.structs.replace(config, resource_requirements={})
    return msgspec.structs.replace(application, id="", user="", config=config)


def check_ids(ids: Collection[str]) -> None:
    """Check the names under which an application is imported.

    Raises:
        Refusal: 400 when one is neither an id nor `user/alias`.
    """
    for name in ids:
        if not _ID.match(name) or name == "search":
            raise Refusal(400, f"{name[:80]!r} is neither an id nor user/alias")
