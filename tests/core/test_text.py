"""Foreign text, made fit for a log line."""

from __future__ import annotations

import pytest

from airflow_provider_wiro.core.text import in_words, one_line, steps, without_secrets
from airflow_provider_wiro.exceptions import WiroConfigError


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("plain", "plain"),
        (" a\r\n\tb  c ", "a b c"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("a\x00b\u2028c\u202ed\ud800e", "a b c d e"),
        ("grüße 𝕏 视频", "grüße 𝕏 视频"),
        (None, ""),
        (5, "5"),
        (["a"], "['a']"),
        (b"\xff", "b'\\xff'"),
    ],
)
def test_text_becomes_one_printable_line(value: object, line: str) -> None:
    assert one_line(value) == line


def test_a_line_is_cut_at_its_limit() -> None:
    assert one_line("x" * 10, 10) == "x" * 10
    assert one_line("x" * 11, 10) == "x" * 9 + "…"
    assert one_line("x" * 10**7) == "x" * 299 + "…"


def test_what_python_cannot_show_is_named_by_its_type() -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    assert one_line(nested) == "<list>"
    assert one_line(10**5000) == "<int>"


def test_of_an_error_of_this_package_the_advice_at_its_end_is_not_cut() -> None:
    ours = WiroConfigError("x" * 1000 + "\n1. set the connection's host back")
    assert in_words(ours).endswith("x 1. set the connection's host back")
    foreign = in_words(OSError("x" * 1000))
    assert foreign.startswith("OSError: xxx")
    assert len(foreign) == 300


def test_each_step_stands_on_a_line_of_its_own() -> None:
    assert steps("look", "then clear this task") == "\nWhat to do:\n1. look\n2. then clear this task"


def test_long_words_are_read_in_a_time_that_grows_with_their_length() -> None:
    """An input may be a file in hexadecimal. Were the time to grow with the square, this would take an hour."""
    assert without_secrets("y" * 300_000) == "y" * 300_000
    assert without_secrets(f"{'y' * 1000}://user:password@host/a?token=1") == f"{'y' * 1000}://host/a"
