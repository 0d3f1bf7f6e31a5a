"""The results cache: what is kept, what goes, and what is damaged."""

from __future__ import annotations

import hashlib
import os
import pickle
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everest_kernel.records import HOME_VARIABLE, CachedResult, ResultCache, cache_folder
from everest_kernel.wire import ConfigurationError, Job, JobState

from .support import job_of, mode_of, start_process

HASH = "ab" * 32


def result_of(job_id: str = "j1", size: int = 10, **fields: Any) -> CachedResult:
    job = job_of(job_id, JobState.DONE, inputs={"cell": "x = 1"}, result={"values": "/api/files/1"})
    return CachedResult(job, [("stdout", b"a\n"), ("stderr", b"b")], b"v" * size, None, b"", 5.0, **fields)


@pytest.fixture
def cache(tmp_path: Path) -> Any:
    cache = ResultCache(tmp_path / "cache")
    yield cache
    cache.close()


def files_of(cache: ResultCache) -> list[Path]:
    return sorted(cache._folder.glob("*.result"))


def test_a_result_comes_back_as_it_was(cache: ResultCache) -> None:
    assert cache.get(HASH) is None
    assert cache.put(HASH, result_of(route="python"))
    assert cache.get(HASH) == result_of(route="python")
    (entry,) = cache.entries()
    assert (entry.content, entry.job_id, entry.route, entry.stored) == (HASH, "j1", "python", 5.0)
    assert entry.size == cache.size == files_of(cache)[0].stat().st_size


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), st.lists)
RESULTS = st.builds(
    CachedResult,
    job=st.builds(
        Job,
        id=st.text(max_size=10),
        state=st.sampled_from(JobState),
        inputs=st.dictionaries(st.text(max_size=5), JSON, max_size=3),
        info=st.text(st.characters(exclude_categories=()), max_size=10),
    ),
    output=st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.binary(max_size=30)), max_size=4),
    values=st.none() | st.binary(max_size=50),
    pictures=st.none() | st.binary(max_size=50),
    fetched=st.none() | st.binary(max_size=50),
    stored=st.floats(0, 1e11),
    route=st.text(max_size=5),
)


@settings(max_examples=25)  # each makes a file of its own
@given(result=RESULTS)
def test_every_result_that_is_kept_comes_back_as_it_was(
    result: CachedResult, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    cache, again = ResultCache(folder), ResultCache(folder)
    kept = cache.put(HASH, result)
    assert again.get(HASH) == (result if kept else None)
    assert len(files_of(cache)) == kept
    cache.close()
    again.close()


def test_a_newer_result_takes_the_place_of_the_older(cache: ResultCache) -> None:
    cache.put(HASH, result_of("old"))
    cache.put(HASH, result_of("new"))
    found = cache.get(HASH)
    assert found is not None
    assert (found.job.id, len(cache.entries()), len(files_of(cache))) == ("new", 1, 1)


def test_what_was_not_used_for_the_longest_time_goes_first(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path / "cache", 10_000)
    for number in range(4):
        assert cache.put(str(number), result_of(str(number), size=2000))
    assert cache.get("0") is not None
    assert cache.put("4", result_of("4", size=2000))
    assert [entry.job_id for entry in cache.entries()] == ["4", "0", "3", "2"]
    assert cache.size <= 10_000
    assert len(files_of(cache)) == 4
    cache.close()


def test_a_result_of_more_than_a_quarter_is_not_kept(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path / "cache", 10_000)
    assert not cache.put(HASH, result_of(size=2500))
    assert cache.entries() == []
    assert not ResultCache(tmp_path / "none", 0).put(HASH, result_of(size=0))
    cache.close()


@settings(max_examples=25)  # each makes a file of its own
@given(sizes=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3000)), max_size=12))
def test_the_limit_holds_whatever_comes(sizes: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory) -> None:
    cache = ResultCache(tmp_path_factory.mktemp("cache"), 8000)
    for name, size in sizes:
        kept = cache.put(str(name), result_of(str(name), size))
        assert cache.size == sum(path.stat().st_size for path in files_of(cache)) <= 8000
        assert not kept or cache.get(str(name)) == result_of(str(name), size)
    cache.close()


def test_clearing_is_of_one_job_or_of_all(cache: ResultCache) -> None:
    for content, job_id in (("1", "a"), ("2", "b"), ("3", "a"), ("4", "c")):
        cache.put(content, result_of(job_id))
    assert (cache.clear("a"), cache.clear("unknown")) == (2, 0)
    assert {entry.job_id for entry in cache.entries()} == {"b", "c"}
    assert (cache.clear(), cache.size, files_of(cache)) == (2, 0, [])


# --- damage


