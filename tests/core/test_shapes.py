"""Where a file's URL goes: each combination is decided, by one row, and the inputs are as the row says."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from airflow_provider_wiro.core.files import FileInput, Source
from airflow_provider_wiro.core.placing import placed, types_of
from airflow_provider_wiro.core.protocol import Send
from airflow_provider_wiro.core.rules.shapes import SHAPES, Given, Kind, Row, Shape, shape_for
from airflow_provider_wiro.exceptions import WiroInputError
from fake_driver import UNANSWERED, FakeDriver, Outcome, page, refusal, reply

CASES = list(product(Kind, Given))
URLS = ["https://cdn.wiro.ai/a,b.png", "https://cdn.wiro.ai/c.png"]
TYPES = {
    Kind.FILE: {"image": "fileinput"},
    Kind.SEVERAL: {"image": "multifileinput"},
    Kind.COMBINED: {"image": "combinefileinput"},
    Kind.TEXT: {"image": "text"},
    Kind.NO_INPUT: {"prompt": "textarea", "inputAudio": "fileinput"},
    Kind.URL_NAME: None,
    Kind.NAME: None,
}
SENT: dict[Shape, Any] = {
    Shape.ITSELF: lambda name, urls: {name: urls[0]},
    Shape.LINK: lambda name, urls: {name: "", f"{name}Url": urls[0]},
    Shape.LINKS: lambda name, urls: {name: "", f"{name}Url": ",".join(url.replace(",", "%2C") for url in urls)},
    Shape.COMMAS: lambda name, urls: {name: ",".join(url.replace(",", "%2C") for url in urls)},
    Shape.ARRAY: lambda name, urls: {name: urls},
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(each.name for each in case))
def test_each_combination_is_decided_by_one_row(case: tuple[Kind, Given]) -> None:
    assert [row for row in SHAPES if row.holds(*case)] == [shape_for(*case)]


@pytest.mark.parametrize("row", SHAPES, ids=lambda row: row.name)
def test_each_row_is_reached(row: Row) -> None:
    assert any(shape_for(*case) is row for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{shape_for(*case).name}-{case[1].name}")
def test_what_is_sent_is_what_the_row_says(case: tuple[Kind, Given]) -> None:
    kind, given = case
    urls = URLS if given is Given.LIST else URLS[:1]
    name = "imageUrl" if kind is Kind.URL_NAME else "image"
    file = FileInput(name, tuple(map(Source, urls)), listed=given is not Given.ONE)
    shape = shape_for(kind, given).shape
    if shape is Shape.REFUSED:
        with pytest.raises(WiroInputError, match="'image'"):
            placed(file, urls, TYPES[kind])
        return
    assert placed(file, urls, TYPES[kind]).inputs == SENT[shape](name, urls)


@pytest.mark.parametrize(
    ("name", "types", "sent"),
    [
        ("inputImageUrl", {"inputImage": "combinefileinput"}, {"inputImage": URLS[1:]}),
        ("inputImage", {"inputImageUrl": "text"}, {"inputImageUrl": URLS[1]}),
        ("inputImage", {"inputImage": "fileinput"}, {"inputImage": "", "inputImageUrl": URLS[1]}),
    ],
)  # fmt: skip
def test_a_model_that_has_moved_its_input_gets_it_where_it_is_now(name: str, types: Any, sent: Any) -> None:
    assert placed(FileInput(name, (Source(URLS[1]),)), URLS[1:], types).inputs == sent


def described(*outcomes: Outcome) -> tuple[Any, FakeDriver]:
    answers = list(outcomes)
    driver = FakeDriver(lambda *_: answers.pop(0))
    return driver.drive(types_of("wiro/Virtual Try-On")), driver


def tool(parameters: Any) -> Outcome:
    return reply({"result": True, "errors": [], "tool": [{"parameters": parameters}]})


def test_the_model_is_asked_for_by_its_clean_slug() -> None:
    types, driver = described(tool([{"items": [{"id": "a", "type": "text"}]}, {"items": [{"id": "b", "type": "x"}]}]))
    assert types == {"a": "text", "b": "x"}
    [step] = driver.sent
    assert isinstance(step, Send)
    assert (step.path, step.body) == ("/Tool/Detail", {"slugowner": "wiro", "slugproject": "virtual-try-on"})


@pytest.mark.parametrize("bad", [UNANSWERED, page(502), page(429), refusal(1), reply({"result": True}), tool(None)])
def test_what_brings_no_description_is_no_description(bad: Outcome) -> None:
    assert described(bad)[0] is None


@pytest.mark.parametrize("odd", [5, [], [5], [{"items": 5}], [{"items": [5, {"id": 7}, {"id": None}]}], {"items": []}])
def test_an_odd_description_is_none(odd: Any) -> None:
    assert described(tool(odd))[0] is None
