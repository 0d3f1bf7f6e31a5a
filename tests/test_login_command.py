"""`everest-kernel login` and `logout` as processes, against an old Everest on loopback."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
import trustme

from tests.client.fake_everest import TOKEN, FakeEverest
from tests.support.serving import serving

PASSWORD = "correct horse"


@pytest.fixture
def fake() -> FakeEverest:
    return FakeEverest(token_info={"user": "ada", "expires": 2_000_000_000_000})


@pytest.fixture
def url(fake: FakeEverest) -> Iterator[str]:
    with serving(fake) as address:
        yield address


def command(*words: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "everest_kernel", *words],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | environment,
    )


def kept() -> dict[str, str]:
    path = Path(os.environ["XDG_DATA_HOME"]) / "everest-kernel/tokens.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found: dict[str, str] = json.loads(path.read_text())
    return found


def configuration() -> str:
    return (Path(os.environ["XDG_CONFIG_HOME"]) / "everest-kernel/config.toml").read_text()


def test_on_a_terminal_it_asks_and_shows_nothing_of_the_password(fake: FakeEverest, url: str) -> None:
    words = ["-m", "everest_kernel", "login", url, "--name", "lab", "--lifetime", "30d", "--label", "desk"]
    child = pexpect.spawn(sys.executable, words, timeout=30, encoding="utf-8")
    child.expect("User name: ")
    child.sendline("ada")
    child.expect("Password")
    child.waitnoecho()
    child.sendline(PASSWORD)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    said = child.before
    assert f"Logged in at {url} as ada, until 2033-05-18" in said
    (token,) = kept().values()
    assert token in fake.tokens
    assert PASSWORD not in said
    assert token not in said
    assert fake.bodies == [{"username": "ada", "password": PASSWORD, "label": "desk", "lifetime": 30 * 86400}]
    assert configuration() == f'[servers.lab]\nurl = "{url}"\n'


def test_a_script_gives_the_password_on_standard_input(url: str) -> None:
    done = command("login", url, "--username", "ada", stdin=f"{PASSWORD}\n")
    assert done.returncode == 0, done.stderr
    assert f'[servers.lab]\nurl = "{url}"\n' in done.stdout, "how to make it known"
    assert list(kept()) == [url]
    assert done.stderr == ""


def test_a_wrong_password_keeps_nothing(url: str) -> None:
    done = command("login", url, "--username", "ada", stdin="wrong-9e1c\n")
    assert done.returncode == 1
    assert "does not accept this user name and password" in done.stderr
    assert "wrong-9e1c" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert not (Path(os.environ["XDG_DATA_HOME"]) / "everest-kernel/tokens.json").exists()


def test_a_token_can_be_pasted(url: str) -> None:
    done = command("login", url, "--token", stdin=f"  {TOKEN}\n")
    assert done.returncode == 0, done.stderr
    assert kept() == {url: TOKEN}
    assert TOKEN not in done.stdout + done.stderr
    refused = command("login", url, "--token", stdin="not-a-good-one\n")
    assert refused.returncode == 1
    assert kept() == {url: TOKEN}
    for bad in ("", "two words", "tokên"):
        assert command("login", url, "--token", stdin=f"{bad}\n").returncode == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["http://everest.example"], "is not HTTPS"),
        (["ftp://everest.example"], "not an address"),
        (["nowhere"], "is not configured"),
        (["embedded"], "needs no log-in"),
        (["https://user:secret@everest.example"], "not an address"),
        (["everest.example", "--name", "a b"], "cannot be called"),
        (["everest.example", "--lifetime", "soon"], "not a length of time"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_asked(words: list[str], said: str) -> None:
    done = command("login", *words)
    assert done.returncode == 1
    assert said in done.stderr
    assert "nothing was entered" not in done.stderr


def test_logging_out_revokes_and_forgets(fake: FakeEverest, url: str) -> None:
    command("login", url, "--username", "ada", "--name", "lab", stdin=f"{PASSWORD}\n")
    (token,) = kept().values()
    done = command("logout", "lab")
    assert (done.returncode, done.stdout) == (0, f"Logged out of {url}.\n")
    assert token not in fake.tokens
    assert kept() == {}
    assert "no stored token" in command("logout", "lab").stdout


def test_a_server_that_is_gone_still_lets_one_log_out(fake: FakeEverest) -> None:
    with serving(fake) as address:
        command("login", address, "--token", stdin=TOKEN)
    done = command("logout", address)
    assert done.returncode == 1
    assert "forgotten here, but it could not be revoked" in done.stderr
    assert kept() == {}


def test_the_certificate_is_checked(fake: FakeEverest, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    trusted = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
    right, other = authority.issue_cert("127.0.0.1"), authority.issue_cert("everest.example")

    def log_in(certificate: trustme.LeafCert, **environment: str) -> subprocess.CompletedProcess[str]:
        with serving(fake, tls=certificate.configure_cert) as address:
            return command("login", address, "--token", stdin=TOKEN, **environment)

    assert "an authority that this machine does not know" in log_in(right).stderr
    assert "for another address" in log_in(other, **trusted).stderr
    done = log_in(right, **trusted)
    assert done.returncode == 0, done.stderr
    assert [address.split(":")[0] for address in kept()] == ["https"]
