"""The POSIX shell."""

from .language import ShellLanguage

__all__ = ["ShellLanguage"]
