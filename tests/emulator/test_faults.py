"""Each fault as a client sees it, and whether the work was done."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import requests
from emulator_client import INPUTS, RUNWAY, Client

from airflow_provider_wiro.emulator import FAULTS, WiroEmulator


def answers(wiro: Client, emulator: WiroEmulator, fault: str, **options: Any) -> requests.Response:
    """What a Run gets."""
    emulator.script("Run", fault, **options)
    response: requests.Response = wiro.send(RUNWAY, json=INPUTS)
    return response


def test_429_with_and_without_retry_after(wiro: Client, emulator: WiroEmulator) -> None:
    for value, header in ((None, None), (3, "3"), ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT")):
        response = answers(wiro, emulator, "429", retry_after=value)
        assert (response.status_code, response.headers.get("Retry-After")) == (429, header)
    assert emulator.runs == []


@pytest.mark.parametrize(("after", "tasks"), [(False, 0), (True, 1)])
def test_web_pages(wiro: Client, emulator: WiroEmulator, after: bool, tasks: int) -> None:
    for fault, status in (("5xx", 502), ("html", 200)):
        before = len(emulator.runs)
        response = answers(wiro, emulator, fault, after=after)
        assert (response.status_code, response.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
        assert response.text.startswith("<html>")
        assert len(emulator.runs) - before == tasks
        assert emulator.requests[-1].status == status
    assert answers(wiro, emulator, "5xx", status=504).status_code == 504


def test_a_redirect_leads_away(wiro: Client, emulator: WiroEmulator) -> None:
    response = answers(wiro, emulator, "redirect", status=307)
    assert (response.status_code, response.headers["Location"]) == (307, "/v1/Elsewhere")

    emulator.script("Run", "redirect")
    followed = requests.post(emulator.url + RUNWAY, json=INPUTS, timeout=5)
    assert (followed.status_code, emulator.count("Other"), emulator.runs) == (404, 1, [])


@pytest.mark.parametrize(
    ("fault", "options", "tasks"),
    [
        ("drop_before", {}, 0),
        ("drop_after", {}, 1),
        ("hang", {"seconds": 0.1}, 0),
        ("hang", {"seconds": 0.1, "after": True}, 1),
    ],
)
def test_a_connection_closed_without_an_answer(
    wiro: Client, emulator: WiroEmulator, fault: str, options: dict[str, Any], tasks: int
) -> None:
    with pytest.raises(requests.ConnectionError, match="closed connection without response"):
        answers(wiro, emulator, fault, **options)

    assert len(emulator.runs) == tasks
    assert (emulator.count("Run"), emulator.requests[-1].status) == (1, None)
    wiro.run()


@pytest.mark.parametrize(("after", "tasks"), [(False, 0), (True, 1)])
def test_a_hanging_request_outlasts_the_client(wiro: Client, emulator: WiroEmulator, after: bool, tasks: int) -> None:
    emulator.script("Run", "hang", after=after)
    with pytest.raises(requests.ReadTimeout):
        wiro.send(RUNWAY, json=INPUTS, timeout=0.2)

    assert len(emulator.runs) == tasks


def test_a_slow_answer_is_right_and_its_work_is_done_though_the_client_has_left(
    wiro: Client, emulator: WiroEmulator
) -> None:
    start = time.monotonic()
    assert answers(wiro, emulator, "slow", seconds=0.3).json()["result"] is True
    assert time.monotonic() - start >= 0.3

    emulator.script("Run", "slow", seconds=0.3)
    with pytest.raises(requests.ReadTimeout):
        wiro.send(RUNWAY, json=INPUTS, timeout=0.1)
    assert len(emulator.runs) == 1
    deadline = time.monotonic() + 5
    while len(emulator.runs) == 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(emulator.runs) == 2


@pytest.mark.parametrize(("after", "tasks"), [(False, 0), (True, 1)])
def test_broken_json(wiro: Client, emulator: WiroEmulator, after: bool, tasks: int) -> None:
    response = answers(wiro, emulator, "broken_json", after=after)

    assert (response.status_code, response.text[:1]) == (200, "{")
    with pytest.raises(requests.JSONDecodeError):
        response.json()
    assert len(emulator.runs) == tasks


def test_an_accepted_run_whose_answer_lacks_the_taskid(wiro: Client, emulator: WiroEmulator) -> None:
    assert answers(wiro, emulator, "no_taskid").json() == {"errors": [], "result": True}
    assert len(emulator.runs) == 1


@pytest.mark.parametrize("code", [0, 1, 96, 97, 98])
def test_an_error_code(wiro: Client, emulator: WiroEmulator, code: int) -> None:
    response = answers(wiro, emulator, "code", code=code, message="No")

    assert response.status_code == 200
    assert response.json() == {"errors": [{"code": code, "message": "No"}], "result": False}
    assert emulator.runs == []


def test_errors_as_strings(wiro: Client, emulator: WiroEmulator) -> None:
    assert answers(wiro, emulator, "string_errors", message="No").json() == {"errors": ["No"], "result": False}
    assert emulator.runs == []


@pytest.mark.parametrize("call", ["Run", "Output"])
def test_a_truncated_body(wiro: Client, emulator: WiroEmulator, call: str) -> None:
    taskid = wiro.run()
    emulator.advance(61)
    url = wiro.detail(taskid)["outputs"][0]["url"]
    emulator.script(call, "truncated")

    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="more expected"):
        wiro.send(RUNWAY, json=INPUTS) if call == "Run" else requests.get(url, timeout=5)
    assert len(emulator.runs) == (2 if call == "Run" else 1)


def test_a_huge_answer(wiro: Client, emulator: WiroEmulator) -> None:
    response = answers(wiro, emulator, "huge", megabytes=3)

    assert len(response.content) > 3_000_000
    assert response.json()["taskid"] == emulator.runs[0].taskid


def test_a_dripping_body_never_ends_but_the_emulator_does(wiro: Client, emulator: WiroEmulator) -> None:
    emulator.script("Run", "drip", interval=0.02)
    with wiro.send(RUNWAY, json=INPUTS, stream=True) as response:
        chunks = response.iter_content(1)
        assert [next(chunks) for _ in range(10)] == [b" "] * 10
        assert emulator.requests[-1].status == 200
        start = time.monotonic()
        emulator.stop()
        assert time.monotonic() - start < 3


def test_faults_hit_their_call_in_order_and_so_many_times(wiro: Client, emulator: WiroEmulator) -> None:
    emulator.script("Kill", "429")
    emulator.script("Detail", "429", times=2)
    emulator.script("*", "5xx")

    statuses = [wiro.send("/Task/Detail", json={"taskid": "1"}).status_code for _ in range(4)]
    assert statuses == [429, 429, 502, 200]
    assert wiro.send("/Task/Kill", json={"taskid": "1"}).status_code == 429


def test_a_fault_can_stay_until_it_is_cleared(wiro: Client, emulator: WiroEmulator) -> None:
    emulator.script("Detail", "5xx", times=-1)
    assert {wiro.send("/Task/Detail", json={"taskid": "1"}).status_code for _ in range(5)} == {502}

    emulator.clear()
    assert wiro.send("/Task/Detail", json={"taskid": "1"}).status_code == 200


def hits(wiro: Client, emulator: WiroEmulator, requests_: int, **options: Any) -> list[int]:
    """Which of so many requests a fault hits."""
    emulator.script("Detail", "5xx", times=-1, **options)
    statuses = [wiro.send("/Task/Detail", json={"taskid": "1"}).status_code for _ in range(requests_)]
    emulator.clear()
    return [number for number, status in enumerate(statuses) if status == 502]


def test_a_fault_can_hit_a_share_of_the_requests_and_the_same_ones_again(wiro: Client, emulator: WiroEmulator) -> None:
    first = hits(wiro, emulator, 300, rate=0.1)
    assert 15 <= len(first) <= 50
    assert hits(wiro, emulator, 300, rate=0.1) == first
    assert hits(wiro, emulator, 300, rate=0.1, seed=1) != first


def test_what_a_fault_passes_by_another_one_may_hit_and_only_hits_use_it_up(
    wiro: Client, emulator: WiroEmulator
) -> None:
    emulator.script("Detail", "5xx", rate=0.2, times=3)
    emulator.script("*", "429", times=-1)
    statuses = [wiro.send("/Task/Detail", json={"taskid": "1"}).status_code for _ in range(100)]
    assert (statuses.count(502), statuses.count(429)) == (3, 97)


def test_in_an_outage_every_connection_is_dropped_and_nothing_is_done(wiro: Client, emulator: WiroEmulator) -> None:
    emulator.script("Run", "429")
    emulator.outage(0.5)
    begun, dropped = time.monotonic(), 0
    while time.monotonic() - begun < 0.4:
        with pytest.raises(requests.ConnectionError):
            wiro.send(RUNWAY, json=INPUTS)
        dropped += 1
        time.sleep(0.05)
    time.sleep(max(0.0, begun + 0.6 - time.monotonic()))

    assert wiro.send(RUNWAY, json=INPUTS).status_code == 429
    wiro.run()
    assert (emulator.count("Run"), len(emulator.runs), dropped > 1) == (dropped + 2, 1, True)
    assert {request.status for request in emulator.requests[:dropped]} == {None}


def test_an_outage_can_be_ended_and_must_be_a_time(wiro: Client, emulator: WiroEmulator) -> None:
    emulator.outage(3600)
    emulator.clear()
    wiro.run()
    for seconds in (-1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="seconds must be at least 0"):
            emulator.outage(seconds)


@pytest.mark.parametrize(
    ("call", "fault", "options", "message"),
    [
        ("Runn", "429", {}, "unknown call 'Runn'; known are Run, "),
        ("Run", "430", {}, "unknown fault '430'; known are 429, "),
        ("Run", "429", {"retry": 1}, "the fault 429 has no option retry; known are retry_after"),
        ("Run", "hang", {"seconds": "1"}, "seconds of the fault hang is a number, not '1'"),
        ("Run", "429", {"times": 0}, "times must be"),
        ("Run", "429", {"times": -2}, "times must be"),
        ("Run", "429", {"rate": 0}, "rate must be more than 0 and at most 1, not 0"),
        ("Run", "429", {"rate": 1.5}, "rate must be more than 0 and at most 1, not 1.5"),
        ("Run", "escapes", {"where": "tail"}, "body, raw or head, not 'tail'"),
        ("Run", "odd_json", {"kind": "xml"}, "bom, twice, digits, latin1, nul, nan, not 'xml'"),
    ],
)
def test_a_mistake_in_a_script_is_told_at_once(
    emulator: WiroEmulator, call: str, fault: str, options: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        emulator.script(call, fault, **options)


def test_a_count_of_an_unknown_call_is_a_mistake(emulator: WiroEmulator) -> None:
    with pytest.raises(ValueError, match="unknown call 'run'"):
        emulator.count("run")


def test_a_held_request_does_not_hold_others_nor_the_stop(wiro: Client, emulator: WiroEmulator) -> None:
    emulator.script("Run", "hang")
    failures: list[Exception] = []

    def held() -> None:
        with Client(emulator.url) as other:
            try:
                other.send(RUNWAY, json=INPUTS, timeout=30)
            except requests.ConnectionError as error:
                failures.append(error)

    thread = threading.Thread(target=held)
    thread.start()
    while emulator.count("Run") == 0:
        time.sleep(0.01)
    wiro.run()
    start = time.monotonic()
    emulator.stop()
    thread.join()

    assert time.monotonic() - start < 3
    assert len(failures) == 1


def test_every_fault_says_what_it_does() -> None:
    assert all(fault.__doc__ for fault in FAULTS.values())
