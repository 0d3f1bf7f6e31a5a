"""Changes one member of a JSON text and leaves every other byte as it is: a notebook's history stays readable."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

__all__ = ["drop_member", "put_member"]

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True)
class _Member:
    """Where its key begins and ends, and where its value does."""

    key: str
    start: int
    key_end: int
    value: int
    end: int


@dataclass(frozen=True)
class _Object:
    """An object in the text.

    Attributes:
        lead: what stands before its first member: a line break and an indent, or nothing.
        outer: the same of the object around it.
    """

    text: str
    start: int
    end: int
    members: tuple[_Member, ...]
    lead: str
    outer: str

    def find(self, key: str) -> int | None:
        """The place of a member; of the last one, as for every reader."""
        return next((n for n in reversed(range(len(self.members))) if self.members[n].key == key), None)


def put_member(text: str, path: tuple[str, ...], value: str) -> str:
    """Set a member, and objects around it where there are none.

    Args:
        text: a JSON object.
        path: keys from the outermost object on.
        value: the new value.

    Raises:
        ValueError: the text is not JSON, or there is something else than an object on the way.
    """
    inside = _objects(text, path)
    last = inside[-1]
    place = last.find(path[len(inside) - 1])
    if place is None:
        return _insert(last, path[len(inside) - 1 :], value)
    member = last.members[place]
    return text[: member.value] + _dump(value) + text[member.end :]


def drop_member(text: str, path: tuple[str, ...]) -> str:
    """Remove a member, and the objects around it that are empty then, the outermost two apart.

    Raises:
        ValueError: the text is not JSON, or there is something else than an object on the way.
    """
    inside = _objects(text, path)
    if len(inside) < len(path) or inside[-1].find(path[-1]) is None:
        return text
    while len(inside) > 2 and len(inside[-1].members) == 1:
        inside.pop()
    last = inside[-1]
    place, members = last.find(path[len(inside) - 1]), last.members
    assert place is not None
    if len(members) == 1:
        return f"{text[: last.start]}{{}}{text[last.end :]}"
    if place + 1 < len(members):
        return text[: members[place].start] + text[members[place + 1].start :]
    return text[: members[place - 1].end] + text[members[place].end :]


def _objects(text: str, path: tuple[str, ...]) -> list[_Object]:
    """The objects on the way, as far as there are some."""
    found: list[_Object] = []
    start, outer, step = _after_space(text, 0), "\n", ""
    for key in path:
        current = _object(text, start, outer, step)
        found.append(current)
        place = current.find(key)
        if place is None:
            break
        start = current.members[place].value
        if current.lead.startswith(outer):
            step = current.lead[len(outer) :]
        outer = current.lead
    if _after_space(text, found[0].end) != len(text):
        raise ValueError("something follows the outermost object")
    return found


def _object(text: str, start: int, outer: str, step: str) -> _Object:
    if text[start : start + 1] != "{":
        raise ValueError(f"no object at character {start}")
    place, members = _after_space(text, start + 1), list[_Member]()
    if text[place : place + 1] == "}":
        lead = outer + step if "\n" in outer and step else ""
        return _Object(text, start, place + 1, (), lead, outer)
    lead = text[start + 1 : place]
    while True:
        if text[place : place + 1] != '"':
            raise ValueError(f"no key at character {place}")
        key, key_end = _decode(text, place)
        colon = _after_space(text, key_end)
        value = _after_space(text, colon + 1)
        _, end = _decode(text, value)
        members.append(_Member(key, place, key_end, value, end))
        place = _after_space(text, end)
        following = text[place : place + 1]
        if text[colon] != ":" or following not in ("}", ","):
            raise ValueError(f"the object at character {start} cannot be read")
        if following == "}":
            return _Object(text, start, place + 1, tuple(members), lead, outer)
        place = _after_space(text, place + 1)


def _decode(text: str, place: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, place)
    except RecursionError as error:
        raise ValueError(f"what begins at character {place} is nested too deep") from error


def _insert(target: _Object, path: tuple[str, ...], value: str) -> str:
    """Put a member at its place in the alphabet, where Jupyter puts it, too; written as its neighbours are."""
    text, members = target.text, target.members
    key = path[0]
    colon = text[members[0].key_end : members[0].value] if members else ": "
    if not members:
        new = _nested(path, value, target.lead, target.outer, colon)
        close = target.outer if "\n" in target.lead else ""
        return f"{text[: target.start]}{{{target.lead}{new}{close}}}{text[target.end :]}"
    new = _nested(path, value, target.lead, target.outer, colon)
    if len(members) > 1:
        between = text[members[0].end : members[1].start]
    else:
        between = "," + (target.lead if "\n" in target.lead else " " if colon.endswith(" ") else "")
    following = next((member for member in members if member.key > key), None)
    if following is None:
        return f"{text[: members[-1].end]}{between}{new}{text[members[-1].end :]}"
    return f"{text[: following.start]}{new}{between}{text[following.start :]}"


def _nested(path: tuple[str, ...], value: str, lead: str, outer: str, colon: str) -> str:
    """A member that stands in an object with this lead, and the objects in it."""
    name = f"{_dump(path[0])}{colon}"
    if len(path) == 1:
        return name + _dump(value)
    step = lead[len(outer) :] if lead.startswith(outer) else ""
    inner = lead + step if "\n" in lead else ""
    close = lead if "\n" in lead else ""
    return f"{name}{{{inner}{_nested(path[1:], value, inner, lead, colon)}{close}}}"


def _dump(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _after_space(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match is not None else place
