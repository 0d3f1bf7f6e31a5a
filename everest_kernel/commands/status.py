"""`everest-kernel status`."""

from __future__ import annotations

import argparse
import json

from .parts import Commands

__all__ = ["add", "run"]


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("status", help="say whether the embedded hub runs, and where")
    parser.add_argument("--json", action="store_true", help="machine-readable")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print it; status 3 when the hub does not run."""
    from ..local_hub import read_record

    record = read_record()
    if options.json:
        found = {"running": record is not None}
        print(json.dumps(found | ({"url": record.url, "pid": record.pid} if record else {})))
    elif record is None:
        print("The embedded hub is not running. It starts with the first remote cell.")
    else:
        print(f"The embedded hub runs at {record.url} (process {record.pid}).")
    return 0 if record else 3
