"""What the user sees: magics, live output, the header line."""

from .magics import Everest, load, unload
from .remote_job import RemoteJob, start_remote
from .session import NotebookSession, shared_session

__all__ = ["Everest", "NotebookSession", "RemoteJob", "load", "shared_session", "start_remote", "unload"]
