"""The operators' values: checked when constructed, again when rendered, and sent as the API wants them."""

from __future__ import annotations

import traceback
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroInputError
from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from doubles import FakeTaskInstance, context_of
from operators import IMAGE, PROMPT, SEED_BODY, generic, run_bodies, runway

NAN, INFINITY = float("nan"), float("inf")
REFUSED: list[tuple[str, Any, str]] = [
    ("prompt", "", "text that is not empty"),
    ("prompt", None, "text that is not empty"),
    ("prompt", "None", "text that is not empty"),
    ("prompt", True, "text that is not empty"),
    ("prompt", ["a"], "text that is not empty"),
    ("input_image_url", "s3://bucket/kite.png", "an http(s) URL"),
    ("input_image_url", "/data/kite.png", "an http(s) URL"),
    ("input_image_url", False, "an http(s) URL"),
    ("ratio", "16:9", "1280:720, 720:1280, 1104:832, 832:1104, 960:960, 1584:672"),
    ("ratio", 1.5, "1280:720"),
    ("duration", 7, "5 or 10"),
    ("duration", "7", "5 or 10"),
    ("duration", 5.5, "5 or 10"),
    ("duration", "5.5", "5 or 10"),
    ("duration", True, "5 or 10"),
    ("duration", NAN, "5 or 10"),
    ("duration", INFINITY, "5 or 10"),
    ("duration", [5], "5 or 10"),
    ("content_moderation", "off", "auto or low"),
    ("content_moderation", True, "auto or low"),
    ("seed", "seven", "a whole number"),
    ("seed", 5.5, "a whole number"),
    ("seed", "5.5", "a whole number"),
    ("seed", False, "a whole number"),
    ("seed", NAN, "a whole number"),
    ("seed", INFINITY, "a whole number"),
    ("callback_url", "not a url", "an http(s) URL"),
    ("callback_url", "ftp://x.example", "an http(s) URL"),
    ("callback_url", 5, "an http(s) URL"),
]


def execute(operator: WiroRunOperator) -> Any:
    operator.wait_for_completion = False
    return operator.execute(context_of(FakeTaskInstance()))


def assert_names(error: WiroInputError, field: str, value: Any, allowed: str) -> None:
    assert str(error).startswith(f"{field} is {value!r}; allowed: {allowed}")


@pytest.mark.parametrize(("field", "value", "allowed"), REFUSED)
def test_a_bad_value_is_refused_when_the_operator_is_constructed(field: str, value: Any, allowed: str) -> None:
    with pytest.raises(WiroInputError) as caught:
        runway(**{field: value})
    assert_names(caught.value, field, value, allowed)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(("field", "value", "allowed"), REFUSED)
def test_a_bad_value_is_refused_after_rendering_before_anything_is_sent(
    wiro_emulator: WiroEmulator, field: str, value: Any, allowed: str
) -> None:
    operator = runway(**{field: "{{ params.x }}"})
    setattr(operator, field, value)  # as rendering does
    with pytest.raises(WiroInputError) as caught:
        execute(operator)
    assert_names(caught.value, field, value, allowed)
    assert wiro_emulator.requests == []


@pytest.mark.parametrize("text", ["{{ params.x }}", "a {{ ds }} b", "{% if a %}5{% endif %}", "{# note #}5"])
@pytest.mark.parametrize("field", ["prompt", "ratio", "duration", "content_moderation", "seed", "callback_url"])
def test_a_template_is_not_checked_when_the_operator_is_constructed(field: str, text: str) -> None:
    assert getattr(runway(**{field: text}), field) == text


def test_the_defaults_go_over_the_wire_as_the_seed_shows(wiro_emulator: WiroEmulator) -> None:
    execute(runway())
    assert run_bodies(wiro_emulator) == [SEED_BODY]
    assert wiro_emulator.requests[0].path == "/v1/Run/Runway/image-to-video-gen4-turbo"


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"duration": 10}, {"duration": "10"}),
        ({"duration": "10"}, {"duration": "10"}),
        ({"duration": 10.0}, {"duration": "10"}),
        ({"duration": " 5 "}, {"duration": "5"}),
        ({"seed": "7"}, {"seed": 7}),
        ({"seed": "-7"}, {"seed": -7}),
        ({"seed": 7.0}, {"seed": 7}),
        ({"seed": 0}, {"seed": 0}),
        ({"prompt": 42}, {"prompt": "42"}),
        ({"prompt": "  two\nlines  "}, {"prompt": "  two\nlines  "}),
        ({"content_moderation": "low"}, {"contentModeration": "low"}),
        ({"ratio": "960:960"}, {"ratio": "960:960"}),
        ({"callback_url": "https://x.example/hook?a=b"}, {"callbackUrl": "https://x.example/hook?a=b"}),
    ],
)
def test_rendered_values_convert(wiro_emulator: WiroEmulator, given: dict[str, Any], sent: dict[str, Any]) -> None:
    operator = runway(**dict.fromkeys(given, "{{ params.x }}"))
    vars(operator).update(given)
    execute(operator)
    assert run_bodies(wiro_emulator) == [SEED_BODY | sent]


