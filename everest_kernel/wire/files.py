"""File names and URIs as Everest uses them. Names from the wire are hostile until they have been through here."""

from __future__ import annotations

import base64
import binascii
from pathlib import PurePosixPath
from urllib.parse import quote, unquote, unquote_to_bytes

from .errors import ProtocolError

__all__ = [
    "MAX_NAME_BYTES",
    "data_uri",
    "file_uri",
    "name_of_uri",
    "read_data_uri",
    "safe_name",
    "safe_path",
]

MAX_NAME_BYTES = 255
_FORBIDDEN = frozenset("/\\\0") | {chr(c) for c in range(32)} | {"\x7f"}


def safe_name(name: str) -> str:
    """Check that `name` is one plain file name and give it back.

    Raises:
        ProtocolError: empty, `.` or `..`, over 255 bytes, or with a slash, backslash or control character.
    """
    if not name or name in {".", ".."}:
        raise ProtocolError(f"{name!r} is not a file name")
    if any(c in _FORBIDDEN for c in name):
        raise ProtocolError(f"file name {name[:80]!r} has a slash or a control character")
    try:
        size = len(name.encode())
    except UnicodeEncodeError as error:
        raise ProtocolError(f"file name {name[:80]!r} is not valid Unicode") from error
    if size > MAX_NAME_BYTES:
        raise ProtocolError(f"file name {name[:40]!r}… has {size} bytes; the limit is {MAX_NAME_BYTES}")
    return name


def safe_path(path: str) -> PurePosixPath:
    """Check that `path` is relative, stays inside its folder, and has only plain names.

    Raises:
        ProtocolError: absolute, climbing, empty, or with a name that `safe_name` refuses.
    """
    if path.startswith("/") or len(path) > 4096:
        raise ProtocolError(f"{path[:80]!r} is not a relative path")
    parts = path.split("/")
    return PurePosixPath(*(safe_name(part) for part in parts))


def file_uri(prefix: str, *segments: str) -> str:
    """A server-relative file URI: `/api/files/<prefix>/<segment>/…`, each segment percent-encoded."""
    return "/".join(["/api/files", prefix, *(quote(s, safe="") for s in segments)])


def name_of_uri(uri: str) -> str:
    """The file name that a URI ends in (Everest: the last path segment is the original name).

    Raises:
        ProtocolError: it ends in no usable name.
    """
    path = uri.split("?", 1)[0].split("#", 1)[0]
    return safe_name(unquote(path.rsplit("/", 1)[-1]))


def data_uri(content: bytes) -> str:
    """The content as a `data:` URI (RFC 2397)."""
    return "data:application/octet-stream;base64," + base64.b64encode(content).decode()


def read_data_uri(uri: str) -> bytes:
    """The content of a `data:` URI (RFC 2397).

    Raises:
        ProtocolError: not a well-formed `data:` URI.
    """
    if not uri.startswith("data:"):
        raise ProtocolError(f"not a data URI: {uri[:40]!r}")
    head, comma, body = uri[5:].partition(",")
    if not comma:
        raise ProtocolError("data URI without a comma")
    if not head.endswith(";base64"):
        return unquote_to_bytes(body)
    try:
        return base64.b64decode(unquote(body), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProtocolError("data URI with malformed base64") from error
