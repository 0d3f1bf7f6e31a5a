"""The subcommands of `everest-kernel`, a module each: `add` declares its arguments, `run` does it."""

from . import demo, hub, install, kernel, login, logout, status

__all__ = ["COMMANDS"]

COMMANDS = (install, hub, login, logout, status, demo, kernel)
"""In the order in which `--help` lists them."""
