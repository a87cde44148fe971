"""Each flow against each fault of a server, over both drivers: the same end, and as many requests."""

from __future__ import annotations

import time
from typing import Any

import pytest

from airflow_provider_wiro.clients.wire import LONGEST_BODY
from airflow_provider_wiro.core.calls import cancel, detail, kill, stop, submit
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.polling import WaitPlan, wait
from airflow_provider_wiro.core.protocol import Flow, NoReply
from airflow_provider_wiro.core.task import Submission
from airflow_provider_wiro.core.verdict import Verdict
from airflow_provider_wiro.emulator import FAULTS, WiroEmulator
from airflow_provider_wiro.exceptions import (
    WiroAuthError,
    WiroBusy,
    WiroError,
    WiroRefused,
    WiroSubmissionUnknown,
    WiroTaskNotFound,
    WiroUnreachable,
)
from driving import Drive, credentials_of, look
from old_aiohttp import skip_where_aiohttp_has_no_bound

MODEL = "owner/model"
SHORT = 0.4

# Fault, options, what a Run comes to, after how many requests, and with how many tasks at the server.
RUNS: list[tuple[str, dict[str, Any], type[WiroError] | None, int, int]] = [
    ("429", {}, None, 2, 1),
    ("5xx", {"status": 500}, WiroSubmissionUnknown, 1, 0),
    ("5xx", {"status": 504, "after": True}, WiroSubmissionUnknown, 1, 1),
    ("html", {}, WiroSubmissionUnknown, 1, 0),
    ("redirect", {"status": 302}, WiroSubmissionUnknown, 1, 0),
    ("redirect", {"status": 308}, WiroRefused, 1, 0),
    ("drop_before", {}, WiroSubmissionUnknown, 1, 0),
    ("drop_after", {}, WiroSubmissionUnknown, 1, 1),
    ("hang", {}, WiroSubmissionUnknown, 1, 0),
    ("hang", {"after": True}, WiroSubmissionUnknown, 1, 1),
    ("slow", {"seconds": 0.1}, None, 1, 1),
    ("broken_json", {}, WiroSubmissionUnknown, 1, 1),
    ("no_taskid", {}, WiroSubmissionUnknown, 1, 1),
    ("truncated", {}, WiroSubmissionUnknown, 1, 1),
    ("huge", {"megabytes": 9}, WiroSubmissionUnknown, 1, 1),
    ("drip", {}, WiroSubmissionUnknown, 1, 1),
    ("code", {"code": 96}, WiroBusy, 1, 0),
    ("code", {"code": 97}, WiroRefused, 1, 0),
    ("code", {"code": 0}, WiroSubmissionUnknown, 1, 0),
    ("code", {"code": 0, "message": "Request parameters are invalid."}, WiroRefused, 1, 0),
    ("code", {"code": 98}, WiroAuthError, 1, 0),
    ("code", {"code": 12345}, WiroSubmissionUnknown, 1, 0),
    ("string_errors", {}, WiroSubmissionUnknown, 1, 0),
    ("nested", {}, WiroSubmissionUnknown, 1, 0),
    ("crowded", {}, WiroSubmissionUnknown, 1, 0),
    ("escapes", {}, None, 1, 1),
    ("escapes", {"where": "raw"}, None, 1, 1),
    ("escapes", {"status": 502}, None, 1, 1),
    ("wrong_length", {}, WiroSubmissionUnknown, 1, 1),
    ("wrong_length", {"by": 10}, WiroSubmissionUnknown, 1, 1),
    ("bad_chunks", {}, WiroSubmissionUnknown, 1, 1),
    ("gzip_bomb", {}, WiroSubmissionUnknown, 1, 1),
    ("header_drip", {}, WiroSubmissionUnknown, 1, 1),
    ("header_flood", {}, WiroSubmissionUnknown, 1, 1),
    ("interim", {}, WiroSubmissionUnknown, 1, 1),
    ("interim", {"count": 3}, None, 1, 1),
    ("garbage", {}, WiroSubmissionUnknown, 1, 1),
    ("json", {"body": {"result": True}}, WiroSubmissionUnknown, 1, 0),
    ("json", {"body": {"result": True}, "after": True}, WiroSubmissionUnknown, 1, 1),
    ("odd_row", {"fields": {"id": "1"}}, None, 1, 1),
    ("odd_json", {"kind": "twice"}, None, 1, 1),
    ("odd_json", {"kind": "digits"}, WiroSubmissionUnknown, 1, 1),
]
READS: list[tuple[str, dict[str, Any], type[WiroError] | None]] = [
    ("429", {"retry_after": 0}, WiroUnreachable),
    ("5xx", {}, WiroUnreachable),
    ("html", {}, WiroUnreachable),
    ("redirect", {}, WiroUnreachable),
    ("redirect", {"status": 307}, WiroUnreachable),
    ("drop_before", {}, WiroUnreachable),
    ("drop_after", {}, WiroUnreachable),
    ("hang", {}, WiroUnreachable),
    ("slow", {"seconds": 0.1}, None),
    ("broken_json", {}, WiroUnreachable),
    ("truncated", {}, WiroUnreachable),
    ("huge", {"megabytes": 9}, WiroUnreachable),
    ("drip", {}, WiroUnreachable),
    ("code", {"code": 0}, WiroUnreachable),
    ("code", {"code": 1}, WiroTaskNotFound),
    ("code", {"code": 99}, WiroAuthError),
    ("string_errors", {}, WiroUnreachable),
    ("nested", {}, WiroUnreachable),
    ("crowded", {}, WiroUnreachable),
    ("escapes", {}, None),
    ("escapes", {"where": "raw"}, WiroUnreachable),
    ("wrong_length", {}, WiroUnreachable),
    ("bad_chunks", {}, WiroUnreachable),
    ("gzip_bomb", {}, WiroUnreachable),
    ("header_drip", {}, WiroUnreachable),
    ("header_flood", {}, WiroUnreachable),
    ("interim", {}, WiroUnreachable),
    ("garbage", {}, WiroUnreachable),
    ("json", {"body": {}}, WiroUnreachable),
    ("json", {"body": {"result": True, "tasklist": []}}, WiroTaskNotFound),
    ("odd_row", {"fields": {"id": "1"}}, WiroUnreachable),
    ("odd_json", {"kind": "latin1"}, None),
]
ENDLESS = ("hang", "drip", "header_drip", "interim", "bad_chunks")