@pytest.mark.parametrize("absent", ["", "None", None, "  "])
def test_an_optional_field_that_renders_to_nothing_is_left_out(wiro_emulator: WiroEmulator, absent: str | None) -> None:
    optional = ("ratio", "duration", "content_moderation", "seed", "callback_url")
    operator = runway(**dict.fromkeys(optional, "{{ params.x }}"))
    vars(operator).update(dict.fromkeys(optional, absent))
    execute(operator)
    assert run_bodies(wiro_emulator) == [{"inputImageUrl": IMAGE, "prompt": PROMPT}]


def test_inputs_of_the_runway_operator_are_a_way_around_what_it_does_not_know(wiro_emulator: WiroEmulator) -> None:
    execute(runway(inputs={"projectid": "699"}))
    assert run_bodies(wiro_emulator) == [SEED_BODY | {"projectid": "699"}]


def test_inputs_of_the_runway_operator_are_templated_too() -> None:
    assert "inputs" in RunwayImageToVideoOperator.template_fields


@pytest.mark.parametrize("model", ["", "Runway", "a/b/c", "../x", "a/..", "ow?ner/x", None, 5, "a/b\x00"])
def test_a_bad_model_is_refused_at_construction_and_after_rendering(wiro_emulator: WiroEmulator, model: Any) -> None:
    with pytest.raises(WiroInputError, match=r'model is .*; allowed: "owner/model"'):
        generic(model=model)
    operator = generic(model="{{ params.model }}")
    operator.model = model
    with pytest.raises(WiroInputError, match="model is"):
        execute(operator)
    assert wiro_emulator.requests == []


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        (["a"], "inputs is ['a']; allowed: a dict"),
        ("{'a': 1}", "a dict, or a template that makes JSON of one: {{ … | tojson }}"),
        ({"seed": NAN}, "inputs['seed'] is nan; allowed: JSON values"),
        ({"image": b"x"}, "inputs['image'] is b'x'; allowed: JSON values"),
        ({"many": [1, {2, 3}]}, "inputs['many'] is"),
        ({5: "x"}, "a name in inputs is 5; allowed: text"),
    ],
)
def test_bad_inputs_are_refused_at_construction_and_after_rendering(
    wiro_emulator: WiroEmulator, inputs: Any, said: str
) -> None:
    with pytest.raises(WiroInputError) as caught:
        generic(inputs=inputs)
    assert said in str(caught.value)
    operator = generic(inputs={"prompt": "{{ params.x }}"})
    operator.inputs = inputs
    with pytest.raises(WiroInputError):
        execute(operator)
    assert wiro_emulator.requests == []


def test_the_generic_operator_sends_its_inputs_as_they_are_without_none(wiro_emulator: WiroEmulator) -> None:
    given = {"prompt": "é 𝛑", "steps": 20, "scale": 7.5, "fast": True, "tags": ["a"], "more": {"b": None}, "no": None}
    execute(generic(inputs=given))
    assert run_bodies(wiro_emulator) == [{name: value for name, value in given.items() if name != "no"}]
    assert wiro_emulator.requests[0].path == "/v1/Run/owner/video"


def test_the_generic_operator_needs_no_inputs(wiro_emulator: WiroEmulator) -> None:
    execute(generic(inputs=None))
    assert run_bodies(wiro_emulator) == [{}]


DURATIONS = ["poll_interval", "timeout", "queue_timeout", "outage_tolerance", "task_error_grace"]


@pytest.mark.parametrize("name", DURATIONS)
@pytest.mark.parametrize("value", [0, -1, True, NAN, INFINITY, "3", None, timedelta(0)])
def test_a_bad_duration_is_refused_when_the_operator_is_constructed(name: str, value: Any) -> None:
    if (name, value) == ("queue_timeout", None):
        assert runway().queue_timeout is None
        return
    with pytest.raises(WiroInputError) as caught:
        runway(**{name: value})
    assert_names(caught.value, name, value, "seconds above 0")


