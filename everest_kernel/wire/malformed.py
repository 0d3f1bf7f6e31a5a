"""What reading JSON from the wire can raise."""

from __future__ import annotations

import msgspec

__all__ = ["MALFORMED"]

MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Not JSON or not the expected kind; not UTF-8; nested beyond reason."""
