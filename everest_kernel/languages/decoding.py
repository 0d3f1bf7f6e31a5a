"""Texts of files whose encoding nobody has told."""

from __future__ import annotations

import codecs

__all__ = ["decode_file"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode_file(content: bytes, encoding: str) -> str | None:
    """The text of a file; None when it is none.

    A byte-order mark decides, then whether it is UTF-8, which hardly any other text is; `encoding` and at last
    Windows' Western European code page are for the rest. An end in the middle of a character is no fault.
    """
    for mark, name in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(name, "replace")
    if b"\0" in content:
        return None
    for name in ("utf-8", encoding):
        decoder = codecs.getincrementaldecoder(name)()
        try:
            text = decoder.decode(content)
        except UnicodeDecodeError:
            continue
        if not (decoder.getstate()[0] and text.isascii()):  # else nothing but the end speaks for it
            return text
    return content.decode("cp1252", "replace")
