"""`%everest cache`."""

from __future__ import annotations

from pathlib import Path

import pytest

from everest_kernel.notebook.cache_page import cache_bundle
from everest_kernel.notebook.remembered import result_cache
from everest_kernel.records import CachedResult
from everest_kernel.wire import CellOptionError, ConfigurationError, Job, JobState

NOW = 1e12  # long after the results of these tests were kept


def keep(*job_ids: str) -> None:
    cache = result_cache(10**9)
    for job_id in job_ids:
        assert cache.put(
            job_id, CachedResult(Job(job_id, JobState.DONE), [], b"v" * 1_000_000, None, None, NOW - 7200, "R")
        )


def test_it_lists_what_is_kept(tmp_path: Path) -> None:
    assert cache_bundle([], tmp_path, NOW)["text/plain"] == "No results, 0 B of 1.0 GB"
    keep("j1", "j2")
    bundle = cache_bundle([], tmp_path, NOW)
    head, *rows, said = bundle["text/plain"].splitlines()
    assert head.split() == ["job", "route", "size", "kept", "last", "used"]
    assert {tuple(row.split()[:7]) for row in rows} == {(j, "R", "1.0", "MB", "2", "h", "ago") for j in ("j1", "j2")}
    assert said == "2 results, 2.0 MB of 1.0 GB"
    assert said in bundle["text/html"]


def test_the_limit_is_that_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "everest.toml").write_text("[cache]\nlimit = '20 MB'\nenabled = false")
    assert cache_bundle([], tmp_path, NOW)["text/plain"] == "No results, 0 B of 20 MB; the cache is switched off"


def test_it_is_cleared_job_by_job_or_wholly(tmp_path: Path) -> None:
    keep("j1", "j2", "j3")
    assert cache_bundle(["clear", "j2"], tmp_path, NOW) == {"text/plain": "1 result is dropped (1.0 MB)."}
    assert {entry.job_id for entry in result_cache(10**9).entries()} == {"j1", "j3"}
    with pytest.raises(CellOptionError, match="no result of job 'j2'"):
        cache_bundle(["clear", "j2"], tmp_path, NOW)
    assert cache_bundle(["clear"], tmp_path, NOW) == {"text/plain": "2 results are dropped (2.0 MB)."}
    assert cache_bundle(["clear"], tmp_path, NOW) == {"text/plain": "0 results are dropped (0 B)."}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cler"], "'cler'. Did you mean 'clear'?"),
        (["clear", "a", "b"], "'clear a b'"),
        (["clear", "--all"], "'clear --all'"),
    ],
)
def test_other_words_are_refused(tmp_path: Path, words: list[str], said: str) -> None:
    keep("a")
    with pytest.raises(CellOptionError) as caught:
        cache_bundle(words, tmp_path, NOW)
    assert said in caught.value.message
    assert len(result_cache(10**9).entries()) == 1


def test_a_cache_that_cannot_be_used_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EVEREST_RECORDS_HOME", str(tmp_path / "file"))
    with pytest.raises(ConfigurationError, match="cannot be made"):
        cache_bundle([], tmp_path, NOW)
