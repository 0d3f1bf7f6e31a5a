"""`%route` and `%%local`: where cells without a magic of their own run."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from ..languages import Display
from ..routes import Route
from ..wire import CellOptionError, EverestError
from .channels import LocalChannel, channel_for
from .chosen_route import chosen_route
from .options import parse_remote_line
from .place import notebook_path
from .routing import HERE, SAVE, Routing, give_routing
from .transform import ENTRY, ROUTED_ENTRY

__all__ = ["RouteMagic", "add_route_magics", "remove_route_magics", "routing_of"]

ROUTE_HELP = """\
Choose where cells without a magic of their own run.

    %route                     say where they run
    %route ROUTE [options]     send every following one there; routes and options are those of %%remote
    %route local               run them here again
    %route ROUTE --save        the same, and keep the choice in the notebook's metadata for later kernels
    %route local --save        the same, and remove it from there

While a route is on, these still run here: single cells that begin with %%local, cells with another magic such as
%%time, cells that begin with a line magic such as %log, and questions such as `name?`. %%remote goes where it says.

Examples

    %route maple
    %route python --time-limit 10m --out result
    %route octave --save
    %route local
"""
LOCAL_HELP = """\
Run this cell in this kernel, also while a route is on (see %route).

Example

    %%local
    total = sum(values)
"""
_TRY_HELP = "`%route?` shows examples."


def routing_of(shell: Any) -> Routing:
    """A new choice for a shell, which its notebook's metadata may make."""

    def read() -> str | None:
        from .stored_route import read_stored_route  # here and below: a kernel starts sooner without

        path = notebook_path(shell.user_ns)
        return None if path is None else read_stored_route(path)

    notebook_path(shell.user_ns)  # seen under this name, it is found when it is renamed
    return Routing(read)


class RouteMagic:
    """The magics of one shell.

    Args:
        shell: runs cells.
        routing: holds the choice.
    """

    def __init__(self, shell: Any, routing: Routing) -> None:
        self._shell = shell
        self._routing = routing

    def route(self, line: str) -> None:
        """Replaced by the help text when the magic is registered."""
        wanted, save = _split(line)
        if not wanted and not save:
            _show(_told(self._routing, _current(self._routing)))
            return
        chosen = self._routing.line if not wanted else "" if wanted == HERE else wanted
        route = _checked(chosen) if chosen else None
        stored = ""
        if save:
            stored = _store(notebook_path(self._shell.user_ns), chosen)
        if wanted:
            self._routing.choose(chosen)
        _show(_told(self._routing, route) + stored)

    def local(self, line: str, cell: str) -> None:
        """Replaced by the help text when the magic is registered."""
        # a cell's own %%local line never comes here: it is taken away before the cell runs (see `transform`)
        if line.strip():
            raise CellOptionError(f"%%local takes nothing, but there is {line.strip()!r}", hint=_TRY_HELP)
        self._shell.run_cell(cell, store_history=False).raise_error()

    async def run_cell(self, body: str) -> Any:
        """What a cell awaits that goes where the route leads."""
        from .cell_text import language_of, read_line
        from .comments import is_comment
        from .line_words import split_line

        line, folder = self._routing.line, Path.cwd()
        language = language_of(read_line(split_line(line)), folder)
        if language is not None and is_comment(body, language.editing.lexer):
            return None
        announcement = self._routing.announcement()
        if announcement:
            channel_for(self._shell).display(_display(_printable(announcement)))
        if self._routing.from_notebook:
            try:
                chosen_route(parse_remote_line(line), folder)
            except EverestError as error:
                error.hint = _join(error.hint, f"The notebook's metadata says so; `%route {HERE}` runs its cells here.")
                raise
        return await getattr(self._shell, ENTRY)("remote", line, body)


def _split(line: str) -> tuple[str, bool]:
    """The line without `--save`, and whether that was there."""
    from .line_words import split_line

    words = split_line(line)
    kept = [word.raw for word in words if word.text != SAVE]
    return " ".join(kept), len(kept) < len(words)


def _checked(line: str) -> Route:
    """The route of a line that can be used.

    Raises:
        EverestError: as a `%%remote` line with this text.
    """
    if line.split()[0] == HERE:
        raise CellOptionError(f"%route {HERE} takes no option but {SAVE}", hint=_TRY_HELP)
    return chosen_route(parse_remote_line(line), Path.cwd())


def _current(routing: Routing) -> Route | None:
    """The route that is on; None also when it cannot be used, which its cells will say."""
    if not routing.line:
        return None
    try:
        return _checked(routing.line)
    except EverestError:
        return None


def _told(routing: Routing, route: Route | None) -> str:
    line = routing.line
    if not line:
        return (
            "Cells run here, in this kernel. `%route NAME` sends those without a magic of their own elsewhere; "
            "`%everest routes` lists the names."
        )
    why = ", as its metadata says" if routing.from_notebook else ""
    what = f" ({route.note or route.language.name}, server {route.server})" if route is not None else ""
    whose = "Cells of this notebook" if why else "Cells"
    text = f"{whose} without a magic of their own go to `{_printable(line)}`{what}{why}. "
    return text + f"`%%local` runs one here, `%route {HERE}` all."


def _store(path: Path | None, line: str) -> str:
    """Keep the line in the notebook, or remove what is there; says what was done."""
    from .stored_route import metadata_text, store_route

    changed = store_route(path, line)
    name = _printable(path.name) if path is not None else ""
    reload = "Reload the notebook from disk before you save it"
    if not line and not changed:
        return f"\nNothing is kept in {name} on disk."
    if not line:
        return f'\nRemoved from {name} on disk. {reload}, or remove `"everest"` from its metadata by hand.'
    return f"\nKept in {name} on disk. {reload}, or put this into its metadata by hand: `{metadata_text(line)}`"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _join(*parts: str | None) -> str:
    return " ".join(part for part in parts if part)


def _display(text: str) -> Display:
    shown = re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text, quote=False)).replace("\n", "<br>")
    return Display({"text/plain": text, "text/html": f"<div>{shown}</div>"}, {"everest_route": True})


def _show(text: str) -> None:
    LocalChannel().display(_display(text))


def add_route_magics(shell: Any, routing: Routing) -> None:
    """Give a shell the magics."""
    magic = RouteMagic(shell, routing)
    magic.route.__func__.__doc__ = ROUTE_HELP  # type: ignore[attr-defined]
    magic.local.__func__.__doc__ = LOCAL_HELP  # type: ignore[attr-defined]
    shell.register_magic_function(magic.route, "line", "route")
    shell.register_magic_function(magic.local, "cell", HERE)
    object.__setattr__(shell, ROUTED_ENTRY, magic.run_cell)
    give_routing(shell, routing)


def remove_route_magics(shell: Any) -> None:
    """Take them away again."""
    shell.magics_manager.magics["line"].pop("route", None)
    shell.magics_manager.magics["cell"].pop(HERE, None)
    delattr(shell, ROUTED_ENTRY)
    give_routing(shell, None)
