"""How a cell becomes a program of another language, and how its values come back."""

from .base import (
    VALUE_LIMIT,
    CellRequest,
    CellStream,
    Display,
    Language,
    Located,
    Names,
    PlainStream,
    Program,
    Returned,
    StagedFile,
    Text,
)
from .batch import BatchLanguage, Main, Requirement
from .drivers import END_MARK
from .editing import Completeness, Completion, Editing, Word
from .expressions import Expressions
from .python import PythonLanguage
from .python.values import CannotTravelError, encode, kind_of
from .records import read_records
from .registry import find_language, language_names
from .shell import ShellLanguage
from .shown import read_shown
from .streams import ErrorStream

__all__ = [
    "END_MARK",
    "VALUE_LIMIT",
    "BatchLanguage",
    "CannotTravelError",
    "CellRequest",
    "CellStream",
    "Completeness",
    "Completion",
    "Display",
    "Editing",
    "ErrorStream",
    "Expressions",
    "Language",
    "Located",
    "Main",
    "Names",
    "PlainStream",
    "Program",
    "PythonLanguage",
    "Requirement",
    "Returned",
    "ShellLanguage",
    "StagedFile",
    "Text",
    "Word",
    "encode",
    "find_language",
    "kind_of",
    "language_names",
    "read_records",
    "read_shown",
]
