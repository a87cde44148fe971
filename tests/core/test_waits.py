"""The tables of how a wait ends: each row decides what is its own, and the whole product has one answer."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from airflow_provider_wiro.core.rules.endings import ENDINGS, LOOK_AGAIN, NOT_STOPPED, RETRY, STOPS, Kind
from airflow_provider_wiro.core.rules.waits import PATIENCE, Limit, Looks, limit_of
from airflow_provider_wiro.core.task import Task
from airflow_provider_wiro.core.verdict import Verdict, error_of

OWN: dict[str, Looks] = {
    "the connection leads elsewhere": Looks(elsewhere=True, outlasted=True),
    "no good answer for too long": Looks(outage=True, outlasted=True),
    "not found for too long": Looks(missing=True, lost=True),
    "not found when its time is over": Looks(missing=True, late=True),
    "in task_error for too long": Looks(errored=True),
    "a realtime model, which waits for a person": Looks(waits_for_a_person=True),
    "not finished in time": Looks(late=True),
}


@pytest.mark.parametrize("limit", PATIENCE, ids=lambda limit: limit.name)
def test_each_reason_not_to_wait_any_longer_decides_what_is_its_own(limit: Limit) -> None:
    assert limit_of(OWN[limit.name]) is limit


def what_wiro_shows() -> list[Looks]:
    """Every combination that can be: one kind of answer, each lasting or not, before and after the deadline."""
    answers = [
        {},
        {"elsewhere": True},
        {"outage": True},
        {"missing": True},
        {"waits_for_a_person": True},
    ]
    lasting = {"elsewhere": "outlasted", "outage": "outlasted", "missing": "lost", "": "errored"}
    looks = []
    for answer, lasts, late in product(answers, (False, True), (False, True)):
        if "waits_for_a_person" in answer and lasts:
            continue  # it is not waited for
        name = lasting.get(next(iter(answer), ""), "errored")
        looks.append(Looks(**(answer | {name: lasts, "late": late})))
    return looks


@pytest.mark.parametrize("looks", what_wiro_shows(), ids=str)
def test_every_combination_ends_in_one_way_or_goes_on(looks: Looks) -> None:
    limit = limit_of(looks)
    if not (looks.late or looks.outlasted or looks.lost or looks.errored or looks.waits_for_a_person):
        assert limit is None
        return
    assert limit is not None
    if looks.elsewhere:
        assert (limit.kind, limit.stops) == ("elsewhere", False)
    elif looks.missing:
        assert (limit.kind, limit.stops) == ("not_found", not looks.lost)
    elif looks.waits_for_a_person:
        assert (limit.kind, limit.stops) == ("realtime", True)
    elif looks.outlasted:
        assert (limit.kind, limit.stops) == ("gave_up", True)
    else:
        assert (limit.kind, limit.stops) == ("stuck" if looks.errored else "timeout", True)


FINAL = {"charged", "flagged", "flagged_charged", "realtime", "unreadable", "not_found", "elsewhere"}


@pytest.mark.parametrize("kind", sorted(set(get_args(Kind)) - {"success"}))
@pytest.mark.parametrize("stopped", [True, False, None])
@pytest.mark.parametrize("resubmits", [True, False])
def test_each_end_says_what_happened_to_the_task_and_the_money(
    kind: Kind, stopped: bool | None, resubmits: bool
) -> None:
    error = error_of(Verdict(kind, "2221", "task_start", "why", stopped), resubmits=resubmits)
    text, over = str(error), ENDINGS[kind].over
    assert type(error) is ENDINGS[kind].error
    assert text.startswith(f"Wiro task 2221 {ENDINGS[kind].what}, status task_start: why")
    assert error.retryable is (kind not in FINAL and (over or stopped is True))
    assert (RETRY in text) is (error.retryable and resubmits)
    assert ("; it was stopped.\n" in text) is (not over and stopped is True)
    assert (NOT_STOPPED in text) is (not over and stopped is False)
    assert ("; it was not stopped.\nIt runs on, and is paid if it succeeds" in text) is (not over and stopped is None)
    assert any(word in text for word in ("paid", "cost", "charge"))
    assert "raise " not in text


OF_OURS = ("retry", "its record", "recorded", "submitted", "clear this task for", "change them")


@pytest.mark.parametrize("kind", sorted(set(get_args(Kind)) - {"success"}))
@pytest.mark.parametrize("stopped", [True, False, None])
def test_whoever_only_waits_is_told_nothing_of_records_and_submissions(kind: Kind, stopped: bool | None) -> None:
    error = error_of(Verdict(kind, "2221", "task_start", "why", stopped), watches=True)
    assert type(error) is ENDINGS[kind].error
    assert [words for words in OF_OURS if words in str(error)] == []
    assert any(word in str(error) for word in ("paid", "cost", "charge"))
    assert error.retryable is (kind in LOOK_AGAIN and stopped is None)


def test_every_end_but_a_success_has_its_row() -> None:
    assert set(ENDINGS) == set(get_args(Kind)) - {"success"}
    assert set(STOPS) == {True, False, None}


@pytest.mark.parametrize("error", ["no GPU left", "SAFETY.INPUT.TEXT"])
@pytest.mark.parametrize("status", ["task_postprocess_end", "task_cancel"])
@pytest.mark.parametrize("pexit", [None, "0", "1"])
@pytest.mark.parametrize("outputs", [[], ["https://x/"]])
@pytest.mark.parametrize("unreadable", [[], ["odd"]])
@pytest.mark.parametrize("cost", [None, 0.0, 0.25])
def test_what_may_be_paid_is_never_submitted_again_by_itself(
    error: str,
    status: str,
    pexit: str | None,
    outputs: list[str],
    unreadable: list[str],
    cost: float | None,
) -> None:
    flagged = error == "SAFETY.INPUT.TEXT"
    row = {"pexit": pexit, "outputs": [*outputs, *unreadable], "totalcost": cost, "debugerror": error}
    verdict = Verdict.of(Task("2221", status, row))
    if status == "task_cancel":
        assert verdict.kind == ("flagged" if flagged else "cancelled")
    elif pexit == "1" or (pexit is None and not outputs and not unreadable):
        assert verdict.kind == {False: ("failed", "charged"), True: ("flagged", "flagged_charged")}[flagged][bool(cost)]
    elif unreadable and not outputs:
        assert verdict.kind == "unreadable"
    else:
        assert verdict.kind == "success"
        return
    raised = error_of(verdict)
    assert raised.retryable is (verdict.kind in ("failed", "cancelled"))
    assert ("no cost" in str(raised)) is (verdict.kind in ("failed", "flagged"))
