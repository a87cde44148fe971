"""What ``.partial().expand()`` is given wrongly is refused in ``execute``: for good, and where a person sees it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, TaskGroup, task
from airflow.utils.session import create_session

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroInputError, WiroTaskFailed
from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from operators import IMAGE, PROMPT, generic, run_bodies, runway
from small_airflow import Run

RunDag = Callable[..., Run]
RETRY: dict[str, Any] = {"retries": 1, "retry_delay": timedelta(0)}
VIDEO: dict[str, Any] = {"prompt": PROMPT, "input_image_url": IMAGE}
ANY: dict[str, Any] = {"model": "owner/video", "inputs": {"prompt": "x"}}

BAD: list[tuple[type[WiroRunOperator], str, Any, str]] = [
    (RunwayImageToVideoOperator, "duration", 7, "duration is 7; allowed: 5 or 10"),
    (RunwayImageToVideoOperator, "prompt", None, "prompt is None; allowed: text that is not empty"),
    (RunwayImageToVideoOperator, "input_image_url", "/data/0.png", "input_image_url is '/data/0.png'; allowed: "),
    (WiroRunOperator, "model", "no model", "model is 'no model'; allowed: "),
    (WiroRunOperator, "inputs", {"image": b"x"}, "inputs['image'] is b'x'; allowed: JSON values"),
    (WiroRunOperator, "idempotency_key", "", "idempotency_key is ''; allowed: "),
    (WiroRunOperator, "timeout", -1, "timeout is -1; allowed: seconds above 0"),
    (WiroRunOperator, "queue_timeout", 0, "queue_timeout is 0; allowed: seconds above 0"),
    (WiroRunOperator, "poll_interval", "3", "poll_interval is '3'; allowed: seconds above 0"),
    (WiroRunOperator, "outage_tolerance", 0, "outage_tolerance is 0; allowed: seconds above 0"),
    (WiroRunOperator, "task_error_grace", True, "task_error_grace is True; allowed: seconds above 0"),
    (WiroRunOperator, "on_unknown_submission", "ask", "on_unknown_submission is 'ask'; allowed: "),
    (WiroRunOperator, "durable", "false", "durable is 'false'; allowed: True or False, a bool"),
    (WiroRunOperator, "deferrable", "no", "deferrable is 'no'; allowed: True or False, a bool"),
    (WiroRunOperator, "cancel_on_kill", None, "cancel_on_kill is None; allowed: True or False, a bool"),
    (WiroRunOperator, "wait_for_completion", 0, "wait_for_completion is 0; allowed: True or False, a bool"),
]


def good_of(kind: type[WiroRunOperator]) -> dict[str, Any]:
    return (VIDEO if kind is RunwayImageToVideoOperator else ANY) | {"poll_interval": 0.1}


def rendered_fields(run: Run, map_index: int) -> dict[str, Any]:
    [ti] = [ti for ti in run.instances if ti.map_index == map_index]
    with create_session() as session:
        where = {"dag_id": ti.dag_id, "run_id": ti.run_id, "task_id": ti.task_id, "map_index": map_index}
        return session.query(RenderedTaskInstanceFields.rendered_fields).filter_by(**where).scalar() or {}


@pytest.mark.parametrize(("kind", "name", "value", "said"), BAD, ids=[row[1] for row in BAD])
def test_a_bad_literal_of_a_mapped_task_fails_only_that_one_for_good(
    run_dag: RunDag, wiro_emulator: WiroEmulator, kind: type[WiroRunOperator], name: str, value: Any, said: str
) -> None:
    given = good_of(kind)
    rows = [{name: value}, {name: given[name]} if name in given else {}]
    fixed = {key: item for key, item in given.items() if key != name}

    def build() -> None:
        kind.partial(task_id="video", **fixed, **RETRY).expand_kwargs(rows)

    run = run_dag(build)
    [error] = run.errors
    assert run.states() == {("video", 0): "failed", ("video", 1): "success"}
    assert isinstance(error, WiroInputError)
    assert isinstance(error, AirflowFailException)
    assert str(error).startswith(said)
    assert len(wiro_emulator.runs) == 1


@pytest.mark.parametrize("name", ["duration", "timeout"])
def test_a_bad_literal_in_partial_fails_in_execute_too(run_dag: RunDag, wiro_emulator: WiroEmulator, name: str) -> None:
    def build() -> None:
        RunwayImageToVideoOperator.partial(task_id="video", input_image_url=IMAGE, **{name: -1}, **RETRY).expand(
            prompt=["one"]
        )

    [error] = run_dag(build).errors
    assert isinstance(error, WiroInputError)
    assert wiro_emulator.requests == []


def test_the_rendered_templates_and_the_name_of_the_row_are_shown(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    def build() -> None:
        RunwayImageToVideoOperator.partial(
            task_id="video", input_image_url=IMAGE, map_index_template="{{ task.prompt }}", poll_interval=0.1, **RETRY
        ).expand_kwargs([{"prompt": "a {{ 'kite' }}", "duration": 7}, {"prompt": "a boat", "duration": 5}])

    run = run_dag(build)
    assert {ti.map_index: ti.rendered_map_index for ti in run.instances} == {0: "a kite", 1: "a boat"}
    assert rendered_fields(run, 0)["prompt"] == "a kite"


def test_a_name_of_the_row_that_raises_has_no_final_error_tried_again(
    run_dag: RunDag, wiro_emulator: WiroEmulator
) -> None:
    """Its error would take the place of the task's own, and each further try would pay."""
    wiro_emulator.outcome(pexit="1", debugerror="too dark", totalcost="0.10")

    def build() -> None:
        RunwayImageToVideoOperator.partial(
            task_id="video",
            input_image_url=IMAGE,
            map_index_template="{{ task.seed + ' of ' + task.prompt }}",
            durable=False,
            poll_interval=0.1,
            **RETRY,
        ).expand(prompt=["a kite"])

    run = run_dag(build)
    assert len(wiro_emulator.runs) == 1
    [error] = run.errors
    assert isinstance(error, WiroTaskFailed)
    assert run.tries == 1


