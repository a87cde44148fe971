"""The table of what becomes of what an earlier try left: each combination is decided, by one row, as the row says."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from airflow_provider_wiro.core.landing import Landed
from airflow_provider_wiro.core.recalled import Attach, Finished, Fresh, TakeSaved
from airflow_provider_wiro.core.rules.recall import RECALL, Decision, Left, Row, Shown, Unknown, Work, row_for
from airflow_provider_wiro.exceptions import WiroOutputsGone
from fake_driver import NOT_FOUND, START, VIDEO, Outcome, page, reply, row
from listing import BEFORE, OTHER, listing
from records import INPUTS, intent, submitted
from recovering import recovered, refused

Case = tuple[Left, Shown, Work, Unknown]
CASES: list[Case] = list(product(Left, Shown, Work, Unknown))
ELSEWHERE = "https://staging.example/v1"
FILE = Landed("s3://media/2221/0.mp4", "0.mp4", 9, "cd" * 32)
WITH_A_TASKID = (Left.SUBMITTED, Left.LANDED, Left.MISSED)
LOST = "s3://media/2221/0.mp4 is not there"


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(each.name for each in case))
def test_each_combination_is_decided_by_one_row(case: Case) -> None:
    assert [row for row in RECALL if row.holds(*case)] == [row_for(*case)]


def test_each_row_has_a_name_of_its_own_and_says_what_happens_to_the_money() -> None:
    assert len({each.name for each in RECALL}) == len(RECALL)
    assert all(each.money.endswith(".") for each in RECALL)


def test_only_rows_that_refuse_or_stop_raise() -> None:
    raising = {each.decision for each in RECALL if each.error is not None}
    assert raising == {Decision.REFUSE, Decision.STOP}
    assert all(each.error for each in RECALL if each.decision is Decision.REFUSE)


SHOWN: dict[Shown, dict[str, Any]] = {
    Shown.RUNNING: {"status": "task_start"},
    Shown.SUCCEEDED: {"status": "task_postprocess_end", "pexit": "0", "outputs": [VIDEO]},
    Shown.EMPTY: {"status": "task_postprocess_end", "outputs": []},
    Shown.EMPTY_CHARGED: {"status": "task_postprocess_end", "outputs": [], "totalcost": "0.25"},
    Shown.FAILED: {"status": "task_postprocess_end", "pexit": "1"},
    Shown.FAILED_CHARGED: {"status": "task_postprocess_end", "pexit": "1", "totalcost": "0.25"},
    Shown.CANCELLED: {"status": "task_cancel"},
}


def shown_by_wiro(left: Left, shown: Shown, work: Work) -> Any:
    """Return a script that shows it, in Detail or in the list."""
    inputs = INPUTS if work is Work.SAME else OTHER
    fields = {"createtime": str(int(START)), "parameters": dict(inputs)} | SHOWN.get(shown, {"status": "task_start"})
    task = row(**fields)
    lists = {
        Shown.MISSING: listing(BEFORE),
        Shown.YOUNG: listing(BEFORE),
        Shown.DOUBTFUL: listing(task | {"id": "2222"}, task, BEFORE),
        Shown.UNREADABLE: lambda *_: page(502),
    }
    details: dict[Shown, Outcome] = {Shown.MISSING: NOT_FOUND, Shown.YOUNG: NOT_FOUND, Shown.UNREADABLE: page(502)}

    def answer(step: Any, age: float) -> Outcome:
        if step.path == "/Task/List":
            return lists.get(shown, listing(task, BEFORE))(step, age)
        if step.path == "/Task/Detail":
            return details.get(shown, reply({"result": True, "errors": [], "tasklist": [task]}))
        return reply({"result": True, "errors": [], "tasklist": [task | {"status": "task_cancel"}]})

    return answer


# What the journal holds is never nothing where a recall is made.
LIVED: list[Case] = [case for case in CASES if case[0] is not Left.NOTHING]


@pytest.mark.parametrize("case", LIVED, ids=lambda case: f"{row_for(*case).name}-{'-'.join(e.name for e in case)}")
def test_what_is_done_is_what_the_row_says(case: Case) -> None:
    left, shown, work, unknown = case
    inputs = INPUTS if work is Work.SAME else OTHER
    found = submitted(inputs) if left in WITH_A_TASKID else intent(inputs, sent=left is Left.INTENT)
    options: dict[str, Any] = {"on_unknown": unknown.value}
    if left in (Left.LANDED, Left.MISSED):
        found = replace(found, landed=(FILE,))
        options |= {"missed": None if left is Left.LANDED else LOST}
    if shown is Shown.YOUNG:
        options |= {"late": 2.0} if left in WITH_A_TASKID else {"late": 2.0, "deadline": START + 3.0}
    if shown is Shown.ELSEWHERE:
        options |= {"services": lambda _: ELSEWHERE}
    if shown is Shown.DOUBTFUL and left in (Left.SUBMITTED, Left.MISSED):
        # The same inputs at another service, or with another key; or other inputs than the task of that id shows.
        found = replace(found, fingerprint="of another service", base_url=None, work=None)
        if work is Work.CHANGED:
            found = replace(found, inputs=intent({"prompt": "A canal"}).inputs)
    script, rule = shown_by_wiro(left, shown, work), row_for(*case)
    if rule.decision is Decision.REFUSE:
        assert rule.error is not None
        error, driver = refused(rule.error, script, found, **options)
        assert "submitted" in str(error) or "Try again" in str(error)
        assert not {"Kill", "Cancel"} & set(driver.calls)
        return
    decision, driver = recovered(script, found, **options)
    kinds = {Decision.ATTACH: Attach, Decision.TAKE: Finished, Decision.TAKE_SAVED: TakeSaved}
    assert type(decision) is kinds.get(rule.decision, Fresh)
    assert left is not Left.LANDED or driver.sent == []
    assert ("Kill" in driver.calls) is (rule.decision is Decision.STOP)
    if left is Left.UPLOADED:
        assert driver.calls == [], "nothing was sent, so there is nothing to look for"


SEEN = [case for case in CASES if case[0] in (Left.LANDED, Left.MISSED) and case[2] is Work.SAME]


@pytest.mark.parametrize("case", SEEN, ids=lambda case: "-".join(each.name for each in case))
def test_what_was_saved_once_is_never_paid_for_again(case: Case) -> None:
    assert row_for(*case).decision not in (Decision.SUBMIT, Decision.STOP)


@pytest.mark.parametrize("deleted", [False, True])
def test_where_wiro_has_the_outputs_no_more_the_error_says_where_they_were_and_what_to_do(deleted: bool) -> None:
    found = replace(submitted(), landed=(FILE,), deleted=deleted)
    error, _ = refused(WiroOutputsGone, shown_by_wiro(Left.MISSED, Shown.EMPTY, Work.SAME), found, missed=LOST)
    assert LOST in str(error)
    assert "put the file back" in str(error)
    assert ("was told to delete them" in str(error)) is deleted


@pytest.mark.parametrize("rule", RECALL, ids=lambda rule: rule.name)
def test_each_row_is_reached(rule: Row) -> None:
    assert any(row_for(*case) is rule for case in CASES)
