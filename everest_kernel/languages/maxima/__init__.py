"""Maxima."""

from .language import MaximaLanguage

__all__ = ["MaximaLanguage"]
