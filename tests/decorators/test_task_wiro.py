"""``@task.wiro``: a function returns the inputs, all else is the operator's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, AirflowSkipException, task
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS, AIRFLOW_V_3_1_PLUS

from airflow_provider_wiro.decorators.wiro import WiroDecoratedOperator, wiro_task
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroInputError
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from doubles import FakeTaskInstance, Lines
from operators import run_bodies
from small_airflow import Run
from taskids import FIRST
from tries import lose_a_try, run_try

RunDag = Callable[..., Run]
MODEL = "owner/video"


def draw(scene: str) -> dict[str, Any]:
    return {"prompt": scene, "seed": None}


def decorated(function: Callable[..., object] = draw, *args: object, **arguments: Any) -> WiroDecoratedOperator:
    given: dict[str, Any] = {"task_id": "video", "model": MODEL, "poll_interval": 0.1, "multiple_outputs": False}
    return WiroDecoratedOperator(python_callable=function, op_args=args or ("a kite",), **given | arguments)


def test_airflow_knows_it_by_its_name() -> None:
    assert task.wiro.__name__ == wiro_task.__name__


@pytest.mark.parametrize("deferrable", [False, True])
def test_what_the_function_returns_is_sent(run_dag: RunDag, wiro_emulator: WiroEmulator, deferrable: bool) -> None:
    def build() -> None:
        @task
        def name_it() -> str:
            return "a kite"

        @task.wiro(model=MODEL, deferrable=deferrable, poll_interval=0.1)
        def video(scene: str, size: int, ti: Any = None, **context: Any) -> dict[str, Any]:
            """Make a video."""
            return {"prompt": f"{scene} of {ti.task_id} {context['params']['colour']}", "size": size, "seed": None}

        @task
        def use(url: str) -> str:
            return url

        use(video(name_it(), size="{{ 2 + 3 }}")["output_url"])

    run = run_dag(build, params={"colour": "{{ red }}"})
    assert run.state == "success"
    [made] = wiro_emulator.runs
    assert run_bodies(wiro_emulator) == [{"prompt": "a kite of video {{ red }}", "size": "5"}]
    assert run.xcom()["taskid"] == run.xcom("taskid") == made.taskid
    assert run.xcom("wiro_generation")["inputs"]["size"] == "5"
    assert run.xcom(task_id="use") == made.outputs[0]["url"]


def test_each_of_a_mapped_one_is_called_with_its_own(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    def build() -> None:
        @task.wiro(model="{{ params.model }}", poll_interval=0.1)
        def video(scene: str, colour: str) -> dict[str, Any]:
            return {"prompt": f"{scene}, {colour}"}

        video.partial(colour="red").expand(scene=["a kite", "a boat"])
        video.override(task_id="again", model="owner/image")("a cat", "blue")

    run = run_dag(build, params={"model": MODEL})
    assert run.state == "success"
    sent = sorted((made.model, made.inputs["prompt"]) for made in wiro_emulator.runs)
    assert sent == [("owner/image", "a cat, blue"), (MODEL, "a boat, red"), (MODEL, "a kite, red")]


def test_text_stays_text_where_templates_are_rendered_natively(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    def build() -> None:
        task.wiro(model=MODEL, task_id="video", poll_interval=0.1)(draw)("{{ params.version }}")

    assert run_dag(build, params={"version": "1.50"}, render_template_as_native_obj=True).state == "success"
    assert run_bodies(wiro_emulator) == [{"prompt": "1.50"}]


@pytest.mark.skipif(AIRFLOW_V_3_0_PLUS and not AIRFLOW_V_3_1_PLUS, reason="Airflow 3.0 refuses the parts that are None")
def test_its_parts_are_pushed_where_that_is_asked_for(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    def build() -> None:
        task.wiro(model=MODEL, task_id="video", poll_interval=0.1, multiple_outputs=True)(draw)("a kite")

    assert run_dag(build).xcom("cost_usd") == 0.01


BAD: dict[str, tuple[object, str]] = {
    "nothing": (None, "what draw() returned is None; allowed: a dict of the model's inputs"),
    "text": ("{}", "what draw() returned is '{}'; allowed: a dict"),
    "a list": ([("prompt", "x")], "what draw() returned is [('prompt', 'x')]; allowed: a dict"),
    "no JSON": ({"prompt": {1, 2}}, "what draw() returned cannot be sent: inputs['prompt'] is {1, 2}; allowed: JSON"),
}


def named_draw(returned: object) -> Callable[..., object]:
    def draw(scene: str) -> object:
        if isinstance(returned, Exception):
            raise returned
        return returned

    return draw


@pytest.mark.parametrize(("returned", "words"), BAD.values(), ids=BAD)
def test_what_is_no_dict_of_inputs_is_refused_and_names_the_function(
    wiro_emulator: WiroEmulator, returned: object, words: str
) -> None:
    with pytest.raises(WiroInputError) as caught:
        run_try(decorated, function=named_draw(returned))
    assert words in str(caught.value)
    assert isinstance(caught.value, AirflowFailException)
    assert wiro_emulator.requests == []


def test_what_the_function_raises_is_airflows_to_judge(wiro_emulator: WiroEmulator) -> None:
    for error in (KeyError("scene"), AirflowSkipException("no scene today"), AirflowException("away")):
        with pytest.raises(type(error)) as caught:
            run_try(decorated, function=named_draw(error))
        assert caught.value is error
    assert wiro_emulator.requests == []


LATER: dict[str, object] = {
    "raises": KeyError("scene"),
    "skips": AirflowSkipException("no scene today"),
    "returns nothing": None,
    "returns no JSON": {"prompt": {1, 2}},
}


@pytest.mark.usefixtures("journal_folder")
@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("later", LATER.values(), ids=LATER)
def test_nothing_in_the_function_can_fail_a_later_try_whose_generation_exists(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines, deferrable: bool, later: object
) -> None:
    lose_a_try(monkeypatch, FakeTaskInstance, "xcom_push", make=decorated)
    ti = FakeTaskInstance()
    ti.try_number = 2
    assert run_try(decorated, ti, function=named_draw(later), deferrable=deferrable)["taskid"] == FIRST
    assert wiro_emulator.count("Run") == 1
    assert f"taskid {FIRST}: going on with it, though its inputs cannot be made now" in lines.text


@pytest.mark.usefixtures("journal_folder")
def test_where_nothing_can_be_taken_the_functions_own_error_is_raised(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiro_emulator.outcome(pexit="1", duration=0.0)
    lose_a_try(monkeypatch, FakeTaskInstance, "xcom_push", make=decorated)
    with pytest.raises(KeyError, match="scene"):
        run_try(decorated, function=named_draw(KeyError("scene")))
    assert wiro_emulator.count("Run") == 1


@pytest.mark.usefixtures("journal_folder")
def test_other_inputs_of_a_later_try_are_other_work(wiro_emulator: WiroEmulator) -> None:
    first = run_try(decorated)
    assert run_try(decorated)["taskid"] == first["taskid"]
    assert run_try(decorated, function=named_draw({"prompt": "a boat"}))["taskid"] != first["taskid"]


def test_the_function_is_called_only_where_something_is_to_be_submitted(wiro_emulator: WiroEmulator) -> None:
    calls: list[str] = []

    def count(scene: str) -> Mapping[str, object]:
        calls.append(scene)
        return {"prompt": scene}

    run_try(decorated, function=count, deferrable=True)
    assert calls == ["a kite"]


def test_its_inputs_are_the_functions_alone() -> None:
    with pytest.raises(WiroInputError, match=r"^inputs is .*; allowed: nothing: draw\(\) returns them"):
        decorated(inputs={"prompt": "x"})


def test_a_function_that_is_async_is_refused() -> None:
    async def draw() -> None: ...

    with pytest.raises(WiroInputError, match=r"async def draw\(\)'; allowed: one that is not async"):
        decorated(draw)


def test_whatever_template_the_operator_has_it_has_too() -> None:
    assert {*WiroRunOperator.template_fields, "op_args", "op_kwargs"} - {"inputs"} == {
        *WiroDecoratedOperator.template_fields
    }
