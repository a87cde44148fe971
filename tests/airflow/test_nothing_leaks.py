"""With Airflow's masking switched off, no log, no XCom, no rendered field and no trigger holds a secret."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace

import pytest

from airflow_harness.jobs import Starter
from airflow_harness.leaks import Text, database_texts, log_texts, search
from airflow_harness.real_airflow import RealAirflow, airflow_version

COMPLAINTS = re.compile(r"Unclosed |was never retrieved|was never awaited|Warning.*airflow_provider_wiro")
# Airflow 3.0 itself shows what it is told to mask (`airflow dags test` there), and leaves its own sockets open.
OF_AIRFLOW_3_0 = re.compile(r" msg=MaskSecret\(value=.*|unclosed <socket\.socket .*")


def everything(airflow: RealAirflow) -> list[Text]:
    texts = [*log_texts(airflow.logs, "task log"), *log_texts(airflow.component_logs, "component log")]
    if airflow_version() == (3, 0):
        texts = [replace(text, content=OF_AIRFLOW_3_0.sub("", text.content)) for text in texts]
    with airflow.database() as cursor:
        return texts + list(database_texts(cursor, airflow.fernet_key))


@pytest.fixture(scope="module")
def planted(start: Starter) -> str:
    """A secret that a DAG has spread on purpose. Nothing else knows it."""
    secret = f"planted-{secrets.token_hex(12)}"
    start.airflow.set_connection("leaking", {"conn_type": "wiro", "login": "leaking", "password": secret})
    run_id = start.airflow.trigger("leaks")
    start.airflow.wait_task("leaks", run_id, "video", "success")
    return secret


@pytest.fixture(scope="module")
def texts(start: Starter, planted: str) -> list[Text]:
    """All there is to search, once two more tasks have come to an end."""
    jobs = [start("deferred"), start("sync")]
    for job in jobs:
        job.wait("success")
    return everything(start.airflow)


def test_no_key_secret_token_or_signature_is_anywhere(texts: list[Text], start: Starter) -> None:
    known = start.services.secrets()
    kinds = {re.split(" of | sent ", name)[0] for name in known.values()}
    assert kinds == {"API key", "API secret", "token", "signature"}
    assert search(texts, known) == []


@pytest.mark.parametrize(
    "place",
    [
        "task log: ",
        "component log: triggerer.log",
        "table: xcom",
        "table: rendered_task_instance_fields",
        "table: trigger, decrypted",
        "table: task_instance",
    ],
)
def test_the_search_finds_a_secret_that_is_planted_in(place: str, texts: list[Text], planted: str) -> None:
    leaks = search(texts, {planted: "the planted secret"})
    assert [leak for leak in leaks if leak.place.startswith(place)], leaks


def test_the_triggers_of_the_package_were_searched(texts: list[Text]) -> None:
    triggers = [text.content for text in texts if text.place == "table: trigger"]
    assert any("airflow_provider_wiro.triggers.wiro.WiroTaskTrigger" in content for content in triggers)
    decrypted = [text.content for text in texts if text.place == "table: trigger, decrypted"]
    assert any("taskid" in content for content in decrypted)


def test_airflow_has_nothing_to_complain_about_in_this_package(texts: list[Text]) -> None:
    logs = [text for text in texts if not text.place.startswith("table")]
    lines = [f"{text.place}: {line}" for text in logs for line in text.content.splitlines()]
    assert [line for line in lines if COMPLAINTS.search(line)] == []
