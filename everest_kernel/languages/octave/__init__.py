"""GNU Octave."""

from .language import OctaveLanguage

__all__ = ["OctaveLanguage"]
