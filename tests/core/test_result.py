"""The result: what XCom takes of a text model's answer, and where it stands in a file."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from airflow_provider_wiro.core.result import MOST_RESULT, ResultDict, fitted, text_files, urls_of
from airflow_provider_wiro.core.task import Task
from airflow_provider_wiro.core.verdict import EVENT_LIMIT, Verdict
from fake_driver import VIDEO, row


def of(*outputs: dict[str, Any]) -> Task:
    task = Task.from_payload(row("task_postprocess_end", pexit="0", outputs=list(outputs)))
    assert task is not None
    return task


def answered(answer: str, **content: object) -> ResultDict:
    return of({"contenttype": "raw", "content": {"answer": [answer], **content}}).result()


def size(result: ResultDict) -> int:
    return len(json.dumps(result).encode())


def test_what_fits_stays_as_it_is() -> None:
    result = answered("x" * 100_000, raw="x" * 100_000)
    assert fitted(result) is result


def test_an_answer_that_does_not_fit_into_an_event_is_left_out_of_it() -> None:
    verdict = Verdict.of(of({"contenttype": "raw", "content": {"answer": ["x" * 20_000]}}))
    event = verdict.to_event()
    assert len(json.dumps(event)) < EVENT_LIMIT
    assert (event["verdict"], event["result"]) == ("success", None)


@pytest.mark.parametrize("letter", ["x", "ü", "\N{STEAM LOCOMOTIVE}", '"'])
def test_above_1_mb_the_text_stays_whole_as_long_as_it_can(letter: str) -> None:
    length = 400_000 // (len(json.dumps(letter)) - 2)
    result = answered(letter * length, raw=letter * length, prompt=letter * length)
    assert size(result) > MOST_RESULT
    cut = fitted(result)
    assert size(cut) <= MOST_RESULT
    assert cut["text"] == result["text"]
    content = cast("dict[str, Any]", cut["outputs"][0]["content"])
    assert content["raw"].endswith("…")
    assert result["outputs"][0]["content"]["raw"] == letter * length, "what is cut is a copy"  # type: ignore[index]


@pytest.mark.parametrize("letter", ["x", "ü", "\N{STEAM LOCOMOTIVE}"])
def test_a_text_of_more_than_1_mb_is_cut_to_what_fits(letter: str) -> None:
    result = answered(letter * 2_000_000)
    cut = fitted(result)
    assert MOST_RESULT * 0.9 < size(cut) <= MOST_RESULT
    assert cut["text"]
    assert set(cut["text"]) == {letter}


@pytest.mark.parametrize(
    "content",
    [{f"field {number}": "x" * 90 for number in range(50_000)}, [[number] for number in range(300_000)]],
    ids=["many fields", "many values"],
)
def test_a_content_of_many_small_parts_is_cut_too(content: object) -> None:
    cut = fitted(of({"contenttype": "raw", "content": content}).result())
    assert size(cut) <= MOST_RESULT
    assert str(cut["outputs"][0]["content"]).endswith("…")


def test_addresses_are_never_cut() -> None:
    urls = [f"https://cdn1.wiro.ai/{number}/{'x' * 4000}" for number in range(400)]
    result = of(*({"url": url} for url in urls), {"contenttype": "raw", "content": "y" * 5000}).result()
    cut = fitted(result)
    assert urls_of(cut) == urls
    assert cut["text"]


def file(name: str = "0.txt", kind: str | None = "text/plain") -> dict[str, Any]:
    return {"name": name, "contenttype": kind, "url": f"https://cdn1.wiro.ai/{name}"}


@pytest.mark.parametrize(
    ("outputs", "files"),
    [
        ([file()], ["0.txt"]),
        ([file("a", "text/plain; charset=utf-8"), file("b.md", "text/markdown"), VIDEO], ["a", "b.md"]),
        ([file("a.TXT", None), file("b.md", "application/octet-stream")], ["a.TXT", "b.md"]),
        ([file("a.bin", None), file("a.srt", "application/x-subrip"), file("a.json", "application/json"), VIDEO], []),
        ([file(), {"contenttype": "raw", "content": "One."}], []),
    ],
)
def test_where_the_text_may_be_in_a_file(outputs: list[dict[str, Any]], files: list[str]) -> None:
    assert [one["url"] for one in text_files(of(*outputs).result())] == [
        f"https://cdn1.wiro.ai/{name}" for name in files
    ]
