"""What servers answer, read with tolerance: of a real Everest only those fields are known that its clients read."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, TypeVar

import httpx
import msgspec

from ..wire import MALFORMED, Application, ApplicationConfig, Job, JobState, Parameter, ProtocolError

__all__ = [
    "Resource",
    "TokenInfo",
    "page_text",
    "read_application",
    "read_applications",
    "read_as",
    "read_job",
    "read_jobs",
    "read_resources",
    "read_token_info",
]

_T = TypeVar("_T")
_Struct = TypeVar("_Struct", bound=msgspec.Struct)
_MILLISECONDS = 1e11
"""A time above this many seconds lies in the year 5138: it is in milliseconds."""
_STATES = {state.value: state for state in JobState} | {"CANCELED": JobState.CANCELLED}


class Resource(msgspec.Struct, frozen=True):
    """A machine or cluster that jobs can be sent to. What a server does not tell is empty or None."""

    id: str
    name: str = ""
    state: str = ""
    slots: int | None = None
    running: int | None = None
    system: str = ""
    owner: str = ""

    @property
    def online(self) -> bool | None:
        """Whether its agent is connected; None where the server does not say."""
        return self.state.upper() in {"ONLINE", "CONNECTED", "ACTIVE", "UP"} if self.state else None


class TokenInfo(msgspec.Struct, frozen=True):
    """What a server says of a token: whose it is, and until when it is good (seconds since the epoch)."""

    user: str = ""
    label: str = ""
    expires: float | None = None


def read_as(response: httpx.Response, kind: type[_T]) -> _T:
    """The answer as this kind exactly.

    Raises:
        ProtocolError: it is not JSON, or does not fit.
    """
    try:
        return msgspec.json.decode(response.content, type=kind)
    except MALFORMED as error:
        page = page_text(response)
        said = f"a web page ({page})" if page else str(error)
        hint = "Something between here and the server answers in its place, or the address is not an Everest server's."
        raise ProtocolError(
            f"{_address(response)} answered something unexpected: {said}", hint=hint if page else None
        ) from error


def read_job(response: httpx.Response) -> Job:
    """A job.

    Raises:
        ProtocolError: it is none.
    """
    try:
        return msgspec.json.decode(response.content, type=Job)
    except MALFORMED:  # what does not fit is left out, field by field
        return _job(read_as(response, dict[str, Any]), response)


def read_jobs(response: httpx.Response) -> list[Job]:
    """A list of jobs.

    Raises:
        ProtocolError: it is none.
    """
    try:
        return msgspec.json.decode(response.content, type=list[Job])
    except MALFORMED:
        return [_job(item, response) for item in _items(response)]


def read_application(response: httpx.Response) -> Application:
    """An application.

    Raises:
        ProtocolError: it is none.
    """
    return _application(read_as(response, dict[str, Any]), response)


def read_applications(response: httpx.Response) -> list[Application]:
    """A list of applications; one that is strange in a field does not hide the others.

    Raises:
        ProtocolError: it is none.
    """
    return [_application(item, response) for item in _items(response)]


def read_resources(response: httpx.Response) -> list[Resource]:
    """A list of resources.

    Raises:
        ProtocolError: it is none.
    """
    return [_lenient(item, Resource, response) for item in _items(response)]


def read_token_info(response: httpx.Response) -> TokenInfo:
    """What is known of the token; nothing where the answer cannot be read (its fields are not documented)."""
    try:
        raw = msgspec.json.decode(response.content, type=dict[str, Any])
    except MALFORMED:
        return TokenInfo()
    user = next((raw[key] for key in ("user", "username", "login") if isinstance(raw.get(key), str)), "")
    label = raw.get("label")
    expires = next((raw[key] for key in ("expires", "expiresAt", "expiration", "expirationTime") if raw.get(key)), None)
    return TokenInfo(user, label if isinstance(label, str) else "", _seconds(expires))


def page_text(response: httpx.Response) -> str:
    """What a web page says in one line (its title, else its text); empty when the answer is no web page."""
    content = response.content[:20_000].decode("utf-8", "replace").strip()
    if "html" not in response.headers.get("content-type", "") and not re.match(r"<(!doctype|html|h\d)", content, re.I):
        return ""
    title = re.search(r"<title[^>]*>(.*?)</title>", content, re.I | re.S)
    text = title[1] if title else re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", content, flags=re.I | re.S)
    return " ".join(html.unescape(text).split())[:200] or "an empty page"


def _job(raw: Mapping[str, Any], response: httpx.Response) -> Job:
    said = raw.get("state")
    # a state that is not known is one on the way: only the three final ones end a job
    state = _STATES.get(said.upper(), JobState.RUNNING) if isinstance(said, str) else JobState.SUBMITTED
    return _lenient({**raw, "state": state.value}, Job, response)


def _application(raw: Mapping[str, Any], response: httpx.Response) -> Application:
    plain = _without_nulls(raw)
    for key in ("inputs", "outputs"):
        if isinstance(plain.get(key), dict):
            parameters = {name: p for name, p in plain[key].items() if isinstance(p, dict)}
            plain[key] = {name: msgspec.to_builtins(_lenient(p, Parameter, response)) for name, p in parameters.items()}
    if isinstance(plain.get("config"), dict):
        plain["config"] = msgspec.to_builtins(_lenient(plain["config"], ApplicationConfig, response))
    return _lenient(plain, Application, response)


def _without_nulls(value: Any) -> Any:
    """A server's null is a field that it has not got."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _lenient(raw: Mapping[str, Any], kind: type[_Struct], response: httpx.Response) -> _Struct:
    """A structure from what fits; other fields keep their defaults."""
    fitting = {}
    for field in msgspec.structs.fields(kind):
        try:
            fitting[field.name] = msgspec.convert(raw[field.encode_name], field.type, strict=False)
        except KeyError:
            continue
        except msgspec.ValidationError as error:
            if field.required:
                raise ProtocolError(f"{_address(response)}: {field.encode_name}: {error}") from error
    try:
        return kind(**fitting)
    except TypeError as error:
        missing = next(f.encode_name for f in msgspec.structs.fields(kind) if f.required and f.name not in fitting)
        raise ProtocolError(f"{_address(response)} answered something unexpected: no {missing!r}") from error


def _items(response: httpx.Response) -> list[dict[str, Any]]:
    """A list, bare or wrapped in an object with its paging."""
    raw: Any = read_as(response, object)
    if isinstance(raw, dict):
        raw = next((value for value in raw.values() if isinstance(value, list)), None)
    if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
        raise ProtocolError(f"{_address(response)} answered something unexpected: not a list of objects")
    return raw


def _seconds(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value / 1000 if value > _MILLISECONDS else float(value)


def _address(response: httpx.Response) -> str:
    return str(response.request.url.copy_with(query=None, fragment=None))
