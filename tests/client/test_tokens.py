"""Tokens are kept for their owner alone, and found again by any spelling of the server's address."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest

from everest_kernel.client import StoredToken, TokenStore
from everest_kernel.wire import ConfigurationError

TOKEN = "tok-51d0-not-to-be-shown"
URL = "https://everest.example"


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring as a desktop has it."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.broken = False

    def _check(self) -> None:
        if self.broken:
            raise keyring.errors.KeyringLocked("locked")

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._check()
        if (service, username) not in self.kept:
            raise keyring.errors.PasswordDeleteError("none")
        del self.kept[service, username]


@pytest.fixture
def desktop() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def test_without_a_keyring_a_file_keeps_them(tmp_path: Path) -> None:
    store = TokenStore(tmp_path / "new/tokens.json")
    assert store.get(URL) is None
    store.forget(URL)
    assert not store.path.exists()
    assert store.put(URL, TOKEN) == "file"
    assert store.put("https://other.example", "t2") == "file"
    assert store.get(URL) == StoredToken(TOKEN, "file")
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    store.forget(URL)
    assert store.get(URL) is None
    assert store.get("https://other.example") == StoredToken("t2", "file")


@pytest.mark.parametrize("spelling", [URL, f"{URL}/", "HTTPS://Everest.Example", f" {URL}:443/ ", f"{URL}?x=1#y"])
def test_spellings_of_one_server(tmp_path: Path, spelling: str) -> None:
    store = TokenStore(tmp_path / "tokens.json")
    store.put(spelling, TOKEN)
    assert store.get(URL) == StoredToken(TOKEN, "file")


@pytest.mark.parametrize(
    "other", ["http://everest.example", f"{URL}:8443", f"{URL}/second", "https://everest.example.org"]
)
def test_other_servers_do_not_get_it(tmp_path: Path, other: str) -> None:
    store = TokenStore(tmp_path / "tokens.json")
    store.put(URL, TOKEN)
    assert store.get(other) is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o666])
def test_a_file_that_others_reach_is_refused(tmp_path: Path, mode: int) -> None:
    store = TokenStore(tmp_path / "tokens.json")
    store.put(URL, TOKEN)
    store.path.chmod(mode)
    for use in (lambda: store.get(URL), lambda: store.put(URL, "new"), lambda: store.forget(URL)):
        with pytest.raises(ConfigurationError, match="chmod 600"):
            use()


def test_a_damaged_file_is_told_without_its_content(tmp_path: Path) -> None:
    store = TokenStore(tmp_path / "tokens.json")
    store.path.write_text(f'{{"{URL}": "{TOKEN}"')
    store.path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="damaged") as caught:
        store.get(URL)
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_write_that_fails_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = TokenStore(tmp_path / "tokens.json")
    store.put(URL, TOKEN)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigurationError, match="No space left"):
        store.put(URL, "new")
    assert store.get(URL) == StoredToken(TOKEN, "file")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["tokens.json", "tokens.lock"]


def test_a_keyring_is_preferred_and_takes_over_from_the_file(tmp_path: Path, desktop: MemoryKeyring) -> None:
    store = TokenStore(tmp_path / "tokens.json")
    desktop.broken = True
    assert store.put(URL, "old") == "file"
    desktop.broken = False
    assert store.put(URL, TOKEN) == "keyring"
    assert desktop.kept == {("everest-kernel", URL): TOKEN}
    assert store.get(URL) == StoredToken(TOKEN, "keyring")
    assert "old" not in store.path.read_text()
    store.forget(URL)
    assert (desktop.kept, store.get(URL)) == ({}, None)


def test_without_the_package_nothing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    store = TokenStore(tmp_path / "tokens.json")
    assert store.put(URL, TOKEN) == "file"
    assert store.get(URL) == StoredToken(TOKEN, "file")
    store.forget(URL)
    assert store.get(URL) is None


def test_two_programs_at_once_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from everest_kernel.client import TokenStore;"
        "s = TokenStore(pathlib.Path(sys.argv[1]));"
        "[s.put(f'https://{sys.argv[2]}-{n}.example', 't') for n in range(20)]"
    )
    path = tmp_path / "tokens.json"
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), name]) for name in ("a", "b")]
    assert [writer.wait(30) for writer in writers] == [0, 0]
    store = TokenStore(path)
    assert all(store.get(f"https://{name}-{n}.example") for name in ("a", "b") for n in range(20))


def test_it_is_not_shown() -> None:
    assert TOKEN not in repr(StoredToken(TOKEN, "file"))
