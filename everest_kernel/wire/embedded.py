"""Where the embedded hub of a user lives and how its clients find it.

One hub runs per *home* folder. It holds `run.lock` while it runs and describes itself in `hub.json`, which only
its owner can read because it carries the token. Whoever wants to start it takes `start.lock` first.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import platformdirs

__all__ = ["HOME_VARIABLE", "HubRecord", "hub_home", "log_path", "record_path", "run_lock_path", "start_lock_path"]

HOME_VARIABLE = "EVEREST_HUB_HOME"
"""Environment variable that names another home folder."""


class HubRecord(msgspec.Struct, frozen=True):
    """What `hub.json` says.

    Attributes:
        url: base URL, `http://127.0.0.1:<port>`.
        token: client token of the hub's owner.
        pid: process id of the hub.
        version: version of everest_kernel that runs it.
    """

    url: str
    token: str
    pid: int
    version: str

    def __repr__(self) -> str:  # the token must not reach a log or a traceback
        return f"HubRecord(url={self.url!r}, pid={self.pid}, version={self.version!r})"


def hub_home() -> Path:
    """The home folder of the embedded hub: `$EVEREST_HUB_HOME`, else a folder of the user's data directory."""
    named = os.environ.get(HOME_VARIABLE)
    return Path(named) if named else Path(platformdirs.user_data_path("everest-kernel")) / "hub"


def record_path(home: Path) -> Path:
    """The file that describes the running hub."""
    return home / "hub.json"


def run_lock_path(home: Path) -> Path:
    """Locked by the hub as long as it runs."""
    return home / "run.lock"


def start_lock_path(home: Path) -> Path:
    """Locked by a client while it starts the hub."""
    return home / "start.lock"


def log_path(home: Path) -> Path:
    """What the hub writes to standard error when a client started it."""
    return home / "hub.log"
