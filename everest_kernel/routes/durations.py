"""Lengths of time as people write them: `90`, `90s`, `10m`, `1h30m`, `2d`."""

from __future__ import annotations

import re

__all__ = ["parse_duration"]

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd])")
_ALL = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?[smhd])+\Z")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?\Z")


def parse_duration(text: str) -> float:
    """Seconds; a bare number counts seconds.

    Raises:
        ValueError: not such a length, or not longer than zero.
    """
    compact = text.replace(" ", "").lower()
    if _NUMBER.match(compact):
        seconds = float(compact)
    elif _ALL.match(compact):
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(compact))
    else:
        raise ValueError(f"{text!r} is not a length of time; write 90s, 10m or 1h30m")
    if seconds <= 0:
        raise ValueError(f"{text!r} is no time at all")
    return seconds
