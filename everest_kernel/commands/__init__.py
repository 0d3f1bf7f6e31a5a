"""The subcommands of `everest-kernel`, a module each: `add` declares its arguments, `run` does it."""

from . import demo, doctor, hub, install, kernel, login, logout, status

__all__ = ["COMMANDS"]

COMMANDS = (install, hub, login, logout, status, doctor, demo, kernel)
"""In the order in which `--help` lists them."""
