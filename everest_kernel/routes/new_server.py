"""Adds a server to a configuration file without touching what is there."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path

from ..wire import ConfigurationError
from .config import EMBEDDED, read_tables

__all__ = ["add_server", "check_server_name", "server_table"]

_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")


def server_table(name: str, url: str) -> str:
    """The lines of TOML that make a server known."""
    # a TOML string is a JSON string, but for two things: no surrogate pairs, and DEL must be escaped
    text = json.dumps(url, ensure_ascii=False).replace("\x7f", "\\u007f")
    return f"[servers.{name}]\nurl = {text}\n"


def check_server_name(name: str) -> None:
    """Check that a server can be called so.

    Raises:
        ConfigurationError: it cannot.
    """
    if not _NAME.match(name) or name == EMBEDDED:
        raise ConfigurationError(
            f"a server cannot be called {name!r}", hint="Take letters, digits, dashes and underscores, such as lab."
        )


def add_server(path: Path, name: str, url: str) -> bool:
    """Add a server to the file; False when it is there already.

    The lines are appended, and the file is replaced only when it then means what it meant before and the server.

    Raises:
        ConfigurationError: the name stands for another server, or the file cannot be changed so; it is as it was.
    """
    check_server_name(name)
    before = read_tables(path)
    servers = before.get("servers", {})
    if name in servers:
        if servers[name]["url"].rstrip("/") == url:
            return False
        raise ConfigurationError(
            f"{path} has a server {name!r} already, at {servers[name]['url']}",
            hint="Take another name, or change its url there.",
        )
    try:
        _append(path, server_table(name, url), {**before, "servers": {**servers, name: {"url": url}}})
    except (OSError, ConfigurationError) as error:
        raise ConfigurationError(
            f"the server cannot be added to {path}: {error}", hint=f"Add it by hand:\n\n{server_table(name, url)}"
        ) from error
    return True


def _append(path: Path, lines: str, meaning: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    target = path.resolve()  # where a link points: the link itself stays
    text = target.read_bytes().decode() if target.exists() else ""
    newline = "\r\n" if "\r\n" in text else "\n"
    gap = "" if not text else newline if text.endswith("\n") else 2 * newline
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".config-", suffix=".toml")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write((text + gap + lines.replace("\n", newline)).encode())
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o777)
        if read_tables(temporary) != meaning:
            raise ConfigurationError("its tables are written in a way that a table cannot be appended to")
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink()
        raise
