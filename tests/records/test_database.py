"""A file of records: transactions of several kernels."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from everest_kernel.records.database import RecordsFile

SCHEMA = "CREATE TABLE numbers (number INTEGER)"


def add(connection: sqlite3.Connection, number: int) -> None:
    connection.execute("INSERT INTO numbers VALUES (?)", [number])


def numbers(file: RecordsFile) -> list[int]:
    rows = file.run(lambda connection: connection.execute("SELECT number FROM numbers").fetchall(), write=False)
    return [number for (number,) in rows]


def test_who_reads_and_then_writes_is_not_overtaken(tmp_path: Path) -> None:
    one, other = RecordsFile(tmp_path / "f.sqlite", SCHEMA), RecordsFile(tmp_path / "f.sqlite", SCHEMA)
    assert numbers(other) == []
    thread = threading.Thread(target=lambda: other.run(lambda connection: add(connection, 2)))

    def work(connection: sqlite3.Connection) -> None:
        (found,) = connection.execute("SELECT count(*) FROM numbers").fetchone()
        thread.start()
        thread.join(0.2)
        assert thread.is_alive(), "it waits"
        add(connection, found)

    one.run(work)
    thread.join(10)
    assert numbers(one) == [0, 2]
    one.close()
    other.close()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_transaction_is_done_whole_or_not_at_all(tmp_path: Path, error: type[BaseException]) -> None:
    file = RecordsFile(tmp_path / "f.sqlite", SCHEMA)

    def work(connection: sqlite3.Connection) -> None:
        add(connection, 1)
        raise error

    with pytest.raises(error):
        file.run(work)
    file.run(lambda connection: add(connection, 2))
    assert numbers(file) == [2]
    file.close()
