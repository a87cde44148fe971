"""Detail, Kill and Cancel: the seed's request bodies to the letter, and what comes back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_provider_wiro.core.calls import cancel, detail, kill
from airflow_provider_wiro.core.protocol import Flow, NoReply
from airflow_provider_wiro.core.task import Task
from airflow_provider_wiro.exceptions import (
    WiroAuthError,
    WiroRefused,
    WiroRequestError,
    WiroTaskNotFound,
    WiroUnreachable,
    WiroWrongService,
)
from fake_driver import NOT_FOUND, START, UNANSWERED, UNSENT, FakeDriver, Outcome, page, refusal, reply, shown


@pytest.mark.parametrize(
    ("flow", "path", "body"),
    [
        (lambda: detail(taskid="2221"), "/Task/Detail", {"taskid": "2221"}),
        (lambda: detail(token="eDcCm5yy"), "/Task/Detail", {"tasktoken": "eDcCm5yy"}),
        (lambda: kill(taskid="2221"), "/Task/Kill", {"taskid": "2221"}),
        (lambda: kill(token="ZpYote30"), "/Task/Kill", {"socketaccesstoken": "ZpYote30"}),
        (lambda: cancel("2221"), "/Task/Cancel", {"taskid": "2221"}),
    ],
    ids=["Detail by taskid", "Detail by token", "Kill by taskid", "Kill by token", "Cancel"],
)
def test_a_request_is_the_seeds_to_the_letter(flow: Callable[[], Flow[Task]], path: str, body: object) -> None:
    driver = FakeDriver([shown("task_start")])
    assert driver.drive(flow()).status == "task_start"
    assert [(step.path, dict(step.body)) for step in driver.sent] == [(path, body)]


def test_a_look_carries_its_deadline() -> None:
    driver = FakeDriver([shown("task_start")])
    driver.drive(detail(taskid="2221", deadline=START + 60))
    assert [step.deadline for step in driver.sent] == [START + 60]


def test_a_request_does_not_show_a_token() -> None:
    driver = FakeDriver([shown("task_start")])
    driver.drive(kill(token="ZpYote30"))
    assert "ZpYote30" not in repr(driver.sent)


@pytest.mark.parametrize("name", ["taskid", "token"])
def test_a_task_that_wiro_does_not_know_is_its_own_error(name: str) -> None:
    with pytest.raises(WiroTaskNotFound, match="Check that the connection is of the account that ran it") as caught:
        FakeDriver([NOT_FOUND]).drive(detail(**{name: "2221"}))
    assert ("2221" in str(caught.value)) is (name == "taskid")


@pytest.mark.parametrize("flow", [lambda: kill(taskid="2221"), lambda: cancel("2221")], ids=["Kill", "Cancel"])
def test_a_task_in_the_wrong_state_is_a_refusal(flow: Callable[[], Flow[Task]]) -> None:
    with pytest.raises(WiroRefused, match=r"of taskid 2221: code 1: not now.*in any state, use stop") as caught:
        FakeDriver([refusal(1, "not now")]).drive(flow())
    assert (caught.value.taskid, caught.value.code, caught.value.retryable) == ("2221", 1, False)


@pytest.mark.parametrize(
    "flow",
    [lambda: detail(taskid="2221"), lambda: kill(taskid="2221"), lambda: cancel("2221")],
    ids=["Detail", "Kill", "Cancel"],
)
def test_where_the_connection_leads_elsewhere_nothing_is_sent_and_the_error_says_so(
    flow: Callable[[], Flow[Task]],
) -> None:
    elsewhere = NoReply(sent=False, reason="the connection leads to B, but this is for A", elsewhere=True)
    with pytest.raises(
        WiroWrongService, match=r"of taskid 2221 was not sent: the connection leads to B.*host back"
    ) as caught:
        FakeDriver([elsewhere]).drive(flow())
    assert (caught.value.taskid, caught.value.retryable) == ("2221", False)


@pytest.mark.parametrize(
    ("outcome", "kind", "words"),
    [
        (refusal(98, "Sign in", 401), WiroAuthError, "Sign in"),
        (refusal(97, "Balance"), WiroRefused, "Balance"),
        (refusal(0, "Server error"), WiroUnreachable, "Server error"),
        (refusal(96, "Limit"), WiroUnreachable, "Limit"),
        (page(502), WiroUnreachable, "HTTP 502"),
        (page(200), WiroUnreachable, "HTTP 200"),
        (refusal("E_DB", "Oh"), WiroUnreachable, "code E_DB: Oh"),
        (reply({"result": False, "errors": ["Oh"]}), WiroUnreachable, "Oh"),
        (refusal(0, "Project authorization is not valid."), WiroRefused, "Check the taskid, and that the connection"),
        (UNSENT, WiroUnreachable, "connection refused"),
        (UNANSWERED, WiroUnreachable, "no answer in time"),
    ],
)
def test_a_read_that_brings_no_task_says_why(outcome: Outcome, kind: type[WiroRequestError], words: str) -> None:
    with pytest.raises(WiroRequestError, match=words) as caught:
        FakeDriver([outcome]).drive(detail(taskid="2221"))
    assert type(caught.value) is kind
    assert caught.value.taskid == "2221"
    assert caught.value.retryable is (kind is WiroUnreachable)
