"""`everest-kernel doctor`."""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path

from .parts import Commands

__all__ = ["add", "run"]


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "doctor",
        help="check the connection to a server step by step, and say what to do",
        description="Status 0 when nothing failed, 1 otherwise. The embedded hub is started when it does not run.",
    )
    parser.add_argument("server", nargs="?", default="", help="a server of your configuration (default: the default)")
    parser.add_argument("--job", action="store_true", help="also run a tiny job")
    parser.add_argument("--json", action="store_true", help="machine-readable")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check, and print a line for each finding."""
    import anyio

    from ..notebook.doctor import examine, healthy

    findings = anyio.run(partial(examine, options.server, Path.cwd(), job=options.job))
    if options.json:
        checks = [{"check": f.check, "level": f.level.value, "text": f.text, "advice": f.advice} for f in findings]
        print(json.dumps({"ok": healthy(findings), "checks": checks}))
    else:
        print("\n".join(str(finding) for finding in findings))
    return 0 if healthy(findings) else 1
