"""The emulator as a process of its own, and its control over HTTP."""

from __future__ import annotations

import contextlib
import json
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from emulator_client import INPUTS, RUNWAY, Client

from airflow_provider_wiro.emulator import WiroEmulator

COMMAND = [sys.executable, "-W", "error", "-m", "airflow_provider_wiro.emulator"]


def line_with(process: subprocess.Popen[str], text: str) -> str:
    """Read the process's lines up to one with ``text``."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return line.rstrip("\n")
    raise AssertionError(f"no line has {text!r}: {lines}")


@contextlib.contextmanager
def running(*options: str) -> Iterator[subprocess.Popen[str]]:
    command = [*COMMAND, "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_how_to_reach_it_tells_its_story_and_ends_cleanly(number: signal.Signals) -> None:
    with running("--duration", "0.5", "--api-key", "its-key", "--api-secret", "it's secret") as process:
        url = line_with(process, "http://127.0.0.1:").split()[-1]
        _, value = line_with(process, "export ").split("AIRFLOW_CONN_WIRO_DEFAULT=")
        [word] = shlex.split(value)
        connection = json.loads(word)
        assert connection == {"conn_type": "wiro", "login": "its-key", "password": "it's secret", "host": url}

        with Client(url, "its-key", "it's secret") as wiro:
            taskid = wiro.run()
            line_with(process, f"task {taskid}: Run of Runway/image-to-video-gen4-turbo accepted")
            line_with(process, f"task {taskid}: over")
            wiro.refusal(RUNWAY, **(INPUTS | {"ratio": "1:1"}))
            line_with(process, "Run refused: Request parameters are invalid. ratio must be one of")
            taskid = wiro.run()
            wiro.post("/Task/Cancel", taskid=taskid)
            line_with(process, f"task {taskid}: stopped")
        process.send_signal(number)
        output, errors = process.communicate(timeout=10)

    assert (process.returncode, errors) == (0, "")
    assert "stopped" in output


IN_A_LOCK = """
import signal, sys, threading
from airflow_provider_wiro.emulator import __main__ as emulator

def in_the_lock(frame, event, _):
    if event == "line" and frame.f_lineno > frame.f_code.co_firstlineno + 10:
        signal.raise_signal(signal.SIGTERM)
    return in_the_lock

def trace(frame, *_):
    return in_the_lock if frame.f_code is threading.Event.wait.__code__ else None

def tell(self, told=[]):
    told.append(1)
    if len(told) == 3:
        signal.raise_signal(signal.SIGTERM)

