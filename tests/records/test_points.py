"""Points on disk: what counts, what is shared, what goes, and what is damaged."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everest_kernel.records import HOME_VARIABLE, segments
from everest_kernel.records.points import Flight, PointStore, points_path
from everest_kernel.records.segments import Segment, segments_of
from everest_kernel.wire import ConfigurationError

from .support import mode_of, start_process

HASH = "ab" * 32
Row = tuple[bytes, bool, bytes]


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def row(number: int, payload: bytes = b"p", succeeded: bool = True) -> Row:
    return key(number), succeeded, payload


@pytest.fixture
def store(tmp_path: Path) -> Iterator[PointStore]:
    store = PointStore(tmp_path / "points.sqlite")
    yield store
    store.close()


def execute(store: PointStore, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    return store._file.run(lambda connection: connection.execute(statement, values).fetchall())


def test_what_is_written_is_read(store: PointStore) -> None:
    program = store.program(HASH, "{}")
    assert store.read(program, [key(1)]) == {}
    assert store.write(program, [row(1, b"one"), row(2, b"why", False), row(3, b"")]) == 3
    assert store.write(program, []) == 0
    assert store.read(program, [key(3), key(1), key(2), key(4)]) == {
        key(1): (True, b"one"),
        key(2): (False, b"why"),
        key(3): (True, b""),
    }
    assert store.read(program, [key(2)]) == {key(2): (False, b"why")}
    assert store.read(program, []) == {}


def test_programs_do_not_know_each_others_points(store: PointStore) -> None:
    one, other = store.program("1"), store.program("2")
    store.write(one, [row(1)])
    assert store.read(other, [key(1)]) == {}
    assert (store.forget(other), store.forget(one), store.forget(one)) == (0, 1, 0)
    assert store.read(one, [key(1)]) == {}


def test_a_later_kernel_finds_the_points(tmp_path: Path) -> None:
    first, second = PointStore(tmp_path / "p.sqlite"), PointStore(tmp_path / "p.sqlite")
    first.write(first.program(HASH), [row(1)])
    first.close()
    assert second.read(second.program(HASH), [key(1)]) == {key(1): (True, b"p")}
    second.close()


def test_the_newest_counts_but_a_failure_never_hides_a_result(store: PointStore) -> None:
    program = store.program(HASH)
    for payload, succeeded in ((b"f1", False), (b"f2", False)):
        store.write(program, [row(1, payload, succeeded)])
    assert store.read(program, [key(1)]) == {key(1): (False, b"f2")}
    for payload, succeeded in ((b"s1", True), (b"s2", True), (b"f3", False)):
        store.write(program, [row(1, payload, succeeded)])
    assert store.read(program, [key(1)]) == {key(1): (True, b"s2")}


def test_within_one_write_too(store: PointStore) -> None:
    program = store.program(HASH)
    store.write(program, [row(1, b"s"), row(1, b"f", False), row(2, b"f", False), row(2, b"s")])
    assert store.read(program, [key(1), key(2)]) == {key(1): (True, b"s"), key(2): (True, b"s")}


@pytest.mark.parametrize("wrong", [b"", b"x" * 15, b"x" * 17])
def test_a_key_has_sixteen_bytes(store: PointStore, wrong: bytes) -> None:
    program = store.program(HASH)
    with pytest.raises(ValueError, match="16 bytes"):
        store.write(program, [row(1), (wrong, True, b"")])
    assert store.read(program, [key(1)]) == {}, "all or nothing"


def test_a_payload_of_any_size_comes_back(store: PointStore) -> None:
    program = store.program(HASH)
    rows = [row(number, os.urandom(size)) for number, size in enumerate((9_000_000, 3_000_000, 5, 9_000_000, 7, 0))]
    store.write(program, rows)
    assert store.read(program, [key(number) for number in range(6)]) == {k: (True, payload) for k, _, payload in rows}
    assert [len(segment) for segment in segments_of(rows)] == [1, 2, 1, 2]


def test_a_payload_that_is_too_large_is_not_kept(store: PointStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("everest_kernel.records.points.LARGEST", 10)
    program = store.program(HASH)
    assert store.write(program, [row(1, b"x" * 11), row(2, b"x" * 10)]) == 1
    assert list(store.read(program, [key(1), key(2)])) == [key(2)]


# --- against a model


WRITES = st.lists(
    st.tuples(st.integers(0, 5), st.booleans(), st.sampled_from([b"", b"a", b"b" * 40, b"c" * 400])), max_size=4
)
STEPS = st.lists(
    st.one_of(WRITES, st.sampled_from(["forget failed", "forget", "merge", "again"]), WRITES, WRITES, WRITES),
    max_size=12,
)


@settings(max_examples=60)  # each makes a file of its own
@given(steps=STEPS)
def test_it_behaves_like_a_dictionary(steps: list[Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("points") / "p.sqlite"
    store = PointStore(path)
    program, other = store.program(HASH), store.program("other")
    store.write(other, [row(0)])
    model: dict[bytes, tuple[bool, bytes]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "_SMALL", 400)  # some writes are small, some are not
        for step in steps:
            if isinstance(step, list):
                rows = [row(number, payload, succeeded) for number, succeeded, payload in step]
                store.write(program, rows)
                model |= {k: (good, payload) for k, good, payload in rows if good}
                # a failure counts when nothing succeeded; the last of them does
                good = {k for k, value in model.items() if value[0]}
                model |= {k: (False, payload) for k, succeeded, payload in rows if not succeeded and k not in good}
            elif step == "merge":
                store._file.run(lambda connection: segments.merge(connection, program))
            elif step == "again":
                store.close()
                store = PointStore(path)
            elif step == "forget failed":
                store.forget(program, failed_only=True)
                model = {k: value for k, value in model.items() if value[0]}
            else:
                store.forget(program)
                model = {}
            assert store.read(program, [key(number) for number in range(6)]) == model
    assert store.read(other, [key(0)]) == {key(0): (True, b"p")}
    store.close()


# --- many small writes


def test_many_small_writes_become_few_segments(store: PointStore) -> None:
    program = store.program(HASH)
    for number in range(200):
        store.write(program, [row(number % 150, b"%d" % number)])
    ((count,),) = execute(store, "SELECT count(*) FROM segments")
    assert count <= 64
    found = store.read(program, [key(number) for number in range(150)])
    assert found == {key(n): (True, b"%d" % (n + 150 if n < 50 else n)) for n in range(150)}


def test_large_segments_are_left_alone(store: PointStore) -> None:
    program = store.program(HASH)
    store.write(program, [row(1)])
    store.write(program, [row(2, b"x" * 300_000)])
    for number in (1, 3):
        store.write(program, [row(number, b"new")])
    store._file.run(lambda connection: segments.merge(connection, program))
    assert execute(store, "SELECT points FROM segments ORDER BY id") == [(1,), (1,), (2,)]
    assert store.read(program, [key(1)]) == {key(1): (True, b"new")}


# --- what there is, and what goes


def test_usage_tells_what_there_is(store: PointStore) -> None:
    one, other = store.program("1", '{"line": "%%sweep"}'), store.program("2")
    store.write(one, [row(1), row(2, b"", False)])
    store.write(other, [row(1, b"x" * 500)])
    last, first = store.usage()
    assert (first.content, first.facts, first.points, first.failed) == ("1", '{"line": "%%sweep"}', 2, 1)
    assert (last.content, last.facts, last.points, last.failed) == ("2", "", 1, 0)
    assert 500 < last.size < 1000
    assert store.size == first.size + last.size
    assert first.begun <= first.used <= last.used
    store.program("1")
    assert [usage.content for usage in store.usage()] == ["1", "2"]
    assert store.usage()[0].facts == '{"line": "%%sweep"}', "they stay when nobody tells them"


def test_forgetting_failures_leaves_the_results(store: PointStore) -> None:
    program = store.program(HASH)
    store.write(program, [row(1), row(2, b"", False), row(3, b"", False)])
    store.write(program, [row(4, b"", False)])
    assert store.forget(program, failed_only=True) == 3
    assert list(store.read(program, [key(number) for number in range(5)])) == [key(1)]
    assert [(usage.points, usage.failed) for usage in store.usage()] == [(1, 0)]


def test_clearing_makes_the_file_small_again(store: PointStore, tmp_path: Path) -> None:
    program = store.program(HASH)
    store.write(program, [row(number, os.urandom(100_000)) for number in range(50)])
    store.fly(program, Flight(key="k", points=key(1)))
    assert store.clear() == 50
    assert (store.size, store.usage(), store.clear()) == (0, [], 0)
    assert [flight.key for flight in store.flights(program)] == ["k"]
    assert execute(store, "SELECT program FROM programs") == [(program,)], "of a job that runs it stays known"
    store.landed("k")
    store.clear()
    assert execute(store, "SELECT program FROM programs") == []
    store.close()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 200_000


def test_what_was_not_used_for_the_longest_time_goes_first(store: PointStore) -> None:
    programs = [store.program(str(number)) for number in range(3)]
    for program in programs:
        for number in range(4):
            store.write(program, [row(number, b"x" * 1000)])
    store.program("0")
    assert store.prune(store.size) == 0
    assert store.prune(store.size - 4500) == 5
    left = [[number for number in range(4) if store.read(program, [key(number)])] for program in programs]
    assert left == [[0, 1, 2, 3], [], [1, 2, 3]]
    assert {usage.content for usage in store.usage()} == {"0", "2"}
    assert store.prune(store.size - store.size // 7) == 1, "what fits exactly stays"
    assert (store.prune(0), store.size) == (6, 0)


@settings(max_examples=25)  # each makes a file of its own
@given(sizes=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3000)), max_size=12), most=st.integers(0, 9000))
def test_pruning_makes_the_rest_fit(
    sizes: list[tuple[int, int]], most: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = PointStore(tmp_path_factory.mktemp("points") / "p.sqlite")
    for at, (program, size) in enumerate(sizes):
        store.write(store.program(str(program)), [row(at, b"x" * size)])
    before, gone = store.size, store.prune(most)
    assert store.size <= most
    assert (gone == 0) == (before <= most)
    assert sum(usage.points for usage in store.usage()) == len(sizes) - gone
    store.close()


def test_a_kernel_goes_on_after_another_has_cleared(tmp_path: Path) -> None:
    one, other = PointStore(tmp_path / "p.sqlite"), PointStore(tmp_path / "p.sqlite")
    program = one.program("1", "facts")
    one.write(program, [row(1)])
    other.clear()
    other.write(other.program("2"), [row(5)])
    one.write(program, [row(2)])
    assert list(one.read(program, [key(1), key(2), key(5)])) == [key(2)]
    assert [(usage.content, usage.facts) for usage in other.usage()] == [("1", "facts"), ("2", "")]
    one.close()
    other.close()


# --- jobs that still run


def test_flights_are_known_until_they_land(store: PointStore) -> None:
    program = store.program(HASH)
    first = Flight(key="k1", points=key(1) + key(2), server="embedded", route="python", begun=1.0)
    second = Flight(key="k2", points=key(3), begun=2.0)
    store.fly(program, second)
    store.fly(program, first)
    assert store.flights(program) == [first, second]
    assert first.keys() == [key(1), key(2)]
    told = Flight(key="k1", points=first.points, job_id="j1", server="embedded", route="python", begun=1.0)
    store.fly(program, told)
    assert store.flights(program) == [told, second]
    assert store.flights(store.program("other")) == []
    store.landed("k1")
    store.landed("unknown")
    assert store.flights(program) == [second]


def test_text_that_sqlite_does_not_take_is_no_error(store: PointStore) -> None:
    program = store.program("\ud800", "\ud800")
    store.fly(program, Flight(key="\ud800", points=b"", route="\ud800"))
    assert [flight.route for flight in store.flights(program)] == ["?"]
    store.landed("\ud800")
    assert store.flights(program) == []


# --- damage


DAMAGES: dict[str, str] = {
    "a changed byte": "UPDATE segments SET body = CAST(replace(hex(body), 'FF', '00') AS BLOB) WHERE id = 2",
    "a cut body": "UPDATE segments SET body = substr(body, 1, 9) WHERE id = 2",
    "a head that says failed": "UPDATE segments SET head = substr(head, 1, 16) || x'00' WHERE id = 2",
    "a cut head": "UPDATE segments SET head = substr(head, 1, 16) WHERE id = 2",
    "no blob": "UPDATE segments SET body = 'text' WHERE id = 2",
    "no blob in front": "UPDATE segments SET head = 5 WHERE id = 2",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_counts_as_absent(store: PointStore, damage: str) -> None:
    program = store.program(HASH)
    store.write(program, [row(1, b"old")])
    store.write(program, [row(1, b"\xff" * 20)])
    execute(store, DAMAGES[damage])
    assert store.read(program, [key(1)]) == {key(1): (True, b"old")}, "what it hid counts again"
    store.write(program, [row(1, b"new")])
    assert store.read(program, [key(1)]) == {key(1): (True, b"new")}
    store.forget(program, failed_only=True)
    store._file.run(lambda connection: segments.merge(connection, program))
    assert store.read(program, [key(1)]) == {key(1): (True, b"new")}


def test_a_damaged_file_is_begun_anew_under_the_same_numbers(tmp_path: Path) -> None:
    store = PointStore(tmp_path / "p.sqlite")
    program = store.program("1", "facts")
    store.write(program, [row(1)])
    store.close()
    (tmp_path / "p.sqlite").write_bytes(b"rubbish" * 1000)
    other = PointStore(tmp_path / "p.sqlite")
    other.write(other.program("2"), [row(1, b"of another program")])
    assert store.read(program, [key(1)]) == {}
    store.write(program, [row(1)])
    assert {usage.content: usage.points for usage in other.usage()} == {"1": 1, "2": 1}
    store.close()
    other.close()


def test_a_folder_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = PointStore(tmp_path / "file" / "p.sqlite")
    calls: list[Callable[[], object]] = [
        lambda: store.program(HASH),
        lambda: store.read(1, [key(1)]),
        lambda: store.write(1, [row(1)]),
        lambda: store.forget(1),
        lambda: store.fly(1, Flight(key="k", points=b"")),
        lambda: store.flights(1),
        store.usage,
        store.clear,
        store.prune,
    ]
    for call in calls:
        with pytest.raises(ConfigurationError):
            call()


def test_only_its_owner_can_read_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "records"))
    before = os.umask(0)
    try:
        store = PointStore(points_path())
        store.write(store.program(HASH), [row(1)])
        assert {mode_of(path) for path in points_path().parent.glob("points*")} == {0o600}
        store.close()
    finally:
        os.umask(before)


# --- several at once


WRITER = """
import sys
from pathlib import Path
from everest_kernel.records.points import PointStore
store, name, most = PointStore(Path(sys.argv[1]) / "p.sqlite"), int(sys.argv[2]), int(sys.argv[3])
program = store.program("shared")
print("ready", flush=True)
sys.stdin.readline()
for number in range(most):
    keys = [(1000 * number + at).to_bytes(8, "big") + name.to_bytes(8, "big") for at in range(50)]
    store.write(program, [(key, True, key * 3) for key in keys])
    assert set(store.read(program, keys)) == set(keys)
    print(number, flush=True)
