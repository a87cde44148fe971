"""What rendering has made of an argument, however deep."""

from __future__ import annotations

from collections import namedtuple

from airflow_provider_wiro.core.templated import Rendered, each_rendered, is_templated

Pair = namedtuple("Pair", ["a", "b"])


def rendered(value: object) -> Rendered:
    """Render text as if native rendering had read it as a number before, and ``None`` as nothing."""
    if not isinstance(value, str):
        return Rendered(value, value)
    return Rendered(value, float(value) if value == "1.50" else value, ((),) if value == "None" else ())


def test_everything_is_rendered_however_deep_and_its_place_is_known() -> None:
    given = {"prompt": "1.50", "more": ["None", {"deep": ("x", "None", 5)}], "no": "None"}
    assert each_rendered(given, rendered) == Rendered(
        given,
        {**given, "prompt": 1.5},
        (("more", 0), ("more", 1, "deep", 1), ("no",)),
    )


def test_a_tuple_stays_one_and_what_is_another_kind_is_left_to_airflow() -> None:
    assert each_rendered(("1.50",), rendered).before == (1.5,)
    assert each_rendered(Pair("1.50", "None"), rendered) == Rendered(Pair("1.50", "None"), Pair("1.50", "None"))


def test_a_whole_argument_has_the_empty_place() -> None:
    assert each_rendered("None", rendered).nothing == ((),)


def test_what_holds_a_template_anywhere_is_templated() -> None:
    assert is_templated({"a": ["x", ("{{ y }}",)]})
    assert not is_templated({"a": ["x", 5, None]})
