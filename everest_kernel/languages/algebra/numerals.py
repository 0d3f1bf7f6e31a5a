"""Integers of any length as decimal digits; Python's own conversions stop at 4300 of them."""

from __future__ import annotations

__all__ = ["read_integer", "write_integer"]

_CHUNK = 4000


def read_integer(digits: str) -> int:
    """The integer that a sign and decimal digits denote."""
    if digits[:1] in ("-", "+"):
        value = read_integer(digits[1:])
        return -value if digits[0] == "-" else value
    if len(digits) <= _CHUNK:
        return int(digits)
    half = len(digits) // 2
    power: int = 10**half
    return read_integer(digits[:-half]) * power + read_integer(digits[-half:])


def write_integer(value: int) -> str:
    """The decimal digits of an integer."""
    if value < 0:
        return f"-{write_integer(-value)}"
    if value.bit_length() <= 3 * _CHUNK:
        return str(value)
    half = int(value.bit_length() * 0.30103) // 2
    upper, lower = divmod(value, 10**half)
    return write_integer(upper) + write_integer(lower).rjust(half, "0")
