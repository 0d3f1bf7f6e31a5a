"""File names and URIs from the wire: hostile until checked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.wire import (
    ProtocolError,
    data_uri,
    file_uri,
    name_of_uri,
    read_data_uri,
    safe_name,
    safe_path,
)

HOSTILE = ["", ".", "..", "a/b", "/etc/passwd", "a\\b", "a\0b", "a\nb", "\x7f", "a" * 256, "é" * 128, "\ud800"]
GOOD = ["a", "..a", "a..", "...", "ä ö", "con", "a" * 255, "-rf", "~", "$HOME", "a;b", "*", "日本"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_refused(name: str) -> None:
    with pytest.raises(ProtocolError):
        safe_name(name)


@pytest.mark.parametrize("name", GOOD)
def test_plain_names_pass(name: str) -> None:
    assert safe_name(name) == name


@pytest.mark.parametrize(
    "path", ["", "/a", "a//b", "a/../b", "..", "../a", "a/..", "./a", "a/", "a\\..\\b", "a/" * 3000]
)
def test_hostile_paths_are_refused(path: str) -> None:
    with pytest.raises(ProtocolError):
        safe_path(path)


@given(st.text(max_size=60))
def test_a_path_that_passes_stays_inside_its_folder(text: str) -> None:
    try:
        path = safe_path(text)
    except ProtocolError:
        return
    assert not path.is_absolute()
    assert ".." not in path.parts
    assert str(path) == text


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20), min_size=1, max_size=3)
)
def test_a_name_survives_its_uri(segments: list[str]) -> None:
    try:
        name = safe_name(segments[-1])
    except ProtocolError:
        return
    assert name_of_uri(file_uri("jobs", *segments)) == name
    assert name_of_uri(f"http://host{file_uri('temp', *segments)}?token=x#part") == name


@pytest.mark.parametrize(
    "uri", ["/api/files/x/", "/api/files/..", "/api/files/%2e%2e", "/api/files/a%2fb", "/x/%00", ""]
)
def test_uris_that_end_in_no_name_are_refused(uri: str) -> None:
    with pytest.raises(ProtocolError):
        name_of_uri(uri)


@given(st.binary(max_size=200))
def test_content_survives_its_data_uri(content: bytes) -> None:
    assert read_data_uri(data_uri(content)) == content


def test_data_uris_of_others() -> None:
    assert read_data_uri("data:,plain%20text%00") == b"plain text\0"
    assert read_data_uri("data:text/plain;charset=utf-8;base64,YQ%3D%3D") == b"a"


@pytest.mark.parametrize(
    "uri", ["", "data:", "data:;base64", "http://x", "data:;base64,a", "data:;base64,a*b=", "file:///x"]
)
def test_malformed_data_uris_are_refused(uri: str) -> None:
    with pytest.raises(ProtocolError):
        read_data_uri(uri)