def named(value: object) -> str | None:
    return " ".join(f"{name}={item}" for name, item in value.items()) if isinstance(value, dict) else None


def submitted(drive: Drive, credentials: Credentials) -> Submission:
    return drive(submit(MODEL, {"prompt": "A lighthouse"}), credentials)


def waiting(submission: Submission, timeout: float = 20.0) -> Flow[Verdict]:
    at = submission.submitted_at
    return wait(WaitPlan(submission.taskid, at, at + timeout, poll_interval=0.05))


def assert_fit_for_a_log(drive: Drive) -> None:
    for line in drive.log.lines:
        assert line.isprintable()
        assert len(line) <= 500


def test_every_fault_of_the_emulator_is_tried() -> None:
    assert {run[0] for run in RUNS} == set(FAULTS)
    assert {read[0] for read in READS} == set(FAULTS) - {"no_taskid"}


def test_a_task_is_submitted_waited_for_and_read(
    drive: Drive, emulator: WiroEmulator, credentials: Credentials
) -> None:
    submission = submitted(drive, credentials)
    verdict = drive(waiting(submission), credentials)
    assert (verdict.kind, verdict.taskid) == ("success", submission.taskid)
    task = drive(detail(token=submission.token), credentials)
    assert task.result() == verdict.result
    assert emulator.requests[0].body == {"prompt": "A lighthouse"}
    assert emulator.duplicate_nonces == []
    for request in emulator.requests:
        assert request.status == 200
        assert request.headers["content-type"] == "application/json"
        assert request.headers["user-agent"].startswith("airflow-provider-wiro/")


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize(("fault", "options", "kind", "requests", "tasks"), RUNS, ids=named)
def test_a_run_that_meets_a_fault(
    drive: Drive,
    emulator: WiroEmulator,
    fault: str,
    options: dict[str, Any],
    kind: type[WiroError] | None,
    requests: int,
    tasks: int,
) -> None:
    skip_where_aiohttp_has_no_bound(fault)
    emulator.script("Run", fault, **options)
    credentials = credentials_of(emulator, SHORT if fault in ENDLESS else 10)
    if kind is None:
        assert submitted(drive, credentials).taskid in emulator.tasks
    else:
        with pytest.raises(WiroError) as caught:
            submitted(drive, credentials)
        assert type(caught.value) is kind
    assert (emulator.count("Run"), len(emulator.runs)) == (requests, tasks)
    assert len(emulator.requests) == requests


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize(("fault", "options", "kind"), READS, ids=named)
def test_a_read_that_meets_a_fault(
    drive: Drive, emulator: WiroEmulator, fault: str, options: dict[str, Any], kind: type[WiroError] | None
) -> None:
    skip_where_aiohttp_has_no_bound(fault)
    submission = submitted(drive, credentials_of(emulator))
    emulator.script("Detail", fault, **options)
    credentials = credentials_of(emulator, SHORT if fault in ENDLESS else 10)
    if kind is None:
        assert drive(detail(taskid=submission.taskid), credentials).taskid == submission.taskid
    else:
        with pytest.raises(WiroError) as caught:
            drive(detail(taskid=submission.taskid), credentials)
        assert type(caught.value) is kind
        assert submission.token
        assert submission.token not in str(caught.value)
    assert len(emulator.requests) == 2
    assert_fit_for_a_log(drive)


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize(("fault", "options", "kind"), READS, ids=named)
def test_a_wait_outlives_a_fault(
    drive: Drive, emulator: WiroEmulator, fault: str, options: dict[str, Any], kind: type[WiroError] | None
) -> None:
    skip_where_aiohttp_has_no_bound(fault)
    submission = submitted(drive, credentials_of(emulator))
    emulator.script("Detail", fault, times=2, **options)
    credentials = credentials_of(emulator, SHORT if fault in ENDLESS else 10)
    assert drive(waiting(submission), credentials).kind == "success"
    assert submission.token
    assert submission.token not in str(drive.log.lines)
    assert_fit_for_a_log(drive)


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize(("fault", "options", "kind"), READS, ids=named)
def test_a_stop_outlives_a_fault(
    drive: Drive, emulator: WiroEmulator, fault: str, options: dict[str, Any], kind: type[WiroError] | None
) -> None:
    skip_where_aiohttp_has_no_bound(fault)
    emulator.outcome(hold=True, duration=0.01)
    submission = submitted(drive, credentials_of(emulator))
    while emulator.tasks[submission.taskid].status != "task_start":
        time.sleep(0.005)
    emulator.script("*", fault, times=3, **options)
    stopped = drive(stop(submission.taskid), credentials_of(emulator))
    assert stopped.over
    assert emulator.tasks[submission.taskid].status == "task_cancel"
    assert_fit_for_a_log(drive)


