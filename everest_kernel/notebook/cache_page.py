"""`%everest cache`: what is kept of results, and clearing it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from ..routes import load_configuration
from ..wire import CellOptionError
from .header import format_age, format_size
from .remembered import result_cache
from .tables import table

__all__ = ["CACHE_WORDS", "cache_bundle", "clear_cache"]

CACHE_WORDS = ("clear",)
"""What can follow `%everest cache`."""
_SHOWN = 50


def cache_bundle(words: Sequence[str], folder: Path, now: float) -> dict[str, str]:
    """What `%everest cache` shows, as a MIME bundle.

    Args:
        words: what follows it: nothing, or `clear` and perhaps the id of a job.
        folder: of the notebook, for its configuration.
        now: seconds since the epoch.

    Raises:
        CellOptionError: something else follows it.
        ConfigurationError: the cache cannot be used.
    """
    if not words:
        return _listed(folder, now)
    if words[0] not in CACHE_WORDS or len(words) > 2 or any(word.startswith("-") for word in words):
        near = difflib.get_close_matches(words[0], CACHE_WORDS, n=1)
        suggestion = f" Did you mean {near[0]!r}?" if near and words[0] not in CACHE_WORDS else ""
        raise CellOptionError(
            f"%everest cache cannot be followed by {' '.join(words)!r}.{suggestion}",
            hint="Write %everest cache, %everest cache clear, or %everest cache clear JOB.",
        )
    return {"text/plain": clear_cache(folder, *words[1:])}


def clear_cache(folder: Path, job_id: str | None = None) -> str:
    """Drop the results of a job, or all; says how many there were.

    Raises:
        CellOptionError: there is none of this job.
    """
    cache = result_cache(load_configuration(folder).cache.limit_bytes)
    before = cache.size
    gone = cache.clear(job_id)
    if job_id is not None and not gone:
        raise CellOptionError(f"the cache has no result of job {job_id!r}", hint="`%everest cache` lists what it has.")
    results = "1 result is" if gone == 1 else f"{gone} results are"
    return f"{results} dropped ({format_size(max(0, before - cache.size))})."


def _listed(folder: Path, now: float) -> dict[str, str]:
    settings = load_configuration(folder).cache
    cache = result_cache(settings.limit_bytes)
    entries = cache.entries()
    total = sum(entry.size for entry in entries)
    said = f"{len(entries)} results, {format_size(total)} of {format_size(settings.limit_bytes)}"
    if len(entries) > _SHOWN:
        said += f"; the {_SHOWN} that were used last are shown"
    if not settings.enabled:
        said += "; the cache is switched off"
    if not entries:
        said = said.replace("0 results", "No results")
        return {"text/plain": said}
    rows = [
        [entry.job_id, entry.route, format_size(entry.size), _ago(now - entry.stored), _ago(now - entry.used)]
        for entry in entries[:_SHOWN]
    ]
    bundle = table(["job", "route", "size", "kept", "last used"], rows)
    return {
        "text/plain": f"{bundle['text/plain']}\n{said}",
        "text/html": f"{bundle['text/html']}<div>{said}</div>",
    }


def _ago(seconds: float) -> str:
    return f"{format_age(seconds)} ago"
