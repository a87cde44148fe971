"""No key, secret, token or signature in anything that Airflow keeps or shows. A planted leak shows that we look."""

from __future__ import annotations

import asyncio
import json
import pickle
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import redact

from airflow_provider_wiro.clients.wire import sign
from airflow_provider_wiro.core.protocol import Send
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroError
from airflow_provider_wiro.hooks.connection import aread_credentials, read_credentials
from airflow_provider_wiro.hooks.wiro import WiroHook
from doubles import FakeTaskInstance, Lines, context_of
from durable import journal_folder  # noqa: F401
from operators import defer, generic, runway
from small_airflow import Run
from taskids import FIRST
from tries import run_try
from triggerer import fire, make_trigger

RunDag = Callable[..., Run]


def secrets(emulator: WiroEmulator) -> dict[str, str]:
    """Return every secret that has been there, with a name for it."""
    found = {"emulator-key": "API key", "emulator-secret": "API secret"}
    found |= {task.token: "socket token" for task in emulator.runs}
    for request in emulator.requests:
        if signature := request.headers.get("x-signature"):
            found[signature] = "signature"
    return found


def leaks(text: str, emulator: WiroEmulator) -> list[str]:
    return sorted({name for secret, name in secrets(emulator).items() if secret in text})


def shown(value: object) -> str:
    return f"{value!r} {value!s} {value:}" if type(value).__format__ is object.__format__ else f"{value!r} {value!s}"


