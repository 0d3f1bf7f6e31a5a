"""Reports of errors found in what a program prints."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.languages import ErrorStream, Text

PATTERN = r"error: (?P<error>.*)"


@given(st.binary(max_size=80), st.lists(st.integers(0, 100), max_size=5))
def test_no_byte_is_lost_whatever_the_pieces(data: bytes, cuts: list[int]) -> None:
    stream, out, at = ErrorStream.of_pattern(PATTERN), b"", 0
    for cut in [*sorted(c % (len(data) + 1) for c in cuts), len(data)]:
        for part in stream.feed("stderr", data[at:cut]):
            assert isinstance(part, Text)
            assert part.stream == "stderr"
            out += part.data
        at = cut
    assert stream.close() == []
    assert out == data


@given(st.lists(st.integers(0, 100), max_size=6))
def test_a_report_is_found_whatever_the_pieces(cuts: list[int]) -> None:
    data = "warning: x\nerror: первая\r\nerror: second\nafter".encode()
    for last, wanted in ((False, "первая"), (True, "second")):
        stream, at = ErrorStream.of_pattern(PATTERN, last=last), 0
        for cut in [*sorted(c % (len(data) + 1) for c in cuts), len(data)]:
            stream.feed("stderr", data[at:cut])
            at = cut
        stream.close()
        assert stream.error == wanted


def test_only_the_named_stream_reports() -> None:
    stream = ErrorStream.of_pattern(PATTERN)
    stream.feed("stdout", b"error: of another kind\n")
    stream.close()
    assert stream.error == ""


def test_a_last_line_without_an_end_reports() -> None:
    stream = ErrorStream.of_pattern(PATTERN)
    stream.feed("stderr", b"error: at the end")
    stream.close()
    assert stream.error == "at the end"


def test_a_line_without_an_end_takes_no_memory() -> None:
    stream = ErrorStream.of_pattern(PATTERN)
    for _ in range(100):
        stream.feed("stderr", b"x" * 10_000)
    assert len(stream._line) <= 2000
