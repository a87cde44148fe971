"""Whole DAG runs on the installed Airflow: rendering, deferral, mapping, XCom and retries."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, task
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS, AIRFLOW_V_3_1_PLUS

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import (
    WiroAuthError,
    WiroBusy,
    WiroInputError,
    WiroNoOutput,
    WiroRefused,
    WiroSubmissionUnknown,
    WiroTaskFailed,
)
from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from operators import IMAGE, PROMPT, SEED_BODY, generic, run_bodies, runway
from small_airflow import Run
from taskids import FIRST, SECOND

RunDag = Callable[..., Run]
retries_a_deferred_task = pytest.mark.skipif(
    AIRFLOW_V_3_0_PLUS and not AIRFLOW_V_3_1_PLUS,
    reason="Airflow 3.0 resumes the retry with the first try's event, and its DAG.test drops a deferral's kwargs that "
    "say whose it is: so it is read as this try's; test_hazards.py does it on a real scheduler",
)
RETRY: dict[str, Any] = {"retries": 1, "retry_delay": timedelta(0)}


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_video_is_made_and_told_in_xcom(run_dag: RunDag, wiro_emulator: WiroEmulator, deferrable: bool) -> None:
    run = run_dag(lambda: runway(deferrable=deferrable))
    [remote] = wiro_emulator.runs
    url = remote.outputs[0]["url"]
    size = int(str(remote.outputs[0]["size"]))
    assert run.state == "success"
    assert run.xcom() == {
        "taskid": remote.taskid,
        "status": "task_postprocess_end",
        "outputs": [{"url": url, "name": "0.mp4", "content_type": "video/mp4", "size": size, "content": None}],
        "text": None,
        "cost_usd": 0.25,
        "elapsed_seconds": 0.5,
    }
    assert run.xcom("taskid") == remote.taskid
    assert run.xcom("output_urls") == [url]
    assert run.xcom("output_url") == url
    assert run.xcom("text") is None
    assert run_bodies(wiro_emulator) == [SEED_BODY]


@pytest.mark.parametrize("deferrable", [False, True])
def test_without_waiting_the_task_ends_right_after_submission(
    run_dag: RunDag, wiro_emulator: WiroEmulator, deferrable: bool
) -> None:
    wiro_emulator.outcome(hold=True)
    run = run_dag(lambda: runway(wait_for_completion=False, deferrable=deferrable))
    assert run.state == "success"
    assert run.xcom() == {
        "taskid": FIRST,
        "status": None,
        "outputs": [],
        "text": None,
        "cost_usd": None,
        "elapsed_seconds": None,
    }
    assert run.xcom("taskid") == FIRST
    assert [request.call for request in wiro_emulator.requests] == ["Run"]


PARAMS: dict[str, Any] = {"five": 5, "seven": 7, "nothing": None, "words": "a {{ not }} template", "true": True}


@pytest.mark.parametrize("native", [False, True])
def test_templates_render_to_what_is_sent(run_dag: RunDag, wiro_emulator: WiroEmulator, native: bool) -> None:
    def build() -> None:
        runway(
            prompt="{{ params.words }} of {{ dag.dag_id[:3] }}",
            duration="{{ params.five }}",
            seed="{{ params.seven }}",
            callback_url="{{ params.nothing }}",
            content_moderation="{{ '' }}",
        )

    assert run_dag(build, params=PARAMS, render_template_as_native_obj=native).state == "success"
    sent = SEED_BODY | {"prompt": "a {{ not }} template of dag", "seed": 7}
    del sent["contentModeration"]
    assert run_bodies(wiro_emulator) == [sent]


@pytest.mark.parametrize("native", [False, True])
def test_a_value_that_renders_badly_fails_at_once_and_sends_nothing(
    run_dag: RunDag, wiro_emulator: WiroEmulator, native: bool
) -> None:
    run = run_dag(
        lambda: runway(duration="{{ params.seven }}", **RETRY), params=PARAMS, render_template_as_native_obj=native
    )
    [error] = run.errors
    assert run.state == "failed"
    assert isinstance(error, WiroInputError)
    assert isinstance(error, AirflowFailException)
    assert str(error) == f"duration is {7 if native else '7'!r}; allowed: 5 or 10"
    assert wiro_emulator.requests == []


@pytest.mark.parametrize("native", [False, True])
def test_the_generic_operator_renders_model_inputs_and_connection(
    run_dag: RunDag, wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, native: bool
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WIRO_5", json.dumps(wiro_emulator.connection))
    monkeypatch.delenv("AIRFLOW_CONN_WIRO_DEFAULT")

    def build() -> None:
        generic(
            model="owner/{{ 'video' }}",
            wiro_conn_id="wiro_{{ params.five }}",
            inputs={"prompt": ["{{ params.words }}"], "seed": "{{ params.seven }}", "left": 3},
        )

    assert run_dag(build, params=PARAMS, render_template_as_native_obj=native).state == "success"
    seed = 7 if native else "7"
    assert run_bodies(wiro_emulator) == [{"prompt": ["a {{ not }} template"], "seed": seed, "left": 3}]


def test_a_native_template_may_render_all_the_inputs(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    build = lambda: generic(inputs="{{ params.given }}")  # noqa: E731
    run = run_dag(build, params={"given": {"prompt": "x", "n": 2}}, render_template_as_native_obj=True)
    assert run.state == "success"
    assert run_bodies(wiro_emulator) == [{"prompt": "x", "n": 2}]


def test_xcoms_of_other_tasks_may_be_inputs(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    def build() -> None:
        @task
        def ask() -> dict[str, Any]:
            return {"prompt": "from a task", "seed": "9", "duration": 10}

        asked: Any = ask()
        video = runway(prompt=asked["prompt"], seed=asked["seed"], duration=asked["duration"])

        @task
        def follow(result: dict[str, Any]) -> str:
            return str(result["outputs"][0]["url"])

        made: Any = video.output
        follow(made)
        generic(task_id="other", inputs={"prompt": asked["prompt"], "more": [asked["seed"]]})

    run = run_dag(build)
    assert run.state == "success"
    sent = sorted(run_bodies(wiro_emulator), key=len)
    assert sent == [
        {"prompt": "from a task", "more": ["9"]},
        SEED_BODY | {"prompt": "from a task", "seed": 9, "duration": "10"},
    ]
    assert run.xcom(task_id="follow") == run.xcom("output_urls")[0]


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_mapped_operator_makes_one_video_each(run_dag: RunDag, wiro_emulator: WiroEmulator, deferrable: bool) -> None:
    def build() -> None:
        RunwayImageToVideoOperator.partial(
            task_id="video", input_image_url=IMAGE, poll_interval=0.1, deferrable=deferrable
        ).expand_kwargs([{"prompt": "one", "seed": 1}, {"prompt": "{{ params.five }}", "duration": "10"}])

    run = run_dag(build, params=PARAMS)
    assert run.state == "success"
    assert sorted(run_bodies(wiro_emulator), key=lambda body: body["seed"]) == [
        SEED_BODY | {"prompt": "5", "duration": "10"},
        SEED_BODY | {"prompt": "one", "seed": 1},
    ]
    taskids = [run.xcom("taskid", map_index=index) for index in (0, 1)]
    assert [wiro_emulator.tasks[taskid].inputs["seed"] for taskid in taskids] == [1, 0]
    assert [run.xcom(map_index=index)["taskid"] for index in (0, 1)] == taskids


def test_a_mapped_operator_over_another_tasks_output(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    def build() -> None:
        @task
        def prompts() -> list[str]:
            return ["one", "two"]

        RunwayImageToVideoOperator.partial(task_id="video", input_image_url=IMAGE, poll_interval=0.1).expand(
            prompt=prompts()
        )

    assert run_dag(build).state == "success"
    assert {body["prompt"] for body in run_bodies(wiro_emulator)} == {"one", "two"}


def test_a_mapped_value_that_is_not_allowed_fails_only_its_own_task(
    run_dag: RunDag, wiro_emulator: WiroEmulator
) -> None:
    def build() -> None:
        RunwayImageToVideoOperator.partial(
            task_id="video", prompt=PROMPT, input_image_url=IMAGE, poll_interval=0.1
        ).expand(duration=[5, 7])

    run = run_dag(build)
    assert run.states() == {("video", 0): "success", ("video", 1): "failed"}
    assert len(wiro_emulator.runs) == 1


def test_default_args_reach_the_operator(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    defaults = {"poll_interval": 0.1, "ratio": "960:960", "wait_for_completion": False, "deferrable": True}
    made: list[WiroRunOperator] = []

    def build() -> None:
        made.append(RunwayImageToVideoOperator(task_id="video", prompt=PROMPT, input_image_url=IMAGE))

    assert run_dag(build, default_args=defaults).state == "success"
    assert made[0].deferrable
    assert run_bodies(wiro_emulator) == [SEED_BODY | {"ratio": "960:960"}]
    assert wiro_emulator.count("Detail") == 0


@pytest.mark.parametrize("deferrable", [False, pytest.param(True, marks=retries_a_deferred_task)])
def test_a_failed_generation_is_tried_again(run_dag: RunDag, wiro_emulator: WiroEmulator, deferrable: bool) -> None:
    wiro_emulator.outcome(pexit="1", debugerror="no GPU left", duration=0.0)
    run = run_dag(lambda: runway(deferrable=deferrable, **RETRY))
    [error] = run.errors
    assert run.state == "success"
    assert isinstance(error, WiroTaskFailed)
    assert not isinstance(error, AirflowFailException)
    assert FIRST in str(error)
    assert "no GPU left" in str(error)
    assert run.xcom("taskid") == SECOND


@pytest.mark.parametrize(
    ("fault", "options", "error"),
    [
        ("code", {"code": 97, "message": "Insufficient balance"}, WiroRefused),
        ("code", {"code": 0, "message": "Request parameters are invalid."}, WiroRefused),
        ("code", {"code": 98, "message": "Sign in"}, WiroAuthError),
        ("no_taskid", {"durable": False}, WiroSubmissionUnknown),
    ],
)
def test_a_run_that_fails_for_good_is_not_tried_again(
    run_dag: RunDag, wiro_emulator: WiroEmulator, fault: str, options: dict[str, Any], error: type[Exception]
) -> None:
    durable = options.pop("durable", True)
    wiro_emulator.script("Run", fault, **options)
    run = run_dag(lambda: runway(durable=durable, **RETRY))
    [seen] = run.errors
    assert run.state == "failed"
    assert type(seen).__name__ == error.__name__
    assert isinstance(seen, error)
    assert isinstance(seen, AirflowFailException)
    assert str(options.get("message", "")) in str(seen)
    assert wiro_emulator.count("Run") == 1


def test_a_rejected_key_is_not_tried_again(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.rotate_key("another-key", "another-secret")
    run = run_dag(lambda: runway(**RETRY))
    [seen] = run.errors
    assert isinstance(seen, WiroAuthError)
    assert isinstance(seen, AirflowFailException)
    assert "Project authorization is not founded." in str(seen)


@pytest.mark.parametrize("deferrable", [False, True])
def test_the_concurrency_limit_is_no_failure(
    run_dag: RunDag, wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, deferrable: bool
) -> None:
    monkeypatch.setattr("airflow_provider_wiro.stages.room.SHORTEST", 0.2)
    wiro_emulator.script("Run", "code", code=96, message="Concurrency limit", times=2)
    run = run_dag(lambda: runway(deferrable=deferrable))
    assert (run.state, run.errors) == ("success", [])
    assert (wiro_emulator.count("Run"), len(wiro_emulator.runs)) == (3, 1)


def test_no_room_until_the_timeout_fails_retryably(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.script("Run", "code", times=2, code=96, message="Concurrency limit")
    run = run_dag(lambda: runway(timeout=1, **RETRY))
    [error] = run.errors
    assert run.state == "success"
    assert isinstance(error, WiroBusy)
    assert "Increase queue_timeout" in str(error)


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_success_without_a_video_fails_for_good(
    run_dag: RunDag, wiro_emulator: WiroEmulator, deferrable: bool
) -> None:
    wiro_emulator.outcome(outputs=0, duration=0.0)
    run = run_dag(lambda: runway(deferrable=deferrable, **RETRY))
    [error] = run.errors
    assert isinstance(error, WiroNoOutput)
    assert isinstance(error, AirflowFailException)
    assert wiro_emulator.count("Run") == 1


def test_a_success_without_output_is_fine_for_a_model_that_need_not_have_one(
    run_dag: RunDag, wiro_emulator: WiroEmulator
) -> None:
    wiro_emulator.outcome(outputs=[{"contenttype": "raw", "content": {"answer": 42}}], duration=0.0)
    run = run_dag(lambda: generic(deferrable=True))
    raw = {"url": None, "name": None, "content_type": "raw", "size": None, "content": {"answer": 42}}
    assert run.xcom()["outputs"] == [raw]
    assert run.xcom()["text"] == run.xcom("text") == "42"
    assert run.xcom("output_urls") == []


def test_a_result_that_is_too_large_for_the_event_is_fetched_once(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    rows = [{"url": f"https://cdn.wiro.ai/{number}{'x' * 500}.mp4"} for number in range(60)]
    wiro_emulator.outcome(outputs=rows, duration=0.0)
    run = run_dag(lambda: runway(deferrable=True))
    assert run.xcom("output_urls") == [row["url"] for row in rows]
    assert [request.call for request in wiro_emulator.requests] == ["Run", "Detail", "Detail"]


def test_do_xcom_push_false_still_records_the_paid_task(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    run = run_dag(lambda: runway(do_xcom_push=False))
    assert run.state == "success"
    assert run.xcom("taskid") == FIRST
    assert run.xcom() is None
    assert run.xcom("output_urls") is None


def test_execution_timeout_ends_the_wait_and_stops_the_task(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(hold=True, duration=0.0)
    run = run_dag(lambda: runway(deferrable=True, execution_timeout=timedelta(seconds=4)))
    assert type(run.errors[0]).__name__ == "WiroTaskTimeout"
    assert wiro_emulator.tasks[FIRST].status == "task_cancel"
