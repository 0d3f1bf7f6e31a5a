"""The Jupyter message specification (protocol 5.4) as JSON schemas, for every message a kernel sends in our tests."""

from __future__ import annotations

from typing import Any

import jsonschema

__all__ = ["check_message"]

TEXT = {"type": "string"}
NUMBER = {"type": "integer", "minimum": 0}
BUNDLE = {"type": "object", "additionalProperties": True}
STATUS = {"enum": ["ok", "error", "aborted"]}


def _content(
    required: dict[str, Any], optional: dict[str, Any] | None = None, *, open_: bool = False
) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": open_,
    }


ERROR = {"ename": TEXT, "evalue": TEXT, "traceback": {"type": "array", "items": TEXT}}
DISPLAY = _content({"data": BUNDLE, "metadata": BUNDLE}, {"transient": BUNDLE})
DISPLAY_WITH_TEXT = {**DISPLAY, "properties": {**DISPLAY["properties"], "data": {**BUNDLE, "required": ["text/plain"]}}}


def _reply(ok: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    good = _content({"status": {"const": "ok"}, **ok}, optional)
    bad = _content({"status": {"const": "error"}, **ERROR}, {"execution_count": NUMBER, **BUNDLES}, open_=True)
    return {"oneOf": [good, bad, _content({"status": {"const": "aborted"}}, open_=True)]}


BUNDLES = {"user_expressions": BUNDLE, "payload": {"type": "array"}}
CONTENTS: dict[str, dict[str, Any]] = {
    # IOPub
    "status": _content({"execution_state": {"enum": ["busy", "idle", "starting"]}}),
    "stream": _content({"name": {"enum": ["stdout", "stderr"]}, "text": {"type": "string", "minLength": 1}}),
    "display_data": DISPLAY_WITH_TEXT,
    "update_display_data": {
        **DISPLAY_WITH_TEXT,
        "properties": {
            **DISPLAY_WITH_TEXT["properties"],
            "transient": _content({"display_id": TEXT}),
        },
        "required": ["data", "metadata", "transient"],
    },
    "execute_result": _content(
        {"execution_count": NUMBER, "data": {**BUNDLE, "required": ["text/plain"]}, "metadata": BUNDLE},
        {"transient": BUNDLE},
    ),
    "execute_input": _content({"code": TEXT, "execution_count": NUMBER}),
    "error": _content(ERROR),
    "clear_output": _content({"wait": {"type": "boolean"}}),
    "comm_open": _content({"comm_id": TEXT, "target_name": TEXT, "data": BUNDLE}, {"target_module": {}}),
    "comm_msg": _content({"comm_id": TEXT, "data": BUNDLE}),
    "comm_close": _content({"comm_id": TEXT, "data": BUNDLE}),
    "iopub_welcome": _content({"subscription": TEXT}),
    # shell and control
    "execute_reply": _reply({"execution_count": NUMBER, **BUNDLES}),
    "complete_reply": _reply(
        {"matches": {"type": "array", "items": TEXT}, "cursor_start": NUMBER, "cursor_end": NUMBER, "metadata": BUNDLE}
    ),
    "inspect_reply": _reply({"found": {"type": "boolean"}, "data": BUNDLE, "metadata": BUNDLE}),
    "is_complete_reply": _content(
        {"status": {"enum": ["complete", "incomplete", "invalid", "unknown"]}}, {"indent": TEXT}
    ),
    "history_reply": _reply({"history": {"type": "array", "items": {"type": "array", "minItems": 3, "maxItems": 3}}}),
    "kernel_info_reply": _reply(
        {
            "protocol_version": TEXT,
            "implementation": TEXT,
            "implementation_version": TEXT,
            "language_info": _content(
                {"name": TEXT, "version": TEXT, "mimetype": TEXT, "file_extension": TEXT}, open_=True
            ),
            "banner": TEXT,
        },
        {"help_links": {"type": "array"}, "debugger": {"type": "boolean"}, "supported_features": {"type": "array"}},
    ),
    "shutdown_reply": _reply({"restart": {"type": "boolean"}}),
    "interrupt_reply": _reply({}),
    "create_subshell_reply": _reply({"subshell_id": TEXT}),
    "list_subshell_reply": _reply({"subshell_id": {"type": "array", "items": TEXT}}),
    "delete_subshell_reply": _reply({}),
}
HEADER = _content(
    {
        "msg_id": TEXT,
        "msg_type": TEXT,
        "username": TEXT,
        "session": TEXT,
        "date": {},
        "version": {"pattern": r"^5\.\d+$"},
    },
    {"subshell_id": {}},
)
MESSAGE = {
    "type": "object",
    "properties": {"header": HEADER, "parent_header": {"type": "object"}, "metadata": BUNDLE, "content": BUNDLE},
    "required": ["header", "parent_header", "metadata", "content"],
}
_message = jsonschema.Draft202012Validator(MESSAGE)
_contents = {kind: jsonschema.Draft202012Validator(schema) for kind, schema in CONTENTS.items()}


def check_message(message: dict[str, Any]) -> None:
    """Raise when a message does not fit the specification, or is of a kind that it does not know."""
    _message.validate(message)
    kind = message["header"]["msg_type"]
    assert kind in _contents, f"a message of the unknown kind {kind!r}"
    _contents[kind].validate(message["content"])