def test_retry_after_is_waited_for(drive: Drive, emulator: WiroEmulator, credentials: Credentials) -> None:
    emulator.script("Run", "429", retry_after=3)
    submitted(drive, credentials)
    first, second = emulator.requests
    assert 3 <= second.at - first.at < 6
    assert len(drive.log.warnings) == 2


def test_what_a_redirect_points_to_never_hears_of_us(drive: Drive, emulator: WiroEmulator) -> None:
    with WiroEmulator() as elsewhere:
        for status in (301, 302, 303, 307, 308):
            emulator.script("*", "redirect", status=status, location=f"{elsewhere.url}/Task/Detail")
        drive(look(5), credentials_of(emulator))
        assert len(emulator.requests) == 5
        assert elsewhere.requests == []


def test_a_huge_answer_is_not_read_to_its_end(drive: Drive, emulator: WiroEmulator, credentials: Credentials) -> None:
    emulator.script("Detail", "huge", megabytes=200)
    [outcome] = drive(look(), credentials)
    assert outcome == NoReply(sent=True, reason=f"the answer is longer than {LONGEST_BODY} bytes")


def test_kill_and_cancel_each_refuse_the_others_state(
    drive: Drive, emulator: WiroEmulator, credentials: Credentials
) -> None:
    for held, wrong, right in (("task_queue", kill, cancel), ("task_start", cancel, kill)):
        emulator.outcome(hold=held, duration=0.01)
        taskid = submitted(drive, credentials).taskid
        while emulator.tasks[taskid].status != held:
            time.sleep(0.005)
        with pytest.raises(WiroRefused, match=f"of taskid {taskid}: code 1: "):
            drive(wrong(taskid=taskid), credentials)
        assert drive(right(taskid=taskid), credentials).status == "task_cancel"


