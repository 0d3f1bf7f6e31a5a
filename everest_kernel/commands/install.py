"""`everest-kernel install`."""

from __future__ import annotations

import argparse
import sys

from .parts import Commands

__all__ = ["add", "run"]


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("install", help="install the kernelspec, so that Jupyter offers the kernel")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--user", action="store_true", help="for this user (the default)")
    place.add_argument("--sys-prefix", action="store_true", help="into this Python environment")
    place.add_argument("--prefix", help="into another environment")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Install it and print where."""
    from ..kernelspec import install

    prefix = sys.prefix if options.sys_prefix else options.prefix
    print(install(prefix))
    return 0
