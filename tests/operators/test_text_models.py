"""Text models on the installed Airflow: what they answer is paid for, arrives, and goes on to the next task."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowTaskTimeout

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroInputError, WiroTaskFailed, WiroTaskFlagged
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.stages import settle
from doubles import FakeTaskInstance, Lines, context_of
from operators import IMAGE, PROMPT, SEED_BODY, defer, generic, run_bodies, runway
from small_airflow import Run
from taskids import FIRST
from tries import run_try, warnings_in

RunDag = Callable[..., Run]
LLM = "openai/gpt-5.2"
ANSWER = "The emulated openai/gpt-5-2 answers: Describe a train"


def llm(**arguments: Any) -> WiroRunOperator:
    return generic(**({"task_id": "idea", "model": LLM, "inputs": {"prompt": "Describe a train"}} | arguments))


@pytest.mark.parametrize("deferrable", [False, True])
def test_what_a_text_model_answers_is_the_next_models_prompt(
    run_dag: RunDag, wiro_emulator: WiroEmulator, deferrable: bool
) -> None:
    def build() -> None:
        idea: Any = llm(deferrable=deferrable)
        runway(prompt=idea.output["text"], deferrable=deferrable)

    run = run_dag(build)
    assert run.state == "success"
    assert run_bodies(wiro_emulator)[1] == SEED_BODY | {"prompt": ANSWER}
    assert run.xcom("text", "idea") == ANSWER
    assert (run.xcom("output_urls", "idea"), run.xcom("output_url", "idea")) == ([], None)
    result = run.xcom(task_id="idea")
    content = {"prompt": "Describe a train", "raw": ANSWER, "thinking": [], "answer": [ANSWER]}
    raw = {"url": None, "name": None, "content_type": "raw", "size": None, "content": content}
    assert (result["text"], result["outputs"]) == (ANSWER, [raw])


def test_the_first_output_is_the_next_models_image(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    def build() -> None:
        image: Any = generic(task_id="image", model="black-forest-labs/flux-2-pro")
        runway(input_image_url=image.output["output_url"])
        runway(task_id="other", input_image_url=image.output["output_urls"])

    run = run_dag(build)
    assert run.state == "success"
    [url] = run.xcom("output_urls", "image")
    assert run.xcom("output_url", "image") == url
    assert run_bodies(wiro_emulator)[1:] == [SEED_BODY | {"inputImageUrl": url}] * 2


def test_what_mapped_tasks_have_made_is_a_list_of_the_next_models_inputs(
    run_dag: RunDag, wiro_emulator: WiroEmulator
) -> None:
    def build() -> None:
        images: Any = WiroRunOperator.partial(
            task_id="image", model="black-forest-labs/flux-2-pro", poll_interval=0.1
        ).expand(inputs=[{"prompt": "one"}, {"prompt": "two"}])
        human, clothes = "https://example.com/a.png", images.output["output_url"]
        generic(model="wiro/Virtual Try-On", inputs={"inputImageHuman": human, "inputImageClothes": clothes})

    run = run_dag(build)
    assert run.state == "success"
    urls = [run.xcom("output_url", "image", index) for index in (0, 1)]
    assert run_bodies(wiro_emulator)[2]["inputImageClothes"] == urls


@pytest.mark.parametrize("given", [["https://x/a.png"], "https://x/a.png"])
def test_a_list_of_one_may_stand_in_the_dag_itself(wiro_emulator: WiroEmulator, given: Any) -> None:
    run_try(runway, FakeTaskInstance(), input_image_url=given)
    assert run_bodies(wiro_emulator)[0]["inputImageUrl"] == "https://x/a.png"


def test_a_list_of_more_is_refused_before_anything_is_sent(wiro_emulator: WiroEmulator) -> None:
    with pytest.raises(WiroInputError, match="input_image_url is"):
        runway(input_image_url=["https://x/a.png", "https://x/b.png"])
    assert wiro_emulator.requests == []


def raw(text: str) -> dict[str, Any]:
    return {"contenttype": "raw", "content": {"prompt": "x", "raw": text, "thinking": [], "answer": [text]}}


def test_a_text_that_does_not_fit_into_the_event_is_read_again_in_the_worker(wiro_emulator: WiroEmulator) -> None:
    text = "Ä long story. " * 5_000
    wiro_emulator.outcome(outputs=[raw(text)], duration=0.0)
    ti = FakeTaskInstance()
    result = run_try(llm, ti, deferrable=True)
    assert result["text"] == ti.xcoms["text"] == text
    assert result["outputs"][0]["content"]["answer"] == [text]
    assert [request.call for request in wiro_emulator.requests] == ["Run", "Detail", "Detail"]


def test_a_text_of_more_than_1_mb_is_cut_with_a_warning_that_says_where_the_whole_is(
    wiro_emulator: WiroEmulator, lines: Lines
) -> None:
    text = "x" * 1_500_000
    wiro_emulator.outcome(outputs=[raw(text)], duration=0.0)
    ti = FakeTaskInstance()
    result = run_try(llm, ti)
    assert len(json.dumps(result)) <= 1_000_000
    assert ti.xcoms["text"] == result["text"] == "x" * len(result["text"])
    [warning] = [line for line in warnings_in(lines) if "is cut" in line]
    assert f"({len(result['text'])} of 1500000 characters are left)" in warning
    by_hand = f"python -m airflow_provider_wiro task show {FIRST} --conn-id wiro_default"
    assert f"The whole is at Wiro: {by_hand} reads it" in warning
    assert WiroHook().get_task(FIRST).text == text


def test_a_text_that_an_older_trigger_has_dropped_is_read_again(wiro_emulator: WiroEmulator) -> None:
    ti = FakeTaskInstance()
    deferred = defer(llm(deferrable=True), ti)
    wiro_emulator.advance(1)
    result = {"taskid": FIRST, "status": "task_postprocess_end", "cost_usd": 0.01, "elapsed_seconds": 0.5}
    dropped = {"url": None, "name": None, "content_type": "raw", "size": None}
    told = {"version": 1, "taskid": FIRST, "verdict": "success", "status": "task_postprocess_end", "reason": ""}
    event = told | {"stopped": None, "result": {**result, "outputs": [dropped]}}
    taken = llm().execute_complete(context_of(ti), event, **(deferred.kwargs or {}))
    assert taken["text"] == ti.xcoms["text"] == ANSWER


def test_a_text_that_stands_in_a_file_is_read_there(wiro_emulator: WiroEmulator) -> None:
    ti = FakeTaskInstance()
    result = run_try(llm, ti, model="owner/notes", inputs={"prompt": "Ä train"})
    assert result["text"] == ti.xcoms["text"] == "Ä train\n"
    assert result["outputs"][0]["url"] == ti.xcoms["output_url"]
    [looked] = [request for request in wiro_emulator.requests if request.call == "Output"]
    assert not {"x-api-key", "x-signature"} & set(looked.headers)


@pytest.mark.parametrize(
    ("fault", "options", "words"),
    [
        ("5xx", {"status": 503}, "its text cannot be read: HTTP 503"),
        ("redirect", {}, "its text cannot be read: HTTP 302"),
        ("drop_before", {}, "its text cannot be read: ServerDisconnectedError"),
        ("truncated", {}, "its text cannot be read: ClientPayloadError"),
    ],
)
def test_that_a_file_cannot_be_read_fails_nothing_that_is_paid(
    wiro_emulator: WiroEmulator, lines: Lines, fault: str, options: dict[str, Any], words: str
) -> None:
    wiro_emulator.script("Output", fault, times=-1, **options)
    ti = FakeTaskInstance()
    result = run_try(llm, ti, model="owner/notes")
    assert (result["text"], "text" in ti.xcoms) == (None, False)
    [warning] = [line for line in warnings_in(lines) if "cannot be read" in line]
    assert words in warning
    assert f"it is at {ti.xcoms['output_url']}" in warning


def test_that_the_time_is_over_while_a_file_is_read_fails_nothing_that_is_paid(
    wiro_emulator: WiroEmulator, lines: Lines
) -> None:
    """Without a journal a retry would pay again."""
    wiro_emulator.script("Output", "hang", times=-1)

    def over(*_: object) -> None:
        raise AirflowTaskTimeout

    def watch() -> None:
        while not wiro_emulator.count("Output"):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, over)
    threading.Thread(target=watch, daemon=True).start()
    try:
        ti = FakeTaskInstance()
        result = run_try(llm, ti, model="owner/notes")
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert (result["status"], result["text"]) == ("task_postprocess_end", None)
    assert "its text cannot be read: AirflowTaskTimeout" in lines.text


@pytest.mark.parametrize("most", ["ALL_FILES", "MOST_RESULT"])
def test_no_more_text_is_read_than_is_kept_and_not_for_long(
    wiro_emulator: WiroEmulator, lines: Lines, monkeypatch: pytest.MonkeyPatch, most: str
) -> None:
    monkeypatch.setattr(settle, most, 10 if most == "MOST_RESULT" else 0.0)
    wiro_emulator.outcome(outputs=5, duration=0.0)
    result = run_try(llm, FakeTaskInstance(), model="owner/notes", inputs={"prompt": "Ä train"})
    assert len(result["outputs"]) == 5
    assert wiro_emulator.count("Output") < 5
    assert "the rest of its text is not read" in lines.text


def test_no_output_has_no_address(wiro_emulator: WiroEmulator) -> None:
    """Airflow 3.0 refuses to push None, and a task that has paid must not fail of that."""
    wiro_emulator.outcome(outputs=0, duration=0.0)
    ti = FakeTaskInstance()
    run_try(generic, ti)
    assert ti.xcoms["output_urls"] == []
    assert None not in ti.xcoms.values()


def test_a_video_has_no_text(wiro_emulator: WiroEmulator) -> None:
    ti = FakeTaskInstance()
    assert run_try(runway, ti)["text"] is None
    assert "text" not in ti.xcoms
    assert wiro_emulator.count("Output") == 0


@pytest.mark.parametrize("deferrable", [False, True])
def test_what_moderation_refuses_is_not_tried_again(
    run_dag: RunDag, wiro_emulator: WiroEmulator, deferrable: bool
) -> None:
    wiro_emulator.outcome(pexit="1", debugerror="Traceback\nRunwayError: SAFETY.INPUT.TEXT", duration=0.0)
    run = run_dag(lambda: runway(deferrable=deferrable, retries=2, retry_delay=timedelta(0)))
    [error] = run.errors
    assert run.state == "failed"
    assert isinstance(error, WiroTaskFlagged)
    assert isinstance(error, AirflowFailException)
    assert "RunwayError: SAFETY.INPUT.TEXT" in str(error)
    assert wiro_emulator.count("Run") == 1


SPELLINGS = [
    (
        "Runway/image-to-video-gen4-turbo",
        {"prompt": PROMPT, "inputImageUrl": IMAGE},
        "Runway/image-to-video-gen4-turbo",
    ),
    (" google/veo3.1", {"prompt": "x"}, "google/veo3-1"),
    ("openai/GPT-5.2 ", {"prompt": "x"}, "openai/gpt-5-2"),
    ("Black-Forest-Labs/flux-2-pro", {"prompt": "x"}, "black-forest-labs/flux-2-pro"),
]


@pytest.mark.parametrize(("written", "inputs", "sent"), SPELLINGS)
def test_a_model_goes_out_as_wiro_takes_it(
    wiro_emulator: WiroEmulator, written: str, inputs: dict[str, object], sent: str
) -> None:
    run_try(generic, FakeTaskInstance(), model=written, inputs=inputs)
    assert wiro_emulator.requests[0].path == f"/v1/Run/{sent}"
    assert WiroHook().run(written, inputs).taskid == wiro_emulator.runs[1].taskid
    assert wiro_emulator.runs[1].model == sent


@pytest.mark.usefixtures("journal_folder")
def test_another_spelling_of_the_model_is_the_same_work(wiro_emulator: WiroEmulator) -> None:
    for number, written in enumerate(("google/veo3.1", "google/veo3-1", " Google/Veo3.1 "), 1):
        ti = FakeTaskInstance()
        ti.try_number = number
        assert run_try(generic, ti, model=written)["taskid"] == FIRST
    assert wiro_emulator.count("Run") == 1


def test_a_realtime_model_is_refused_before_anything_is_sent(wiro_emulator: WiroEmulator) -> None:
    for model in ("openai/gpt-realtime", "elevenlabs/Realtime Conversational AI"):
        with pytest.raises(WiroInputError, match="a realtime model"):
            generic(model=model)
        with pytest.raises(WiroInputError, match="a realtime model"):
            WiroHook().run(model, {})
    assert wiro_emulator.requests == []


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_realtime_model_that_is_not_known_as_one_is_stopped_as_soon_as_it_waits_for_a_person(
    wiro_emulator: WiroEmulator, deferrable: bool
) -> None:
    wiro_emulator.outcome(statuses=["task_start"], end="task_stream_ready", duration=0.0)
    with pytest.raises(WiroTaskFailed, match="waits for a person, because its model is realtime") as caught:
        run_try(generic, FakeTaskInstance(), model="owner/talks", deferrable=deferrable)
    assert not caught.value.retryable
    assert "it was stopped.\nWiro does not charge for a stopped task. Use a model that is not realtime" in str(
        caught.value
    )
    assert (wiro_emulator.tasks[FIRST].status, wiro_emulator.count("Detail") <= 3) == ("task_cancel", True)
