"""Rendering on the installed Airflow: text stays text, and what a template does not find is not paid for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroInputError
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from operators import SEED_BODY, generic, run_bodies, runway
from small_airflow import Run

RunDag = Callable[..., Run]
NATIVE: dict[str, Any] = {"render_template_as_native_obj": True}
RETRY: dict[str, Any] = {"retries": 1, "retry_delay": timedelta(0)}
TEXTS = [
    "1.50",
    "1_000",
    "0x10",
    "'quoted'",
    '"quoted"',
    "5",
    "True",
    "[1, 2]",
    "{'a': 1}",
    "(1)",
    "1e5",
    "007",
    "b'x'",
]
PARAMS: dict[str, Any] = {
    "texts": TEXTS,
    "five": 5,
    "half": 0.5,
    "true": True,
    "list": ["1.50", 2],
    "dict": {"prompt": "1.50"},
    "nothing": None,
    "sixteen": "0x10",
}


@pytest.mark.parametrize("native", [False, True])
def test_text_is_sent_as_it_stands(run_dag: RunDag, wiro_emulator: WiroEmulator, native: bool) -> None:
    """Literals, and what templates make of text, in inputs however deep."""
    deep = {"literal": TEXTS, "rendered": [f"{{{{ params.texts[{index}] }}}}" for index in range(len(TEXTS))]}
    joined = {"joined": "{{ params.five }}.{{ params.five }}0", "in_if": "{% if params.true %}5{% endif %}"}
    run = run_dag(
        lambda: generic(inputs=deep | joined, wait_for_completion=False),
        params=PARAMS,
        render_template_as_native_obj=native,
    )
    assert run.state == "success"
    assert run_bodies(wiro_emulator) == [{"literal": TEXTS, "rendered": TEXTS, "joined": "5.50", "in_if": "5"}]


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("template", [False, True])
def test_a_prompt_is_sent_as_it_stands(
    run_dag: RunDag, wiro_emulator: WiroEmulator, native: bool, template: bool
) -> None:
    def build() -> None:
        for index, text in enumerate(TEXTS):
            prompt = f"{{{{ params.texts[{index}] }}}}" if template else text
            runway(task_id=f"video_{index}", prompt=prompt, seed=index, wait_for_completion=False)

    assert run_dag(build, params=PARAMS, render_template_as_native_obj=native).state == "success"
    sent = sorted(run_bodies(wiro_emulator), key=lambda body: body["seed"])
    assert [body["prompt"] for body in sent] == TEXTS


def test_an_expression_that_stands_alone_keeps_its_type(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    given = {
        "five": "{{ params.five }}",
        "half": "{{ params.half }}",
        "true": "{{ params.true }}",
        "list": "{{ params.list }}",
        "nothing": "{{ params.nothing }}",
        "constant": "{{ 5 }}",
        "list_of_constants": "{{ ['1.50', 2] }}",
        "counted": "{{ params.list | length }}",
        "text": "{{ '1.50' }}",
    }
    run = run_dag(lambda: generic(inputs=given, wait_for_completion=False), params=PARAMS, **NATIVE)
    assert run.state == "success"
    assert run_bodies(wiro_emulator) == [
        {
            "five": 5,
            "half": 0.5,
            "true": True,
            "list": ["1.50", 2],
            "constant": 5,
            "list_of_constants": ["1.50", 2],
            "counted": 2,
            "text": "1.50",
        }
    ]


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize(
    "template",
    ["{{ {'prompt': params.texts[0], 'fast': true, 'no': none} | tojson }}", '{"prompt": "1.50", "fast": true}'],
)
def test_json_text_of_all_inputs_needs_no_native_rendering(
    run_dag: RunDag, wiro_emulator: WiroEmulator, native: bool, template: str
) -> None:
    build = lambda: generic(inputs=template, wait_for_completion=False)  # noqa: E731
    run = run_dag(build, params=PARAMS, render_template_as_native_obj=native)
    assert run.state == "success"
    assert run_bodies(wiro_emulator) == [{"prompt": "1.50", "fast": True}]


@pytest.mark.parametrize("template", ["{'prompt': '{{ params.sixteen }}', 'n': 5}", "{{ {'prompt': '0x10', 'n': 5} }}"])
def test_a_literal_of_all_inputs_is_a_dict_with_native_rendering(
    run_dag: RunDag, wiro_emulator: WiroEmulator, template: str
) -> None:
    run = run_dag(lambda: generic(inputs=template, wait_for_completion=False), params=PARAMS, **NATIVE)
    assert run.state == "success"
    assert run_bodies(wiro_emulator) == [{"prompt": "0x10", "n": 5}]


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("key", ["10023", "{{ '10023' }}", "{{ params.five }}{{ params.five }}"])
def test_an_idempotency_key_of_digits_is_text(
    run_dag: RunDag, wiro_emulator: WiroEmulator, native: bool, key: str
) -> None:
    build = lambda: runway(idempotency_key=key, wait_for_completion=False)  # noqa: E731
    assert run_dag(build, params=PARAMS, render_template_as_native_obj=native).state == "success"
    assert len(wiro_emulator.runs) == 1


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize(
    ("inputs", "where"),
    [
        ({"prompt": "{{ params.nothing ~ '' }}"}, "inputs['prompt']"),
        ({"prompt": "x", "more": [{"deep": " {{ params.nothing }} "}]}, "inputs['more'][0]['deep']"),
    ],
)
@pytest.mark.parametrize("make", [generic, runway])
def test_the_text_none_is_refused_by_name(
    run_dag: RunDag,
    wiro_emulator: WiroEmulator,
    native: bool,
    inputs: dict[str, Any],
    where: str,
    make: Callable[..., WiroRunOperator],
) -> None:
    run = run_dag(lambda: make(inputs=inputs, **RETRY), params=PARAMS, render_template_as_native_obj=native)
    [error] = run.errors
    assert isinstance(error, WiroInputError)
    assert isinstance(error, AirflowFailException)
    assert str(error).startswith(
        f"{where} is 'None'; allowed: any other text: a template makes 'None' of what it does "
    )
    assert wiro_emulator.requests == []


def test_a_prompt_that_is_not_found_is_not_paid_for(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    run = run_dag(lambda: generic(inputs={"prompt": "{{ params.nothing }}"}), params=PARAMS)
    [error] = run.errors
    assert str(error).startswith("inputs['prompt'] is 'None'")
    assert wiro_emulator.requests == []


def test_a_connection_that_is_not_found_is_named(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    run = run_dag(lambda: generic(wiro_conn_id="{{ params.nothing }}", **RETRY), params=PARAMS)
    [error] = run.errors
    assert str(error).startswith("wiro_conn_id is 'None'; allowed: ")
    assert wiro_emulator.requests == []


def test_none_itself_is_left_out_where_it_is_optional_and_refused_where_it_is_required(
    run_dag: RunDag, wiro_emulator: WiroEmulator
) -> None:
    def build() -> None:
        runway(task_id="optional", seed="{{ params.nothing }}", inputs={"projectid": "{{ params.nothing }}"})
        runway(task_id="required", prompt="{{ params.nothing }}")

    run = run_dag(build, params=PARAMS, **NATIVE)
    [error] = run.errors
    assert run.states() == {("optional", -1): "success", ("required", -1): "failed"}
    assert str(error).startswith("prompt is None; allowed: text that is not empty")
    assert run_bodies(wiro_emulator) == [{name: value for name, value in SEED_BODY.items() if name != "seed"}]


def test_the_literal_text_none_is_the_authors_own(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    assert run_dag(lambda: generic(inputs={"prompt": "None"}), **NATIVE).state == "success"
    assert run_bodies(wiro_emulator) == [{"prompt": "None"}]


def test_rendered_fields_are_plain_values(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    """What Airflow stores of them goes over a channel that takes no subclasses of text."""
    made: list[WiroRunOperator] = []

    class Kept(WiroRunOperator):
        def execute(self, context: Any) -> Any:
            made.append(self)
            return super().execute(context)

    def build() -> None:
        Kept(task_id="video", model="owner/{{ 'video' }}", inputs={"a": "1.50", "b": "{{ params.texts }}"})

    assert run_dag(build, params=PARAMS, **NATIVE).state == "success"
    [operator] = made
    assert type(operator.model) is str
    assert isinstance(operator.inputs, dict)
    assert type(operator.inputs["a"]) is str
