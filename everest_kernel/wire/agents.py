"""Messages between a server and an agent: text frames with one JSON array, `[type, arg, …]`.

TASK_SUBMIT, TASK_STATE and TASK_MESSAGE are Everest's. The others are our dialect, because the real ones are
unknown: AGENT_HELLO, TASK_CANCEL, TASK_RESUME, TASK_DELETE, TASK_OUTPUT and RESOURCE_INFO. Either side ignores a
type that it does not know.
"""

from __future__ import annotations

from typing import Any, TypeAlias, TypeVar, get_args

import msgspec

from .errors import ProtocolError
from .malformed import MALFORMED
from .tasks import StagedFile, TaskContext, TaskInfo, TaskSpec, TaskState

__all__ = [
    "AGENT_PATH",
    "CLIENT_SCHEME",
    "DIALECT_SUBPROTOCOL",
    "PASSIVE_PATH",
    "SECOND_AGENT",
    "SUBPROTOCOL",
    "AgentHello",
    "AgentInfo",
    "FromAgent",
    "ResourceInfo",
    "TaskCancel",
    "TaskDelete",
    "TaskMessage",
    "TaskOutput",
    "TaskResume",
    "TaskStateReport",
    "TaskSubmit",
    "ToAgent",
    "decode_from_agent",
    "decode_to_agent",
    "encode_message",
    "lenient_report",
    "message_type",
    "refused_submit",
]

SUBPROTOCOL = "v1.agent.everest"
DIALECT_SUBPROTOCOL = "v1.agent.everest-kernel"
"""Offered after Everest's own by a controller that dials a passive agent; who picks it speaks our dialect."""
AGENT_PATH = "/compute/agent/v1"
"""Where an agent in active mode dials in (the path of the real `serverURI`)."""
PASSIVE_PATH = "/agent/ws"
"""Where an agent in passive mode listens."""
SECOND_AGENT = 4409
"""Close code for an agent whose token is that of another agent which is connected."""
CLIENT_SCHEME = "EverestAgentClientToken"
"""Scheme of the Authorization header in passive mode, followed by `<clientId>:<clientToken>`."""


class TaskSubmit(msgspec.Struct, array_like=True, tag="TASK_SUBMIT", frozen=True):
    """Controller → agent: run this. A task id that the agent has already is ignored."""

    task_id: str
    spec: TaskSpec
    context: TaskContext = TaskContext()


class TaskCancel(msgspec.Struct, array_like=True, tag="TASK_CANCEL", frozen=True):
    """Server → agent: end this task; the agent answers with CANCELED (or the final state it had reached)."""

    task_id: str


class TaskResume(msgspec.Struct, array_like=True, tag="TASK_RESUME", frozen=True):
    """Server → agent, after AGENT_HELLO: go on reporting this task; the server has this much of its output."""

    task_id: str
    offsets: dict[str, int] = {}


class TaskDelete(msgspec.Struct, array_like=True, tag="TASK_DELETE", frozen=True):
    """Server → agent: the final state is on disk here; forget the task and remove its directory."""

    task_id: str


class TaskMessage(msgspec.Struct, array_like=True, tag="TASK_MESSAGE", frozen=True):
    """Both ways: text of the task socket."""

    task_id: str
    text: str


class AgentInfo(msgspec.Struct, rename="camel", omit_defaults=True, frozen=True):
    """What an agent says of itself."""

    name: str = ""
    slots: int = 1
    version: str = ""
    system: str = ""
    extensions: tuple[str, ...] = ()
    """`stream`: TASK_OUTPUT while tasks run. `data-uri`: inline inputs and outputs."""
    instance: str = ""
    """Of this run of the agent; another one is another agent, or this one after a restart."""


class AgentHello(msgspec.Struct, array_like=True, tag="AGENT_HELLO", frozen=True):
    """Agent → server, first message.

    `info` describes the resource. `tasks` maps every task the agent still knows to its last reported state;
    the server answers for each with TASK_RESUME, TASK_CANCEL (superseded) or TASK_DELETE.
    """

    info: AgentInfo
    tasks: dict[str, str] = {}


class TaskStateReport(msgspec.Struct, array_like=True, tag="TASK_STATE", frozen=True):
    """Agent → server: a task reached a state. Final states are repeated after a reconnect until TASK_DELETE."""

    task_id: str
    state: str
    info: TaskInfo = TaskInfo()


class TaskOutput(msgspec.Struct, array_like=True, tag="TASK_OUTPUT", frozen=True):
    """Agent → server: bytes that a task wrote, base64 in JSON; `offset` is the position of the first."""

    task_id: str
    stream: str
    offset: int
    data: bytes