def test_nothing_that_can_be_printed_shows_a_secret(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(duration=0.0)
    hook = WiroHook()
    submission = hook.run("owner/video", {"prompt": "x"})
    task = hook.get_task(submission.taskid)
    credentials = read_credentials("wiro_default")
    assert (credentials.api_key, credentials.api_secret) == ("emulator-key", "emulator-secret")
    assert submission.token == task.token == wiro_emulator.runs[0].token
    operator, ti = generic(deferrable=True), FakeTaskInstance()
    deferred = defer(operator, ti)
    things: list[object] = [
        hook, hook._caller, credentials, submission, task, submission.result(), task.result(), hook.stop(FIRST),
        operator, operator._try, deferred, deferred.trigger, deferred.trigger.serialize(), ti.xcoms,
        fire(make_trigger(FIRST)), Send("/Task/Kill", {"socketaccesstoken": submission.token}),
    ]  # fmt: skip
    assert {type(thing).__name__: leaks(shown(thing), wiro_emulator) for thing in things} == {
        type(thing).__name__: [] for thing in things
    }


def test_a_signed_request_is_not_fit_to_be_printed_and_never_is(wiro_emulator: WiroEmulator, lines: Lines) -> None:
    request = sign(Send("/Task/Detail", {}), read_credentials("wiro_default"))
    wiro_emulator.script("Detail", "drop_before")
    with pytest.raises(WiroError) as caught:
        WiroHook().get_task(FIRST)
    assert request.headers["x-signature"]
    assert leaks(shown(caught.value) + lines.text, wiro_emulator) == []


FAILURES: list[tuple[str, str, dict[str, Any]]] = [
    ("Run", "code", {"code": 97, "message": "No balance for emulator"}),
    ("Run", "no_taskid", {}),
    ("Run", "drop_after", {}),
    ("Run", "html", {}),
    ("Run", "429", {"retry_after": 0, "times": -1}),
]


@pytest.mark.parametrize(("call", "fault", "options"), FAILURES)
def test_no_exception_shows_a_secret(
    wiro_emulator: WiroEmulator, call: str, fault: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_wiro.core.calls.RUN_PAUSES", ())
    wiro_emulator.script(call, fault, **options)
    with pytest.raises(WiroError) as caught:
        runway(timeout=1).execute(context_of(FakeTaskInstance()))
    kept = pickle.loads(pickle.dumps(caught.value))
    for error in (caught.value, kept, caught.value.__cause__, caught.value.__context__):
        assert leaks(shown(error) + repr(getattr(error, "__dict__", "")), wiro_emulator) == []


@pytest.mark.parametrize("call", ["Kill", "Detail"])
@pytest.mark.parametrize("code", [0, 1, 98])
def test_what_an_api_repeats_in_its_words_is_not_repeated_by_us(
    wiro_emulator: WiroEmulator, lines: Lines, call: str, code: int
) -> None:
    hook = WiroHook()
    submission = hook.run("owner/video", {"prompt": "x"})
    told = f"bad: {submission.token} {wiro_emulator.connection['login']} {wiro_emulator.connection['password']}"
    wiro_emulator.script(call, "code", code=code, message=told)
    with pytest.raises(WiroError, match=r"bad: \*\*\*") as caught:
        (hook.kill if call == "Kill" else hook.get_task)(token=submission.token)
    assert leaks(shown(caught.value) + lines.text, wiro_emulator) == []


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("outcome", [{}, {"pexit": "1", "debugerror": "no GPU left"}])
def test_a_whole_run_keeps_and_logs_no_secret(
    run_dag: RunDag, wiro_emulator: WiroEmulator, lines: Lines, deferrable: bool, outcome: dict[str, Any]
) -> None:
    wiro_emulator.outcome(duration=0.2, **outcome)
    run = run_dag(lambda: runway(deferrable=deferrable))
    kept = {
        key: run.xcom(key) for key in ("return_value", "taskid", "output_urls", "output_url", "text", "wiro_generation")
    }
    assert kept["taskid"] == FIRST
    assert f"taskid {FIRST}: Wiro accepted the submission" in lines.text
    assert len(secrets(wiro_emulator)) >= 5
    assert leaks(lines.text, wiro_emulator) == []
    assert leaks(json.dumps(kept), wiro_emulator) == []
    assert leaks("".join(map(shown, run.errors)), wiro_emulator) == []


QUOTED = "cannot read https://usr:of-a-user-4471@x.example/a.png?X-Amz-Signature=of-a-bucket-5167"
SAYS: dict[str, Callable[[WiroEmulator], Any]] = {
    "a failure": lambda emulator: emulator.outcome(duration=0.2, pexit="1", debugerror=QUOTED),
    "a failure, in what it has printed": lambda emulator: emulator.outcome(duration=0.2, pexit="1", debugoutput=QUOTED),
    "moderation": lambda emulator: emulator.outcome(
        duration=0.2, pexit="1", debugerror=f"The request failed because the input image may contain sensitive {QUOTED}"
    ),
    "a refusal": lambda emulator: emulator.script("Run", "code", code=1, message=QUOTED),
    "a refusal in other words": lambda emulator: emulator.script("Run", "code", code=0, message=QUOTED),
    "an outage": lambda emulator: emulator.script("Run", "code", times=-1, code=96, message=QUOTED),
}


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("says", SAYS)
def test_an_address_that_wiro_quotes_is_told_without_its_secrets(
    run_dag: RunDag, wiro_emulator: WiroEmulator, lines: Lines, says: str, deferrable: bool
) -> None:
    SAYS[says](wiro_emulator)
    run = run_dag(lambda: runway(deferrable=deferrable, queue_timeout=0.5))
    told = lines.text + "".join(map(shown, run.errors)) + json.dumps([run.xcom("wiro_generation")])
    assert "https://x.example/a.png" in told
    assert "of-a-bucket-5167" not in told
    assert "of-a-user-4471" not in told


@pytest.mark.usefixtures("journal_folder")
@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("fault", [None, ("Output", "5xx"), ("Delete", "code")])
def test_saving_and_deleting_keeps_and_logs_no_secret(
    wiro_emulator: WiroEmulator,
    tmp_path: Path,
    lines: Lines,
    deferrable: bool,
    fault: tuple[str, str] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor does what is kept beside the files, where a signed address and a callback URL would outlive all else."""
    monkeypatch.setattr("airflow_provider_wiro.core.calls.DELETE_PAUSES", ())
    wiro_emulator.outcome(duration=0.0)
    if fault is not None:
        wiro_emulator.script(*fault, times=-1, **({"code": 0, "message": "no"} if fault[1] == "code" else {}))
    ti, errors, media = FakeTaskInstance(), "", tmp_path / "media"
    signed = "https://x.example/a.png?X-Amz-Signature=of-a-bucket-5167"
    arguments = {"input_image_url": signed, "callback_url": "https://x.example/hook?token=of-a-hook-8912"}
    try:
        run_try(ti=ti, save_to=str(media), delete_after_save=True, deferrable=deferrable, **arguments)
    except WiroError as error:
        errors = shown(error)
    assert bool(errors) is (fault is not None and fault[0] == "Output")
    kept = "".join(path.read_text() for path in tmp_path.rglob("*.json"))
    assert "manifest" in "".join(map(str, media.rglob("*"))) or errors
    told = lines.text + errors + kept + json.dumps(ti.xcoms)
    assert leaks(told, wiro_emulator) == []
    assert "of-a-bucket-5167" not in told
    assert "of-a-hook-8912" not in told


PLANTS: dict[str, Callable[[Any, Any, Any], None]] = {
    "socket token": lambda self, ti, submission: self.log.info("started with %s", submission.token),
    "API key": lambda self, ti, submission: self.log.info("key: %s", read_credentials("wiro_default").api_key),
    "API secret": lambda self, ti, submission: ti.xcom_push("plant", read_credentials("wiro_default").api_secret),
}


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_leak_is_found(
    run_dag: RunDag, wiro_emulator: WiroEmulator, lines: Lines, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from airflow_provider_wiro.operators import wiro

    real = wiro.pay

    def leak(this: Any, *arguments: Any) -> Any:
        generation = real(this, *arguments)
        PLANTS[name](this, this.ti, generation.submission)
        return generation

    monkeypatch.setattr(wiro, "pay", leak)
    wiro_emulator.outcome(duration=0.0)
    run = run_dag(runway)
    assert leaks(f"{lines.text} {run.xcom('plant')}", wiro_emulator) == [name]


def test_a_planted_leak_in_the_triggers_kwargs_is_found(wiro_emulator: WiroEmulator) -> None:
    WiroHook().run("owner/video", {"prompt": "x"})
    trigger = make_trigger(FIRST, conn_id=wiro_emulator.runs[0].token)
    assert leaks(shown(trigger), wiro_emulator) == ["socket token"]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_airflow_masks_the_key_and_the_secret_once_the_connection_is_read(
    monkeypatch: pytest.MonkeyPatch, asynchronous: bool
) -> None:
    key, secret = f"k-{uuid.uuid4()}", f"s-{uuid.uuid4()}"
    connection = {"conn_type": "wiro", "login": key, "password": secret}
    monkeypatch.setenv("AIRFLOW_CONN_MASKED", json.dumps(connection))
    credentials = asyncio.run(aread_credentials("masked")) if asynchronous else read_credentials("masked")
    assert credentials.api_key == key
    assert redact(f"{key} and {secret}") == "*** and ***"
