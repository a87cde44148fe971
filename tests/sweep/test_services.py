"""The sweep and the services: what was submitted to one is neither asked nor stopped at another."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from airflow_provider_wiro.core.work import digests
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.hooks.wiro import WiroHook
from doubles import statuses
from sweeping import OLD_PATHS, Deployment, Swept, lose

pytestmark = OLD_PATHS


def test_the_same_taskid_on_another_service_is_another_task(
    deployment: Deployment, swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.runs_on(0, "running")
    with WiroEmulator(first_taskid=deployment.wiro.first_taskid) as elsewhere:
        monkeypatch.setenv("AIRFLOW_CONN_ELSEWHERE", json.dumps(elsewhere.connection))
        for inputs in ({"prompt": "A kite 1"}, {"prompt": "A kite 0"}):
            WiroHook("elsewhere").run("owner/any-model", inputs)
        deployment.set_state(1, "failed")
        there: dict[str, Any] = {"conn_id": "elsewhere", "base_url": WiroHook("elsewhere").base_url}
        taskid = elsewhere.runs[0].taskid
        deployment.write(deployment.record(1, taskid=taskid, submitted_at=time.time(), **there))
        lose(deployment, **there)
        code, said = swept("--stop")
        assert (code, statuses(elsewhere)) == (0, ["task_cancel"] * 2), said
    assert statuses(deployment.wiro) == ["task_start"]


@pytest.mark.parametrize("lost", [False, True])
def test_a_record_whose_connection_leads_elsewhere_is_told_and_nothing_is_sent(
    deployment: Deployment, swept: Swept, lost: bool
) -> None:
    there = {"base_url": "https://api.wiro.ai/v1"}
    if lost:
        lose(deployment, **there)
    else:
        deployment.runs_on(0, "failed", **there)
    before = len(deployment.wiro.requests)
    code, said = swept("--stop")
    assert code == 1
    assert said.startswith("OTHER SERVICE: ")
    for part in (there["base_url"], WiroHook().base_url, "nothing was sent there", "set the connection's host back"):
        assert part in said
    assert len(deployment.wiro.requests) == before


def test_the_same_service_spelled_in_another_way_is_the_same(deployment: Deployment, swept: Swept) -> None:
    deployment.runs_on(0, "failed", base_url=f"{WiroHook().base_url}/")
    code, said = swept("--stop")
    assert (code, statuses(deployment.wiro)) == (0, ["task_cancel"]), said


def test_a_record_of_0_1_0_whose_task_here_surely_is_another_one_is_a_persons_case(
    deployment: Deployment, swept: Swept
) -> None:
    deployment.runs_on(0, "failed", base_url=None, account=None, inputs=digests({"prompt": "A boat"}))
    deployment.runs_on(1, "failed", base_url=None, account=None, inputs=digests({"prompt": "A kite 1"}))
    code, said = swept("--stop")
    assert (code, statuses(deployment.wiro)) == (1, ["task_start", "task_cancel"])
    assert "the record does not name its service; the task here has another prompt" in said


def test_a_lost_submission_of_0_1_0_that_is_not_listed_here_is_unknown(deployment: Deployment, swept: Swept) -> None:
    lose(deployment, base_url=None, account=None)
    code, said = swept()
    assert code == 1
    assert "it was sent with another key, or by version 0.1.0" in said