"""


def written(number: int, name: int) -> dict[bytes, tuple[bool, bytes]]:
    keys = [(1000 * number + at).to_bytes(8, "big") + name.to_bytes(8, "big") for at in range(50)]
    return {k: (True, k * 3) for k in keys}


def test_kernels_share_a_store(tmp_path: Path) -> None:
    writers = [start_process(WRITER, tmp_path, name, 70) for name in (1, 2)]
    for writer in writers:
        writer.communicate("go\n", timeout=60)
    assert [writer.returncode for writer in writers] == [0, 0]
    store = PointStore(tmp_path / "p.sqlite")
    expected = {k: value for name in (1, 2) for number in range(70) for k, value in written(number, name).items()}
    assert store.read(store.program("shared"), list(expected)) == expected
    assert sum(usage.points for usage in store.usage()) == len(expected)
    store.close()


def test_a_kernel_that_is_killed_leaves_whole_writes(tmp_path: Path) -> None:
    writer = start_process(WRITER, tmp_path, 1, 1_000_000)
    assert writer.stdin is not None
    assert writer.stdout is not None
    writer.stdin.write("go\n")
    writer.stdin.flush()
    for _ in range(80):
        last = writer.stdout.readline()
    writer.kill()
    rest, _ = writer.communicate(timeout=10)
    said = int([last, *rest.splitlines()][-1])
    store = PointStore(tmp_path / "p.sqlite")
    program = store.program("shared")
    for number in range(said + 1):
        assert store.read(program, list(written(number, 1))) == written(number, 1), "what was said to be kept is"
    assert len(store.read(program, list(written(said + 1, 1)))) in (0, 50)
    store.close()


def test_threads_of_a_kernel_share_a_store(store: PointStore) -> None:
    program = store.program(HASH)

    def work(name: int) -> None:
        for number in range(15):
            store.write(program, [row(100 * name + number)])
            store.read(program, [key(number)])

    threads = [threading.Thread(target=work, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.read(program, [key(number) for number in range(300)])) == 45


def test_a_segment_is_what_it_says() -> None:
    rows = [row(1, b"one"), row(2, b"", False), row(3, b"three")]
    segment = Segment.of(rows)
    assert list(segment.rows()) == rows
    assert len(segment) == 3
    assert segment.row(7)[:3] == (7, 3, 1)
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE segments (id, program, points, failed, size, checksum, head, body)")
    connection.execute("INSERT INTO segments VALUES (1, ?, ?, ?, ?, ?, ?, ?)", segment.row(7))
    assert list(segments.read_segments(connection, [1, 2])) == [(1, segment), (2, None)]
    connection.close()
