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

from everest_kernel.hub.contents import INLINE_LIMIT, Content, Contents
from everest_kernel.hub.database import Database, Write
from everest_kernel.hub.files import Files, canonical, output_uris, published_uris
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


async def test_an_equal_upload_survives_the_deletion_of_the_last_file(database: Database, tmp_path: Path) -> None:
    contents = Contents(database, tmp_path / "files")
    files = Files(database, contents)
    data = b"z" * (INLINE_LIMIT + 1)
    first = await files.add_temporary("u", "a", await contents.receive(chunks(data)))
    again = await contents.receive(chunks(data))
    deleting = asyncio.create_task(files.delete("u", first))
    second = await files.add_temporary("u", "b", again)  # its write comes with the deletion's, or after it
    assert await deleting
    await asyncio.sleep(0)
    stored = files.open("u", second)
    assert stored is not None
    assert isinstance(stored.content, Path)
    assert stored.content.read_bytes() == data


async def test_what_is_not_written_is_discarded(database: Database, tmp_path: Path) -> None:
    contents = Contents(database, tmp_path / "files")
    content = await contents.receive(chunks(b"x" * (INLINE_LIMIT + 1)))
    assert contents.read(content) == b"x" * (INLINE_LIMIT + 1)
    contents.discard(content)
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


async def test_a_cancelled_upload_leaves_nothing(database: Database, tmp_path: Path) -> None:
    contents = Contents(database, tmp_path / "files")
    more = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield b"x" * (1 << 20)
        more.set()
        await asyncio.Event().wait()

    receiving = asyncio.create_task(contents.receive(slow()))
    await more.wait()
    receiving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await receiving
    await asyncio.get_running_loop().shutdown_default_executor()  # the thread that writes has ended
    await asyncio.sleep(0)
    assert list((tmp_path / "files" / "incoming").iterdir()) == []


async def test_a_file_that_replaces_another_releases_it(database: Database, tmp_path: Path) -> None:
    contents = Contents(database, tmp_path / "files")
    files = Files(database, contents)
    for letter in (b"a", b"b"):
        content = await contents.receive(chunks(letter * (INLINE_LIMIT + 1)))
        uri = "/api/files/jobs/j/out"

        def write(connection: sqlite3.Connection, content: Content = content, uri: str = uri) -> None:
            content.write(connection)
            files.insert(connection, uri, "u", "j", content)

        await database.write(write)
    await asyncio.sleep(0)
    assert len([path for path in (tmp_path / "files").rglob("*") if path.is_file()]) == 1


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=8))
def test_published_uris_are_distinct_and_the_first_of_a_name_is_plain(names: list[str]) -> None:
    uris = [f"/api/files/temp/{number}/{name}" for number, name in enumerate(names)]
    published = published_uris("job", [*uris, *uris, "https://host/x"])
    assert list(published) == uris
    assert len(set(published.values())) == len(uris)
    for name in set(names):
        assert published[uris[names.index(name)]] == f"/api/files/jobs/job/{name}"
    assert all(uri.endswith(f"/{name}") for uri, name in zip(published.values(), names, strict=True))


def test_an_output_has_a_uri_of_its_own() -> None:
    inputs = ["/api/files/temp/1/data.txt"]
    assert output_uris("job", inputs, ["data.txt", "a/out.txt", "b/out.txt", "stdout"]) == {
        "data.txt": "/api/files/jobs/job/2/data.txt",
        "a/out.txt": "/api/files/jobs/job/out.txt",
        "b/out.txt": "/api/files/jobs/job/2/out.txt",
        "stdout": "/api/files/jobs/job/stdout",
    }


@pytest.mark.parametrize("sent", ["my%20file%28.txt", "my file(.txt", "my%20file(.txt?x=1"])
def test_every_clients_encoding_of_a_name_is_the_same_uri(sent: str) -> None:
    assert canonical(f"/api/files/temp/x/{sent}") == "/api/files/temp/x/my%20file%28.txt"


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
