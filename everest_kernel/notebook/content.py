"""What a cell's result depends on, as one hash: two cells with the same one are the same work."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from ..routes import EMBEDDED, load_configuration
from .prepare import Prepared

__all__ = ["content_hash"]


def content_hash(prepared: Prepared) -> str:
    """SHA-256 over program, cell, values, files, outputs, route, application and server.

    The program's text has the small values in it and says what is to come back; the application stands for the
    command that runs it. What does not change a result, as a name or a time limit, is left out.
    """
    route, program = prepared.route, prepared.program
    facts = (
        1,  # of this list
        _address(route.server, prepared.folder),
        sorted(route.resources),
        route.name,
        route.application or route.cell_application.alias,
        program.text,
        program.cell,
        sorted((name, hashlib.sha256(data).digest()) for name, data in program.attachments.items()),
        sorted((file.staging.target, file.staging.staged) for file in prepared.files),  # named by its content
        sorted(prepared.options.fetch),
    )
    return hashlib.sha256(msgspec.msgpack.encode(facts)).hexdigest()


def _address(server: str, folder: Path) -> str:
    """The embedded hub has another address each time; a configured server's name may be led elsewhere."""
    return EMBEDDED if server == EMBEDDED else load_configuration(folder).servers[server].url
