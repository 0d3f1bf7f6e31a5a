"""Giac."""

from .language import GiacLanguage

__all__ = ["GiacLanguage"]
