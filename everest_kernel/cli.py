"""The everest-kernel command.

Its subcommands are in `commands`; each imports what it needs when it runs. The kernel starts through here, and must
start fast.
"""

from __future__ import annotations

import argparse
import sys

from . import __version__
from .wire import EverestError

__all__ = ["main"]


def main(argv: list[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    words = sys.argv[1:] if argv is None else argv
    if words[:1] == ["kernel"]:  # its arguments are ipykernel's own
        from .kernel import main as kernel_main

        kernel_main(words[1:])
        return
    options = _parser().parse_args(words)
    try:
        sys.exit(options.run(options))
    except EverestError as error:
        print(f"everest-kernel: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    from .commands import COMMANDS

    parser = argparse.ArgumentParser(prog="everest-kernel", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return parser
