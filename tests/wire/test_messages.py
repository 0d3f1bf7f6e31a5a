"""Agent messages, events and job objects: what goes out comes in, and garbage is an error."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.wire import (
    AgentHello,
    AgentInfo,
    Application,
    ApplicationConfig,
    InputData,
    InputMapping,
    Job,
    JobOutput,
    JobRequest,
    JobState,
    JobStateEvent,
    JobUnknown,
    Once,
    OutputData,
    Parameter,
    ProtocolError,
    ResourceInfo,
    StagedFile,
    Subscribe,
    TaskCancel,
    TaskContext,
    TaskDelete,
    TaskId,
    TaskInfo,
    TaskMessage,
    TaskOutput,
    TaskResume,
    TaskSpec,
    TaskStateReport,
    TaskSubmit,
    Unsubscribe,
    decode_client_event,
    decode_from_agent,
    decode_server_event,
    decode_to_agent,
    encode_event,
    encode_message,
    lenient_report,
    refused_submit,
)

SPEC = TaskSpec(
    "n", "sh a.sh", (InputData("a", "data:,x", "EverestToken t"),), (OutputData(("o", "stdout")),), {"K": "v"}
)
TO_AGENT = [
    TaskSubmit("j-0-0", SPEC, TaskContext(stream=True, upload_uri="http://h/x", auth="a", inline_limit=5)),
    TaskCancel("j-0-0"),
    TaskResume("j-0-0", {"stdout": 7}),
    TaskDelete("j-0-0"),
    TaskMessage("j-0-0", "text"),
]
FROM_AGENT = [
    AgentHello(AgentInfo("n", 4, "1", "Linux", ("stream",)), {"j-0-0": "RUNNING"}),
    TaskStateReport("j-0-0", "FAILED", TaskInfo((StagedFile("o", "data:,x"),), 3, "exit", "m", {"stdout": 1})),
    TaskOutput("j-0-0", "stderr", 12, b"\x00\xff"),
    TaskMessage("j-0-0", "text"),
    ResourceInfo({"load": 1.5}),
]
EVENTS = [
    JobStateEvent(Job("j", JobState.DONE, result={"o": 1})),
    JobOutput("j", 1, "stdout", 3, b"\xff"),
    JobUnknown("j"),
]


@pytest.mark.parametrize("message", TO_AGENT, ids=lambda m: type(m).__name__)
def test_messages_to_an_agent_survive(message: Any) -> None:
    assert decode_to_agent(encode_message(message)) == message


@pytest.mark.parametrize("message", FROM_AGENT, ids=lambda m: type(m).__name__)
def test_messages_from_an_agent_survive(message: Any) -> None:
    assert decode_from_agent(encode_message(message)) == message


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: type(e).__name__)
def test_events_survive(event: Any) -> None:
    assert decode_server_event(encode_event(event)) == event


def test_client_events_survive() -> None:
    for event in (Subscribe("j", 2, {"stdout": 5}), Unsubscribe("j")):
        assert decode_client_event(encode_event(event)) == event


def test_the_evidenced_form_of_task_submit_is_kept() -> None:
    """The array that a real controller sends: `["TASK_SUBMIT", id, spec, {}]` with the spec's camel-case keys."""
    frame = (
        '["TASK_SUBMIT","565d-0-0",{"name":"t","command":"echo ${x}","inputData":[{"path":"in.txt",'
        '"uri":"http://e/api/files/1","auth":"EverestTaskToken abc"}],"outputData":[{"paths":["stdout"]}],'
        '"environment":{},"resourceRequirements":{"timeLimit":60}},{}]'
    )
    message = decode_to_agent(frame)
    assert isinstance(message, TaskSubmit)
    assert message.spec.input_data[0].auth == "EverestTaskToken abc"
    assert message.spec.output_data[0].paths == ("stdout",)
    assert message.context == TaskContext()


def test_unknown_types_and_further_fields_are_passed_over() -> None:
    assert decode_to_agent('["TASK_FROM_THE_FUTURE", 1, {}]') is None
    assert decode_from_agent('["AGENT_STATUS"]') is None
    assert decode_to_agent('["TASK_CANCEL", "j-0-0", "a new argument"]') == TaskCancel("j-0-0")


@pytest.mark.parametrize(
    "frame",
    ["", "{}", "[]", "[1]", "null", "[" * 5000, b"\xff\xfe", '"TASK_CANCEL"'],
)
def test_garbage_is_a_protocol_error(frame: str | bytes) -> None:
    for decode in (decode_to_agent, decode_from_agent, decode_server_event, decode_client_event):
        with pytest.raises(ProtocolError) as caught:
            decode(frame)
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize("frame", ['["TASK_CANCEL"]', '["TASK_CANCEL", 5]', '["TASK_RESUME", "j", {"stdout": -1.5}]'])
def test_wrong_arguments_are_a_protocol_error(frame: str) -> None:
    with pytest.raises(ProtocolError):
        decode_to_agent(frame)


