"""Pieces of a sweep's line: literals, expressions, and where to cut."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["expression", "is_single", "literal", "outer_names", "short", "split_outside"]

_LITERALS = {"True": True, "False": False, "None": None}


def split_outside(text: str, mark: str) -> list[str]:
    """Split at a mark that stands outside brackets and quotes; the parts are stripped."""
    parts, depth, quote, start, index = [], 0, "", 0, 0
    while index < len(text):
        letter = text[index]
        if quote:
            index += letter == "\\"  # what is escaped does not end the text
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif letter == mark and depth == 0:
            parts.append(text[start:index].strip())
            start = index + 1
        index += 1
    return [*parts, text[start:].strip()]


def is_single(value: Any) -> bool:
    """Whether it is one value, and not a sequence of them."""
    if isinstance(value, np.ndarray):
        return value.ndim == 0
    return isinstance(value, (str, bytes, type)) or not isinstance(value, Iterable)


def literal(text: str) -> tuple[bool, Any]:
    """Whether a text is a literal, and its value."""
    if text in _LITERALS:
        return True, _LITERALS[text]
    for kind in (int, float):
        try:
            return True, kind(text)
        except ValueError:
            continue
    if text[:1] in "'\"" or text[:2] in ("b'", 'b"', "r'", 'r"'):
        try:
            return True, ast.literal_eval(text)
        except (ValueError, SyntaxError):
            return False, None
    return False, None


def expression(text: str) -> ast.Expression | None:
    """The tree of a Python expression, or None when it is none."""
    try:
        return ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def outer_names(text: str) -> list[str] | None:
    """The variables that an expression reads from outside, or None when it is no expression."""
    tree = expression(text)
    if tree is None:
        return None
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return [node.id for node in names if node.id not in bound]


def short(text: str) -> str:
    """A text for a message, cut when it is long."""
    return text if len(text) <= 80 else text[:79] + "…"