@pytest.mark.parametrize("held", ["task_queue", "task_start"])
def test_a_wait_that_ends_before_the_task_stops_it(
    drive: Drive, emulator: WiroEmulator, credentials: Credentials, held: str
) -> None:
    emulator.outcome(hold=held, duration=0.01)
    submission = submitted(drive, credentials)
    verdict = drive(waiting(submission, timeout=0.4), credentials)
    assert (verdict.kind, verdict.stopped) == ("timeout", True)
    assert emulator.tasks[submission.taskid].status == "task_cancel"


@pytest.mark.usefixtures("short_pauses")
def test_credentials_that_were_rotated_are_read_again(
    drive: Drive, emulator: WiroEmulator, credentials: Credentials
) -> None:
    submission = submitted(drive, credentials)
    emulator.rotate_key("new-key", "new-secret")
    looked_up = []

    def lookup() -> Credentials:
        looked_up.append(credentials_of(emulator))
        return looked_up[-1]

    assert drive(waiting(submission), credentials, lookup).kind == "success"
    assert len(looked_up) == 1
    assert [request.status for request in emulator.requests if request.call == "Detail"][:2] == [401, 200]


@pytest.mark.usefixtures("short_pauses")
def test_a_connection_that_cannot_be_read_again_is_an_outage_like_any_other(
    drive: Drive, emulator: WiroEmulator, credentials: Credentials
) -> None:
    submission = submitted(drive, credentials)
    emulator.rotate_key("new-key", "new-secret")
    tries = iter(range(9))

    def lookup() -> Credentials:
        if next(tries) < 2:
            raise LookupError("the database\nis away")
        return credentials_of(emulator)

    assert drive(waiting(submission), credentials, lookup).kind == "success"
    said = "the connection could not be read again: LookupError: the database is away"
    assert drive.log.warnings.count(said) == 2


def test_a_run_with_rejected_credentials_is_not_sent_again(
    drive: Drive, emulator: WiroEmulator, credentials: Credentials
) -> None:
    emulator.rotate_key("new-key", "new-secret")
    with pytest.raises(WiroAuthError, match="check login"):
        drive(submit(MODEL, {}), credentials, lambda: credentials_of(emulator))
    assert emulator.count("Run") == 1


def test_a_project_that_uses_the_key_alone_sends_only_the_key(drive: Drive) -> None:
    with WiroEmulator(api_secret=None, duration=0.1) as emulator:
        submitted(drive, credentials_of(emulator))
        [request] = emulator.requests
        assert request.headers["x-api-key"] == "emulator-key"
        assert not {"x-nonce", "x-signature"} & set(request.headers)
