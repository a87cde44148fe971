"""Credentials only go to the service of the connection that they were read from, and to no other than is asked for."""

from __future__ import annotations

import pytest

from airflow_provider_wiro.core.calls import stop, submit
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.protocol import NoReply, Reply
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroUnreachable
from driving import Drive, credentials_of, look

ELSEWHERE = "https://other.example/v1"


def test_nothing_is_sent_to_another_service(drive: Drive, emulator: WiroEmulator, credentials: Credentials) -> None:
    looked_up = []

    def lookup() -> Credentials:
        looked_up.append(1)
        return credentials

    outcomes = drive(look(3), credentials, lookup, service=ELSEWHERE)
    reason = f"the connection leads to {credentials.base_url}, but this is for {ELSEWHERE}"
    assert outcomes == [NoReply(sent=False, reason=reason, elsewhere=True)] * 3
    assert emulator.requests == []
    assert len(looked_up) <= 1  # at most once in ten seconds


@pytest.mark.usefixtures("short_pauses")
def test_a_connection_that_leads_back_is_used_again(drive: Drive, emulator: WiroEmulator) -> None:
    right = credentials_of(emulator)
    with WiroEmulator() as other:
        wrong = credentials_of(other)
        answers = iter([wrong, wrong])
        outcomes = drive(look(4), wrong, lambda: next(answers, right), service=right.base_url)
        assert [type(outcome) for outcome in outcomes] == [NoReply, NoReply, Reply, Reply]
        assert other.requests == []
    assert emulator.count("Detail") == 2


@pytest.mark.usefixtures("short_pauses")
def test_a_connection_that_leads_elsewhere_after_a_rejection_is_not_followed(
    drive: Drive, emulator: WiroEmulator
) -> None:
    before = credentials_of(emulator)
    emulator.rotate_key("new-key", "new-secret")
    with WiroEmulator() as other:
        outcomes = drive(look(2), before, lambda: credentials_of(other), service=before.base_url)
        assert other.requests == []
    assert isinstance(outcomes[0], Reply)
    assert isinstance(outcomes[1], NoReply)
    assert outcomes[1].elsewhere


@pytest.mark.usefixtures("short_pauses")
def test_neither_a_submission_nor_a_stop_goes_elsewhere(
    drive: Drive, emulator: WiroEmulator, credentials: Credentials
) -> None:
    with pytest.raises(WiroUnreachable, match=r"leads to http://127.*but this is for https://other"):
        drive(submit("owner/model", {}), credentials, service=ELSEWHERE)
    assert not drive(stop("2221"), credentials, service=ELSEWHERE).over
    assert emulator.requests == []


@pytest.mark.parametrize("way", ["{host}", "{host}/", "HTTP{rest}"])
def test_the_same_service_may_be_written_in_another_way(drive: Drive, credentials: Credentials, way: str) -> None:
    service = way.format(host=credentials.base_url, rest=credentials.base_url.removeprefix("http"))
    [outcome] = drive(look(), credentials, service=service)
    assert isinstance(outcome, Reply)


@pytest.mark.parametrize("other", ["https://127.0.0.1", "http://127.0.0.2", "http://127.0.0.1:9/v1", "http://[::1", ""])
def test_another_scheme_host_port_or_path_is_another_service(
    drive: Drive, credentials: Credentials, other: str
) -> None:
    [outcome] = drive(look(), credentials, service=other)
    assert isinstance(outcome, NoReply)
    assert outcome.elsewhere
