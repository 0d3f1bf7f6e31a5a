"""Drivers: the programs around a language's own, which run it and bring files in and out."""

from .base import END_MARK, Driver, Job
from .facts import Facts, add_facts, read_facts
from .posix import PosixDriver
from .windows import WindowsDriver

__all__ = ["DRIVERS", "END_MARK", "Driver", "Facts", "Job", "PosixDriver", "WindowsDriver", "add_facts", "read_facts"]

DRIVERS: dict[str, Driver] = {"posix": PosixDriver(), "windows": WindowsDriver()}
"""By the platform of the resource."""
