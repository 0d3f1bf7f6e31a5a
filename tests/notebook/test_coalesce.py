"""When text is shown and how much of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.notebook.coalesce import INTERVAL, SHOWN_LIMIT, Coalescer, Show, apply_returns


def coalescer() -> Coalescer:
    return Coalescer(lambda size, lines: f"[{lines} lines, {size} bytes hidden]")


def screen(text: str) -> str:
    """What a terminal shows after this text."""
    lines = []
    for line in text.split("\n"):
        shown: list[str] = []
        at = 0
        for char in line:
            if char == "\r":
                at = 0
                continue
            shown[at : at + 1] = [char]
            at += 1
        lines.append("".join(shown))
    return "\n".join(lines)


def test_the_first_text_is_shown_at_once() -> None:
    assert coalescer().feed("stdout", b"hello\n", 0.0) == [Show("stdout", "hello\n")]


def test_more_text_waits_for_the_interval() -> None:
    text = coalescer()
    text.feed("stdout", b"a", 0.0)
    assert text.feed("stdout", b"b", 0.01) == []
    assert text.feed("stdout", b"c", 0.02) == []
    assert text.wake_at() == INTERVAL
    assert text.tick(INTERVAL) == [Show("stdout", "bc")]
    assert text.wake_at() is None


def test_streams_wait_apart() -> None:
    text = coalescer()
    assert text.feed("stdout", b"o", 0.0) == [Show("stdout", "o")]
    assert text.feed("stderr", b"e", 0.0) == [Show("stderr", "e")]


def test_a_character_torn_between_two_pieces_is_whole() -> None:
    text = coalescer()
    encoded = "й".encode()
    assert text.feed("stdout", encoded[:1], 0.0) == []
    assert text.feed("stdout", encoded[1:], 0.1) == [Show("stdout", "й")]


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    assert coalescer().feed("stdout", b"a\xffb", 0.0) == [Show("stdout", "a\ufffdb")]
    text = coalescer()
    text.feed("stdout", b"\xd0", 0.0)
    assert text.close() == [Show("stdout", "\ufffd")]


def test_a_flood_is_shown_a_few_times_a_second_and_ends_with_its_tail() -> None:
    text, shows, now = coalescer(), [], 0.0
    for number in range(200_000):
        now += 0.00001
        shows += text.feed("stdout", b"line %d\n" % number, now)
        wake = text.wake_at()
        if wake is not None and wake <= now:
            shows += text.tick(now)
    shows += text.close()
    assert len(shows) < 10 + now / INTERVAL * 2
    shown = "".join(show.text for show in shows if show.stream == "stdout")
    assert shown.startswith("line 0\nline 1\n")
    assert shown.endswith("line 199998\nline 199999\n")
    assert SHOWN_LIMIT * 0.9 < len(shown) < SHOWN_LIMIT * 1.1
    notes = [show.text for show in shows if show.stream == "stderr"]
    assert len(notes) == 2
    assert "lines, " in notes[1]
    hidden = int(notes[1].split()[0].lstrip("["))
    assert shown.count("\n") - 20 + hidden == 200_000, "every line is shown or counted"


CHUNKS = st.lists(
    st.tuples(st.sampled_from(["stdout", "stderr"]), st.text(st.sampled_from("ab\n é"), max_size=8), st.floats(0, 0.3)),
    max_size=20,
)


@given(CHUNKS, st.integers(1, 5))
def test_text_is_never_lost_doubled_or_reordered(chunks: list[tuple[str, str, float]], size: int) -> None:
    text, now = coalescer(), 0.0
    shown = {"stdout": "", "stderr": ""}
    shows: list[Show] = []
    for stream, piece, pause in chunks:
        now += pause
        shows += text.tick(now)
        encoded = piece.encode()
        for at in range(0, len(encoded), size):
            shows += text.feed(stream, encoded[at : at + size], now)
    for show in [*shows, *text.close()]:
        assert show.text
        shown[show.stream] += show.text
    for stream in shown:
        assert shown[stream] == "".join(piece for name, piece, _ in chunks if name == stream)


@given(st.text(st.sampled_from("abc\r\n"), max_size=30))
def test_returns_are_applied_as_a_terminal_would(text: str) -> None:
    assert screen(apply_returns(text)) == screen(text)
    assert screen("before" + apply_returns(text)) == screen("before" + text), "whatever stood on the line"


def test_a_progress_bar_costs_one_line() -> None:
    drawn = "".join(f"\r{n:3} %" for n in range(101))
    assert len(apply_returns("start\n" + drawn + "\n")) < 20
    assert apply_returns("start\n" + drawn + "\n").endswith("100 %\n")


def test_a_progress_bar_that_is_drawn_for_hours_is_never_hidden() -> None:
    text, now, shown = coalescer(), 0.0, 0
    for number in range(300_000):
        now += 0.0005
        for show in text.feed("stdout", f"\rstep {number:7}".encode(), now):
            assert show.stream == "stdout"
            shown += len(show.text)
    last = text.close()
    assert last[-1].text.endswith("step  299999")
    assert shown < SHOWN_LIMIT


@pytest.mark.parametrize(
    ("text", "applied"),
    [
        ("a\r\nb\r\n", "a\nb\n"),
        ("plain", "plain"),
        ("12345\rab", "12345\rab345"),
        ("x\n12345\rab", "x\nab345"),
        ("x\nlong line\r\x1b[Kshort", "x\nlong line\r\x1b[Kshort"),
    ],
)
def test_examples_of_returns(text: str, applied: str) -> None:
    assert screen(apply_returns(text)).replace("\x1b[K", "") == screen(applied).replace("\x1b[K", "") or "\x1b" in text
