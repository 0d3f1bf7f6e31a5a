"""Where cells without a magic of their own run: the choice of one kernel, and which cells it concerns."""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

__all__ = [
    "HERE",
    "SAVE",
    "Request",
    "Routing",
    "current_request",
    "give_routing",
    "is_half_typed_magic",
    "local_as_python",
    "runs_here",
    "shell_routing",
    "without_local",
]

HERE = "local"
"""Stands for this kernel where a route could stand."""
SAVE = "--save"
"""On a `%route` line: keep the choice in the notebook."""

_CELL_MAGIC = re.compile(r"%%[\w!]")  # `%% Title` and `%%%%` are comments of Octave's
_LINE_MAGIC = re.compile(r"%(\w+)")
_NAME = r"%{0,2}(?!\d)[\w*]+(?:\.(?!\d)[\w*]+|\[-?\d+\])*"
_HELP = re.compile(rf"\?\??\s*{_NAME}|{_NAME}\?\??")
_ENDINGS = frozenset(["exit", "quit", "exit()", "quit()"])
_LOCAL = re.compile(r"(?P<before>\s*)%%local[ \t]*(?P<end>\r?\n|\Z)")


def runs_here(code: str, line_magics: Container[str]) -> bool:
    """Whether a cell runs in this kernel although a route is on.

    So do cells with a magic of their own, also one that does not exist; those that begin with a line magic of the
    shell or a question of IPython's (`name?`); and those that end the kernel. An unknown `%word` may be a comment.

    Args:
        code: the cell.
        line_magics: names of the shell's line magics.
    """
    first = next((line.strip() for line in code.splitlines() if line.strip()), "")
    if not first or _CELL_MAGIC.match(first) or _HELP.fullmatch(first):
        return True
    magic = _LINE_MAGIC.match(first)
    if magic is not None:
        return magic[1] in line_magics
    return code.strip() in _ENDINGS


def is_half_typed_magic(code: str, cursor: int) -> bool:
    """Whether the cursor stands behind the begin of a magic on a cell's first line."""
    return re.fullmatch(r"\s*%{1,2}\w*", code[:cursor]) is not None


def without_local(code: str) -> str | None:
    """The text of a `%%local` cell, in which each line keeps its number; None for other cells."""
    found = _LOCAL.match(code)
    if found is None:
        return None
    return f"{found['before']}{found['end']}{code[found.end() :]}"


def local_as_python(code: str) -> str | None:
    """A `%%local` cell for what reads Python: its first line is a comment, and every place stays. None for others."""
    return None if without_local(code) is None else code.replace("%%", "#%", 1)


@dataclass(frozen=True)
class Request:
    """The message that is being answered.

    Attributes:
        id: of the message.
        code: the cell, as it was typed; empty for other messages.
        typed: whether it is a cell, not code that a front end runs for itself.
    """

    id: str
    code: str = ""
    typed: bool = False


def current_request(shell: Any) -> Request | None:
    """The message that the shell's kernel is answering; None in a shell without a kernel."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return None
    parent = kernel.get_parent("shell") or {}
    header, content = parent.get("header") or {}, parent.get("content") or {}
    if header.get("msg_type") != "execute_request":
        return Request(str(header.get("msg_id", "")))
    silent = content.get("silent", False)
    # front ends run code of their own silently or, as VS Code does, outside the history
    typed = not silent and bool(content.get("store_history", True))
    return Request(str(header.get("msg_id", "")), str(content.get("code", "")), typed)


class Routing:
    """The choice of one kernel.

    Args:
        read_stored: gives the line that the notebook's metadata hold, empty for none; None while it is not known
            which notebook this is. Called when the choice is first asked for.

    Attributes:
        from_notebook: whether the metadata made the choice.
    """

    def __init__(self, read_stored: Callable[[], str | None] = lambda: "") -> None:
        self._read_stored = read_stored
        self._line: str | None = None
        self._announced = False
        self.from_notebook = False

    @property
    def line(self) -> str:
        """A route with options, as on a `%%remote` line; empty when cells run here."""
        if self._line is None:
            stored = self._read_stored()
            if stored is None:
                return ""
            self._line = "" if stored.strip() == HERE else stored.strip()
            self.from_notebook = bool(self._line)
        return self._line

    def choose(self, line: str) -> None:
        """From now on cells go there; here, when the line is empty."""
        self._line, self.from_notebook = line, False

    def announcement(self) -> str:
        """What is to be said before a cell that goes to the route: once, that the notebook wants it so."""
        if not self.from_notebook or self._announced:
            return ""
        self._announced = True
        return f"cells of this notebook go to {self.line} (its metadata says so); `%route {HERE}` runs them here"


_ATTRIBUTE = "_everest_routing"


def shell_routing(shell: Any) -> Routing:
    """The choice of a shell; one that sends nothing anywhere when it does not have our magics."""
    found = getattr(shell, _ATTRIBUTE, None)
    return found if isinstance(found, Routing) else Routing()


def give_routing(shell: Any, routing: Routing | None) -> None:
    """Let a shell have a choice, or take it away."""
    if routing is not None:
        object.__setattr__(shell, _ATTRIBUTE, routing)
    elif hasattr(shell, _ATTRIBUTE):
        delattr(shell, _ATTRIBUTE)
