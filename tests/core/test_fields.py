"""Checking arguments: what is allowed, and how each goes over the wire."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta

import pytest

from airflow_provider_wiro.core import fields
from airflow_provider_wiro.core.fields import Field, file_url, model_inputs, one_of, seconds, text, url, whole
from airflow_provider_wiro.exceptions import WiroError, WiroInputError

DURATION = one_of("5", "10")
DEEP: list[object] = []
for _ in range(100_000):
    DEEP = [DEEP]


def value(read: Callable[[object], object], given: object, *, required: bool = False) -> object:
    return Field("an_argument", "anInput", read, "what is right", required).value(given)


@pytest.mark.parametrize(
    ("read", "given", "sent"),
    [
        (text, "A lighthouse", "A lighthouse"),
        (text, " two\nlines ", " two\nlines "),
        (text, 5, "5"),
        (text, 5.5, "5.5"),
        (text, "ü𝕏", "ü𝕏"),
        (whole, 7, 7),
        (whole, "7", 7),
        (whole, " -7 ", -7),
        (whole, 5.0, 5),
        (whole, 0, 0),
        (DURATION, "5", "5"),
        (DURATION, " 10 ", "10"),
        (DURATION, 5, "5"),
        (DURATION, 5.0, "5"),
        (url, " https://cdn.wiro.ai/a.png?b=c ", "https://cdn.wiro.ai/a.png?b=c"),
    ],
)
def test_a_rendered_value_becomes_what_wiro_expects(
    read: Callable[[object], object], given: object, sent: object
) -> None:
    result = value(read, given)
    assert (result, type(result)) == (sent, type(sent))


@pytest.mark.parametrize(
    "given",
    [
        "Runway_image-to-video-gen4-turbo_input_2.png",
        "https://x.example/0.png?signature=a",
        "HTTP://x.example/0.png",
        "https://x.example/a b.png",
        " https://x.example/0.png",
        "my picture.png",
    ],
)
def test_a_file_is_an_http_url_or_a_bare_name_and_goes_out_to_the_letter(given: str) -> None:
    assert value(file_url, given) == given


@pytest.mark.parametrize(
    "given",
    [
        "/data/0.png",
        "./0.png",
        "../0.png",
        "~/0.png",
        "images/0.png",
        r"C:\images\0.png",
        "C:0.png",
        r"\\share\0.png",
        "//x.example/0.png",
        "file:///data/0.png",
        "file:0.png",
        "FILE:///data/0.png",
        "data:image/png;base64,AAAA",
        "s3://bucket/0.png",
        "gs://bucket/0.png",
        "ftp://x.example/0.png",
        "https:",
        "https://",
        "https:///0.png",
        "http:/x.example/0.png",
        "x.example/0.png",
    ],
)
def test_what_wiro_cannot_read_is_refused_as_a_file(given: str) -> None:
    with pytest.raises(WiroInputError, match=r"^an_argument is "):
        value(file_url, given)


def test_a_refusal_shows_a_url_without_user_and_signature() -> None:
    message = str(fields.refused("image", "s3://key:hunter2@bucket/0.png?X-Amz-Signature=hunter2", "another"))
    assert message == "image is 's3://bucket/0.png'; allowed: another"


@pytest.mark.parametrize(
    ("path", "where"), [((), "inputs"), (("prompt",), "inputs['prompt']"), (("more", 0), "inputs['more'][0]")]
)
def test_a_template_that_finds_nothing_is_refused_by_name(path: tuple[object, ...], where: str) -> None:
    assert str(fields.found_nothing("inputs", path)).startswith(f"{where} is 'None'; allowed: any other text: ")


ODD = [True, False, math.nan, math.inf, -math.inf, [], {}, ["5"], b"5", object, DEEP]


@pytest.mark.parametrize("read", [text, whole, DURATION, url])
@pytest.mark.parametrize("given", ODD, ids=lambda given: repr(given)[:10] if given is not DEEP else "deep")
def test_what_can_be_no_value_is_refused_by_every_reader(read: Callable[[object], object], given: object) -> None:
    with pytest.raises(WiroInputError, match=r"^an_argument is .+; allowed: what is right$"):
        value(read, given)


@pytest.mark.parametrize(
    ("read", "given"),
    [
        (text, "a\ud800"),
        pytest.param(text, 10**5000, id="5000 digits"),
        (whole, 5.5),
        (whole, "5.5"),
        (whole, "5.0"),
        (whole, "five"),
        (whole, "nan"),
        (whole, "7" * 5000),
        (DURATION, "7"),
        (DURATION, 7),
        (DURATION, 5.5),
        (DURATION, "5.0"),
        (DURATION, "a\ud800"),
        (url, "0.png"),
        (url, "ftp://x/y"),
        (url, "https://"),
        (url, "https:///x"),
        (url, "https://x/a b"),
        (url, 5),
    ],
)
def test_a_value_that_is_not_allowed_is_refused(read: Callable[[object], object], given: object) -> None:
    with pytest.raises(WiroInputError) as caught:
        value(read, given)
    assert isinstance(caught.value, ValueError)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("given", ["", "  ", "None", " None\n", None])
def test_an_absent_value_is_left_out_unless_it_is_required(given: object) -> None:
    for read in (text, whole, DURATION, url):
        assert value(read, given) is None
        with pytest.raises(WiroInputError, match="an_argument is"):
            value(read, given, required=True)


@pytest.mark.parametrize("given", ["none", "null", "0", 0])
def test_what_only_looks_absent_is_a_value(given: object) -> None:
    assert value(text, given) == str(given)


@pytest.mark.parametrize(
    ("given", "duration"),
    [(1, 1.0), (0.5, 0.5), (86400, 86400.0), (timedelta(hours=2), 7200.0), (timedelta(microseconds=1), 1e-6)],
)
def test_seconds_are_above_zero(given: object, duration: float) -> None:
    assert seconds("timeout", given) == duration


@pytest.mark.parametrize(
    "given",
    [0, -1, True, "5", None, math.nan, math.inf, 10**9, 10**400, timedelta(0), -timedelta(hours=1), timedelta.max],
)
def test_other_seconds_are_refused(given: object) -> None:
    with pytest.raises(WiroInputError, match=r"timeout is .+; allowed: seconds above 0"):
        seconds("timeout", given)


def test_inputs_are_json_without_what_is_none() -> None:
    given = {"prompt": "ü", "seed": 0, "flag": False, "list": [1, {"a": None}], "absent": None, "empty": ""}
    assert model_inputs(given) == {name: item for name, item in given.items() if name != "absent"}


CYCLE: list[object] = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    "item",
    [math.nan, [math.inf], b"x", {1, 2}, object(), {"a": object()}, "a\ud800", ["\udfff"], DEEP, CYCLE, {(1, 2): 3}],
    ids=range(11),
)
def test_an_input_that_is_not_json_is_named(item: object) -> None:
    with pytest.raises(WiroInputError, match=r"^inputs\['prompt'\] is .*; allowed: JSON values") as caught:
        model_inputs({"seed": 0, "prompt": item})
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("given", [None, "x", [], [("a", 1)], "{{ inputs }}", 5])
def test_inputs_are_a_dict(given: object) -> None:
    with pytest.raises(WiroInputError, match=r"^inputs is .*; allowed: a dict, or a template that makes JSON of one"):
        model_inputs(given)


@pytest.mark.parametrize("deep", ['{"a": ' * 100_000, "[" * 100_000])
def test_text_that_is_nested_too_deeply_is_no_dict(deep: str) -> None:
    with pytest.raises(WiroInputError, match=r"^inputs is "):
        model_inputs(deep)


def test_json_text_of_a_dict_is_one() -> None:
    assert model_inputs('{"prompt": "1.50", "fast": true, "n": 5, "no": null}') == {
        "prompt": "1.50",
        "fast": True,
        "n": 5,
    }


@pytest.mark.parametrize("name", [1, None, ("a",)])
def test_the_names_of_inputs_are_text(name: object) -> None:
    with pytest.raises(WiroInputError, match="inputs"):
        model_inputs({name: 1})


def test_a_refusal_is_also_a_value_error_that_names_field_value_and_what_is_allowed() -> None:
    error = fields.refused("duration", "7", '"5" or "10"')
    assert str(error) == 'duration is \'7\'; allowed: "5" or "10"'
    assert isinstance(error, WiroError)
    assert isinstance(error, ValueError)
    assert not error.retryable
