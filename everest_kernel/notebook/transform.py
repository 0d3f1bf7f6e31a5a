"""Turns the outermost `%%remote` of a cell into a top-level `await`, so that the kernel's loop stays free.

So it does with a cell without a magic while a route is on (see `routing`). Only the outermost: `%%time` and
`%%capture` run their inner text themselves and would fail on an `await`, so there the ordinary magic of the same name
serves (see `magics`). What runs inside a cell is told from IPython's own events: the text of a cell is transformed
before `pre_execute`, inner text after it, while the same request is being answered.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import Any

from .routing import Request, Routing, current_request, runs_here, without_local

__all__ = ["ENTRY", "MAGICS", "ROUTED_ENTRY", "CellTransformer"]

MAGICS = ("remote", "sweep")
LINE_MAGICS = ("attach", "lyapunov")
ENTRY = "run_everest_cell"
"""Name of the shell's coroutine method that a rewritten cell awaits."""
ROUTED_ENTRY = "run_routed_cell"
"""The same for a cell that goes where a route leads."""

_FIRST_LINE = re.compile(r"%%(?P<magic>\w+)(?P<line>[^\n]*)")
_ONLY_LINE = re.compile(r"%(?P<magic>\w+)(?P<line>[^\n]*)\s*")
_PLAIN_WORD = re.compile(r"[,;/]?[^\W\d]\w*\b.*(?<!\?)\n?")


class CellTransformer:
    """An entry of `shell.input_transformers_cleanup`, with the events that tell it when a cell is running.

    Args:
        routing: where cells without a magic go.
        shell: asked for its line magics and for the request that it answers.
    """

    # in IPython's words: leave it out when only asking whether a cell is complete, which the rewritten text always is
    has_side_effects = True

    def __init__(self, routing: Routing | None = None, shell: Any = None) -> None:
        self._routing = routing or Routing()
        self._shell = shell
        self._inside: ContextVar[str] = ContextVar("everest_inside_cell", default="")

    def __call__(self, lines: list[str]) -> list[str]:
        """Rewrite a cell that is not for this kernel, drop `%%local`, and leave every other cell as it is."""
        start = next((i for i, line in enumerate(lines) if line.strip()), None)
        if start is None:
            return lines
        if without_local(lines[start]) is not None:
            return self._local(lines[:start], lines[start + 1 :])
        request = current_request(self._shell)
        if self._inside.get() == _key(request):
            return lines
        ours = _rewritten(lines[start:])
        if ours is None and self._is_routed("".join(lines), request):
            empty = _empty_lines(request.code) if request else 0  # IPython took them away; line numbers need them
            return [f"await get_ipython().{ROUTED_ENTRY}({empty * chr(10) + ''.join(lines)!r})\n"]
        return lines if ours is None else ours

    def _is_routed(self, code: str, request: Request | None) -> bool:
        if self._shell is None or (request is not None and not request.typed):
            return False
        if not self._routing.line:
            return False
        return not runs_here(code, self._shell.magics_manager.magics["line"])

    def _local(self, before: list[str], lines: list[str]) -> list[str]:
        """The cell as if its `%%local` line were empty."""
        written = [n for n, line in enumerate(lines) if line.strip()]
        if not written:
            return [*before, "\n"]
        rest, first = lines[written[0] :], lines[written[0]]
        if without_local(first) is not None:
            return self(rest)
        ours = None if self._inside.get() == _key(current_request(self._shell)) else _rewritten(rest)
        if ours is not None or first.startswith("%%"):  # a magic's cell has line numbers of its own
            return ours or rest
        if len(written) == 1 and self._shell is not None and _PLAIN_WORD.fullmatch(first):
            # IPython would do this itself with the only line of a cell: `ls` without %, `exit` without ()
            with self._shell.builtin_trap:
                lines = [*lines[: written[0]], self._shell.prefilter_manager.prefilter_lines(first.rstrip()) + "\n"]
        return [*before, "\n", *lines]

    def enter(self, *_: object) -> None:
        """IPython is about to run a cell."""
        self._inside.set(_key(current_request(self._shell)))

    def leave(self, *_: object) -> None:
        """IPython has run a cell. In a kernel the next request tells that; an inner cell has ended as well then."""
        if current_request(self._shell) is None:
            self._inside.set("")


def _rewritten(lines: list[str]) -> list[str] | None:
    """A cell that is one of our magics as the call that it stands for; None for other cells."""
    only = _ONLY_LINE.fullmatch("".join(lines))
    if only is not None and only["magic"] in LINE_MAGICS and not only["line"].rstrip().endswith("?"):
        return [f"await get_ipython().{ENTRY}({only['magic']!r}, {only['line'].strip()!r}, '')\n"]
    match = _FIRST_LINE.match(lines[0])
    if match is None or match["magic"] not in MAGICS or match["line"].strip() == "?":
        return None
    arguments = f"{match['magic']!r}, {match['line'].strip()!r}, {''.join(lines[1:])!r}"
    return [f"await get_ipython().{ENTRY}({arguments})\n"]


def _key(request: Request | None) -> str:
    return "a terminal's" if request is None else f"request {request.id}"


def _empty_lines(code: str) -> int:
    lines = code.splitlines()
    return next((n for n, line in enumerate(lines) if line.strip()), 0)
