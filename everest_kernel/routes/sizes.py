"""Sizes as people write them: `800 kB`, `500 MB`, `1 GB`, `1.5 GiB`."""

from __future__ import annotations

import re

__all__ = ["parse_size"]

_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_UNITS |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)([a-z]*)\Z")


def parse_size(text: str) -> int:
    """Bytes; a bare number counts bytes.

    Raises:
        ValueError: not such a size.
    """
    found = _SIZE.match(text.replace(" ", "").lower())
    if found is None or found[2] not in _UNITS:
        raise ValueError(f"{text!r} is not a size; write 500 MB or 1 GB")
    return int(float(found[1]) * _UNITS[found[2]])
