"""Displays inside standard output: found whatever the pieces, and no byte of other output lost."""

from __future__ import annotations

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.languages import Display, Text
from everest_kernel.languages.python.displays import END, MARK, PIECE
from everest_kernel.languages.python.rich_stream import RichStream


def sequences(number: int, content: dict[str, object]) -> list[bytes]:
    text = base64.b64encode(json.dumps(content).encode())
    pieces = [text[i : i + PIECE] for i in range(0, len(text), PIECE)]
    return [b"%s%d;%d;%d;%s%s" % (MARK, number, i, len(pieces), p, END) for i, p in enumerate(pieces)]


def content(text: str) -> dict[str, object]:
    return {"data": {"text/plain": text}, "metadata": {}, "transient": {}, "update": False}


def bare(parts: list[Text | Display]) -> list[bytes | Display]:
    return [part.data if isinstance(part, Text) else part for part in parts]


def feed_all(data: bytes, cuts: list[int]) -> tuple[list[bytes | Display], bytes]:
    """All parts in order with neighbouring text joined, and all text."""
    stream, parts, at = RichStream(), list[bytes | Display](), 0
    for cut in [*sorted(c % (len(data) + 1) for c in cuts), len(data)]:
        parts += bare(stream.feed("stdout", data[at:cut]))
        at = cut
    parts += bare(stream.close())
    joined: list[bytes | Display] = []
    for part in parts:
        if isinstance(part, bytes) and joined and isinstance(joined[-1], bytes):
            joined[-1] += part
        else:
            joined.append(part)
    return joined, b"".join(part for part in parts if isinstance(part, bytes))


CUTS = st.lists(st.integers(0, 10**6), max_size=8)
TEXT = st.binary(max_size=20) | st.sampled_from([MARK, END, MARK[:5], b"\x1b", MARK + b"0;0;1;", MARK + b"x" + END])


@given(st.lists(TEXT | st.text(max_size=9), max_size=8), CUTS)
def test_text_and_displays_keep_their_order_in_any_pieces(parts: list[bytes | str], cuts: list[int]) -> None:
    # an ESC at the end of a text would join the mark that follows: put a plain byte in between
    wire, expected = b"", list[bytes | Display]()
    for number, part in enumerate(parts):
        if isinstance(part, str):
            wire += b"".join(sequences(number, content(part)))
            expected.append(Display({"text/plain": part}))
        elif MARK not in part:
            wire += part + b"."
            if expected and isinstance(expected[-1], bytes):
                expected[-1] += part + b"."
            else:
                expected.append(part + b".")
    assert feed_all(wire, cuts)[0] == expected


@given(st.lists(TEXT, max_size=10).map(b"".join), CUTS)
def test_what_is_no_display_stays_text_to_the_byte(data: bytes, cuts: list[int]) -> None:
    assert feed_all(data, cuts)[1] == data


@given(CUTS)
def test_a_large_display_travels_in_pieces_with_other_output_between_them(cuts: list[int]) -> None:
    pieces = sequences(7, content("x" * 20_000))
    assert len(pieces) > 3
    assert max(map(len, pieces)) < 4096, "one write to a pipe"
    parts, text = feed_all(b"child output\n".join(pieces), cuts)
    displays = [part for part in parts if isinstance(part, Display)]
    assert [d.data["text/plain"] for d in displays] == ["x" * 20_000]
    assert text == b"child output\n" * (len(pieces) - 1)


def test_an_endless_sequence_is_given_up() -> None:
    stream = RichStream()
    given_back = stream.feed("stdout", MARK + b"0;0;1;" + b"A" * 20_000)
    assert b"".join(p.data for p in given_back if isinstance(p, Text)).startswith(MARK)
    assert len(stream._rest) < 10_000


def test_bad_pieces_are_text() -> None:
    first, second, *_ = sequences(1, content("y" * 8000))
    assert feed_all(second, [])[1] == second
    assert feed_all(first + first, [])[1] == first
    wrong = b"%s1;0;1;%s%s" % (MARK, base64.b64encode(b"[1]"), END)
    assert feed_all(wrong, [])[1] == wrong


def test_standard_error_is_text_whatever_it_holds() -> None:
    sequence = b"".join(sequences(1, content("y")))
    assert RichStream().feed("stderr", sequence) == [Text("stderr", sequence)]
