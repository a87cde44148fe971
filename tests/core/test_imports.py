"""The core stands alone."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import airflow_provider_wiro.core

BLOCKED = ["airflow", "requests", "urllib3", "aiohttp", "pendulum", "certifi"]
MODULES = [
    f"airflow_provider_wiro.core.{module.name}" for module in pkgutil.iter_modules(airflow_provider_wiro.core.__path__)
]


def run(code: str) -> subprocess.CompletedProcess[str]:
    block = f"import sys\nsys.modules.update(dict.fromkeys({BLOCKED}))\n"
    return subprocess.run([sys.executable, "-c", block + code], capture_output=True, text=True, check=False, timeout=60)


def test_core_imports_where_neither_airflow_nor_an_http_library_can_be_imported() -> None:
    assert len(MODULES) >= 8
    done = run("\n".join(f"import {name}" for name in (*MODULES, "airflow_provider_wiro.exceptions")))
    assert (done.returncode, done.stderr) == (0, "")


def test_the_block_is_one() -> None:
    for name, library in (("wire", "certifi"), ("sync", "aiohttp"), ("aio", "aiohttp")):
        done = run(f"import airflow_provider_wiro.clients.{name}")
        assert done.returncode != 0
        assert f"import of {library} halted" in done.stderr