FLAGS = ["deferrable", "wait_for_completion", "cancel_on_kill", "durable"]


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("value", ["false", "no", "True", "", None, 0, 1, []])
def test_what_is_no_bool_is_refused_before_anything_is_spent(
    wiro_emulator: WiroEmulator, name: str, value: Any
) -> None:
    with pytest.raises(WiroInputError) as caught:
        runway(**{name: value})
    assert_names(caught.value, name, value, "True or False, a bool")
    operator = runway()
    setattr(operator, name, value)  # as a mapped task's
    with pytest.raises(WiroInputError) as caught:
        operator.execute(context_of(FakeTaskInstance()))
    assert_names(caught.value, name, value, "True or False, a bool")
    assert wiro_emulator.requests == []


@pytest.mark.parametrize("name", FLAGS)
def test_a_template_in_the_place_of_a_bool_is_refused_in_words_of_its_own(name: str) -> None:
    with pytest.raises(WiroInputError, match="; this argument is not templated"):
        runway(**{name: "{{ params.x }}"})


@pytest.mark.parametrize("name", DURATIONS)
def test_a_duration_may_be_a_timedelta(name: str) -> None:
    operator = runway(**{name: timedelta(minutes=2)})
    assert getattr(operator._settings(), name) == 120.0


def test_default_args_of_sensors_are_durations_too() -> None:
    with DAG("videos", schedule=None, default_args={"timeout": timedelta(hours=2)}):
        assert runway()._settings().timeout == 7200.0


@pytest.mark.parametrize(
    ("arguments", "queue_timeout"),
    [
        ({"timeout": 100}, 100.0),
        ({"timeout": timedelta(hours=2)}, 7200.0),
        ({"timeout": 100, "deferrable": True}, 86_400.0),
        ({"timeout": 100, "queue_timeout": 7}, 7.0),
        ({"timeout": 100, "deferrable": True, "queue_timeout": timedelta(minutes=1)}, 60.0),
    ],
)
def test_without_a_queue_timeout_a_deferrable_task_waits_a_day_for_room(
    arguments: dict[str, Any], queue_timeout: float
) -> None:
    assert runway(**arguments)._settings().queue_timeout == queue_timeout


def test_a_users_subclass_may_add_a_field_and_its_own_init(wiro_emulator: WiroEmulator) -> None:
    from airflow_provider_wiro.core.fields import Field, text
    from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator

    class Branded(RunwayImageToVideoOperator):
        template_fields = (*RunwayImageToVideoOperator.template_fields, "brand")
        fields = (*RunwayImageToVideoOperator.fields, Field("brand", "projectid", text, "a brand", required=True))

        def __init__(self, *, brand: str, **kwargs: Any) -> None:
            self.brand = brand
            super().__init__(prompt=f"{brand}: a train", **kwargs)

    with pytest.raises(WiroInputError, match="brand is ''; allowed: a brand"):
        Branded(task_id="video", brand="", input_image_url=IMAGE)
    execute(Branded(task_id="video", brand="acme", input_image_url=IMAGE, poll_interval=0.1))
    assert run_bodies(wiro_emulator) == [SEED_BODY | {"prompt": "acme: a train", "projectid": "acme"}]


@pytest.mark.parametrize(
    ("build", "bad"),
    [
        (runway, {"duration": 7}),
        (runway, {"timeout": -1}),
        (generic, {"model": "kite"}),
        (generic, {"idempotency_key": ""}),
        (generic, {"on_unknown_submission": "maybe"}),
    ],
)
def test_an_error_of_the_constructor_says_whose_argument_it_is(build: Any, bad: dict[str, Any]) -> None:
    with pytest.raises(WiroInputError) as caught:
        build(task_id="sixth_of_six", **bad)
    shown = "".join(traceback.format_exception(caught.value))
    assert "This is an argument of the task 'sixth_of_six'." in shown


@pytest.mark.parametrize("deferrable", [False, True])
def test_without_a_context_it_says_how_to_try_an_operator_out(wiro_emulator: WiroEmulator, deferrable: bool) -> None:
    with pytest.raises(WiroInputError, match=r"task 'video' was executed without Airflow's context.*call test\(\)"):
        runway(deferrable=deferrable).execute({})
    assert wiro_emulator.requests == []
