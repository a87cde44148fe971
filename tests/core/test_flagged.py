"""What content moderation has refused is told from what has failed, and is not tried again."""

from __future__ import annotations

import json

import pytest

from airflow_provider_wiro.core.polling import WaitPlan, wait
from airflow_provider_wiro.core.rules.flagged import FLAGS, FlagRule, flag_in, rule_in
from airflow_provider_wiro.core.task import Task
from airflow_provider_wiro.core.verdict import Kind, Verdict, error_of
from airflow_provider_wiro.exceptions import WiroTaskFlagged, WiroTaskStuck
from fake_driver import START, FakeDriver, Outcome, refusal, row, shown


@pytest.mark.parametrize("rule", FLAGS, ids=lambda rule: rule.name)
def test_each_row_decides_what_is_its_own(rule: FlagRule) -> None:
    assert rule_in(rule.example) is rule


@pytest.mark.parametrize(
    "said",
    [
        "SAFETY.INPUT.IMAGE",
        "pexit 1: SAFETY.OUTPUT.VIDEO",
        "RuntimeError: task failed, failureCode: INPUT_PREPROCESSING.SAFETY.TEXT",
        "THIRD_PARTY.SAFETY",
        "Input flagged by moderation",
        "Your prompt was flagged.",
        "The content could not be processed because it contained material flagged by a content checker.",
        "Gemini image generation blocked [IMAGE_SAFETY]: blocked due to safety policy violation",
        "Request Moderated",
        "All generated images contained NSFW content",
        "Potential NSFW content was detected in one or more images.",
        "Failure to pass the risk control system",
        "The prompt contains sensitive words that violate Google's Responsible AI practices",
        "Input text data may contain inappropriate content.",
        "openai.BadRequestError: Error code: 400 - {'code': 'content_policy_violation'}",
        "InputImageSensitiveContentDetected",
    ],
)
def test_these_words_are_of_moderation(said: str) -> None:
    assert flag_in(said) == said
    assert flag_in(f"Traceback (most recent call last):\n  File x\n{said}\n") == said


@pytest.mark.parametrize(
    "said",
    [
        "",
        "CUDA out of memory",
        "INPUT_PREPROCESSING.INTERNAL",
        "INTERNAL.BAD_OUTPUT.CODE01",
        "ASSET.INVALID",
        "Request parameter [contentModeration] required",
        "contentModeration must be one of auto, low",
        "content moderation timed out",
        "the moderation service is unavailable, try again later",
        "content moderation failed: internal error",
        "You have disabled the safety checker for StableDiffusionPipeline by passing `safety_checker=None`",
        "loading weights: safety_checker/model.safetensors",
        "nsfw_content_detected=[False]",
        "WARNING: logs may contain sensitive information",
        "this flag is deprecated",
    ],
)
def test_these_words_are_of_something_else(said: str) -> None:
    assert flag_in(said) is None


def of(status: str = "task_postprocess_end", **fields: object) -> Verdict:
    task = Task.from_payload(row(status, **fields))
    assert task is not None
    return Verdict.of(task)


LONG = "Traceback\n" + "  File somewhere\n" * 500 + "RunwayError: SAFETY.INPUT.TEXT\n"


@pytest.mark.parametrize(
    ("verdict", "kind", "reason"),
    [
        (of(pexit="1", debugerror="SAFETY.INPUT.TEXT"), "flagged", "pexit 1: SAFETY.INPUT.TEXT"),
        (of(pexit="1", debugerror=LONG), "flagged", "pexit 1: RunwayError: SAFETY.INPUT.TEXT"),
        (of(pexit="1", debugoutput="Prompt was flagged"), "flagged", "pexit 1: Prompt was flagged"),
        (of(pexit="1", debugerror=0, debugoutput="Prompt was flagged"), "flagged", "pexit 1: Prompt was flagged"),
        (of(debugerror="Content Moderated"), "flagged", "it ended without outputs: Content Moderated"),
        (of("task_cancel", debugerror="SAFETY.INPUT.TEXT"), "flagged", "SAFETY.INPUT.TEXT"),
        (
            of(pexit="1", totalcost="0.25", debugerror="SAFETY.OUTPUT.VIDEO"),
            "flagged_charged",
            "0.25 USD; pexit 1: SAFETY.OUTPUT.VIDEO",
        ),
        (of(pexit="1", debugerror="OOM", debugoutput="a video of something flagged as good"), "failed", "pexit 1: OOM"),
    ],
)
def test_a_task_that_moderation_has_refused_has_a_verdict_of_its_own(verdict: Verdict, kind: Kind, reason: str) -> None:
    assert (verdict.kind, verdict.reason) == (kind, reason)
    assert Verdict.from_event(json.loads(json.dumps(verdict.to_event()))) == verdict


def test_a_success_is_a_success_whatever_its_log_says() -> None:
    outputs = [{"url": "https://cdn1.wiro.ai/0.png"}]
    assert of(pexit="0", outputs=outputs, debugerror="Potential NSFW content was detected").kind == "success"


@pytest.mark.parametrize(
    ("kind", "now"), [("failed", "flagged"), ("cancelled", "flagged"), ("charged", "flagged_charged")]
)
def test_the_event_of_an_older_trigger_is_read_as_one_of_this_release(kind: Kind, now: Kind) -> None:
    old = Verdict(kind, "2221", "task_postprocess_end", "pexit 1: SAFETY.INPUT.TEXT").to_event()
    assert Verdict.from_event(old).kind == now


@pytest.mark.parametrize(
    ("kind", "cost", "message"),
    [
        (
            "flagged",
            None,
            "Wiro task 2221 was refused by content moderation, status task_postprocess_end: pexit 1: SAFETY.INPUT.TEXT"
            ".\nWiro shows no cost for it. The same inputs would be refused again: change them, then clear this task",
        ),
        (
            "flagged_charged",
            0.25,
            "Wiro task 2221 was refused by content moderation, but was charged, status task_postprocess_end: pexit 1: "
            "SAFETY.INPUT.TEXT.\nIt is paid. The same inputs would be refused again: change them, then clear this task",
        ),
    ],
)
def test_the_error_says_what_happened_in_wiros_words_and_what_to_do(
    kind: Kind, cost: float | None, message: str
) -> None:
    reason = "pexit 1: SAFETY.INPUT.TEXT"
    error = error_of(Verdict(kind, "2221", "task_postprocess_end", reason, cost_usd=cost))
    assert (type(error), error.retryable, error.cost_usd) == (WiroTaskFlagged, False, cost)
    assert str(error) == message


STOPPED = shown("task_cancel", pexit="0")


@pytest.mark.parametrize(
    ("said", "stop", "kind"),
    [
        ("SAFETY.INPUT.TEXT", STOPPED, WiroTaskFlagged),
        ("SAFETY.INPUT.TEXT", refusal(0, "no"), WiroTaskStuck),
        ("CUDA error", STOPPED, WiroTaskStuck),
    ],
)
def test_a_task_that_stays_in_error_for_what_was_flagged_is_not_submitted_again(
    said: str, stop: Outcome, kind: type[Exception]
) -> None:
    errored = shown("task_error", debugerror=said)
    driver = FakeDriver(lambda step, _age: stop if step.path in ("/Task/Kill", "/Task/Cancel") else errored)
    error = error_of(driver.drive(wait(WaitPlan("2221", START, START + 3600, task_error_grace=60))))
    assert type(error) is kind
    assert error.retryable is (said == "CUDA error")
    assert said in str(error)
