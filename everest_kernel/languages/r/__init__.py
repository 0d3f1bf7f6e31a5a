"""R."""

from .language import RLanguage

__all__ = ["RLanguage"]
