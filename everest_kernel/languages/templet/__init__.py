"""C++ with the Templet SDK, whose programs submit jobs to Everest."""

from .language import TempletLanguage

__all__ = ["TempletLanguage"]
