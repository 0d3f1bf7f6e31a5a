"""Texts and names in batch files of Windows, where what is special depends on where it stands."""

from __future__ import annotations

import codecs
import re

from ...wire import CellOptionError, ConfigurationError

__all__ = ["bare", "code_page", "command_line", "quoted", "windows_path", "windows_pattern"]

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
_DEVICE = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³])[ ]*(\.|\Z)", re.IGNORECASE)
_PLAIN = re.compile(r"[A-Za-z0-9_.\\*?/+-]+\Z")
_HINT = "Nothing was sent. Rename the file for a Windows machine."
_PAGES = {
    "ascii": 20127,
    "big5": 950,
    "euc_kr": 949,
    "gb18030": 54936,
    "gbk": 936,
    "iso8859-1": 28591,
    "koi8-r": 20866,
    "koi8-u": 21866,
    "shift_jis": 932,
    "utf-8": 65001,
    **{f"iso8859-{number}": 28590 + number for number in (2, 3, 4, 5, 6, 7, 8, 9, 13, 15)},
}


def quoted(text: str) -> str:
    """A text without quotes, in quotes, for a line of a batch file. Delayed expansion must be off."""
    return '"' + text.replace("%", "%%") + '"'


def bare(text: str) -> str:
    """A text for a line of a batch file, outside quotes; what has a meaning there has lost it."""
    return re.sub(r'[&|<>()^"]', r"^\g<0>", text).replace("%", "%%")


def command_line(words: tuple[str, ...]) -> str:
    """A line that runs a program, which may be a batch file: then only `call` comes back, and that reads a line twice.

    Raises:
        ConfigurationError: a word that cannot be passed on as it is.
    """
    is_program = words[0].lower().endswith((".exe", ".com"))
    line = []
    for word in (words[0].replace("/", "\\"), *words[1:]):
        if re.search(r'[\x00-\x1f"]' if is_program else r'[\x00-\x1f"^]', word):
            hint = "Leave out quotes and ^, or name the program with its .exe."
            raise ConfigurationError(f"{word!r} cannot be a word of a command on Windows", hint=hint)
        text = word.replace("%", "%%" if is_program else "%%%%")
        if not re.fullmatch(r"[A-Za-z0-9_.:\\+-]+|/[A-Za-z]+", word):
            end = re.search(r"\\*\Z", text)  # a backslash before a quote would take its meaning
            text = f'"{text}{end.group() if end else ""}"'
        line.append(text)
    return " ".join(line if is_program else ["call", *line])


def windows_path(path: str) -> str:
    r"""A relative path with `/` as one of Windows, with `\`.

    Raises:
        CellOptionError: Windows has no such path.
    """
    for part in path.split("/"):
        wrong = _FORBIDDEN.search(part)
        if wrong:
            raise CellOptionError(f"{path!r} has {wrong.group()!r}, which no name on Windows has", hint=_HINT)
        if part != part.rstrip(". "):
            raise CellOptionError(f"{path!r}: a name on Windows cannot end with {part[-1]!r}", hint=_HINT)
        if not part or _DEVICE.match(part):
            raise CellOptionError(f"{path!r}: {part!r} is not the name of a file on Windows", hint=_HINT)
    return path.replace("/", "\\")


def windows_pattern(pattern: str) -> str:
    r"""A pattern of `--fetch` with `*` and `?` as one for `for`: with `\`, in quotes where it needs them.

    Raises:
        CellOptionError: Windows has no such pattern.
    """
    if "**" in pattern or "[" in pattern:
        raise CellOptionError(
            f"--fetch {pattern!r}: patterns on Windows know only * and ?",
            hint="Name each level of folders, as in 'out/*/*.txt', and write ? for a character that may vary.",
        )
    windows_path(re.sub(r"[*?]", "_", pattern))
    path = pattern.replace("/", "\\")
    return path if _PLAIN.match(path) else quoted(path)


def code_page(encoding: str) -> int:
    """The number that Windows has for an encoding.

    Raises:
        ConfigurationError: it has none.
    """
    name = codecs.lookup(encoding).name
    number = int(name[2:]) if re.fullmatch(r"cp\d+", name) else _PAGES.get(name)
    if number is None:
        raise ConfigurationError(
            f"Windows has no code page for the encoding {encoding!r}", hint="Such as cp1251, cp866, or utf-8."
        )
    return number
