"""Archives are read a block at a time, and whatever is wrong with one is a protocol error."""

from __future__ import annotations

import io
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.languages.archives import ArchivedFile, list_tar, list_zip
from everest_kernel.wire import ProtocolError

Packer = Callable[[dict[str, bytes]], bytes]
Lister = Callable[[IO[bytes]], dict[str, ArchivedFile]]


def zipped(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return target.getvalue()


KINDS = pytest.mark.parametrize(("pack", "listed"), [(zipped, list_zip), (tarred, list_tar)], ids=["zip", "tar"])


@KINDS
def test_files_and_sizes_in_any_order(pack: Packer, listed: Lister) -> None:
    contents = {"a": b"1" * 700_000, "b/c": b"", "d": b"xyz"}
    found = listed(io.BytesIO(pack(contents)))
    assert {path: file.size for path, file in found.items()} == {path: len(c) for path, c in contents.items()}
    for path in ("d", "a", "b/c", "a"):
        assert b"".join(found[path]) == contents[path]


@KINDS
def test_a_file_that_was_just_written_is_read_from_its_start(pack: Packer, listed: Lister) -> None:
    source = io.BytesIO()
    source.write(pack({"a": b"1"}))
    assert list(listed(source)) == ["a"]


@KINDS
def test_a_large_file_takes_little_memory(tmp_path: Path, pack: Packer, listed: Lister) -> None:
    (tmp_path / "big").write_bytes(pack({"big": bytes(range(256)) * (1 << 17)}))
    with (tmp_path / "big").open("rb") as source:
        tracemalloc.start()
        size = sum(len(block) for block in listed(source)["big"])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert size == 1 << 25
    assert peak < 4 << 20


@KINDS
@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x"])
def test_hostile_paths(pack: Packer, listed: Lister, name: str) -> None:
    with pytest.raises(ProtocolError):
        listed(io.BytesIO(pack({name: b""})))


@given(st.sampled_from([(zipped, list_zip), (tarred, list_tar)]), st.data())
def test_damage_is_a_protocol_error(
    kind: tuple[Callable[[dict[str, bytes]], bytes], Lister], data: st.DataObject
) -> None:
    pack, listed = kind
    content = bytearray(pack({"a": b"content" * 50, "b": b"more"}))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content
    try:
        for file in listed(io.BytesIO(bytes(content))).values():
            b"".join(file)
    except ProtocolError:
        pass
