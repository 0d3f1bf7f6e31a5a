"""What remote work changes in the shell that started it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from .provenance import PROVENANCE

__all__ = ["mark_result", "values_setter"]


def values_setter(shell: Any) -> Callable[[dict[str, Any]], None]:
    """Sets values from another thread: on the shell's own, between two of its steps, where it has a loop."""
    loop: asyncio.AbstractEventLoop | None
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        kernel_loop = getattr(getattr(shell, "kernel", None), "io_loop", None)
        loop = getattr(kernel_loop, "asyncio_loop", None)

    def set_values(values: dict[str, Any]) -> None:
        if loop is None or getattr(shell, "kernel", None) is None:
            shell.user_ns.update(values)  # a terminal's loop runs only while a cell awaits something
        else:
            loop.call_soon_threadsafe(shell.user_ns.update, values)

    return set_values


def mark_result(shell: Any, source: dict[str, str]) -> None:
    """Say in the metadata of the cell's result where it is from, when there is a result."""
    hook = shell.displayhook
    if not source or not hasattr(hook, "register_hook"):  # a terminal, or an ipykernel before 7.2
        return

    def mark(message: dict[str, Any]) -> dict[str, Any]:
        message["content"]["metadata"] = {**message["content"].get("metadata", {}), PROVENANCE: source}
        return message

    def remove(*_: object) -> None:
        hook.unregister_hook(mark)
        shell.events.unregister("post_execute", remove)

    hook.register_hook(mark)
    shell.events.register("post_execute", remove)
