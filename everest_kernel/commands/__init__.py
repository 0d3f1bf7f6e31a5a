"""The subcommands of `everest-kernel`, a module each: `add` declares its arguments, `run` does it."""

from . import agent, demo, doctor, hub, install, kernel, login, logout, status

__all__ = ["COMMANDS"]

COMMANDS = (install, login, logout, doctor, hub, agent, status, demo, kernel)
"""In the order in which `--help` lists them."""
