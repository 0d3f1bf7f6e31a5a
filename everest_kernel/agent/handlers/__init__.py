"""What starts the programs of tasks."""

from .base import Ending, Handler, Launch, Program
from .local import LocalHandler

__all__ = ["Ending", "Handler", "Launch", "LocalHandler", "Program"]
