"""The records of this user that this kernel has open."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from ..wire import ConfigurationError

if TYPE_CHECKING:
    from ..records import Journal, PointStore, ResultCache

__all__ = ["close_records", "result_cache", "shared_journal", "shared_points"]

log = logging.getLogger(__name__)

_journals: dict[Path, Journal] = {}
_caches: dict[tuple[Path, int], ResultCache] = {}
_points: dict[Path, PointStore] = {}


def shared_journal() -> Journal:
    """The journal; it is opened when it is first used.

    Raises:
        ConfigurationError: its folder cannot be made.
    """
    from ..records import Journal, journal_path

    path = journal_path()
    if path not in _journals:
        _journals[path] = Journal(path)
    return _journals[path]


def result_cache(limit_bytes: int) -> ResultCache:
    """The results cache; it is opened when it is first used.

    Args:
        limit_bytes: as the configuration says.

    Raises:
        ConfigurationError: its folder cannot be made.
    """
    from ..records import ResultCache, cache_folder

    key = (cache_folder(), limit_bytes)
    if key not in _caches:
        _caches[key] = ResultCache(*key)
    return _caches[key]


def shared_points() -> PointStore | None:
    """The finished points of sweeps; None when there is no place for them."""
    from ..records import PointStore, points_path

    try:
        path = points_path()
    except ConfigurationError as error:
        log.warning("finished points are not kept: %s", error)
        return None
    if path not in _points:
        _points[path] = PointStore(path)
    return _points[path]


def close_records() -> None:
    """Close them; they are opened again when they are used again."""
    while _journals:
        _journals.popitem()[1].close()
    while _caches:
        _caches.popitem()[1].close()
    while _points:
        _points.popitem()[1].close()
