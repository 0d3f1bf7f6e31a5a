"""How a dry run is shown: as text, and as Markdown whose code a front end colours."""

from __future__ import annotations

import re

from ..languages import Display
from .header import format_size
from .prepare import Prepared

__all__ = ["dry_run", "dry_run_display", "fenced"]

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


def dry_run(prepared: Prepared) -> str:
    """What would be sent, as text."""
    route, options = prepared.route, prepared.options
    limit = options.time_limit or route.time_limit
    lines = [
        f"route        {route.name} ({route.note or route.language.name})",
        *([f"missing      {route.missing}"] if route.missing else []),
        f"server       {route.server}",
        f"resources    {', '.join(route.resources) or 'those the application is bound to'}",
        f"application  {route.application or route.cell_application.alias}",
        f"command      {route.command}",
        f"time limit   {f'{limit:g} s' if limit else 'none'}",
        *(f"value        {name} ({format_size(size)})" for name, size in prepared.program.sizes.items()),
        *(f"file         {file.staging.target} ({format_size(file.size)})" for file in prepared.files),
        f"outputs      {', '.join(prepared.selection.named or prepared.selection.found) or 'none'}",
        *(f"fetch        {pattern}" for pattern in options.fetch),
        *(f"not sent     {name} (looks secret)" for name in prepared.selection.held_back),
        "",
        f"--- {route.language.program_file}",
        prepared.program.text.rstrip(),
        f"--- {route.language.cell_file}",
        prepared.program.cell.rstrip(),
    ]
    return "\n".join(lines) + "\n"
