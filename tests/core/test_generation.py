"""What the XCom ``wiro_generation`` shows of a generation: nothing secret, and never more than 4 kB of inputs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_wiro import exceptions
from airflow_provider_wiro.core.generation import MOST_INPUTS, OUTCOMES, outcome_of, shown_inputs

SIGNED = "https://key:secret@bucket.example/a/b.png?X-Amz-Signature=secret#secret"
PLAIN = "https://bucket.example/a/b.png"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (SIGNED, PLAIN),
        (SIGNED.upper().replace("SECRET", "secret"), PLAIN.upper()),
        (f"Animate {SIGNED} slowly, then {SIGNED}", f"Animate {PLAIN} slowly, then {PLAIN}"),
        (f'<img src="{SIGNED}">', f'<img src="{PLAIN}">'),
        (f"({SIGNED})", f"({PLAIN}"),
        (f"'{SIGNED}'", f"'{PLAIN}"),
        ("https://host.example/it's a.png?sig=secret", "https://host.example/it's a.png"),
        ("Take https://host.example/it's.png?name='a'&sig=secret", "Take https://host.example/it's.png"),
        ("https://user:s@secret@host.example/", "https://host.example/"),
        ("https://host.example?mail=a@secret", "https://host.example"),
        ([SIGNED, [SIGNED]], [PLAIN, [PLAIN]]),
        ((SIGNED,), [PLAIN]),
        ({"first": {"url": SIGNED}}, {"first": {"url": PLAIN}}),
        ("https://user@host.example", "https://host.example"),
        ("http://host.example?token=secret", "http://host.example"),
        ("wss://user:secret@host.example/?t=secret", "wss://host.example/"),
        ("s3://key:secret@bucket/file?versionId=secret", "s3://bucket/file"),
        ("What? A train @ noon #1", "What? A train @ noon #1"),
        (7, 7),
        (None, None),
        (True, True),
    ],
    ids=str,
)
def test_an_input_is_shown_without_what_may_be_a_secret(given: object, shown: object) -> None:
    assert shown_inputs({"x": given}) == {"x": shown}
    assert "secret" not in json.dumps(shown_inputs({"x": given}))


def test_the_callback_url_is_not_shown() -> None:
    assert shown_inputs({"callbackUrl": "https://us.example/hook/secret", "prompt": "x"}) == {"prompt": "x"}


BIG: list[dict[str, Any]] = [
    {"prompt": "x" * 10_000},
    {"prompt": "ü" * 10_000},
    {"prompt": "\N{STEAM LOCOMOTIVE}" * 5_000, "seed": 7},
    {f"image{number}": f"https://bucket.example/{'x' * 500}/{number}.png" for number in range(30)},
    {"images": ["https://bucket.example/x.png"] * 1_000, "prompt": "x"},
    {"nested": {str(number): "x" * 50 for number in range(1_000)}},
    {f"input{number}": number for number in range(5_000)},
    {"x" * 10_000: 1},
]


@pytest.mark.parametrize("inputs", BIG, ids=lambda inputs: f"{len(inputs)} inputs, {len(json.dumps(inputs))} bytes")
def test_inputs_are_cut_to_4_kb(inputs: dict[str, Any]) -> None:
    shown = shown_inputs(inputs)
    assert shown
    assert len(json.dumps(shown).encode()) <= MOST_INPUTS == 4096


def test_what_is_small_is_shown_whole_beside_what_is_cut() -> None:
    shown = shown_inputs({"prompt": "x" * 10_000, "seed": 7, "ratio": "1280:720"})
    assert (shown["seed"], shown["ratio"]) == (7, "1280:720")
    assert str(shown["prompt"]).startswith("xxx")
    assert str(shown["prompt"]).endswith("…")


@pytest.mark.parametrize("kind", OUTCOMES, ids=lambda kind: kind.__name__)
def test_each_error_has_a_word(kind: type[exceptions.WiroTaskError]) -> None:
    assert outcome_of(kind("x")) == OUTCOMES[kind]


def test_each_word_is_of_one_error_and_the_rest_have_one_too() -> None:
    assert len(set(OUTCOMES.values())) == len(OUTCOMES)
    assert outcome_of(exceptions.WiroTaskError("x")) == "error"
