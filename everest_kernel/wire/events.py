"""The event stream between a client and our hub: an extension that a real Everest does not have.

A client learns of it from `GET /api/extensions` (404 on a real Everest), then opens a WebSocket at `EVENTS_PATH`
with its bearer token. Frames are JSON arrays in the manner of the agent protocol. After SUBSCRIBE the hub sends
the job's present state and all output from the given offsets on, then goes on live; a client that lost its
connection subscribes again with what it has. UNSUBSCRIBE ends it; so does the final JOB_STATE.

Order: every JOB_OUTPUT of an attempt precedes the JOB_STATE that ends the job.
"""

from __future__ import annotations

from typing import TypeAlias, TypeVar

import msgspec

from .errors import ProtocolError
from .jobs import Job
from .malformed import MALFORMED

__all__ = [
    "EVENTS_PATH",
    "EXTENSIONS_PATH",
    "ClientEvent",
    "Extensions",
    "JobOutput",
    "JobStateEvent",
    "JobUnknown",
    "ServerEvent",
    "Subscribe",
    "Unsubscribe",
    "decode_client_event",
    "decode_server_event",
    "encode_event",
]

EXTENSIONS_PATH = "/api/extensions"
EVENTS_PATH = "/api/events"


class Extensions(msgspec.Struct, rename="camel", frozen=True):
    """The answer of `GET /api/extensions`.

    Attributes:
        events: path of the event stream, or empty.
        idempotency_key: whether a submission with an `Idempotency-Key` header may be repeated.
    """

    server: str = ""
    version: str = ""
    events: str = ""
    idempotency_key: bool = False


class Subscribe(msgspec.Struct, array_like=True, tag="SUBSCRIBE", frozen=True):
    """Client → hub. `offsets` counts the bytes of `attempt` that the client has, by stream."""

    job_id: str
    attempt: int = 0
    offsets: dict[str, int] = {}


class Unsubscribe(msgspec.Struct, array_like=True, tag="UNSUBSCRIBE", frozen=True):
    """Client → hub."""

    job_id: str


class JobStateEvent(msgspec.Struct, array_like=True, tag="JOB_STATE", frozen=True):
    """Hub → client: the whole job object, at each change of state."""

    job: Job


class JobOutput(msgspec.Struct, array_like=True, tag="JOB_OUTPUT", frozen=True):
    """Hub → client: bytes written by the job's first task. A higher `attempt` starts again at offset 0."""

    job_id: str
    attempt: int
    stream: str
    offset: int
    data: bytes


class JobUnknown(msgspec.Struct, array_like=True, tag="JOB_UNKNOWN", frozen=True):
    """Hub → client: there is no such job of this user."""

    job_id: str


ClientEvent: TypeAlias = Subscribe | Unsubscribe
ServerEvent: TypeAlias = JobStateEvent | JobOutput | JobUnknown
_T = TypeVar("_T")

_client: msgspec.json.Decoder[ClientEvent] = msgspec.json.Decoder(ClientEvent)
_server: msgspec.json.Decoder[ServerEvent] = msgspec.json.Decoder(ServerEvent)
_encoder = msgspec.json.Encoder()


def encode_event(event: ClientEvent | ServerEvent) -> str:
    """The text frame for an event."""
    return _encoder.encode(event).decode()


def decode_client_event(frame: str | bytes) -> ClientEvent:
    """Read a frame that a client sent.

    Raises:
        ProtocolError: the frame does not fit.
    """
    return _decode(frame, _client)


def decode_server_event(frame: str | bytes) -> ServerEvent:
    """Read a frame that the hub sent.

    Raises:
        ProtocolError: the frame does not fit.
    """
    return _decode(frame, _server)


def _decode(frame: str | bytes, decoder: msgspec.json.Decoder[_T]) -> _T:
    try:
        return decoder.decode(frame)
    except MALFORMED as error:
        raise ProtocolError(f"malformed event {frame[:120]!r}: {error}") from error
