"""C++, compiled on the resource."""

from .language import CppLanguage

__all__ = ["CppLanguage"]
