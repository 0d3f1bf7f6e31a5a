"""Julia."""

from .language import JuliaLanguage

__all__ = ["JuliaLanguage"]
