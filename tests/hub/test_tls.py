"""A hub that speaks HTTPS beside its own plain loopback address."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import httpx
import pytest
import trustme

from everest_kernel.agent import Agent, AgentSettings
from everest_kernel.hub import Hub, HubSettings
from everest_kernel.wire import AGENT_PATH, ConfigurationError

from ..compat.support import Everest
from .support import final_job, served_hub


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def files(authority: trustme.CA, tmp_path: Path) -> tuple[Path, Path]:
    issued = authority.issue_cert("everest.distcomp.org")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    return tmp_path / "cert.pem", tmp_path / "key.pem"


async def test_both_addresses_are_the_same_hub(authority: trustme.CA, files: tuple[Path, Path], tmp_path: Path) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    async with served_hub(tmp_path / "hub", tls=files) as (hub, owner):
        hub.add_user("anna", "pw")
        assert hub.url.startswith("http://127.0.0.1:")
        assert hub.public_url.startswith("https://127.0.0.1:")
        await owner.post("/api/apps", json={"alias": "here", "name": "here", "config": {"command": "true"}})
        async with httpx.AsyncClient(base_url=hub.public_url, verify=context, trust_env=False) as client:
            named = {"sni_hostname": "everest.distcomp.org"}  # as a client that has the name compiled in
            body = {"username": "anna", "password": "pw"}
            answer = await client.post("/auth/access_token", json=body, extensions=named)
            assert answer.status_code == 200
            assert "secure" in answer.headers["set-cookie"].lower()
            headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
            found = await client.get("/api/apps", headers=headers, extensions=named)
            assert [app["alias"] for app in found.json()] == ["here"]
        async with httpx.AsyncClient(base_url=hub.public_url, verify=context, trust_env=False) as client:
            with pytest.raises(httpx.ConnectError, match="certificate"):
                await client.get("/api/apps")  # the certificate is not for 127.0.0.1


async def test_the_hubs_own_agent_works_beside_tls(files: tuple[Path, Path], tmp_path: Path) -> None:
    async with served_hub(tmp_path / "hub", tls=files) as (hub, owner):
        uri = hub.url.replace("http", "ws") + AGENT_PATH
        own = AgentSettings(
            server_uri=uri, token=hub.agent_token("here"), name="here", slots=1, tasks_dir=tmp_path / "tasks"
        )
        running = asyncio.create_task(Agent(own).run())
        try:
            app_id = await Everest(hub, owner).publish("env", 'sh -c "echo $EVEREST_SERVER"', {}, {})
            job = (await owner.post(f"/api/apps/{app_id}", json={})).json()
            assert (await final_job(owner, job["id"]))["state"] == "DONE"
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("broken", ["missing", "swapped", "encrypted"])
async def test_files_that_cannot_be_used_are_told(files: tuple[Path, Path], tmp_path: Path, broken: str) -> None:
    certificate, key = files
    if broken == "missing":
        key = tmp_path / "none.pem"
    elif broken == "swapped":
        certificate, key = key, certificate
    else:
        begin, end = (f"-----{word} RSA PRIVATE KEY-----" for word in ("BEGIN", "END"))
        kind = f"Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{'0' * 32}"
        key.write_text(f"{begin}\n{kind}\n\nAAAA\n{end}\n")

    async def never(url: str) -> None:
        raise AssertionError(url)

    async with Hub(HubSettings(home=tmp_path / "hub", tls=(certificate, key))) as hub:
        with pytest.raises(ConfigurationError, match="TLS"):
            await hub.serve(never)
