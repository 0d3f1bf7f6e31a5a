"""The kernel's streams: a flush that is broken off at any point leaves nothing locked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from everest_kernel.streams import Stream


class Sender:
    """A sending thread of which nothing runs until it is told to."""

    def __init__(self, *, alive: bool = True) -> None:
        self.waiting: list[Callable[[], None]] = []
        self.thread = SimpleNamespace(is_alive=lambda: alive, ident=-1)

    def schedule(self, call: Callable[[], None]) -> None:
        self.waiting.append(call)

    def run(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


class Counting(Stream):
    def __init__(self, sender: Any) -> None:
        self.pub_thread, self.flushed, self.flush_timeout = sender, 0, 0.01

    def _flush(self) -> None:
        self.flushed += 1


def test_the_sender_is_never_held_up_by_a_flush_that_was_broken_off(capsys: pytest.CaptureFixture[str]) -> None:
    sender = Sender()
    stream = Counting(sender)
    stream.flush()  # as when it is interrupted: nobody waits any more
    assert stream.flushed == 0
    done = threading.Thread(target=sender.run, daemon=True)
    done.start()
    done.join(5)
    assert not done.is_alive()
    assert stream.flushed == 1


def test_a_flush_returns_when_it_was_sent() -> None:
    sender = Sender()
    stream = Counting(sender)
    stream.flush_timeout = 10
    waiting = threading.Thread(target=stream.flush)
    waiting.start()
    while waiting.is_alive():
        sender.run()
    assert stream.flushed == 1
    assert not sender.waiting


def test_a_dead_sender_is_done_without() -> None:
    stream = Counting(Sender(alive=False))
    stream.flush()
    assert stream.flushed == 1
