"""Carrying flows out over an Airflow connection, as far as the client does not do it: reading it, and telling of it."""

from __future__ import annotations

import json
import logging
import threading
import time

import pytest

from airflow_provider_wiro.core.calls import cancel, detail, stop, submit
from airflow_provider_wiro.core.protocol import NoReply, send
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroConfigError, WiroInterrupted, WiroRefused
from airflow_provider_wiro.hooks import caller as module
from airflow_provider_wiro.hooks.caller import Caller
from airflow_provider_wiro.hooks.connection import DEFAULT_CONN_ID, read_credentials

LOG = logging.getLogger(__name__)


@pytest.fixture
def told() -> threading.Event:
    return threading.Event()


@pytest.fixture
def caller(wiro_emulator: WiroEmulator, told: threading.Event) -> Caller:
    return Caller(DEFAULT_CONN_ID, LOG, told_to_stop=told.is_set)


def test_the_connection_is_read_once_and_only_when_it_is_needed(
    caller: Caller, wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []

    def read_and_count(conn_id: str) -> object:
        read.append(conn_id)
        return read_credentials(conn_id)

    monkeypatch.setattr(module, "read_credentials", read_and_count)
    caller.check()
    assert read == []
    assert caller.base_url == wiro_emulator.url
    taskid = caller.drive(submit("owner/model", {})).taskid
    assert caller.drive(detail(taskid=taskid)).taskid == taskid
    assert read == [DEFAULT_CONN_ID]


def test_an_error_names_the_connection(caller: Caller) -> None:
    with pytest.raises(WiroRefused, match=r"^Airflow connection 'wiro_default': Wiro refused Cancel of taskid 1"):
        caller.drive(cancel("1"))


def test_a_connection_that_cannot_be_used_is_an_error_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_KEYLESS", json.dumps({"conn_type": "wiro"}))
    with pytest.raises(WiroConfigError, match="'keyless': login"):
        Caller("keyless", LOG).drive(detail(taskid="1"))


def test_nothing_goes_to_another_service(caller: Caller, wiro_emulator: WiroEmulator) -> None:
    outcome = caller.drive(send("/Task/Detail", {}), service="https://other.example/v1")
    assert isinstance(outcome, NoReply)
    assert outcome.elsewhere
    assert wiro_emulator.requests == []


def test_to_be_told_to_stop_ends_a_pause_and_all_but_what_is_carried_out_to_the_end(
    caller: Caller, told: threading.Event, wiro_emulator: WiroEmulator
) -> None:
    wiro_emulator.outcome(hold="task_queue", duration=0.01)
    taskid = caller.drive(submit("owner/model", {})).taskid
    telling = threading.Timer(0.2, told.set)
    telling.start()
    begun = time.monotonic()
    with pytest.raises(WiroInterrupted):
        caller.pause(60)
    assert time.monotonic() - begun < 0.5
    for call in (caller.check, lambda: caller.drive(detail(taskid=taskid))):
        with pytest.raises(WiroInterrupted, match="told this task to stop"):
            call()
    assert caller.drive(stop(taskid), to_the_end=True).over
    assert [request.call for request in wiro_emulator.requests] == ["Run", "Kill", "Cancel"]
    telling.join()
