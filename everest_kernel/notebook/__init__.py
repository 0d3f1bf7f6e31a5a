"""What the user sees: magics, live output, the header line."""

from .background import open_job, start_remote
from .magics import Everest, load, unload
from .remote_job import RemoteJob
from .session import NotebookSession, shared_session

__all__ = ["Everest", "NotebookSession", "RemoteJob", "load", "open_job", "shared_session", "start_remote", "unload"]
