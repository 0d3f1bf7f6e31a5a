from __future__ import annotations

import asyncio
import hashlib
import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.hub.contents import INLINE_LIMIT, Contents
from everest_kernel.hub.database import Database, Write
from everest_kernel.hub.files import Files
from everest_kernel.hub.job_log import JobLog
from everest_kernel.hub.output_log import OutputLog
from everest_kernel.hub.tasks import InputError


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "hub.sqlite")
    yield database
    database.close()


async def test_writes_of_one_turn_share_a_commit_and_are_on_disk_when_they_resolve(
    database: Database, tmp_path: Path
) -> None:
    futures = [database.write(lambda c, n=name: c.execute("INSERT INTO users VALUES (?, 'x')", (n,))) for name in "abc"]
    assert not any(future.done() for future in futures)
    await futures[0]
    assert all(future.done() for future in futures)
    for name in ("hub.sqlite", "hub.sqlite-wal"):  # what a hub would find that starts after a crash now
        shutil.copy(tmp_path / name, tmp_path / f"copy-{name}")
    after = Database(tmp_path / "copy-hub.sqlite")
    assert after.query("SELECT count(*) FROM users") == [(3,)]
    after.close()


async def test_a_patient_write_goes_with_the_next_commit_or_after_a_moment(database: Database) -> None:
    def insert(name: str) -> Write:
        return lambda c: c.execute("INSERT INTO users VALUES (?, 'x')", (name,))

    patient = database.write(insert("patient"), patient=True)
    await database.write(insert("prompt"))
    assert patient.done()
    alone = database.write(insert("alone"), patient=True)
    for _ in range(3):
        await asyncio.sleep(0)
    assert not alone.done()
    await asyncio.wait_for(alone, 10)
    assert [name for (name,) in database.query("SELECT name FROM users ORDER BY name")] == [
        "alone",
        "patient",
        "prompt",
    ]
    last = database.write(insert("last"), patient=True)
    database.close()
    assert last.done()


async def test_a_faulty_write_takes_no_other_with_it(database: Database) -> None:
    insert = "INSERT INTO users VALUES ('same', 'x')"
    first, second, third = (
        database.write(lambda c, s=sql: c.execute(s)) for sql in (insert, insert, "INSERT INTO users VALUES ('z', 'x')")
    )
    await first
    with pytest.raises(sqlite3.IntegrityError):
        await second
    await third
    assert database.query("SELECT name FROM users ORDER BY name") == [("same",), ("z",)]


@pytest.mark.parametrize("size", [0, 1, INLINE_LIMIT, INLINE_LIMIT + 1, 5 * INLINE_LIMIT])
async def test_contents_of_any_size_come_back(database: Database, tmp_path: Path, size: int) -> None:
    contents = Contents(database, tmp_path / "files")
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    content = await contents.receive(chunks(data[: size // 2], data[size // 2 :]))
    await database.write(content.write)
    assert content.sha256 == hashlib.sha256(data).digest()
    assert content.size == size
    found = contents.open(content.sha256)
    assert isinstance(found, bytes) == (size <= INLINE_LIMIT)
    assert (found if isinstance(found, bytes) else found.read_bytes()) == data


async def test_an_upload_that_breaks_leaves_nothing(database: Database, tmp_path: Path) -> None:
    contents = Contents(database, tmp_path / "files")

    async def breaks() -> AsyncIterator[bytes]:
        yield b"x" * (INLINE_LIMIT + 1)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await contents.receive(breaks())
    assert list((tmp_path / "files" / "incoming").iterdir()) == []


async def test_equal_contents_are_kept_once_and_until_the_last_file_goes(database: Database, tmp_path: Path) -> None:
    contents = Contents(database, tmp_path / "files")
    files = Files(database, contents)
    data = b"y" * (INLINE_LIMIT + 1)
    uris = [await files.add_temporary("u", name, await contents.receive(chunks(data))) for name in ("a", "b")]
    stored = files.open("u", uris[0])
    assert stored is not None
    assert isinstance(stored.content, Path)
    assert await files.delete("u", uris[0])
    assert stored.content.exists()
    assert await files.delete("u", uris[1])
    assert not stored.content.exists()
    assert not await files.delete("u", uris[1])


async def test_files_of_others_are_unknown(database: Database, tmp_path: Path) -> None:
    contents = Contents(database, tmp_path / "files")
    files = Files(database, contents)
    uri = await files.add_temporary("anna", "a", contents.small(b"x"))
    assert files.open("boris", uri) is None
    assert not await files.delete("boris", uri)
    with pytest.raises(InputError):
        files.inputs_of_job("boris", "job", [uri])


@given(st.lists(st.binary(max_size=40_000), max_size=6), st.data())
def test_an_output_log_is_the_bytes_by_offset(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("log")
    database = Database(folder / "hub.sqlite")
    log = OutputLog(Contents(database, folder / "files"))
    whole = b"".join(parts)
    try:
        position = 0
        for part in parts:
            back = data.draw(st.integers(0, position))  # repeated bytes are skipped
            assert log.append(position - back, whole[position - back : position + len(part)])
            position += len(part)
        assert not log.append(position + 1, b"gap")
        assert log.length == len(whole)
        offset = data.draw(st.integers(0, len(whole)))
        assert log.read(offset, len(whole) + 1) == whole[offset:]
        content = log.store()
        assert content.sha256 == hashlib.sha256(whole).digest()
    finally:
        log.discard()
        database.close()


async def test_a_job_log_says_how_much_it_left_out(database: Database) -> None:
    log = JobLog(database)
    for number in range(1003):
        log.add("j", f"line {number}")
    assert log.read("j").splitlines()[-1].endswith(" 3 more lines are not kept")
    lines = log.take("j")
    assert len(lines) == 1001
    assert lines[-1].endswith(" 3 more lines are not kept")
    assert log.take("j") == []
