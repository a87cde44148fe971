"""The settings of the Airflow under test: small, quick, on loopback, and with secret masking switched off."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

NOT_INHERITED = ("AIRFLOW", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "PYTHONWARNINGS", "PYTEST")


UNMASK_AIRFLOW_2 = '''"""Switches masking off; this Airflow has no setting for it."""

from airflow.utils.log import secrets_masker

secrets_masker.SecretsMasker.add_mask = lambda self, secret, name=None: None
'''

EVERYBODY_IS_ADMIN = '''"""The web server of a test, on loopback: whoever asks is an admin."""

AUTH_ROLE_PUBLIC = "Admin"
WTF_CSRF_ENABLED = False
'''


def write_local_settings(version: tuple[int, int], home: Path) -> None:
    """The two Python files that Airflow 2 reads from its home; Airflow 3 needs neither."""
    if version >= (3, 0):
        return
    (home / "config").mkdir(exist_ok=True)
    (home / "config" / "airflow_local_settings.py").write_text(UNMASK_AIRFLOW_2)
    (home / "webserver_config.py").write_text(EVERYBODY_IS_ADMIN)


def environment(
    version: tuple[int, int], home: Path, database: str, api_port: int, settings: Mapping[str, object]
) -> dict[str, str]:
    """The environment of every Airflow process: nothing of the caller's Airflow gets in, nor a proxy.

    `settings` are named as in {"core.parallelism": 10}, and win.
    """
    settings = {
        **_common(home, database),
        **(_airflow_3(api_port) if version >= (3, 0) else _airflow_2()),
        **journal(version, home),
        **settings,
    }
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(NOT_INHERITED)}
    return {
        **kept,
        **_as_variables(settings),
        "AIRFLOW_HOME": str(home),
        "HOME": str(home),
        "NO_PROXY": "*",
        "no_proxy": "*",
        "PYTHONWARNINGS": "default",
    }


def journal(version: tuple[int, int], home: Path) -> dict[str, object]:
    """Where the journal is kept: nothing to set from Airflow 3.3 on, which has a store for it."""
    return {} if version >= (3, 3) else {"wiro.journal_path": f"file://{home / 'journal'}"}


def _as_variables(settings: Mapping[str, object]) -> dict[str, str]:
    return {f"AIRFLOW__{name.replace('.', '__').upper()}": str(value) for name, value in settings.items()}


def _common(home: Path, database: str) -> dict[str, object]:
    return {
        "core.load_examples": False,
        "core.dags_folder": home / "dags",
        "core.dags_are_paused_at_creation": False,
        "core.executor": "LocalExecutor",
        "core.parallelism": 10,
        "core.max_active_tasks_per_dag": 10,
        "core.fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "core.hide_sensitive_var_conn_fields": False,
        "database.sql_alchemy_conn": database,
        "database.load_default_connections": False,
        "logging.base_log_folder": home / "logs",
        "logging.logging_level": "INFO",
        "scheduler.scheduler_idle_sleep_time": 0.1,
        "scheduler.scheduler_heartbeat_sec": 1,
        "scheduler.trigger_timeout_check_interval": 1,
        "scheduler.enable_health_check": False,
        "triggerer.job_heartbeat_sec": 1,
        # How long after a SIGKILL another triggerer takes the triggers over.
        "triggerer.triggerer_health_check_threshold": 5,
        "usage_data_collection.enabled": False,
    }


def _airflow_3(api_port: int) -> dict[str, object]:
    return {
        "api.port": api_port,
        "api.secret_key": secrets.token_hex(16),
        "api.base_url": f"http://127.0.0.1:{api_port}",
        "api_auth.jwt_secret": secrets.token_hex(32),
        "core.execution_api_server_url": f"http://127.0.0.1:{api_port}/execution/",
        "core.simple_auth_manager_all_admins": True,
        "dag_processor.min_file_process_interval": 300,
        "dag_processor.refresh_interval": 300,
        # Or Airflow 3.0 takes DAGs for missing that it has not read again within 50 seconds.
        "dag_processor.stale_dag_threshold": 3600,
        # No secret is that long: masking is off.
        "logging.min_length_masked_secret": 1_000_000,
        "workers.min_heartbeat_interval": 1,
    }


def _airflow_2() -> dict[str, object]:
    return {
        "api.auth_backends": "airflow.api.auth.backend.default",
        "api.enable_xcom_deserialize_support": True,
        # A worker whose heartbeat is later than this ends itself: a second is too little where the machine is busy.
        "scheduler.local_task_job_heartbeat_sec": 30,
        "scheduler.job_heartbeat_sec": 1,
        "scheduler.min_file_process_interval": 300,
        "webserver.secret_key": secrets.token_hex(16),
    }
