"""Packages that a grid uses when they are there."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from ..wire import ConfigurationError

__all__ = ["have", "need"]


def need(package: str, purpose: str, install: str = "") -> Any:
    """Import a package.

    Args:
        package: the module, dotted when it is part of one.
        purpose: what it is needed for, in words of the user.
        install: what pip must install; the package's own name when empty.

    Raises:
        ConfigurationError: it is not installed; the hint says what to install.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        name = package.partition(".")[0]
        raise ConfigurationError(
            f"{purpose} needs the package {name}, which is not installed ({error})",
            hint=f"pip install {install or name}",
        ) from error


def have(package: str) -> bool:
    """Whether a package is installed; does not import it."""
    return importlib.util.find_spec(package) is not None
