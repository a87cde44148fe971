"""The text of a text model, in each of the shapes in which Wiro has been seen to give it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_wiro.core.task import Task
from airflow_provider_wiro.core.texts import storable, text_of
from fake_driver import VIDEO, row

HELLO = {"prompt": "Hello!", "raw": "Hello! How can I help you today?", "thinking": [], "answer": ["How can I help?"]}


def raw(content: object) -> dict[str, object]:
    return {"contenttype": "raw", "content": content}


def ended(outputs: object, **fields: object) -> Task:
    task = Task.from_payload(row("task_postprocess_end", pexit="0", outputs=outputs, **fields))
    assert task is not None
    return task


SHAPES: list[tuple[str, object, str | None]] = [
    ("the documentation's", [raw(HELLO)], "How can I help?"),
    ("several answers", [raw({"thinking": ["a", "b"], "answer": ["One.", "Two."], "raw": "x"})], "One.\nTwo."),
    ("several outputs", [raw({"answer": ["One."]}), VIDEO, raw({"answer": ["Two."]})], "One.\nTwo."),
    ("an answer that is no list", [raw({"answer": "One."})], "One."),
    ("no answer yet all of it", [raw({"answer": [], "raw": "All of it."})], "All of it."),
    ("blank answers", [raw({"answer": ["", " "], "raw": "All of it."})], "All of it."),
    ("a plain string", [raw("One.")], "One."),
    ("a string that is JSON", [raw(json.dumps(HELLO))], "How can I help?"),
    ("JSON that was asked for", [raw('{"name": "Ada", "skills": ["maths"]}')], '{"name": "Ada", "skills": ["maths"]}'),
    ("JSON with a field called text", [raw('{"text": "x", "page": 1}')], '{"text": "x", "page": 1}'),
    ("JSON as the answer", [raw({"answer": ['{"name": "Ada"}']})], '{"name": "Ada"}'),
    ("JSON as the answer, with an answer", [raw(HELLO | {"answer": ['{"answer": ["x"]}']})], '{"answer": ["x"]}'),
    ("JSON that was asked for, with an answer", [raw('{"answer": "x"}')], '{"answer": "x"}'),
    ("JSON that was asked for, with more", [raw('{"answer": ["x"], "page": 1}')], '{"answer": ["x"], "page": 1}'),
    ("tags as the answer", [raw({"answer": ["<think> is a tag."]})], "<think> is a tag."),
    ("a message that is JSON", [raw('{"message": "One."}')], "One."),
    ("a string that only begins as JSON", [raw("[1] is a note.")], "[1] is a note."),
    ("a message", [raw({"message": "One."})], "One."),
    ("a message with answers", [raw({"message": {"type": "answer", "answer": ["One."]}})], "One."),
    ("text of an output", [{"text": "One."}], "One."),
    ("a list of parts", [raw([{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}])], "One.\nTwo."),
    ("answer tags", [raw({"raw": "<think>Hm.</think>\n<answer>\nOne.\n</answer>"})], "One."),
    ("two answer tags", [raw("<answer>One.</answer> and <ANSWER>Two.</ANSWER>")], "One.\nTwo."),
    ("think tags", [raw({"raw": "<think>Hm.\nSo.</think>\n\nOne."})], "One."),
    ("the end of thinking alone", [raw("Hm.\n</think>\nOne.")], "One."),
    ("thinking alone", [raw("<think>Hm.")], None),
    ("a number", [raw({"answer": 42})], "42"),
    ("white space of the answer", [raw({"answer": ["  One.\n\n  Two.  "]})], "  One.\n\n  Two.  "),
    ("a file", [VIDEO], None),
    ("nothing", [], None),
    ("something else", [raw({"data": {"x": 1}})], None),
    ("yes", [raw({"answer": True})], None),
]


@pytest.mark.parametrize(("outputs", "text"), [shape[1:] for shape in SHAPES], ids=[shape[0] for shape in SHAPES])
def test_the_text_is_read_in_each_shape(outputs: list[dict[str, Any]], text: str | None) -> None:
    task = ended(outputs)
    result = task.result()
    assert task.succeeded
    assert result["text"] == task.text == text
    contents = [item.get("content", item.get("text")) for item in outputs]
    assert [output["content"] for output in result["outputs"]] == contents, "as Wiro gave it"


@pytest.mark.parametrize("content", [None, "", {}, []])
def test_where_a_raw_output_is_empty_the_text_is_the_one_of_debugoutput(content: object) -> None:
    task = ended([raw(content)], debugoutput="<think>Hm.</think>One.")
    assert (task.text, task.unreadable, task.succeeded) == ("One.", (), True)
    assert ended([raw({"prompt": "x", "raw": "", "answer": []})], debugoutput="One.").text == "One."


def test_the_text_of_debugoutput_is_told_once() -> None:
    linked = {"contenttype": "raw", "url": "https://cdn1.wiro.ai/a/b/c.txt"}
    task = ended([raw("One."), raw(""), linked, *([raw(None)] * 900)], debugoutput="x" * 1_000_000)
    assert (len(task.text or ""), task.unreadable) == (1_000_005, ())
    assert [output.url for output in task.outputs] == [None, None, linked["url"]]


def test_the_log_of_a_model_that_makes_files_is_no_text() -> None:
    assert ended([VIDEO], debugoutput="step 1 of 50").text is None
    assert ended([], debugoutput="step 1 of 50").text is None


def test_a_raw_output_without_any_text_cannot_be_read() -> None:
    task = ended([raw(None)])
    assert (task.outputs, task.illegible) == ((), True)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("a\x00b", "a\ufffdb"),
        ("half \ud83d of one", "half \ufffd of one"),
        (float("inf"), None),
        ({"a\x00": [1, 2.5, True, None, {"b": "c"}]}, {"a\ufffd": [1, 2.5, True, None, {"b": "c"}]}),
    ],
)
def test_a_content_is_stored_as_every_database_can(value: object, stored: object) -> None:
    assert storable(value) == stored
    assert ended([raw({"answer": [value], "x": value})]).result()["outputs"][0]["content"] == {
        "answer": [stored],
        "x": stored,
    }


def test_a_content_that_is_nested_too_deeply_is_cut() -> None:
    nested: Any = "x"
    for _ in range(900):
        nested = [nested]
    depth, stored = 0, storable(nested)
    while isinstance(stored, list):
        depth, stored = depth + 1, stored[0]
    assert (depth, stored) == (50, "…")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["answer", "raw", "message", "text", "x"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(json_values)
def test_anything_may_stand_in_the_content(value: object) -> None:
    text = text_of(value)
    assert text is None or text.strip()
    for told in (text, storable(value)):
        assert "\x00" not in json.dumps(told, ensure_ascii=False, allow_nan=False).encode().decode()
