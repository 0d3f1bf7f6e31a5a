"""What a driver notes beside the files that are shown: what is not, and how to read the rest.

A file `everest-notes` in their archive, of lines in UTF-8: `encoding NAME` of texts on the resource; `large SIZE PATH`
or `listed LINE` (by `ls -ln`) for a file that is too large to be packed; `more NUMBER` for files beyond the most that
are; `fetch PATTERN` for each pattern of `--fetch`; `root PATH` where other paths begin with the task's folder.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from ...wire import ProtocolError, format_size, safe_path
from ..joined import relative_path

__all__ = ["NOTES_FILE", "Notes", "fetch_notes", "read_notes"]

NOTES_FILE = "everest-notes"
_LISTED = re.compile(r"\S+\s+\d+\s+\S+\s+\S+\s+(\d{1,18})\s.*?\./(.*)")
_LARGE = re.compile(r"(\d{1,18}) (.*)")
_MOST_SENTENCES = 20


@dataclass
class Notes:
    """What a driver noted: the encoding, files that are too large with their sizes, and how many more there are."""

    encoding: str = "utf-8"
    large: dict[str, int] = field(default_factory=dict)
    more: int = 0

    def sentences(self) -> list[str]:
        """What the user is told."""
        large = list(self.large.items())
        told = [f"not shown: {path} ({format_size(size)}); --fetch brings it" for path, size in large[:_MOST_SENTENCES]]
        more = self.more + len(large[_MOST_SENTENCES:])
        if more:
            told.append(f"{more:,} more files are not shown; --fetch brings them")
        return told


def fetch_notes(patterns: Iterable[str]) -> list[str]:
    """The lines for the patterns of `--fetch`."""
    return [f"fetch {pattern}" for pattern in patterns]


def read_notes(content: bytes) -> Notes:
    """Read such a file. What cannot be read tells nothing: it is about what is not shown anyway."""
    notes, fetched, root = Notes(), list[str](), ""
    paths: list[tuple[str, int]] = []
    for line in content.decode("utf-8", "replace").splitlines():
        kind, _, text = line.partition(" ")
        match = {"listed": _LISTED, "large": _LARGE}[kind].fullmatch(text) if kind in ("listed", "large") else None
        if match is not None:
            paths.append((match[2].strip('"'), int(match[1])))
        elif kind == "more" and re.fullmatch(r"\d{1,18}", text):
            notes.more = int(text)
        elif kind == "fetch":
            fetched.append(text)
        elif kind == "root":
            root = text.strip('"').removesuffix(".")
        elif kind == "encoding":
            notes.encoding = _codec(text)
    for path, size in paths:
        try:
            name = str(safe_path(relative_path(path, root) if root else path))
        except ProtocolError:
            continue
        if not any(_matches(name, pattern) for pattern in fetched):
            notes.large["".join(c if c.isprintable() else "?" for c in name)] = size
    return notes


def _codec(name: str) -> str:
    try:
        codecs.getincrementaldecoder(name)
        "".encode(name)  # some codecs have nothing to do with texts
    except LookupError:
        return "utf-8"
    return name


def _matches(path: str, pattern: str) -> bool:
    """Whether a pattern of `--fetch` means a file."""
    pattern = pattern.removeprefix("./")
    if "**" in pattern:
        return fnmatchcase(path, pattern.replace("**/", "*"))
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(fnmatchcase(*pair) for pair in zip(parts, wanted, strict=True))
