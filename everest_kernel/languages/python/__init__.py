"""Python on a resource: nothing of ours is installed there, so what is needed travels with the cell."""

from .language import PythonLanguage

__all__ = ["PythonLanguage"]