emulator.Story.tell = tell
sys.settrace(trace)
sys.exit(emulator.main(["--port", "0"]))
"""


def test_a_signal_ends_it_at_whatever_moment_it_comes() -> None:
    """Also while the interrupted thread holds the lock of what it waits for."""
    ended = subprocess.run([sys.executable, "-c", IN_A_LOCK], capture_output=True, text=True, check=False, timeout=20)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "stopped" in ended.stdout


def test_a_port_that_is_taken_is_told_with_exit_code_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = subprocess.run([*COMMAND, "--port", port], capture_output=True, text=True, check=False, timeout=30)

    assert (result.returncode, result.stdout) == (2, "")
    assert f"port {port}" in result.stderr
    assert "in use" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--host", "0.0.0.0"], "only listens on loopback"),
        (["--port", "70000"], "70000"),
        (["--port", "x"], "--port"),
        (["--duration", "-1"], "duration must be a number of seconds, at least 0, not -1.0"),
        (["--concurrency", "0"], "concurrency must be at least 1, not 0"),
        (["--api-key", ""], "api_key must not be empty"),
    ],
)
def test_an_option_that_cannot_be_used_is_told_with_exit_code_2(options: list[str], message: str) -> None:
    result = subprocess.run([*COMMAND, *options], capture_output=True, text=True, check=False, timeout=30)

    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_without_a_secret_and_with_a_limit() -> None:
    with running("--api-secret", "", "--concurrency", "1") as process:
        url = line_with(process, "http://127.0.0.1:").split()[-1]
        assert "password" not in line_with(process, "export ")
        headers = {"x-api-key": "emulator-key", "User-Agent": "tests"}
        answers = [requests.post(url + RUNWAY, json=INPUTS, headers=headers, timeout=5).json() for _ in range(2)]
        process.terminate()
        process.wait(10)

    assert answers[0]["result"] is True
    assert answers[1]["errors"][0]["code"] == 96


def control(emulator: WiroEmulator, command: str, **options: Any) -> requests.Response:
    url = f"{emulator.url.removesuffix('/v1')}/_emulator/{command}"
    return requests.post(url, json=options, timeout=5)


def test_faults_and_outcomes_can_be_queued_over_http(wiro: Client, emulator: WiroEmulator) -> None:
    assert control(emulator, "script", call="Run", fault="429", retry_after=2, times=2).status_code == 200
    assert control(emulator, "outcome", pexit="1", debugerror="no", times=2).status_code == 200

    assert wiro.send(RUNWAY, json=INPUTS).headers["Retry-After"] == "2"
    assert wiro.send(RUNWAY, json=INPUTS).status_code == 429
    first = wiro.run()
    assert control(emulator, "clear").status_code == 200
    second = wiro.run()
    assert control(emulator, "advance", seconds=61).status_code == 200
    assert (wiro.detail(first)["debugerror"], wiro.detail(second)["debugerror"]) == ("no", "")


def test_a_share_of_faults_and_an_outage_can_be_had_over_http(wiro: Client, emulator: WiroEmulator) -> None:
    assert control(emulator, "script", call="Detail", fault="5xx", times=-1, rate=0.5, seed=3).status_code == 200
    statuses = {wiro.send("/Task/Detail", json={"taskid": "1"}).status_code for _ in range(30)}
    assert statuses == {200, 502}

    assert control(emulator, "outage", seconds=60).status_code == 200
    with pytest.raises(requests.ConnectionError):
        wiro.send("/Task/Detail", json={"taskid": "1"})
    assert control(emulator, "clear").status_code == 200
    assert wiro.send("/Task/Detail", json={"taskid": "1"}).status_code == 200


def test_a_held_task_can_be_released_over_http(wiro: Client, emulator: WiroEmulator) -> None:
    control(emulator, "outcome", hold="task_queue", duration=0)
    taskid = wiro.run()
    assert wiro.detail(taskid)["status"] == "task_queue"

    control(emulator, "release", taskid=taskid)
    assert wiro.detail(taskid)["status"] == "task_postprocess_end"


def test_the_key_can_be_rotated_over_http(wiro: Client, emulator: WiroEmulator) -> None:
    control(emulator, "rotate-key", api_key="new-key", api_secret="new-secret")

    assert wiro.send("/Task/Detail", json={"taskid": "1"}).status_code == 401
    with Client(emulator.url, "new-key", "new-secret") as rotated:
        assert rotated.send("/Task/Detail", json={"taskid": "1"}).status_code == 200


def test_the_state_can_be_read_over_http(wiro: Client, emulator: WiroEmulator) -> None:
    taskid = wiro.run()
    wiro.detail(taskid)
    wiro.detail(taskid)
    form = {"prompt": "x", "seed": "1", "inputImageUrl": ""}
    wiro.send(RUNWAY, data=form, files={"inputImage": ("a.png", b"123", "image/png")})
    emulator.advance(61)
    state = requests.get(emulator.url.removesuffix("/v1") + "/_emulator/state", timeout=5).json()

    [task, with_file] = state.pop("tasks")
    assert task == {
        "taskid": taskid,
        "status": "task_postprocess_end",
        "model": "Runway/image-to-video-gen4-turbo",
        "inputs": INPUTS,
        "created_at": emulator.tasks[taskid].created_at,
        "ended_at": emulator.tasks[taskid].ended_at,
    }
    assert with_file["inputs"]["inputImage"] == {"filename": "a.png", "contenttype": "image/png", "size": 3}
    assert state == {"requests": {"Run": 2, "Detail": 2}, "peak_active": 2, "duplicate_nonces": 0}


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [
        ("script", {"call": "Run", "fault": "430"}, "unknown fault"),
        ("script", {"call": "Walk", "fault": "429"}, "known are Run, Detail"),
        ("script", {"fault": "429"}, "call is needed"),
        ("script", {"call": "Run"}, "fault is needed"),
        ("script", {"call": "Run", "fault": "429", "times": "many"}, "times must be a whole number"),
        ("script", {"call": "Run", "fault": "429", "times": 1.5}, "times must be a whole number"),
        ("script", {"call": "Run", "fault": "429", "times": True}, "times must be a whole number"),
        ("script", {"call": "Run", "fault": "429", "rate": "often"}, "rate must be a number"),
        ("script", {"call": "Run", "fault": "429", "rate": 2}, "rate must be"),
        ("script", {"call": "Run", "fault": "5xx", "status": "bad"}, "a whole number, not 'bad'"),
        ("script", {"call": "Run", "fault": "429", "retry_after": []}, "a whole number or a number or text or null"),
        ("outage", {}, "seconds must be a number"),
        ("outage", {"seconds": -1}, "seconds must be at least 0"),
        ("outage", {"seconds": 1, "minutes": 2}, "known are seconds"),
        ("outcome", {"pexitt": "1"}, "unknown outcome option"),
        ("outcome", {"duration": "long"}, "duration must be a number"),
        ("outcome", {"duration": -1}, "at least 0"),
        ("outcome", {"statuses": "task_queue"}, "a list of texts"),
        ("outcome", {"end": 5}, "end must be text"),
        ("outcome", {"hold": 1}, "true, false, or the name of a status"),
        ("outcome", {"pexit": 1}, "pexit must be text"),
        ("outcome", {"debugerror": None}, "debugerror must be text"),
        ("outcome", {"debugoutput": 1}, "debugoutput must be text"),
        ("outcome", {"outputs": "many"}, "a whole number, at least 0, a list of objects, or none"),
        ("outcome", {"outputs": -1}, "at least 0"),
        ("outcome", {"outputs": ["x"]}, "a list of objects"),
        ("outcome", {"output_bytes": "big"}, "a whole number"),
        ("outcome", {"totalcost": 0.5}, "totalcost must be text"),
        ("outcome", {"parameters": []}, '"echo" or "empty"'),
        ("outcome", {"rewritten": []}, "an object"),
        ("outcome", {"extra": 3}, "an object"),
        ("outcome", {"missing": "uuid"}, "a list of texts"),
        ("release", {}, "taskid is needed"),
        ("release", {"taskid": "1"}, "GET /_emulator/state names all there are"),
        ("advance", {"seconds": -5}, "at least 0"),
        ("advance", {"seconds": "1"}, "seconds must be a number"),
        ("skew", {"seconds": None}, "seconds must be a number"),
        ("skew", {"seconds": 10**12}, "between"),
        ("rotate-key", {}, "api_key is needed"),
        ("rotate-key", {"api_key": "new"}, "api_secret is needed"),
        ("rotate-key", {"api_key": 5, "api_secret": None}, "api_key is needed"),
        ("rotate-key", {"api_key": "", "api_secret": None}, "api_key must not be empty"),
        ("clear", {"taskid": "1"}, "unknown option taskid"),
    ],
)
def test_a_mistake_over_http_is_told(
    emulator: WiroEmulator, command: str, options: dict[str, Any], message: str
) -> None:
    response = control(emulator, command, **options)

    assert response.status_code == 400
    assert message in response.json()["error"]


def test_a_control_body_must_be_an_object(emulator: WiroEmulator) -> None:
    for body in ("[]", "{", '"text"'):
        response = requests.post(f"{emulator.url.removesuffix('/v1')}/_emulator/clear", data=body, timeout=5)
        assert response.status_code == 400


@pytest.mark.parametrize(
    ("method", "name", "status", "said"),
    [
        ("POST", "state", 405, "POST /_emulator/state: the method is GET"),
        ("GET", "clear", 405, "GET /_emulator/clear: the method is POST"),
        ("GET", "states", 404, "there is no /_emulator/states; there are GET /_emulator/state, POST /_emulator/"),
    ],
)
def test_the_control_api_says_which_method_a_command_has(
    emulator: WiroEmulator, method: str, name: str, status: int, said: str
) -> None:
    response = requests.request(method, f"{emulator.url.removesuffix('/v1')}/_emulator/{name}", timeout=5)
    assert response.status_code == status
    assert said in response.json()["error"]
