"""PowerShell."""

from .language import PowerShellLanguage

__all__ = ["PowerShellLanguage"]
