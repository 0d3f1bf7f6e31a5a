"""Facts in, findings out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from everest_kernel.client import ApplicationFact, Facts, Level, Login, Resource, RoundTrip, TokenInfo, judge
from everest_kernel.client.diagnosis import Answer, Network

NOW = 1_800_000_000.0
DAY = 86400.0
NETWORK = Network("everest.example", 443, True, addresses=("192.0.2.7",), expires=NOW + 90 * DAY)
ANSWER = Answer(401, seconds=0.1, server_time=NOW, our_time=NOW + 0.4)
LOGIN = Login("keyring", "accepted", info=TokenInfo("ada", "", NOW + 5 * DAY), command="everest-kernel login lab")
GOOD = Facts(
    network=NETWORK,
    answer=ANSWER,
    login=LOGIN,
    live=False,
    applications=(ApplicationFact("maple", "ada/maple-cell"),),
    resources=(Resource("1", "vm", "ONLINE"),),
    round_trip=RoundTrip(2.0, resource="vm"),
)


def levels(facts: Facts) -> dict[str, str]:
    return {finding.check: str(finding.level) for finding in judge(facts, NOW)}


def test_a_good_connection_is_good_in_every_line() -> None:
    found = judge(GOOD, NOW)
    assert {finding.level for finding in found} == {Level.OK}
    assert [finding.check for finding in found] == [
        *("name", "connection", "certificate", "answer", "clock", "token", "live output"),
        *("route maple", "resources", "job"),
    ]
    assert not any(finding.advice for finding in found)


CASES: list[tuple[Facts, str, str, str]] = [
    (Facts(setup_error="the hub did not start"), "configuration", "FAILED", "did not start"),
    (Facts(network=replace(NETWORK, resolve_error="unknown")), "name", "FAILED", "has no address: unknown"),
    (Facts(network=replace(NETWORK, resolve_error="unknown", proxy=True)), "name", "warning", "proxy"),
    (Facts(network=replace(NETWORK, error="refused")), "connection", "FAILED", "port 443 cannot be reached: refused"),
    (Facts(network=replace(NETWORK, tls_error="it has expired")), "certificate", "FAILED", "SSL_CERT_FILE"),
    (replace(GOOD, network=replace(NETWORK, expires=NOW + DAY)), "certificate", "warning", "valid until"),
    (replace(GOOD, network=replace(NETWORK, tls=False, port=80)), "certificate", "warning", "in the clear"),
    (Facts(network=NETWORK, answer=Answer(error="cut")), "answer", "FAILED", "cut"),
    (Facts(network=NETWORK, answer=Answer(502, page="Bad Gateway")), "answer", "FAILED", "(Bad Gateway)"),
    (replace(GOOD, answer=Answer(200, page="Welcome")), "answer", "warning", "does not look like Everest"),
    (replace(GOOD, answer=replace(ANSWER, seconds=4.0)), "answer", "warning", "slow"),
    (replace(GOOD, answer=replace(ANSWER, server_time=NOW + 61)), "clock", "warning", "61 s ahead of"),
    (replace(GOOD, answer=replace(ANSWER, server_time=NOW - 600)), "clock", "warning", "600 s behind"),
    (Facts(login=Login(command="everest-kernel login lab")), "token", "FAILED", "everest-kernel login lab"),
    (Facts(login=replace(LOGIN, state="refused")), "token", "FAILED", "from the keyring"),
    (Facts(login=replace(LOGIN, state="unknown", error="cut")), "token", "FAILED", "could not be checked: cut"),
    (
        replace(GOOD, login=replace(LOGIN, info=TokenInfo("ada", "", NOW + 60))),
        "token",
        "warning",
        "everest-kernel login",
    ),
    (replace(GOOD, login=replace(LOGIN, info=TokenInfo())), "token", "ok", "accepted (from"),
    (replace(GOOD, service_error="busy"), "service", "FAILED", "busy"),
    (replace(GOOD, applications=(ApplicationFact("m", "a/m", "gone"),)), "route m", "FAILED", "publish m"),
    (replace(GOOD, applications=(ApplicationFact("m", "x", pending=True),)), "route m", "ok", "first cell"),
    (replace(GOOD, resources=None), "resources", "ok", "does not list"),
    (replace(GOOD, resources=None, resources_error="busy"), "resources", "FAILED", "busy"),
    (replace(GOOD, resources=()), "resources", "warning", "none is attached"),
    (replace(GOOD, resources=(Resource("1", "vm", "OFFLINE"),)), "resources", "warning", "0 of 1 online"),
    (replace(GOOD, resources=(Resource("1", "vm"),)), "resources", "ok", "does not say"),
    (replace(GOOD, round_trip=RoundTrip(3.0, "it failed")), "job", "FAILED", "it failed"),
]


@pytest.mark.parametrize(("facts", "check", "level", "said"), CASES, ids=[f"{c[1]}-{c[3]}" for c in CASES])
def test_what_is_wrong_is_told(facts: Facts, check: str, level: str, said: str) -> None:
    assert levels(facts)[check] == level
    (line,) = [str(finding) for finding in judge(facts, NOW) if finding.check == check]
    assert said in line


@pytest.mark.parametrize("part", ["resolve_error", "error", "tls_error"])
def test_after_a_broken_link_nothing_is_told_of_what_lies_behind(part: str) -> None:
    found = judge(Facts(network=replace(NETWORK, **{part: "broken"})), NOW)
    assert found[-1].level is Level.FAILED
    assert [finding.level for finding in found[:-1]] == [Level.OK] * (len(found) - 1)