@given(st.text(max_size=100) | st.binary(max_size=100))
def test_no_frame_raises_anything_else(frame: str | bytes) -> None:
    for decode in (decode_to_agent, decode_from_agent, decode_server_event, decode_client_event):
        with contextlib.suppress(ProtocolError):
            decode(frame)


@given(
    st.text(st.characters(codec="ascii", exclude_characters="-"), min_size=1, max_size=9),
    st.integers(0, 9999),
    st.integers(0, 99),
)
def test_a_task_id_survives(job: str, number: int, attempt: int) -> None:
    assert TaskId.parse(str(TaskId(job, number, attempt))) == (job, number, attempt)


@pytest.mark.parametrize("text", ["", "a", "a-1", "-1-1", "a-x-1", "a-1-x", "a-1-1-1", "a--1-1", "a-١-1", "a-1-+1"])
def test_what_is_no_task_id_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        TaskId.parse(text)


def test_a_job_of_a_real_server_is_read() -> None:
    """Unknown fields are ignored and missing ones have defaults."""
    body = b'{"id":"1","state":"RUNNING","appAlias":null,"somethingNew":{"x":1},"submitted":1700000000000,"result":{}}'
    job = msgspec.json.decode(body, type=Job)
    assert (job.state, job.app_alias, job.exit_code) == (JobState.RUNNING, None, None)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"id":"1","state":"DREAMING"}', type=Job)


def test_a_submission_has_everests_keys() -> None:
    body = msgspec.json.decode(msgspec.json.encode(JobRequest("n", {"a": 1}, ("r",), {"timeLimit": 5.0})))
    assert body == {"name": "n", "inputs": {"a": 1}, "resources": ["r"], "resourceRequirements": {"timeLimit": 5.0}}


def test_an_applications_hash_depends_on_what_it_does() -> None:
    base = Application(
        alias="a", name="n", config=ApplicationConfig("run ${x}"), inputs={"x": Parameter(type="number")}
    )
    same = msgspec.structs.replace(base, alias="b", user="u", id="1", resources=("r",))
    assert base.content_hash() == same.content_hash()
    assert len(base.content_hash()) == 16
    others = [
        msgspec.structs.replace(base, config=ApplicationConfig("run2 ${x}")),
        msgspec.structs.replace(base, inputs={"x": Parameter(type="string")}),
        msgspec.structs.replace(base, config=ApplicationConfig("run ${x}", (InputMapping("x", "f"),))),
    ]
    assert len({a.content_hash() for a in [base, *others]}) == 4


def test_no_token_is_in_a_message_as_it_is_logged() -> None:
    spec = TaskSpec("n", "c", (InputData("p", "u", "Bearer hush"),), (), {"EVEREST_TASK_TOKEN": "hush"})
    message = TaskSubmit("j-0-0", spec, TaskContext(True, "u", "Bearer hush"))
    assert "hush" in encode_message(message)
    assert "hush" not in repr(message) + repr(spec.input_data)


# --- agents with another vocabulary


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
KEYS = st.sampled_from(["outputData", "exitCode", "reason", "message", "path", "uri", "other"])


@given(JSON | st.dictionaries(KEYS, JSON | st.lists(st.dictionaries(KEYS, JSON))), st.text(), st.text())
def test_any_info_object_of_a_state_is_read(info: object, task: str, state: str) -> None:
    report = lenient_report(json.dumps(["TASK_STATE", task, state, info]))
    assert report is not None
    assert (report.task_id, report.state) == (task, state)
    encode_message(report)


@given(JSON)
def test_anything_else_is_no_state(value: object) -> None:
    report = lenient_report(json.dumps(value))
    assert report is None or (isinstance(value, list) and value[0] == "TASK_STATE")
    assert refused_submit(json.dumps(value)) is None or (isinstance(value, list) and value[0] == "TASK_SUBMIT")


def test_our_own_states_are_read_leniently_too() -> None:
    info = TaskInfo((StagedFile("out.txt", "/x"),), 3, "exit", "it ended")
    report = TaskStateReport("j-0-0", "FAILED", info)
    assert lenient_report(encode_message(report)) == report
    assert lenient_report('["TASK_STATE","j-0-0","RUNNING"]') == TaskStateReport("j-0-0", "RUNNING")


def test_a_failure_in_other_words_is_quoted() -> None:
    report = lenient_report('["TASK_STATE","j-0-0","FAILED",{"error":"disk full"}]')
    assert report is not None
    assert report.info.message == '{"error":"disk full"}'


def test_outputs_of_staged_out_are_always_there() -> None:
    frame = encode_message(TaskStateReport("j-0-0", "STAGED_OUT"))
    assert json.loads(frame) == ["TASK_STATE", "j-0-0", "STAGED_OUT", {"outputData": []}]


def test_once_says_each_thing_once_and_has_an_end() -> None:
    once = Once(most=2)
    assert [once.first(text) for text in ("a", "a", "b", "c", "a")] == [True, False, True, False, False]
