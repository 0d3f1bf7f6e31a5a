"""Reports of errors found in what a program prints."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.languages import ErrorStream, PlainStream, Text
from everest_kernel.languages.streams import DecodedStream

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


@pytest.mark.parametrize("encoding", ["cp1251", "cp866", "gbk", "shift_jis", "utf-16-le", "gb18030"])
@given(st.text(st.sampled_from("aЛяё\r\n!あ中"), max_size=30), st.lists(st.integers(0, 100), max_size=6))
def test_output_is_decoded_whatever_the_pieces(encoding: str, text: str, cuts: list[int]) -> None:
    data = text.encode(encoding, "replace")
    for name in ("stdout", "stderr"):
        stream, shown, at = DecodedStream(PlainStream(), encoding), [], 0
        for cut in [*sorted(c % (len(data) + 1) for c in cuts), len(data)]:
            shown += stream.feed(name, data[at:cut])
            at = cut
        shown += stream.close()
        assert {part.stream for part in shown if isinstance(part, Text)} <= {name}
        assert b"".join(part.data for part in shown if isinstance(part, Text)).decode() == data.decode(encoding)


def test_the_streams_are_decoded_apart_and_what_is_cut_off_is_replaced() -> None:
    stream = DecodedStream(PlainStream(), "gbk")
    whole = "中".encode("gbk")
    shown = [*stream.feed("stdout", whole[:1]), *stream.feed("stderr", whole), *stream.feed("stderr", whole[:1])]
    shown += [*stream.feed("stdout", whole[1:]), *stream.close()]
    assert shown == [Text("stderr", "中".encode()), Text("stdout", "中".encode()), Text("stderr", "\ufffd".encode())]


@given(st.lists(st.integers(0, 100), max_size=6))
def test_a_report_in_another_encoding_is_found(cuts: list[int]) -> None:
    data = "warning: x\r\nerror: деление на ноль\r\n".encode("cp866")
    stream, at = DecodedStream(ErrorStream.of_pattern(PATTERN), "cp866"), 0
    for cut in [*sorted(c % (len(data) + 1) for c in cuts), len(data)]:
        stream.feed("stderr", data[at:cut])
        at = cut
    stream.close()
    assert stream.error == "деление на ноль"
