"""Fixtures of the tests of languages."""

from .wine import wine

__all__ = ["wine"]
