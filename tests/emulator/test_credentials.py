"""Who gets in: keys, signatures, nonces."""

from __future__ import annotations

import pytest
import requests
from emulator_client import RUNWAY, Client

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.emulator.signing import refusal

# echo -n "${SECRET}${NONCE}" | openssl dgst -sha256 -hmac "${KEY}"
# with KEY=emulator-key SECRET=emulator-secret NONCE=1734513807
NO_KEY = "Project authorization is not founded."
NOT_SIGNED = "Project requires signature authentication. x-signature and x-nonce headers are required."
OPENSSL = "c30e1d13dc26b00ebc337e275e10738ee57dd6a49c01e1f6a5e50751729a6043"


def test_a_signature_made_with_openssl_is_right() -> None:
    headers = {"x-api-key": "emulator-key", "x-nonce": "1734513807", "x-signature": OPENSSL}

    assert refusal(headers, "emulator-key", "emulator-secret") is None
    assert refusal(headers | {"x-nonce": "1734513808"}, "emulator-key", "emulator-secret") is not None
    assert refusal(headers | {"x-signature": OPENSSL.upper()}, "emulator-key", "emulator-secret") is not None


def test_a_signed_run_gets_in(wiro: Client, emulator: WiroEmulator) -> None:
    taskid = wiro.run()

    assert emulator.tasks[taskid].status == "task_queue"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x-api-key": ""}, NO_KEY),
        ({"x-api-key": "another"}, NO_KEY),
        ({"x-nonce": ""}, NOT_SIGNED),
        ({"x-nonce": "1"}, "Project authorization is not valid."),
        ({"x-signature": ""}, NOT_SIGNED),
        ({"x-signature": "00" * 32}, "Project authorization is not valid."),
        ({"x-signature": "ü"}, "Project authorization is not valid."),
    ],
)
def test_wrong_credentials_are_401_with_code_0_in_the_documented_words(
    wiro: Client, emulator: WiroEmulator, changed: dict[str, str], message: str
) -> None:
    response = wiro.send(RUNWAY, json={}, headers={k: v.encode("latin-1") for k, v in changed.items()})  # type: ignore[misc]

    assert response.status_code == 401
    assert response.json()["result"] is False
    assert response.json()["errors"] == [{"code": 0, "message": message}]
    assert emulator.runs == []
    assert emulator.requests[-1].status == 401


def test_key_and_secret_in_each_others_place_do_not_fit(emulator: WiroEmulator) -> None:
    with Client(emulator.url, key="emulator-secret", secret="emulator-key") as swapped:
        assert swapped.send("/Task/Detail", json={"taskid": "1"}).status_code == 401


def test_a_project_without_a_secret_needs_the_key_alone() -> None:
    with WiroEmulator(api_secret=None) as emulator:
        assert "password" not in emulator.connection
        headers = {"x-api-key": "emulator-key", "User-Agent": "tests"}
        right = requests.post(emulator.url + "/Task/Detail", json={"taskid": "1"}, headers=headers, timeout=5)
        headers["x-api-key"] = "another"
        wrong = requests.post(emulator.url + "/Task/Detail", json={"taskid": "1"}, headers=headers, timeout=5)

    assert (right.status_code, wrong.status_code) == (200, 401)


def test_after_a_rotation_only_the_new_key_is_right(wiro: Client, emulator: WiroEmulator) -> None:
    taskid = wiro.run()
    emulator.rotate_key("new-key", "new-secret")

    assert wiro.send("/Task/Detail", json={"taskid": taskid}).status_code == 401
    assert (emulator.connection["login"], emulator.connection["password"]) == ("new-key", "new-secret")
    with Client(emulator.url, "new-key", "new-secret") as rotated:
        assert rotated.detail(taskid)["status"] == "task_queue"


def test_a_nonce_that_comes_again_is_noticed(wiro: Client, emulator: WiroEmulator) -> None:
    wiro.post("/Task/Detail", taskid="1")
    wiro.post("/Task/Detail", taskid="1")
    assert emulator.duplicate_nonces == []

    wiro.send("/Task/Detail", json={"taskid": "1"}, headers={"x-nonce": emulator.requests[0].headers["x-nonce"]})
    assert emulator.duplicate_nonces == [emulator.requests[0].headers["x-nonce"]]


def test_a_request_without_a_user_agent_is_turned_away(wiro: Client, emulator: WiroEmulator) -> None:
    response = wiro.send(RUNWAY, json={}, headers={"User-Agent": ""})

    assert response.status_code == 403
    assert "text/html" in response.headers["Content-Type"]
    assert emulator.runs == []


def test_unknown_addresses_and_methods(wiro: Client, emulator: WiroEmulator) -> None:
    nothing = wiro.send("/Task/Nothing", json={})
    assert (nothing.status_code, nothing.json()["errors"]) == (404, [{"code": 0, "message": "Error parsing url."}])
    assert wiro.send("/Run/only-a-model", json={}).status_code == 404
    assert requests.get(emulator.url + "/Task/Detail", timeout=5).status_code == 405
    assert requests.get(emulator.url + "/nothing", timeout=5).status_code == 404
    assert [(request.call, request.status) for request in emulator.requests] == [
        ("Other", 404),
        ("Other", 404),
        ("Detail", 405),
        ("Other", 404),
    ]
