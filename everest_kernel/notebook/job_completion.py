"""What could stand on the lines of the job magics: options, their values, and ids that the journal knows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePath

from ..routes import EMBEDDED, load_configuration
from ..wire import ConfigurationError
from .cache_page import CACHE_WORDS
from .job_options import JOBS_OPTIONS, STATE_WORDS
from .line_values import Notebook, route_names
from .remembered import shared_journal

__all__ = ["JOB_MAGICS", "cache_words", "job_words", "server_names"]

JOB_MAGICS = ("jobs", "job", "cancel", "log", "attach")
_MOST = 50
_NO_VALUE = "--all"


def job_words(magic: str, before: list[str], notebook: Notebook) -> Iterable[str]:
    """Words that could come next.

    Args:
        magic: one of `JOB_MAGICS`.
        before: the words that stand there.
        notebook: its sweeps, and its folder for the configuration.
    """
    if magic != "jobs":
        found = [*_sweeps(magic, notebook), *_ids(unfinished=magic in ("cancel", "attach"))]
        return [job_id for job_id in found if job_id not in before]
    last = before[-1] if before else ""
    if last not in JOBS_OPTIONS or last == _NO_VALUE:
        return [option for option in JOBS_OPTIONS if option == "--state" or option not in before]
    if last == "--state":
        return STATE_WORDS
    if last == "--route":
        return route_names(notebook.folder)
    if last == "--server":
        return server_names(notebook.folder)
    return _notebooks() if last == "--notebook" else ()


def cache_words(before: list[str]) -> Iterable[str]:
    """Words that could come next after `%everest cache`."""
    if not before:
        return CACHE_WORDS
    return _ids(unfinished=False) if before == ["clear"] else ()


def server_names(folder: Path) -> list[str]:
    """The servers, sorted; none when the configuration is faulty."""
    try:
        return sorted({EMBEDDED, *load_configuration(folder).servers})
    except ConfigurationError:
        return []


def _sweeps(magic: str, notebook: Notebook) -> list[str]:
    """Sweeps in the background: one that is over cannot be cancelled, but gives its grid."""
    if magic not in ("cancel", "attach"):
        return []
    return [sweep_id for sweep_id, job in [*notebook.sweeps().items()] if magic == "attach" or not job.done()]


def _ids(*, unfinished: bool) -> list[str]:
    try:
        book = shared_journal()
        records = book.unfinished()[:_MOST] if unfinished else book.search(limit=_MOST)
    except ConfigurationError:
        return []  # the magic itself will say what is wrong
    return [record.job_id for record in records if record.job_id]


def _notebooks() -> list[str]:
    try:
        found = shared_journal().notebooks()
    except ConfigurationError:
        return []
    names = (PurePath(identity).name for identity in found if identity.endswith(".ipynb"))
    return ["this", *sorted(name for name in set(names) if not set(name) & set(" '\"\\"))]
