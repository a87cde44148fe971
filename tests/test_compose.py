"""The Docker Compose file fits this package; that it is one is checked by `scripts/lint compose`."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import yaml

ROOT = Path(__file__).parent.parent
SERVICES = yaml.safe_load((ROOT / "docs" / "compose.yaml").read_text())["services"]


def test_airflow_is_the_one_that_is_tested() -> None:
    pins = (ROOT / "requirements" / "airflow-3.3.in").read_text()
    built = SERVICES["airflow"]["build"]["dockerfile_inline"]
    version = built.partition("apache/airflow:")[2].partition("-")[0]
    assert f"apache-airflow=={version}\n" in pins


def test_the_connection_leads_to_the_emulator_which_shares_airflows_loopback() -> None:
    connection = json.loads(SERVICES["airflow"]["environment"]["AIRFLOW_CONN_WIRO_DEFAULT"])
    host = urlsplit(connection["host"])
    assert (connection["login"], connection["password"]) == ("emulator-key", "emulator-secret")
    assert (host.hostname, host.port, host.path) == ("127.0.0.1", 8099, "/v1")
    assert SERVICES["emulator"]["network_mode"] == "service:airflow"


def test_both_run_what_is_built_and_what_is_mounted_is_there() -> None:
    assert SERVICES["emulator"]["image"] == SERVICES["airflow"]["image"]
    for mounted in SERVICES["airflow"]["volumes"]:
        assert (ROOT / "docs" / mounted.partition(":")[0]).is_dir()
