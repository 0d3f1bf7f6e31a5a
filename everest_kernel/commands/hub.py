"""`everest-kernel hub`."""

from __future__ import annotations

import argparse
from pathlib import Path

from .parts import Commands

__all__ = ["add", "run"]


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("hub", help="run the embedded Everest hub in the foreground")
    parser.add_argument("--home", type=Path, help="folder of its data (default: one in your data folder)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: any free one)")
    parser.add_argument("--slots", type=int, help="tasks that run at once (default: the number of cores)")
    parser.add_argument("--no-agent", action="store_true", help="start no agent on this machine")
    parser.add_argument("--embedded", action="store_true", help="end when nothing has used it for an hour")
    parser.add_argument("--idle-timeout", type=float, metavar="SECONDS", help="end when idle for so long")
    parser.add_argument("--json", action="store_true", help="print one line of JSON when it is ready")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the hub until it is told to stop."""
    from ..local_hub import IDLE_TIMEOUT, run_hub

    idle = options.idle_timeout or (IDLE_TIMEOUT if options.embedded else None)
    run_hub(
        home=options.home,
        host=options.host,
        port=options.port,
        slots=options.slots,
        with_agent=not options.no_agent,
        idle_timeout=idle,
        as_json=options.json,
    )
    return 0
