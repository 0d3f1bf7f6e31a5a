"""Maple."""

from .language import MapleLanguage

__all__ = ["MapleLanguage"]
