"""`everest-kernel kernel`: declared for `--help`; `cli.main` starts the kernel itself, past the parser."""

from __future__ import annotations

from .parts import Commands

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("kernel", help="start the kernel (Jupyter does this)")
    parser.add_argument("-f", metavar="CONNECTION_FILE")
