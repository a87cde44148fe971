"""Outputs that an earlier try has paid for are looked at before they are taken."""

from __future__ import annotations

import logging
import re

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_wiro.core.protocol import send
from airflow_provider_wiro.core.task import Task
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import (
    WiroOutputsGone,
)
from airflow_provider_wiro.hooks.caller import Caller
from driving import DriveSync, credentials_of
from operators import generic
from taskids import FIRST, SECOND
from tries import run_try

pytestmark = pytest.mark.usefixtures("journal_folder")


def test_outputs_that_were_deleted_are_an_error_of_their_own(wiro_emulator: WiroEmulator) -> None:
    run_try()
    token = wiro_emulator.runs[0].token
    DriveSync()(send("/Task/InputOutputDelete", {"tasktoken": token}), credentials_of(wiro_emulator))
    with pytest.raises(WiroOutputsGone, match=f"{FIRST} succeeded and is paid") as caught:
        run_try()
    assert isinstance(caught.value, AirflowFailException)
    assert caught.value.taskid == FIRST
    for part in ("Nothing new was submitted", "durable=False", "map_index=-1.json"):
        assert part in str(caught.value)
    assert len(wiro_emulator.runs) == 1
    assert run_try(durable=False)["taskid"] == SECOND


def test_an_output_that_is_not_found_is_named(wiro_emulator: WiroEmulator) -> None:
    url = f"{wiro_emulator.url}/Output/gone/0.mp4"
    wiro_emulator.outcome(outputs=[{"url": url, "name": "0.mp4"}])
    run_try()
    with pytest.raises(WiroOutputsGone, match=re.escape(url)):
        run_try()
    assert wiro_emulator.count("Output") == 1


def test_outputs_that_wiro_lists_no_more_are_gone_for_any_model(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_try(generic)
    read = Task.from_payload

    def emptied(payload: object) -> Task | None:
        return read(payload | {"outputs": []} if isinstance(payload, dict) else payload)

    monkeypatch.setattr(Task, "from_payload", emptied)
    with pytest.raises(WiroOutputsGone, match="no longer"):
        run_try(generic)


@pytest.mark.parametrize("fault", ["5xx", "429", "drop_before", "redirect"])
def test_an_output_that_cannot_be_looked_at_is_not_taken_for_gone(wiro_emulator: WiroEmulator, fault: str) -> None:
    paid = run_try()
    wiro_emulator.script("Output", fault, times=-1)
    assert run_try() == paid


def test_no_key_is_sent_where_the_outputs_are(wiro_emulator: WiroEmulator) -> None:
    run_try()
    run_try()
    [look] = [request for request in wiro_emulator.requests if request.call == "Output"]
    assert not [name for name in look.headers if name.startswith("x-")]


@pytest.mark.parametrize(
    "url",
    ["http://" + "a" * 70 + ".com/", "http://[::1/0.mp4", "http://a..b/0.mp4", "https://%/", "http://127.0.0.1:99999/"],
)
def test_an_address_that_nothing_can_be_asked_of_proves_nothing(wiro_emulator: WiroEmulator, url: str) -> None:
    assert Caller("wiro_default", logging.getLogger("test")).lost_output([url]) is None
