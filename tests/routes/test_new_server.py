"""A server is added to a configuration file, and nothing else happens to the file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.routes import add_server, server_table
from everest_kernel.routes.config import read_tables
from everest_kernel.wire import ConfigurationError

URL = "https://everest.example"

FILES = [
    "",
    "# mine\n",
    "default_server = 'embedded' # no newline at the end",
    "[routes.x]\nlanguage = 'shell'\ncommand = '''sh\n[servers.fake]\n'''\n\n\n",
    "[servers.other]\nurl = 'https://a'\n[routes.x]\nlanguage = 'python'\n",
    "[servers]\nother = {url = 'https://a'}\n",
    "servers.other.url = 'https://a'\n[routes.x]\nlanguage = 'python'\n",
    "[routes.x]\r\nlanguage = 'shell'\r\n",
]


@pytest.mark.parametrize("text", FILES)
def test_what_was_there_stays_to_the_byte(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode())
    before = read_tables(path)
    assert add_server(path, "lab", URL)
    after = path.read_bytes()
    assert after.startswith(text.encode())
    if "\r\n" in text:
        assert b"\n" not in after.replace(b"\r\n", b"")
    servers = before.get("servers", {}) | {"lab": {"url": URL}}
    assert read_tables(path) == {**before, "servers": servers}
    assert add_server(path, "lab", URL) is False
    assert [p.name for p in tmp_path.iterdir()] == ["config.toml"]


def test_a_file_that_cannot_be_appended_to_is_left_and_the_lines_are_told(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text := "servers = {other = {url = 'https://a'}}\n")
    with pytest.raises(ConfigurationError) as caught:
        add_server(path, "lab", URL)
    assert server_table("lab", URL) in str(caught.value)
    assert path.read_text() == text
    assert [p.name for p in tmp_path.iterdir()] == ["config.toml"]


def test_a_new_file_in_a_new_folder(tmp_path: Path) -> None:
    add_server(tmp_path / "a/b/config.toml", "lab", URL)
    assert (tmp_path / "a/b/config.toml").read_text() == server_table("lab", URL)


def test_a_link_stays_and_so_does_the_mode(tmp_path: Path) -> None:
    target = tmp_path / "dotfiles.toml"
    target.write_text("# mine\n")
    target.chmod(0o640)
    link = tmp_path / "config.toml"
    link.symlink_to(target)
    add_server(link, "lab", URL)
    assert link.is_symlink()
    assert "[servers.lab]" in target.read_text()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_name_that_is_taken_is_not_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    add_server(path, "lab", URL)
    with pytest.raises(ConfigurationError, match=r"already, at https://everest.example"):
        add_server(path, "lab", "https://evil.example")


@pytest.mark.parametrize("name", ["", "a b", "x]", "embedded", "a.b", "ü"])
def test_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be called"):
        add_server(tmp_path / "config.toml", name, URL)
    assert not os.listdir(tmp_path)


@given(st.text(max_size=40))
def test_any_address_is_written_so_that_it_is_read_again(tmp_path_factory: pytest.TempPathFactory, url: str) -> None:
    path = tmp_path_factory.mktemp("any") / "config.toml"
    add_server(path, "lab", url)
    assert read_tables(path) == {"servers": {"lab": {"url": url}}}
