"""`${name}` in commands and file names, as Everest's applications and sweep plans use it. No I/O."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from .errors import ProtocolError

__all__ = ["CommandTemplate", "places_in", "substitute"]

_PLACE = re.compile(r"\$\{([^}]+)\}")


def places_in(text: str) -> list[str]:
    """The names in `${…}`, in order of their first use."""
    return list(dict.fromkeys(_PLACE.findall(text)))


def substitute(text: str, values: Mapping[str, str]) -> str:
    """Replace each `${name}` by its value; an absent one becomes empty."""
    return _PLACE.sub(lambda match: values.get(match[1], ""), text)


class CommandTemplate:
    """A command line with places. Values are put in after it is split into words: no value can add a word.

    Args:
        command: split as a POSIX shell would; a place may stand inside quotes, and its name may hold blanks.

    Raises:
        ProtocolError: it cannot be split.
    """

    def __init__(self, command: str) -> None:
        places: list[str] = []

        def protect(match: re.Match[str]) -> str:  # outside quotes a `${two words}` would be split
            places.append(match[0])
            return f"\ue000{len(places) - 1}\ue001"

        try:
            words = shlex.split(_PLACE.sub(protect, command))
        except ValueError as error:
            raise ProtocolError(f"the command {command[:200]!r} cannot be split into words: {error}") from error
        self._words = [re.sub("\ue000(\\d+)\ue001", lambda match: places[int(match[1])], word) for word in words]

    def fill(self, values: Mapping[str, str]) -> str:
        """The command with values in place, quoted so that it splits into the same words again."""
        return shlex.join(substitute(word, values) for word in self._words)
