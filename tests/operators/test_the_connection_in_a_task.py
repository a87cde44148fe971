"""What is wrong with a connection is told in the task's words, before anything is sent or paid for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroAuthError, WiroConfigError, WiroError, WiroRefused
from doubles import FakeTaskInstance, Lines, context_of
from operators import runway


def execute(emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, **fields: Any) -> Any:
    monkeypatch.setenv("AIRFLOW_CONN_MY_WIRO", json.dumps(emulator.connection | fields))
    return runway(wiro_conn_id="my_wiro", durable=False).execute(context_of(FakeTaskInstance()))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"host": "api.wiro.ai", "schema": "https"},
            "Airflow connection 'my_wiro': schema is 'https', but it ",
        ),
        ({"host": "http://10.0.0.5", "extra": {"alow_http": True}}, "Did you mean allow_http?"),
        ({"extra": {"timeout": "soon"}}, "Airflow connection 'my_wiro': extra timeout is 'soon'"),
    ],
)
def test_a_field_that_is_wrong_is_named_and_nothing_is_sent(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(WiroConfigError) as caught:
        execute(wiro_emulator, monkeypatch, **fields)
    assert said in str(caught.value)
    assert wiro_emulator.requests == []


def test_a_wrong_path_is_told_before_the_models_name(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WiroRefused) as caught:
        execute(wiro_emulator, monkeypatch, host=f"{wiro_emulator.url}/elsewhere")
    assert "Nothing was submitted: check the path of the connection's host (Wiro's is /v1)" in str(caught.value)


def test_an_empty_secret_of_a_project_that_signs_is_named(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WiroAuthError) as caught:
        execute(wiro_emulator, monkeypatch, password="")
    assert "put its API secret into the connection's password (API secret)" in str(caught.value)
    assert isinstance(caught.value, WiroError)


def test_an_extra_that_is_not_known_is_a_warning_once(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    assert execute(wiro_emulator, monkeypatch, extra={"verfy": "/ca.pem"})["outputs"]
    [line] = [line for line in lines.lines if "verfy" in line]
    assert line.startswith("WARNING Airflow connection 'my_wiro': extra verfy is not known and does nothing; ")
    assert "/ca.pem" not in line
