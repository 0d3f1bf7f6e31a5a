"""What `%%sweep --dry-run` shows: the space, the programs of the first and the last point, and the plan."""

from __future__ import annotations

import numpy as np

from ..languages import Display
from ..sweeps.single_chunks import request_of
from ..wire import CellOptionError
from .dry_run import fenced
from .sweep_cell import PreparedSweep

__all__ = ["sweep_dry_run"]

_MOST_VALUES = 200_000
_WIDTH = 400


def sweep_dry_run(prepared: PreparedSweep) -> Display:
    """What would be sent, as a display."""
    routes = [
        f"{route.name}: server {route.server}, resources {', '.join(route.resources) or 'those of the application'}, "
        f"application {route.application or route.cell_application.alias}"
        for route in prepared.routes
    ]
    constants = ", ".join(prepared.cell.constants) or "none"
    facts = [
        prepared.space.describe(),
        *routes,
        f"constants {constants}; outputs {', '.join(prepared.cell.outputs)}",
        *(f"file {file.staging.target}" for file in prepared.files),
    ]
    if prepared.selection.held_back:
        facts.append(f"not sent {', '.join(prepared.selection.held_back)} (looks secret)")
    first, last = prepared.space.first_last()
    parts = [("first point", program(prepared, first)), ("last point", program(prepared, last))]
    plan = _plan(prepared)
    text = "\n".join(facts)
    plain = "\n\n".join([text, *(f"--- {title}\n{body}" for title, body in parts), f"--- plan\n{plan.rstrip()}"])
    lexer = prepared.language.editing.lexer
    markdown = [fenced(text, ""), *(f"{title}\n\n{fenced(body, lexer)}" for title, body in parts)]
    markdown.append(f"plan\n\n{fenced(plan.rstrip(), '')}")
    return Display({"text/plain": plain, "text/markdown": "\n\n".join(markdown)}, {"everest_dry_run": True})


def _plan(prepared: PreparedSweep) -> str:
    """The plan, shortened for people: a list of values can be as long as a book."""
    values = sum(prepared.space.shape)
    if values > _MOST_VALUES:
        return f"(a plan of this space lists up to {values:,} values, and is not shown)"
    try:
        text = prepared.space.plan_text(prepared.routes[0].command)
    except CellOptionError as error:
        return f"(this space cannot be a plan: {error.message})"
    return "\n".join(line if len(line) <= _WIDTH else f"{line[:_WIDTH]} …" for line in text.splitlines())


def program(prepared: PreparedSweep, number: int) -> str:
    """The program of one point: for Python the cell below its parameters, else as it is sent."""
    columns = prepared.space.columns(np.array([number], np.int64))
    if prepared.language.name != "python":
        return prepared.language.render(request_of(prepared.cell, columns, 0)).text.rstrip()
    point = [f"{name} = {value!r}" for name, value in prepared.space.point(number).items()]
    return "\n".join([*point, prepared.cell.code.rstrip()])
