"""Results of points as bytes: exactly as they were, and never more than data."""

from __future__ import annotations

import pickle
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from everest_kernel.sweeps.kept import (
    KeptFailure,
    pack,
    pack_failure,
    pack_many,
    unpack,
    unpack_failure,
    unpack_many,
)
from everest_kernel.wire import ValueRefusedError

ANY_TEXT = st.text(st.characters(exclude_categories=(), exclude_characters="\0"), max_size=8)  # numpy drops it
KINDS = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
    hnp.complex_number_dtypes(endianness="?", sizes=(64, 128)),
    hnp.datetime64_dtypes(),
)
NAMES = st.text("abxyz", min_size=1, max_size=3)


@st.composite
def columns(draw: st.DrawFn) -> dict[str, NDArray[Any]]:
    count = draw(st.integers(1, 4))
    made: dict[str, NDArray[Any]] = {}
    for name in draw(st.lists(NAMES, max_size=4, unique=True)):
        shape = (count, *draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3)))
        if draw(st.booleans()):
            made[name] = draw(hnp.arrays(draw(KINDS), shape))
        else:
            made[name] = draw(hnp.arrays(np.dtype("U8"), shape, elements=ANY_TEXT))
    made[""] = np.arange(count)  # tells how many there are
    return made


def same(one: Any, other: Any) -> bool:
    one, other = np.asarray(one), np.asarray(other)
    if one.shape != other.shape or one.dtype.kind != other.dtype.kind:
        return False
    if one.dtype.kind == "U":
        return bool((one == other).all())
    return one.dtype == other.dtype.newbyteorder("<") and one.tobytes() == other.astype(one.dtype).tobytes()


@given(values=columns(), resource=ANY_TEXT)
def test_columns_come_back_bit_for_bit(values: dict[str, NDArray[Any]], resource: str) -> None:
    seconds = np.linspace(0.1, 0.4, len(values[""]))
    (found,) = unpack_many(pack_many(values, seconds, resource, "j"))
    assert found.indices.tolist() == list(range(len(seconds)))
    assert list(found.values) == list(values)
    assert all(same(found.values[name], values[name]) for name in values)
    assert found.seconds.tolist() == seconds.tolist()
    assert found.resource == resource.encode("utf-8", "replace").decode()


@given(values=columns())
def test_one_by_one_is_the_same_as_together(values: dict[str, NDArray[Any]]) -> None:
    count = len(values[""])
    together = pack_many(values, np.ones(count), "vm", "j")
    for at in range(count):
        one = {name: column[at] for name, column in values.items()}
        assert pack(one, 1.0, "vm", "j") == together[at]
        found = unpack(together[at])
        assert found is not None
        assert (found.seconds, found.resource, found.job_id) == (1.0, "vm", "j")
        assert all(same(found.values[name], one[name]) for name in one)


def test_python_values_come_back_as_what_they_are() -> None:
    found = unpack(pack({"i": 2, "f": -0.0, "b": True, "c": 1j, "s": "é", "a": [1.5, 2.5], "t": ["p", "qq"]}))
    assert found is not None
    kinds = {name: np.asarray(value).dtype.kind for name, value in found.values.items()}
    assert kinds == {"i": "i", "f": "f", "b": "b", "c": "c", "s": "U", "a": "f", "t": "U"}
    assert found.values["s"] == "é"
    assert np.signbit(found.values["f"])
    assert found.values["t"].tolist() == ["p", "qq"]


def test_texts_may_come_as_objects() -> None:
    (found,) = unpack_many(pack_many({"s": np.array(["a", "longer"], object)}, np.zeros(2)))
    assert found.values["s"].tolist() == ["a", "longer"]


@pytest.mark.parametrize("text", ["", "\ud800", "é\0é", "\U0001f600"])
def test_any_text_comes_back(text: str) -> None:
    found = unpack(pack({"s": text}, 0.0, text))
    assert found is not None
    assert found.values["s"] == text
    assert found.resource == text.replace("\ud800", "?")


def test_what_looks_alike_comes_in_one_group_whichever_job_it_was() -> None:
    payloads = [
        pack({"y": 1.0}, 1.0, "vm", "j1"),
        pack({"y": 2}, 2.0, "vm", "j1"),
        pack({"y": 3.0}, 3.0, "vm", "j2"),
        pack({"y": 4.0}, 4.0, "other", "j2"),
        pack({"y": [5.0]}, 5.0, "vm", "j2"),
    ]
    found = [(group.indices.tolist(), group.resource, group.values["y"].tolist()) for group in unpack_many(payloads)]
    expected = [([0, 2], "vm", [1.0, 3.0]), ([1], "vm", [2]), ([3], "other", [4.0]), ([4], "vm", [[5.0]])]
    assert found == expected


