"""What the user sees: magics, live output, the header line."""

from .magics import Everest, load, unload

__all__ = ["Everest", "load", "unload"]
