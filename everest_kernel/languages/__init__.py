"""How a cell becomes a program of another language, and how its values come back."""

from .base import VALUE_LIMIT, CellRequest, CellStream, Display, Language, Names, Program, Returned, StagedFile
from .python import PythonLanguage
from .python.values import CannotTravelError, encode, kind_of
from .shell import ShellLanguage

__all__ = [
    "LANGUAGES",
    "VALUE_LIMIT",
    "CannotTravelError",
    "CellRequest",
    "CellStream",
    "Display",
    "Language",
    "Names",
    "Program",
    "PythonLanguage",
    "Returned",
    "ShellLanguage",
    "StagedFile",
    "encode",
    "kind_of",
]

LANGUAGES: dict[str, Language] = {language.name: language for language in (PythonLanguage(), ShellLanguage())}
"""The languages by name."""
