"""Where the records of this user's kernels lie."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from ..wire import ConfigurationError

__all__ = ["HOME_VARIABLE", "cache_folder", "journal_path", "private_folder", "records_home"]

HOME_VARIABLE = "EVEREST_RECORDS_HOME"
"""Environment variable that names another folder."""


def records_home() -> Path:
    """The folder of the records: `$EVEREST_RECORDS_HOME`, else one of the user's data directory. Made if need be.

    Raises:
        ConfigurationError: it cannot be made.
    """
    named = os.environ.get(HOME_VARIABLE)
    return private_folder(Path(named) if named else Path(platformdirs.user_data_path("everest-kernel")) / "records")


def journal_path() -> Path:
    """The file of the journal.

    Raises:
        ConfigurationError: its folder cannot be made.
    """
    return records_home() / "journal.sqlite"


def cache_folder() -> Path:
    """The folder of the results cache.

    Raises:
        ConfigurationError: it cannot be made.
    """
    return records_home() / "cache"


def private_folder(folder: Path) -> Path:
    """Make a folder, when there is none, that only its owner can look into.

    Raises:
        ConfigurationError: it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"the folder {folder} cannot be made: {error.strerror}",
            hint=f"Without it nothing is remembered of jobs. {HOME_VARIABLE} names another folder.",
        ) from error
    return folder
