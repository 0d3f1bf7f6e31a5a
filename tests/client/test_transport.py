"""The seam to httpx: each failure becomes an error of ours, safe requests are repeated, tokens stay in."""

from __future__ import annotations

import asyncio
import logging
import types
from collections.abc import Callable

import httpx
import pytest
import websockets

from everest_kernel.client import EverestClient, Server
from everest_kernel.client.events import EventStream
from everest_kernel.client.redaction import redact_logs
from everest_kernel.client.transport import Transport
from everest_kernel.wire import (
    AuthenticationError,
    EverestError,
    EverestTimeoutError,
    RefusedError,
    TransportError,
)
from tests.client.fake_everest import FakeEverest
from tests.support.serving import serving

TOKEN = "tok-3f9c-not-to-be-shown"
Handler = Callable[[httpx.Request], httpx.Response]


def transport(handler: Handler, server: Server | None = None) -> Transport:
    server = server or Server("https://everest.example", TOKEN)
    return Transport(server, httpx.MockTransport(handler), httpx.Timeout(5))


def raising(error: Exception) -> Handler:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error

    return handler


@pytest.mark.parametrize(
    ("cause", "kind", "said"),
    [
        (httpx.ConnectError("refused"), TransportError, "cannot be reached"),
        (httpx.ConnectTimeout("t"), EverestTimeoutError, "connecting"),
        (httpx.ReadTimeout("t"), EverestTimeoutError, "waiting for its answer"),
        (httpx.WriteTimeout("t"), EverestTimeoutError, "sending"),
        (httpx.PoolTimeout("t"), EverestTimeoutError, "free connection"),
        (httpx.RemoteProtocolError("cut"), TransportError, "broke"),
        (httpx.ReadError(""), TransportError, "broke: ReadError"),
        (httpx.UnsupportedProtocol("ftp"), TransportError, "not an address"),
    ],
)
async def test_each_failure_has_its_error(cause: Exception, kind: type[EverestError], said: str) -> None:
    seam = transport(raising(cause))
    with pytest.raises(kind) as caught:
        await seam.request("POST", "/api/jobs")
    assert said in str(caught.value)
    assert caught.value.__cause__ is cause
    assert TOKEN not in str(caught.value)
    await seam.aclose()


@pytest.mark.parametrize(
    ("response", "kind", "said"),
    [
        (httpx.Response(401, json={"error": "expired"}), AuthenticationError, "expired"),
        (httpx.Response(404, json={"error": "there is no such job"}), RefusedError, "(404): there is no such job"),
        (httpx.Response(500, text="<h1>Oops</h1>"), RefusedError, "Oops"),
        (httpx.Response(502), RefusedError, "Bad Gateway"),
        (
            httpx.Response(302, headers={"location": "https://elsewhere.example/"}),
            RefusedError,
            "redirects to https://els",
        ),
        (httpx.Response(400, content=b"\xff\xfe" * 1000), RefusedError, "(400)"),
    ],
)
async def test_each_refusal_has_its_error(response: httpx.Response, kind: type[EverestError], said: str) -> None:
    seam = transport(lambda request: response)
    with pytest.raises(kind) as caught:
        await seam.request("GET", "/api/jobs")
    assert said in str(caught.value)
    assert len(str(caught.value)) < 1200
    await seam.aclose()


def failing_first(times: int) -> tuple[Handler, list[str]]:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.method)
        if len(seen) <= times:
            raise httpx.RemoteProtocolError("cut")
        return httpx.Response(200, json={})

    return handler, seen


async def test_a_safe_request_is_repeated() -> None:
    handler, seen = failing_first(2)
    seam = transport(handler)
    assert (await seam.request("GET", "/x")).status_code == 200
    assert seen == ["GET"] * 3
    await seam.aclose()


async def test_it_is_not_repeated_for_ever() -> None:
    handler, seen = failing_first(99)
    seam = transport(handler)
    with pytest.raises(TransportError):
        await seam.request("GET", "/x")
    assert len(seen) == 3
    await seam.aclose()


async def test_a_post_is_not_repeated_unless_it_may_be() -> None:
    handler, seen = failing_first(1)
    seam = transport(handler)
    with pytest.raises(TransportError):
        await seam.request("POST", "/x")
    assert seen == ["POST"]
    handler, seen = failing_first(1)
    seam = transport(handler)
    await seam.request("POST", "/x", repeatable=True)
    assert seen == ["POST", "POST"]
    await seam.aclose()


async def test_a_server_that_moved_is_found_again() -> None:
    async def renew() -> Server:
        return Server("https://new.example", "new-token")

    seen: list[tuple[str, str]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.host, request.headers["Authorization"]))
        if request.url.host == "old.example":
            raise httpx.ConnectError("gone")
        return httpx.Response(200, json={})

    seam = transport(handler, Server("https://old.example", "old-token", renew=renew))
    await seam.request("GET", "/x")
    assert seen == [("old.example", "Bearer old-token"), ("new.example", "Bearer new-token")]
    await seam.aclose()


async def test_a_token_that_became_invalid_is_renewed_once() -> None:
    async def renew() -> Server:
        return Server("https://same.example", "fresh")

    def handler(request: httpx.Request) -> httpx.Response:
        good = request.headers["Authorization"] == "Bearer fresh"
        return httpx.Response(200 if good else 401, json={})

    seam = transport(handler, Server("https://same.example", "stale", renew=renew))
    assert (await seam.request("POST", "/x")).status_code == 200
    await seam.aclose()
    refused = transport(lambda r: httpx.Response(401, json={}), Server("https://same.example", "fresh", renew=renew))
    with pytest.raises(AuthenticationError):
        await refused.request("POST", "/x")
    await refused.aclose()


async def test_the_token_does_not_go_to_other_hosts() -> None:
    seen: list[str | None] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("Authorization"))
        return httpx.Response(200, content=b"x")

    seam = transport(handler)
    same, near = "https://everest.example/file", "https://everest.example.evil.example/file"
    for path in ("/api/files/x", same, near, "https://elsewhere.example/file"):
        await seam.request("GET", path)
        async with seam.stream(path) as blocks:
            assert b"".join([block async for block in blocks]) == b"x"
    assert seen == [f"Bearer {TOKEN}"] * 4 + [None] * 4
    await seam.aclose()


def test_a_server_does_not_show_its_token() -> None:
    server = Server("https://everest.example/", TOKEN)
    assert TOKEN not in repr(server)
    assert server.url == "https://everest.example"


async def test_the_libraries_below_do_not_log_the_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    fake = FakeEverest()
    with serving(fake) as url:
        async with EverestClient(Server(url, "former-" + TOKEN)) as client:
            token = await client.login("ada", "correct horse")
            await client.jobs()
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert "set-cookie" in logged, "they do log headers"
    for secret in (token, TOKEN, "correct horse"):
        assert secret not in logged


async def test_nor_does_the_event_streams(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    redact_logs()
    async with websockets.serve(lambda connection: connection.wait_closed(), "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        events = EventStream(Server(f"http://127.0.0.1:{port}", TOKEN), "/api/events")
        connected = asyncio.Event()
        listener = types.SimpleNamespace(on_connected=connected.set, on_disconnected=lambda: None)
        events.add("j", listener)  # type: ignore[arg-type]
        await asyncio.wait_for(connected.wait(), 10)
        await events.aclose()
    logged = [record.getMessage() for record in caplog.records if record.name == "websockets.client"]
    assert any("Authorization" in line for line in logged)
    assert not any(TOKEN in line for line in logged)
