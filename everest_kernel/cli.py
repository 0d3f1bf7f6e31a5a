"""The everest-kernel command.

Each subcommand imports what it needs when it runs: the kernel starts through here, and must start fast.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

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
    parser = argparse.ArgumentParser(prog="everest-kernel", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    install = commands.add_parser("install", help="install the kernelspec, so that Jupyter offers the kernel")
    place = install.add_mutually_exclusive_group()
    place.add_argument("--user", action="store_true", help="for this user (the default)")
    place.add_argument("--sys-prefix", action="store_true", help="into this Python environment")
    place.add_argument("--prefix", help="into another environment")
    install.set_defaults(run=_install)

    hub = commands.add_parser("hub", help="run the embedded Everest hub in the foreground")
    hub.add_argument("--home", type=Path, help="folder of its data (default: one in your data folder)")
    hub.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    hub.add_argument("--port", type=int, default=0, help="port to listen on (default: any free one)")
    hub.add_argument("--slots", type=int, help="tasks that run at once (default: the number of cores)")
    hub.add_argument("--no-agent", action="store_true", help="start no agent on this machine")
    hub.add_argument("--embedded", action="store_true", help="end when nothing has used it for an hour")
    hub.add_argument("--idle-timeout", type=float, metavar="SECONDS", help="end when idle for so long")
    hub.add_argument("--json", action="store_true", help="print one line of JSON when it is ready")
    hub.set_defaults(run=_hub)

    status = commands.add_parser("status", help="say whether the embedded hub runs, and where")
    status.add_argument("--json", action="store_true", help="machine-readable")
    status.set_defaults(run=_status)

    demo = commands.add_parser("demo", help="execute an example notebook with this kernel")
    demo.add_argument("notebook", type=Path, nargs="?", default=Path("examples/lyapunov_grid.ipynb"))
    demo.add_argument("--output", type=Path, default=Path("demo-output"), help="folder for what it makes")
    demo.set_defaults(run=_demo)

    kernel = commands.add_parser("kernel", help="start the kernel (Jupyter does this)")
    kernel.add_argument("-f", metavar="CONNECTION_FILE")
    return parser


def _install(options: argparse.Namespace) -> int:
    from .kernelspec import install

    prefix = sys.prefix if options.sys_prefix else options.prefix
    print(install(prefix))
    return 0


def _hub(options: argparse.Namespace) -> int:
    from .local_hub import IDLE_TIMEOUT, run_hub

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


def _status(options: argparse.Namespace) -> int:
    from .local_hub import read_record

    record = read_record()
    if options.json:
        found = {"running": record is not None}
        print(json.dumps(found | ({"url": record.url, "pid": record.pid} if record else {})))
    elif record is None:
        print("The embedded hub is not running. It starts with the first remote cell.")
    else:
        print(f"The embedded hub runs at {record.url} (process {record.pid}).")
    return 0 if record else 3


def _demo(options: argparse.Namespace) -> int:
    from .demo import run_demo

    if not options.notebook.is_file():
        raise SystemExit(f"everest-kernel: there is no notebook {options.notebook}")
    os.makedirs(options.output, exist_ok=True)
    return run_demo(options.notebook, options.output)
