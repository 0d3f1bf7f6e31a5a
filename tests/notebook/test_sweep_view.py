"""The bar and the picture under a sweep's cell."""

from __future__ import annotations

import base64
import itertools
import re
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.languages import Display
from everest_kernel.notebook.sweep_picture import Drawn
from everest_kernel.notebook.sweep_view import SweepView, Throttle, progress_html
from everest_kernel.sweeps.progress import Progress
from everest_kernel.wire import ConfigurationError

from .screen import Screen

PROGRESS = Progress(100, 10, 39, 1, 20, 30, 5.0, 10.0, 8.0, {"vm": (40, 5.0)})


class Page:
    """A front end that replaces displays, and wants to know each before it is replaced."""

    def __init__(self) -> None:
        self.displays: dict[str, Display] = {}
        self.history: list[str] = []
        self.came = threading.Condition()

    def text(self, stream: str, text: str) -> None:
        raise AssertionError(text)

    def display(self, display: Display) -> None:
        name = display.transient["display_id"]
        assert display.update == (name in self.displays), "made once, then replaced"
        with self.came:
            self.displays[name] = display
            self.history.append(name)
            self.came.notify_all()

    def wait_for(self, name: str, count: int = 1) -> None:
        with self.came:
            assert self.came.wait_for(lambda: self.history.count(name) >= count, 30)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Pen:
    """Draws numbers; each drawing can be held up or fail."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.drawn: list[tuple[bool, int]] = []
        self.may_draw = threading.Event()
        self.may_draw.set()

    def draw(self, *, final: bool) -> Drawn:
        self.drawn.append((final, threading.get_ident()))
        assert self.may_draw.wait(30)
        if self.error:
            raise self.error
        return Drawn(b"png %d" % len(self.drawn), 640, 420, f"drawing {len(self.drawn)}\n▁▂▃")

    def text(self) -> str:
        if self.error:
            raise self.error
        return "in characters"


@pytest.fixture
def clock() -> Clock:
    return Clock()


# --- how often


@given(st.lists(st.floats(0, 1, allow_subnormal=False), max_size=60))
def test_things_happen_at_most_once_in_an_interval(steps: list[float]) -> None:
    throttle, now, times = Throttle(0.5), 0.0, []
    for step in steps:
        now += step
        wait = throttle.wait(now)
        assert throttle.ready(now) == (wait == 0)
        if wait == 0:
            times.append(now)
        assert throttle.wait(now) <= 0.5 + 1e-9
    assert all(later - earlier >= 0.5 - 1e-9 for earlier, later in itertools.pairwise(times))
    assert not steps or times, "the first is not held back"


def test_a_bar_is_replaced_twice_a_second_and_in_the_end(clock: Clock) -> None:
    page = Page()
    view = SweepView(page, "bar", clock=clock)
    for done in range(20):
        view.show(replace(PROGRESS, done=done))
        clock.now += 0.125
    assert page.history == ["bar"] * 5
    view.finish(replace(PROGRESS, done=89, failed=1, running=0, waiting=0))
    view.finish(PROGRESS)
    clock.now += 10
    view.show(PROGRESS)
    assert page.history == ["bar"] * 6, "the end stays"
    last = page.displays["bar"]
    assert (
        last.data["text/plain"]
        == "[##########] 100 of 100 points, 10 kept from before, 1 failed, took 8.00 s, 5.0/s (vm 100 %)"
    )
    assert last.metadata == {"everest_sweep": True}


# --- the bar


def widths(text: str) -> list[float]:
    return [float(width) for width in re.findall(r"width: ([0-9.]+)%", text)]


def test_the_bar_in_html() -> None:
    text = progress_html(replace(PROGRESS, note="<now>", shares={"<vm>": (30, 3.0), "b": (10, 0.0)}))
    assert widths(text) == [10, 39, 1, 20]
    assert "50 of 100 points · 10 kept from before · 1 failed · 5.0/s · 10 s left · &lt;now&gt;" in text
    assert "&lt;vm&gt; 75 % (3.0/s) · b 25 %" in text
    assert 'aria-valuenow="50"' in text
    assert "<vm>" not in text


def test_one_failed_point_of_many_is_seen() -> None:
    assert widths(progress_html(Progress(1_000_000, done=999_999, failed=1))) == [99.5, 0.5]


@given(st.integers(0, 1000), *[st.integers(0, 300)] * 4)
def test_the_segments_fit_into_the_bar(total: int, kept: int, done: int, failed: int, running: int) -> None:
    assert sum(widths(progress_html(Progress(total, kept, done, failed, running)))) <= 100.05


def test_many_resources_are_summed_up_in_html() -> None:
    text = progress_html(Progress(100, shares={f"vm-{n:02}": (10, 1.0) for n in range(20)}))
    assert "vm-07 5 % (1.0/s) · 12 more" in text


# --- the picture


def test_a_picture_is_drawn_by_another_thread_and_once_more_in_the_end(clock: Clock) -> None:
    page, pen = Page(), Pen()
    view = SweepView(page, "bar", drawing=pen, clock=clock)
    view.show(PROGRESS)
    page.wait_for("bar-picture")
    picture = page.displays["bar-picture"]
    assert base64.b64decode(picture.data["image/png"]) == b"png 1"
    assert picture.data["text/plain"] == "drawing 1\n▁▂▃"
    assert picture.metadata["image/png"] == {"width": 640, "height": 420, "alt": "drawing 1"}
    view.finish(PROGRESS)
    assert [final for final, _ in pen.drawn] == [False, True]
    assert pen.drawn[0][1] != threading.get_ident()
    assert base64.b64decode(page.displays["bar-picture"].data["image/png"]) == b"png 2"
    assert "image/png" not in page.displays["bar"].data


def test_there_is_no_picture_of_nothing(clock: Clock) -> None:
    page, pen = Page(), Pen()
    view = SweepView(page, "bar", drawing=pen, clock=clock)
    view.show(Progress(100, failed=3))
    view.finish(Progress(100, failed=3))
    assert (pen.drawn, page.history) == ([], ["bar", "bar"])


def test_nothing_waits_for_a_slow_drawing_and_one_is_drawn_at_a_time(clock: Clock) -> None:
    page, pen = Page(), Pen()
    pen.may_draw.clear()
    view = SweepView(page, "bar", drawing=pen, clock=clock)
    for done in range(40, 50):
        view.show(replace(PROGRESS, done=done))
        clock.now += 1
    assert page.history == ["bar"] * 10
    pen.may_draw.set()
    view.finish(PROGRESS)
    assert [final for final, _ in pen.drawn] == [False, True]
    assert page.history[10:] == ["bar-picture", "bar-picture", "bar"]


def test_nothing_is_drawn_while_there_is_nothing_new(clock: Clock) -> None:
    page, pen = Page(), Pen()
    view = SweepView(page, "bar", drawing=pen, clock=clock)
    for number, done in enumerate((40, 40, 41), 1):
        clock.now += 100
        view.show(replace(PROGRESS, done=done, elapsed=float(number)))
        page.wait_for("bar-picture", 1 if number < 3 else 2)
    view.finish(PROGRESS)
    assert [final for final, _ in pen.drawn] == [False, False, True]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConfigurationError("matplotlib is missing here", hint="pip install it"), "matplotlib is missing here"),
        (ZeroDivisionError("oh"), "ZeroDivisionError: oh"),
    ],
)
def test_without_a_picture_there_is_a_bar_that_says_why(clock: Clock, error: Exception, text: str) -> None:
    page, pen = Page(), Pen(error)
    view = SweepView(page, "bar", drawing=pen, clock=clock)
    view.show(PROGRESS)
    view.finish(replace(PROGRESS, note="stopped"))
    assert page.history == ["bar", "bar"]
    assert len(pen.drawn) in (1, 2)
    assert f"stopped · no picture: {text}" in page.displays["bar"].data["text/plain"]


def test_drawing_that_failed_is_not_tried_again(clock: Clock) -> None:
    page, pen = Page(), Pen(ConfigurationError("no"))
    view = SweepView(page, "bar", drawing=pen, clock=clock)
    for done in range(5):
        view.show(replace(PROGRESS, done=done))
        assert view._job is not None
        view._job.result(30)
        clock.now += 100
    view.finish(PROGRESS)
    assert len(pen.drawn) == 1


# --- consoles


def console(clock: Callable[[], float], pen: Pen | None = None, *, watched: bool = True) -> tuple[Screen, SweepView]:
    screen = Screen()
    return screen, SweepView(screen, "bar", replaces=False, watched=watched, drawing=pen, clock=clock)


def test_a_console_has_one_line_that_is_written_over(clock: Clock) -> None:
    screen, view = console(clock)
    view.show(PROGRESS)
    clock.now += 1
    view.show(replace(PROGRESS, done=49, left=8.0))
    assert screen.lines == ["[######....] 60 of 100 points, 10 kept from before, 1 failed, 5.0/s, 8 s left"]
    view.channel.text("stdout", "a point prints\n")
    assert screen.lines == ["a point prints", ""]
    view.finish(PROGRESS)
    assert screen.lines[1].startswith("<[#####.....] 50 of 100 points")
    assert screen.lines[2:] == [""]


def test_a_console_gets_the_picture_in_characters_in_the_end(clock: Clock) -> None:
    screen, view = console(clock, Pen())
    view.show(PROGRESS)
    view.finish(PROGRESS)
    assert screen.lines[:1] == ["<in characters"]
    assert screen.lines[1].startswith("[#####")


def test_a_console_says_why_there_is_no_picture(clock: Clock) -> None:
    screen, view = console(clock, Pen(ValueError("texts")))
    view.finish(PROGRESS)
    assert "no picture: texts" in screen.lines[0]


def test_a_file_gets_only_the_end(clock: Clock) -> None:
    screen, view = console(clock, watched=False)
    view.show(PROGRESS)
    assert screen.lines == [""]
    view.finish(PROGRESS)
    assert len(screen.lines) == 2
