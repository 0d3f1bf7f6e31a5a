"""Values as programs write them."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from everest_kernel.languages import Returned, read_records
from everest_kernel.wire import ProtocolError

END = b". end - 0\n"


def read(content: bytes) -> Returned:
    back = Returned()
    read_records(io.BytesIO(content), back)
    return back


def record(name: str, kind: str, body: bytes, shape: str = "-") -> bytes:
    return f"{quote(name, safe='')} {kind} {shape} {len(body)}\n".encode() + body + b"\n"


def written(name: str, value: Any) -> bytes:
    """What a program would write for a value."""
    if isinstance(value, np.ndarray):
        return record(name, value.dtype.str, value.tobytes(order="F"), "x".join(map(str, value.shape)))
    if isinstance(value, list):
        return f"{quote(name)} list - {len(value)}\n".encode() + b"".join(written("-", item) for item in value)
    if isinstance(value, dict):
        head = f"{quote(name)} dict - {len(value)}\n".encode()
        return head + b"".join(written(key, item) for key, item in value.items())
    kind, text = {
        type(None): ("none", ""),
        bool: ("bool", str(int(value)) if isinstance(value, bool) else ""),
        int: ("int", str(value)),
        float: ("float", value.hex() if isinstance(value, float) else ""),
        complex: ("complex", f"{value.real!r} {value.imag!r}" if isinstance(value, complex) else ""),
        Fraction: ("rational", f"{value.numerator}/{value.denominator}" if isinstance(value, Fraction) else ""),
        str: ("str", str(value)),
    }[type(value)]
    return record(name, kind, text.encode())


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.fractions()
    | st.text(st.characters(exclude_categories=["Cs"]))
)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)
NESTED = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))
ARRAYS = st_numpy.arrays(
    st.sampled_from(["<f8", "<f4", "|i1", "<i8", "<u4", "|b1", "<c16"]).map(np.dtype),
    st_numpy.array_shapes(min_dims=1, min_side=0, max_side=3),
)


@given(st.dictionaries(KEYS, NESTED, max_size=4))
def test_every_kind_is_read_as_it_was_written(values: dict[str, Any]) -> None:
    back = read(b"".join(written(name, value) for name, value in values.items()) + END)
    assert (back.values, back.finished) == (values, True)
    assert repr(back.values) == repr(values), "signs of zero too"


@given(ARRAYS)
def test_arrays_are_read_bit_for_bit(array: Any) -> None:
    found = read(written("a", array) + END).values["a"]
    assert (found.shape, found.dtype, found.tobytes()) == (array.shape, array.dtype, array.tobytes())
    assert found.flags.writeable


@pytest.mark.parametrize("text", ["inf", "-inf", "Inf", "1e308", "0x1.8p+1", "-0X1P-1074", "17"])
def test_numbers_in_the_spellings_of_c(text: str) -> None:
    value = read(record("x", "float", text.encode()) + END).values["x"]
    assert value == (float.fromhex(text) if "x" in text.lower() else float(text))


def test_what_did_not_come_is_told_and_the_rest_comes() -> None:
    back = read(
        record("f", "refused", "it is a функция".encode()) + record("g", "missing", b"") + written("x", 1) + END
    )
    assert back.problems == ["f: it is a функция", "g: the cell did not assign it"]
    assert back.values == {"x": 1}


def test_sizes_are_the_bytes_of_values() -> None:
    assert read(written("l", ["abc", {"k": 12}]) + END).sizes == {"l": 5}


def test_lines_that_windows_ended() -> None:
    assert read(b"x str - 2\nab\r\n" + END.replace(b"\n", b"\r\n")).values == {"x": "ab"}


@given(st.dictionaries(KEYS, NESTED, min_size=1, max_size=3), st.integers(0, 10**6))
def test_a_file_that_is_cut_off_is_never_taken_for_a_whole_one(values: dict[str, Any], cut: int) -> None:
    content = b"".join(written(name, value) for name, value in values.items()) + END
    try:
        back = read(content[: cut % len(content)])
    except ProtocolError:
        return
    assert not back.finished


@given(
    st.binary(max_size=60)
    | st.lists(st.sampled_from([b"x list - 3\n", b"a <f8 2x2 8\n", b"12345678\n", END, b"y int - 1\nz\n"])).map(
        b"".join
    )
)
def test_garbage_is_a_protocol_error(content: bytes) -> None:
    try:
        read(content)
    except ProtocolError:
        return


@pytest.mark.parametrize(
    "content",
    [
        b"x object - 1\nx\n",
        b"x <O8 1 8\n12345678\n",
        b"x <f8 3 8\n12345678\n",
        b"x <f8 - 8\n12345678\n",
        b"x bool - 1\n2\n",
        b"x rational - 3\n1/0\n",
        b"x list - 2\n- refused - 0\n\n",
        b"x list - 1\n" * 300,
        b"x str - 1\n\xff\n",
        b"x str - 99999999999\nabc\n",
    ],
)
def test_impossible_records_are_refused(content: bytes) -> None:
    with pytest.raises(ProtocolError):
        read(content + END)