class ResourceInfo(msgspec.Struct, array_like=True, tag="RESOURCE_INFO", frozen=True):
    """Agent → server, from time to time: load and free slots."""

    info: dict[str, Any] = {}


ToAgent: TypeAlias = TaskSubmit | TaskCancel | TaskResume | TaskDelete | TaskMessage
FromAgent: TypeAlias = AgentHello | TaskStateReport | TaskOutput | TaskMessage | ResourceInfo

_to_agent: msgspec.json.Decoder[ToAgent] = msgspec.json.Decoder(ToAgent)
_from_agent: msgspec.json.Decoder[FromAgent] = msgspec.json.Decoder(FromAgent)
_encoder = msgspec.json.Encoder()
_KNOWN_TO_AGENT = frozenset(c.__struct_config__.tag for c in get_args(ToAgent))
_KNOWN_FROM_AGENT = frozenset(c.__struct_config__.tag for c in get_args(FromAgent))
_QUOTED = 500
"""Characters of an unknown info object that are shown to the user."""
_T = TypeVar("_T")


def encode_message(message: ToAgent | FromAgent) -> str:
    """The text frame for a message."""
    if isinstance(message, TaskStateReport) and message.state == TaskState.STAGED_OUT and not message.info.output_data:
        # controllers index `outputData` of STAGED_OUT whether or not there is any
        info = {**msgspec.to_builtins(message.info), "outputData": []}
        return _encoder.encode(["TASK_STATE", message.task_id, message.state, info]).decode()
    return _encoder.encode(message).decode()


def decode_to_agent(frame: str | bytes) -> ToAgent | None:
    """Read a frame that an agent received; None when its type is unknown.

    Raises:
        ProtocolError: not a JSON array with a type, or arguments of another kind.
    """
    return _decode(frame, _to_agent, _KNOWN_TO_AGENT)


def decode_from_agent(frame: str | bytes) -> FromAgent | None:
    """Read a frame that a server received from an agent; None when its type is unknown.

    Raises:
        ProtocolError: not a JSON array with a type, or arguments of another kind.
    """
    return _decode(frame, _from_agent, _KNOWN_FROM_AGENT)


def lenient_report(frame: str | bytes) -> TaskStateReport | None:
    """Read a TASK_STATE whose info object may hold anything; None when the frame is no TASK_STATE.

    The keys of an info object are known only for STAGED_OUT. What fits ours is taken; a failure that explains itself
    in another way is quoted, so that its reason reaches the user.
    """
    try:
        value = msgspec.json.decode(frame)
    except MALFORMED:
        return None
    if not isinstance(value, list) or len(value) < 3 or value[0] != "TASK_STATE":
        return None
    task, state, info = value[1], value[2], value[3] if len(value) > 3 else {}
    if not isinstance(task, str) or not isinstance(state, str):
        return None
    return TaskStateReport(task, state, _lenient_info(state, info if isinstance(info, dict) else {}))


def _lenient_info(state: str, info: dict[str, Any]) -> TaskInfo:
    staged = info.get("outputData")
    files = tuple(
        StagedFile(item["path"], item["uri"])
        for item in (staged if isinstance(staged, list) else [])
        if isinstance(item, dict) and isinstance(item.get("path"), str) and isinstance(item.get("uri"), str)
    )
    code, reason, message = info.get("exitCode"), info.get("reason"), info.get("message")
    if not isinstance(message, str):
        message = msgspec.json.encode(info).decode()[:_QUOTED] if info and state == TaskState.FAILED else ""
    return TaskInfo(
        output_data=files,
        exit_code=code if isinstance(code, int) and not isinstance(code, bool) else None,
        reason=reason if isinstance(reason, str) else "",
        message=message,
    )


def refused_submit(frame: str | bytes) -> str | None:
    """The task id of a TASK_SUBMIT that cannot be read otherwise, so that the refusal can be reported; else None."""
    if message_type(frame) != "TASK_SUBMIT":
        return None
    value = msgspec.json.decode(frame)
    return value[1] if len(value) > 1 and isinstance(value[1], str) else None


def message_type(frame: str | bytes) -> str | None:
    """The type of a message, also of an unknown one; None when the frame is no message."""
    try:
        value = msgspec.json.decode(frame)
    except MALFORMED:
        return None
    return value[0] if isinstance(value, list) and value and isinstance(value[0], str) else None


def _decode(frame: str | bytes, decoder: msgspec.json.Decoder[_T], known: frozenset[Any]) -> _T | None:
    try:
        return decoder.decode(frame)
    except MALFORMED as error:
        kind = message_type(frame)
        if kind is not None and kind not in known:
            return None
        raise ProtocolError(f"malformed agent message {_excerpt(frame)}: {error}") from error


def _excerpt(frame: str | bytes) -> str:
    return repr(frame[:120])
