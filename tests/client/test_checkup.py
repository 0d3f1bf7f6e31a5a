"""How a server can be reached: true sockets, true certificates."""

from __future__ import annotations

import socket
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import httpx
import pytest
import trustme
from starlette.responses import HTMLResponse

from everest_kernel.client import EverestClient, Server, ask_without_token, look_at_network
from tests.client.fake_everest import FakeEverest
from tests.support.serving import serving


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """A certificate authority that this process trusts."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return made


async def test_a_server_without_tls() -> None:
    with serving(FakeEverest()) as url:
        found = await look_at_network(url)
    assert (found.addresses, found.tls, found.error, found.loopback) == (("127.0.0.1",), False, "", True)


async def test_a_trusted_certificate_and_its_end(authority: trustme.CA) -> None:
    ends = datetime.now(timezone.utc) + timedelta(days=3)
    certificate = authority.issue_cert("127.0.0.1", not_after=ends)
    with serving(FakeEverest(), tls=certificate.configure_cert) as url:
        found = await look_at_network(url)
    assert (found.error, found.tls_error) == ("", "")
    assert found.expires == pytest.approx(ends.timestamp(), abs=2)


async def test_certificates_that_are_not_accepted(authority: trustme.CA) -> None:
    ended = datetime.now(timezone.utc) - timedelta(days=3)
    cases = {
        "it is for another": authority.issue_cert("everest.example"),
        "expired": authority.issue_cert("127.0.0.1", not_after=ended, not_before=ended - timedelta(days=9)),
        "does not know": trustme.CA().issue_cert("127.0.0.1"),
    }
    said = {}
    for name, certificate in cases.items():
        with serving(FakeEverest(), tls=certificate.configure_cert) as url:
            said[name] = (await look_at_network(url)).tls_error
    assert "another address" in said["it is for another"]
    assert "has expired" in said["expired"]
    assert "authority that this machine does not know" in said["does not know"]


async def test_tls_where_there_is_none() -> None:
    with serving(FakeEverest()) as url:
        found = await look_at_network(url.replace("http://", "https://"))
    assert "does not speak TLS" in found.tls_error


async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    found = await look_at_network(f"http://127.0.0.1:{port}")
    assert found.error


async def test_a_name_without_an_address() -> None:
    found = await look_at_network("https://everest.invalid")
    assert found.resolve_error
    assert found.addresses == ()


async def test_the_answer_to_a_stranger_tells_the_time_and_gets_no_token() -> None:
    seen: list[httpx.Request] = []
    fake = FakeEverest(date=time.time() + 100)
    inner = httpx.ASGITransport(fake)

    class Watching(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return await inner.handle_async_request(request)

    async with EverestClient(Server("https://everest.example", "secret"), transport=Watching()) as client:
        answer = await ask_without_token(client)
        assert answer.status == 401
        assert answer.server_time is not None
        assert answer.server_time - answer.our_time == pytest.approx(100, abs=2)
        fake.answers["GET /api/jobs/0"] = [HTMLResponse("<title>Welcome</title>")]
        assert (await ask_without_token(client)).page == "Welcome"
    assert not any("authorization" in request.headers for request in seen)


async def test_no_answer_is_an_error() -> None:
    def cut(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("cut")

    async with EverestClient(Server("https://x.example"), transport=httpx.MockTransport(cut)) as client:
        assert "broke" in (await ask_without_token(client)).error
