"""What an interrupt of a remote cell does: the far side is told before the cell is given back.

The first press cancels the job and waits for a while; the second stops waiting.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..wire import JobCancelledError
from .channels import Channel, QueueChannel
from .remote_run import RemoteRun

__all__ = ["interrupted", "pump_until_told", "until_told", "wake_at_signals"]

_PATIENCE = 10.0
"""Seconds after which the cell is given back in any case."""


def interrupted(run: RemoteRun, *, told: bool) -> JobCancelledError:
    """The error of an interrupted cell.

    Args:
        run: the cell.
        told: whether the far side has been told; False when the user did not want to wait for that.
    """
    if not told:
        state = "nobody waited for its end, and the cancel is still on its way"
    elif run.job_id:
        state = run.ending.sentence("its job") if run.ending else "its job had ended"
    else:
        state = "no job of it goes on"
    return JobCancelledError(f"the cell was interrupted; {state}", job_id=run.job_id or None)


async def until_told(over: asyncio.Future[Any]) -> bool:
    """Wait until cancelled work has cleaned up; False when another press of the button, or patience, ends that."""
    with _next_press() as press:
        await asyncio.wait([over, press], timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    if over.done() and not over.cancelled():
        over.exception()  # it is seen; the user is told of the interrupt
    return over.done()


@contextmanager
def _next_press() -> Iterator[asyncio.Future[None]]:
    """A future that is done at the next SIGINT, which ipykernel would ignore: it has cancelled the cell already."""
    loop = asyncio.get_running_loop()
    press: asyncio.Future[None] = loop.create_future()

    def note() -> None:
        if not press.done():
            press.set_result(None)

    def pressed(*_: object) -> None:
        loop.call_soon_threadsafe(note)

    if threading.current_thread() is not threading.main_thread():
        yield press
        return
    before = signal.signal(signal.SIGINT, pressed)
    try:
        yield press
    finally:
        signal.signal(signal.SIGINT, before)


def pump_until_told(channel: QueueChannel, local: Channel) -> bool:
    """The same on the thread that the cell blocks: shows what still comes until the work is over."""
    try:
        return channel.pump(local, _PATIENCE)
    except KeyboardInterrupt:
        return False


def wake_at_signals() -> None:
    """Let an interrupt be noticed at once.

    Python runs a signal's handler when the interpreter next runs; an event loop that sleeps in its selector does
    not, unless a wake-up descriptor is set. Any handler on the loop sets it.
    """
    if sys.platform != "win32" and threading.current_thread() is threading.main_thread():
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, lambda: None)