def signed(body: bytes) -> bytes:
    return hashlib.sha256(body).digest() + body


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "cut": lambda whole: whole[:-1],
    "a changed byte in a value": lambda whole: whole.replace(b"vvvvv", b"vvwvv"),
    "something else": lambda whole: b"x" * 100,
    "a pickle": lambda whole: signed(pickle.dumps({"output": []})),
    "msgpack of another form": lambda whole: signed(b"\x93\x01\x02\x03"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_result_counts_as_absent_and_is_dropped(cache: ResultCache, damage: str) -> None:
    cache.put(HASH, result_of())
    cache.put("other", result_of("j2"))
    path = next(path for path in files_of(cache) if b"j1" in path.read_bytes())
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert cache.get(HASH) is None
    assert [entry.job_id for entry in cache.entries()] == ["j2"]
    assert len(files_of(cache)) == 1
    assert cache.put(HASH, result_of())
    assert cache.get(HASH) == result_of()


def test_a_pickle_is_never_loaded(cache: ResultCache, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    cache.put(HASH, result_of())
    body = pickle.dumps(Trap())
    files_of(cache)[0].write_bytes(hashlib.sha256(body).digest() + body)
    assert cache.get(HASH) is None
    assert not (tmp_path / "sprung").exists()


def test_a_file_that_is_gone_counts_as_absent(cache: ResultCache) -> None:
    cache.put(HASH, result_of())
    files_of(cache)[0].unlink()
    assert cache.get(HASH) is None
    assert cache.entries() == []


def test_a_damaged_index_is_begun_anew_and_its_files_go(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path)
    cache.put(HASH, result_of())
    cache.close()
    (tmp_path / "index.sqlite").write_bytes(b"rubbish" * 1000)
    old = time.time() - 7200
    os.utime(files_of(cache)[0], (old, old))
    again = ResultCache(tmp_path)
    assert again.get(HASH) is None
    assert again.put(HASH, result_of())
    assert len(files_of(again)) == 1
    again.close()


def test_a_folder_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = ResultCache(tmp_path / "file" / "cache")
    for call in (lambda: cache.get(HASH), lambda: cache.put(HASH, result_of()), cache.entries, cache.clear):
        with pytest.raises(ConfigurationError):
            call()


def test_only_its_owner_can_read_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "records"))
    before = os.umask(0)
    try:
        cache = ResultCache(cache_folder())
        cache.put(HASH, result_of())
        assert mode_of(cache_folder()) == 0o700
        assert {mode_of(path) for path in [*files_of(cache), *cache_folder().glob("index*")]} == {0o600}
        cache.close()
    finally:
        os.umask(before)


# --- several at once


WRITER = """
import sys
from pathlib import Path
from everest_kernel.records import CachedResult, ResultCache
from everest_kernel.wire import Job, JobState
cache, name = ResultCache(Path(sys.argv[1]), 200_000), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
number = 0
while number < int(sys.argv[3]):
    content = str(number % 30)
    body = content.encode() * (9000 // len(content))
    cache.put(content, CachedResult(Job(name, JobState.DONE), [], body, None, None, 0.0))
    found = cache.get(str((number * 7) % 30))
    assert found is None or set(found.values.decode()) == set(str((number * 7) % 30)), found
    number += 1
    print(number, flush=True)
"""


def test_kernels_share_a_cache_and_its_limit(tmp_path: Path) -> None:
    writers = [start_process(WRITER, tmp_path, name, 60) for name in "abc"]
    for writer in writers:
        writer.communicate("go\n", timeout=60)
    assert [writer.returncode for writer in writers] == [0] * 3
    cache = ResultCache(tmp_path, 200_000)
    assert 150_000 < cache.size <= 200_000
    assert cache.size == sum(path.stat().st_size for path in files_of(cache))
    cache.close()


def test_a_kernel_that_is_killed_leaves_only_sound_results(tmp_path: Path) -> None:
    for _ in range(2):
        writer = start_process(WRITER, tmp_path, "a", 1_000_000)
        assert writer.stdin is not None
        assert writer.stdout is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
        for _ in range(40):
            writer.stdout.readline()
        writer.kill()
        writer.communicate(timeout=10)
    cache = ResultCache(tmp_path, 200_000)
    assert cache.entries() != []
    assert all(cache.get(entry.content) is not None for entry in cache.entries())
    named = {entry.content for entry in cache.entries()}
    assert len(files_of(cache)) - len(named) <= 4, "at most what was in the making, or about to go"
    cache.close()


def test_threads_of_a_kernel_share_a_cache(cache: ResultCache) -> None:
    def work(name: str) -> None:
        for number in range(15):
            cache.put(str(number), result_of(name))
            cache.get(str(number))

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(cache.entries()) == len(files_of(cache)) == 15
