"""How a dry run is shown: as text, and as Markdown whose code a front end colours."""

from __future__ import annotations

import re

from ..languages import Display
from .remote_cell import Prepared, dry_run

__all__ = ["dry_run_display", "fenced"]

_LEXERS = {"sh": "bash", "bat": "batch", "cmd": "batch", "py": "python", "ps1": "powershell"}


def dry_run_display(prepared: Prepared) -> Display:
    """What would be sent, as a display."""
    language = prepared.route.language
    text = dry_run(prepared)
    facts, _, _ = text.partition(f"\n--- {language.program_file}\n")
    program = fenced(prepared.program.text.rstrip(), _LEXERS.get(language.program_file.rpartition(".")[2], ""))
    cell = fenced(prepared.program.cell.rstrip(), language.editing.lexer)
    parts = (fenced(facts.strip(), ""), f"`{language.program_file}`", program, f"`{language.cell_file}`", cell)
    return Display({"text/plain": text.rstrip("\n"), "text/markdown": "\n\n".join(parts)}, {"everest_dry_run": True})


def fenced(text: str, lexer: str) -> str:
    """A block of code in Markdown; its fence is longer than any in the code."""
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
    return f"{fence}{lexer if lexer != 'text' else ''}\n{text}\n{fence}"
