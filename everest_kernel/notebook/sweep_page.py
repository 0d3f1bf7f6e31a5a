"""`%everest sweeps`: the finished points of sweeps that are kept, and clearing them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ..wire import CellOptionError
from .header import format_age, format_size
from .remembered import shared_points
from .tables import table

__all__ = ["sweeps_bundle"]

_SHOWN = 50
_LINE = 60


def sweeps_bundle(words: Sequence[str], now: float) -> dict[str, str]:
    """What `%everest sweeps` shows, as a MIME bundle.

    Args:
        words: what follows it: nothing, or `clear`.
        now: seconds since the epoch.

    Raises:
        CellOptionError: something else follows it.
        ConfigurationError: the points cannot be looked at.
    """
    store = shared_points()
    if list(words) not in ([], ["clear"]):
        raise CellOptionError(
            f"%everest sweeps cannot be followed by {' '.join(words)!r}",
            hint="Write %everest sweeps, or %everest sweeps clear.",
        )
    if store is None:
        return {"text/plain": "There is no place for finished points; none are kept."}
    if words:
        before = store.size
        gone = store.clear()
        return {"text/plain": f"{gone:,} points are dropped ({format_size(before)})."}
    kept = store.usage()
    if not kept:
        return {"text/plain": "No finished points of sweeps are kept."}
    rows = [
        [
            f"sweep-{usage.content[:8]}",
            _line(usage.facts),
            f"{usage.points:,}" + (f" ({usage.failed:,} failed)" if usage.failed else ""),
            format_size(usage.size),
            f"{format_age(now - usage.used)} ago",
        ]
        for usage in kept[:_SHOWN]
    ]
    bundle = table(["sweep", "line", "points", "size", "last used"], rows)
    said = f"{len(kept)} sweeps, {format_size(sum(usage.size for usage in kept))}"
    if len(kept) > _SHOWN:
        said += f"; the {_SHOWN} that were used last are shown"
    return {
        "text/plain": f"{bundle['text/plain']}\n{said}",
        "text/html": f"{bundle['text/html']}<div>{said}</div>",
    }


def _line(facts: str) -> str:
    """The line of the cell, shortened."""
    try:
        line = str(json.loads(facts)["line"])
    except (ValueError, KeyError, TypeError):
        return ""
    return line if len(line) <= _LINE else f"{line[: _LINE - 1]}…"
