"""Turns the outermost `%%remote` of a cell into a top-level `await`, so that the kernel's loop stays free.

Only the outermost: `%%time` and `%%capture` run their inner text themselves and would fail on an `await`, so there
the ordinary magic of the same name serves (see `magics`). What runs inside a cell is told from the cell itself by
IPython's own events: the text of a cell is transformed before `pre_execute`, inner text after it.
"""

from __future__ import annotations

import re
from contextvars import ContextVar

__all__ = ["ENTRY", "MAGICS", "CellTransformer"]

MAGICS = ("remote",)
LINE_MAGICS = ("attach",)
ENTRY = "run_everest_cell"
"""Name of the shell's coroutine method that a rewritten cell awaits."""

_FIRST_LINE = re.compile(r"%%(?P<magic>\w+)(?P<line>[^\n]*)")
_ONLY_LINE = re.compile(r"%(?P<magic>\w+)(?P<line>[^\n]*)\s*")


class CellTransformer:
    """An entry of `shell.input_transformers_cleanup`, with the events that tell it when a cell is running."""

    # in IPython's words: leave it out when only asking whether a cell is complete, which the rewritten text always is
    has_side_effects = True

    def __init__(self) -> None:
        self._inside: ContextVar[bool] = ContextVar("everest_inside_cell", default=False)

    def __call__(self, lines: list[str]) -> list[str]:
        """Rewrite a cell whose first line is one of our magics; leave every other cell as it is."""
        start = next((i for i, line in enumerate(lines) if line.strip()), None)
        if self._inside.get() or start is None:
            return lines
        only = _ONLY_LINE.fullmatch("".join(lines[start:]))
        if only is not None and only["magic"] in LINE_MAGICS and not only["line"].rstrip().endswith("?"):
            return [f"await get_ipython().{ENTRY}({only['magic']!r}, {only['line'].strip()!r}, '')\n"]
        match = _FIRST_LINE.match(lines[start])
        if match is None or match["magic"] not in MAGICS or match["line"].strip() == "?":
            return lines
        body = "".join(lines[start + 1 :])
        arguments = f"{match['magic']!r}, {match['line'].strip()!r}, {body!r}"
        return [f"await get_ipython().{ENTRY}({arguments})\n"]

    def enter(self, *_: object) -> None:
        """IPython is about to run a cell."""
        self._inside.set(True)

    def leave(self, *_: object) -> None:
        """IPython has run a cell."""
        self._inside.set(False)