def test_points_without_outputs_keep_their_seconds() -> None:
    (found,) = unpack_many(pack_many({}, np.array([1.0, 2.0])))
    assert (found.values, found.seconds.tolist()) == ({}, [1.0, 2.0])
    assert pack_many({}, np.zeros(0)) == []
    assert unpack_many([]) == []


def test_what_comes_back_can_be_written_to() -> None:
    (found,) = unpack_many(pack_many({}, np.zeros(2)))
    found.seconds[0] = 1.0


@pytest.mark.parametrize("value", [object(), None, {"a": 1}, 2**70, b"bytes", np.array(["a", 1], object)])
def test_other_kinds_are_refused_by_name(value: Any) -> None:
    with pytest.raises(ValueRefusedError, match=r"^y ") as caught:
        pack({"y": value})
    assert caught.value.name == "y"


@pytest.mark.parametrize("value", [np.float64(1.0), np.zeros(3)])
def test_a_value_for_each_point_is_needed(value: Any) -> None:
    with pytest.raises(ValueRefusedError, match="one value for each of 2 points"):
        pack_many({"y": value}, np.zeros(2))


@given(error=ANY_TEXT)
def test_failures_keep_their_error(error: str) -> None:
    found = unpack_failure(pack_failure(error, 0.5, "vm", "j"))
    assert found == KeptFailure(error.encode("utf-8", "replace").decode(), 0.5, "vm", "j")


# --- damage


def head_with(kind: bytes) -> bytes:
    whole = pack({"y": 1.0})
    head = whole[5 : 5 + whole[1]].replace(b"\xa3<f8", bytes([0xA0 + len(kind)]) + kind)
    return whole[:1] + struct.pack("<I", len(head)) + head + whole[5 + whole[1] :]


DAMAGED = {
    "empty": b"",
    "cut in its head": pack({"y": 1.0})[:9],
    "cut in its body": pack({"y": 1.0})[:-1],
    "too long": pack({"y": 1.0}) + b"x",
    "cut in a text": pack({"y": "text"})[:-1],
    "cut before a text": pack({"y": "text"})[:-6],
    "not UTF-8": pack({"y": "text"}).replace(b"text", b"te\xff\xff"),
    "another version": b"\x02" + pack({"y": 1.0})[1:],
    "a pickle": pickle.dumps({"y": 1.0}),
    "an object": head_with(b"|O"),
    "a record": head_with(b"f8,f8"),
    "no type": head_with(b"nonsense"),
    "a broken type": head_with(b"f8,("),
    "sizes below zero": pack({"y": np.zeros((2, 3))}).replace(b"\x92\x02\x03", b"\x92\xfe\xfd"),
    "a text too many": pack({"y": "text"})[:-7] + b"\x92\xc4\x01a\xc4\x01b",
    "an endless head": b"\x01\xff\xff\xff\xff" + b"x" * 50,
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_what_cannot_be_read_is_in_no_group(damage: str) -> None:
    assert unpack(DAMAGED[damage]) is None
    for like in (1.0, "text"):
        found = unpack_many([DAMAGED[damage], pack({"y": like}), DAMAGED[damage]])
        assert [group.indices.tolist() for group in found] == [[1]]
        assert found[0].values["y"].tolist() == [like]


def test_only_a_type_that_is_wrong_makes_a_head_unreadable() -> None:
    found = unpack(head_with(b"<i8"))
    assert found is not None
    assert found.values["y"] == np.float64(1.0).view(np.int64)


@given(payload=st.binary(max_size=60), cut=st.integers(0, 60))
def test_garbage_is_never_an_error(payload: bytes, cut: int) -> None:
    sound = pack({"y": 1.0, "s": "text"}, 1.0, "vm")
    for damaged in (payload, sound[:cut] + payload):
        unpack(damaged)
        unpack_many([damaged, sound])
        unpack_failure(damaged)


@pytest.mark.parametrize("payload", [b"", b"\x02\x90", b"\x01\x91\x01", pack({"y": 1.0})])
def test_no_failure_is_made_up(payload: bytes) -> None:
    assert unpack_failure(payload) is None
