"""Where tokens are kept, by server: the system's keyring where there is one, else a file for its owner's eyes only."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Literal, NamedTuple

import filelock
import httpx
import msgspec
import platformdirs

from ..wire import ConfigurationError

__all__ = ["Place", "StoredToken", "TokenStore", "server_key", "token_variable"]

_SERVICE = "everest-kernel"
_LOCK_SECONDS = 10.0
Place = Literal["keyring", "file"]


class StoredToken(NamedTuple):
    """A token and where it was found."""

    token: str
    place: Place

    def __repr__(self) -> str:  # the token must not reach a log or a traceback
        return f"StoredToken(place={self.place!r})"


def token_variable(name: str) -> str:
    """The environment variable that holds the token for a server of the configuration; it wins over a stored one."""
    return f"EVEREST_TOKEN_{name.upper().replace('-', '_')}"


def server_key(url: str) -> str:
    """The form of a server's URL under which its token is kept: two spellings of one server share it."""
    parsed = httpx.URL(url.strip().rstrip("/"))
    return str(parsed.copy_with(query=None, fragment=None)).rstrip("/")


class TokenStore:
    """The tokens of this user. Its methods do I/O and may wait for the keyring: call them on a thread.

    Args:
        path: of the file; by default `tokens.json` in the user's data folder.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or Path(platformdirs.user_data_path("everest-kernel")) / "tokens.json"

    def get(self, url: str) -> StoredToken | None:
        """The token for a server, or None.

        Raises:
            ConfigurationError: the file could have been read or written by somebody else.
        """
        key = server_key(url)
        token = _keyring_get(key)
        if token:
            return StoredToken(token, "keyring")
        token = self._read().get(key)
        return StoredToken(token, "file") if token else None

    def put(self, url: str, token: str) -> Place:
        """Keep a token; says where.

        Raises:
            ConfigurationError: it cannot be written.
        """
        key = server_key(url)
        if _keyring_put(key, token):
            self._change(key, None)
            return "keyring"
        self._change(key, token)
        return "file"

    def forget(self, url: str) -> None:
        """Drop the token for a server, if there is one.

        Raises:
            ConfigurationError: the file cannot be changed.
        """
        key = server_key(url)
        _keyring_delete(key)
        self._change(key, None)

    def _read(self) -> dict[str, str]:
        try:
            with self.path.open("rb") as stream:
                _check_owner(os.fstat(stream.fileno()), self.path)
                return msgspec.json.decode(stream.read(), type=dict[str, str])
        except FileNotFoundError:
            return {}
        except msgspec.DecodeError:  # its message could quote a token
            raise ConfigurationError(f"{self.path} is damaged", hint="Delete it and log in again.") from None
        except OSError as error:
            raise ConfigurationError(f"{self.path} cannot be read: {error.strerror}") from error

    def _change(self, key: str, token: str | None) -> None:
        """Set or drop one token; whole or not at all, and one program at a time."""
        if token is None and not self.path.exists():
            return
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with filelock.FileLock(self.path.with_suffix(".lock"), timeout=_LOCK_SECONDS):
                tokens = self._read()
                if token is not None:
                    tokens[key] = token
                elif tokens.pop(key, None) is None:
                    return
                _replace(self.path, msgspec.json.encode(tokens))
        except filelock.Timeout as error:
            raise ConfigurationError(f"another program holds {self.path} and does not let go") from error
        except OSError as error:
            raise ConfigurationError(f"{self.path} cannot be written: {error.strerror}") from error


def _replace(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".tokens-")  # readable by its owner alone
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _check_owner(status: os.stat_result, path: Path) -> None:
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o077):
        raise ConfigurationError(
            f"{path} could have been read or written by somebody else; the tokens in it are not used",
            hint=f"Make it yours alone (chmod 600 {path}), and log in again if somebody may have read it.",
        )


# --- the keyring: an optional package, and often there is no service behind it


def _keyring_get(key: str) -> str | None:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        return keyring.get_password(_SERVICE, key)
    except (KeyringError, OSError, RuntimeError):  # none here, or locked: the file serves
        return None


def _keyring_put(key: str, token: str) -> bool:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return False
    try:
        keyring.set_password(_SERVICE, key, token)
        # a backend that keeps nothing (keyring's `null`) does not complain
        return keyring.get_password(_SERVICE, key) == token
    except (KeyringError, OSError, RuntimeError):
        return False


def _keyring_delete(key: str) -> None:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return
    try:
        keyring.delete_password(_SERVICE, key)
    except (KeyringError, OSError, RuntimeError):
        return  # it had none
