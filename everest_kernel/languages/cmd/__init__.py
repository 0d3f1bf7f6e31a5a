"""The command interpreter of Windows."""

from .language import CmdLanguage

__all__ = ["CmdLanguage"]
