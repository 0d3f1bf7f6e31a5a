"""`everest-kernel demo`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from .parts import Commands

__all__ = ["add", "run"]


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("demo", help="execute an example notebook with this kernel")
    parser.add_argument("notebook", type=Path, nargs="?", default=Path("examples/lyapunov_grid.ipynb"))
    parser.add_argument("--output", type=Path, default=Path("demo-output"), help="folder for what it makes")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Execute it and print where the results are."""
    from ..demo import run_demo

    if not options.notebook.is_file():
        raise SystemExit(f"everest-kernel: there is no notebook {options.notebook}")
    os.makedirs(options.output, exist_ok=True)
    return run_demo(options.notebook, options.output)
