"""The engine that users grow into: CeleryExecutor and Redis, and workers that are processes of their own.

Redis is the system's (Debian: the package redis-server), started on a free port of loopback; the CeleryExecutor is
the provider's in requirements/celery.txt.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow_harness.processes import Component, free_port
from airflow_harness.real_airflow import RealAirflow, airflow_version
from chaos_harness.running import CHAOS, STUBS, chaos_settings

PROVIDER = "apache-airflow-providers-celery"
WORKERS = ("worker", "worker-2")
# How long after the death of a worker Redis hands out again, in seconds, what it had taken.
REDELIVERED_AFTER = 60


def missing() -> str:
    """What this machine lacks to run it; nothing: an empty string."""
    lacks = [] if shutil.which("redis-server") else ["redis-server (Debian: apt-get install redis-server)"]
    try:
        importlib.metadata.version(PROVIDER)
    except importlib.metadata.PackageNotFoundError:
        lacks.append(f"{PROVIDER} (requirements/celery.txt)")
    return " and ".join(lacks)


class CeleryAirflow(RealAirflow):
    """An Airflow whose tasks run on two Celery workers.

    :param slots: how many tasks a worker runs at once.
    """

    def __init__(
        self,
        home: Path,
        connections: Mapping[str, Mapping[str, Any]],
        *,
        slots: int = 5,
        settings: Mapping[str, object] | None = None,
        **options: Any,
    ) -> None:
        port = str(free_port())
        celery = {
            "core.executor": "CeleryExecutor",
            "celery.broker_url": f"redis://127.0.0.1:{port}/0",
            "celery.worker_concurrency": slots,
            "celery_broker_transport_options.visibility_timeout": REDELIVERED_AFTER,
        }
        super().__init__(home, connections, settings={**celery, **(settings or {})}, **options)
        redis = home / "redis"
        redis.mkdir()
        listening = ["--bind", "127.0.0.1", "--port", port]
        broker = self._part("redis", ["redis-server", *listening, "--dir", str(redis), "--save", ""])
        self.components = {"redis": broker, **self.components, **{name: self._worker(name) for name in WORKERS}}

    def _worker(self, name: str) -> Component:
        own = ["--celery-hostname", f"{name}@localhost", "--pid", str(self.home / f"{name}.pid"), "--skip-serve-logs"]
        return self._part(name, [sys.executable, "-m", "airflow", "celery", "worker", *own])

    def _part(self, name: str, command: Sequence[str]) -> Component:
        env = {**self.env, "COMPONENT_NAME": name}
        return Component(name, command, env=env, log=self.component_logs / f"{name}.log", cwd=self.home)


@contextlib.contextmanager
def celery_airflow(home: Path, *, settings: Mapping[str, object] | None = None) -> Iterator[CeleryAirflow]:
    """As `chaos_harness.running.chaos_airflow`, on the CeleryExecutor."""
    version = airflow_version()
    airflow = CeleryAirflow(
        home,
        {},
        triggerers=2,
        dags=[CHAOS / "dags"],
        stubs=STUBS,
        settings={**chaos_settings(version), **(settings or {})},
    )
    try:
        airflow.start()
        yield airflow
    finally:
        airflow.stop()
