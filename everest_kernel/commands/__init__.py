"""The subcommands of `everest-kernel`, a module each: `add` declares its arguments, `run` does it."""

from . import demo, hub, install, kernel, status

__all__ = ["COMMANDS"]

COMMANDS = (install, hub, status, demo, kernel)
"""In the order in which `--help` lists them."""