@pytest.mark.parametrize("native", [False, True])
def test_what_another_task_has_made_is_no_template(run_dag: RunDag, wiro_emulator: WiroEmulator, native: bool) -> None:
    """A model's answer may hold braces, and must not read Airflow's connections: as in each operator of Airflow."""
    told = "{{ 7 * 7 }} {% of it"
    rows: list[Any] = [{"prompt": told, "more": [told]}]

    def build() -> None:
        @task
        def answers() -> list[Any]:
            return rows

        WiroRunOperator.partial(task_id="video", model="owner/text", poll_interval=0.1).expand(inputs=answers())

    assert run_dag(build, render_template_as_native_obj=native).errors == []
    assert run_bodies(wiro_emulator) == rows


def test_a_task_of_a_mapped_group_is_checked_when_the_dag_is_read() -> None:
    with DAG("group", schedule=None), TaskGroup("all"), pytest.raises(WiroInputError, match="duration is 7"):
        runway(duration=7)


@pytest.mark.parametrize("make", [runway, generic])
def test_a_task_that_is_not_mapped_is_checked_when_the_dag_is_read(make: Callable[..., WiroRunOperator]) -> None:
    with DAG("plain", schedule=None) as dag:
        made = make()
        assert not made.unmapped
        with pytest.raises(WiroInputError):
            make(task_id="bad", timeout=-1)
    assert dag.task_dict["video"] is made


def test_what_an_earlier_try_has_paid_for_does_not_fail_on_an_argument_that_is_bad_now(
    run_dag: RunDag, wiro_emulator: WiroEmulator, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The DAG was changed between two tries; the second one finds the record of the first."""
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", str(tmp_path))

    class Twice(WiroRunOperator):
        def execute(self, context: Any) -> Any:
            super().execute(context)
            self.timeout, self.poll_interval, self.durable, self.wait_for_completion = -1, "3", "true", None
            return super().execute(context)

    run = run_dag(lambda: Twice(task_id="video", **good_of(WiroRunOperator)))
    assert run.state == "success"
    assert len(run_bodies(wiro_emulator)) == 1
