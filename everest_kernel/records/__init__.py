"""What this user's kernels remember on this machine: the jobs that they started, and their results."""

from .cache import DEFAULT_LIMIT, CachedResult, CacheEntry, ResultCache
from .journal import GONE, JobRecord, Journal, describe, submission_key
from .place import HOME_VARIABLE, cache_folder, journal_path, records_home
from .points import Flight, PointStore, points_path

__all__ = [
    "DEFAULT_LIMIT",
    "GONE",
    "HOME_VARIABLE",
    "CacheEntry",
    "CachedResult",
    "Flight",
    "JobRecord",
    "Journal",
    "PointStore",
    "ResultCache",
    "cache_folder",
    "describe",
    "journal_path",
    "points_path",
    "records_home",
    "submission_key",
]
