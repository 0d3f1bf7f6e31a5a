"""Sizes as people read them."""

from __future__ import annotations

__all__ = ["format_size"]


def format_size(size: int) -> str:
    """Bytes as people read them: `24 B`, `1.5 kB`, `80 MB`."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.5 or unit == "TB":
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    raise AssertionError("unreachable")
