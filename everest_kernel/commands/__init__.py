"""The subcommands of `everest-kernel`, a module each: `add` declares its arguments, `run` does it."""

from . import agent, demo, hub, install, kernel, status

__all__ = ["COMMANDS"]

COMMANDS = (install, hub, agent, status, demo, kernel)
"""In the order in which `--help` lists them."""
