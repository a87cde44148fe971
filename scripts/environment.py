"""The virtual environments of this checkout: one per Airflow version, made with a Python and a package index alone.

`scripts/test`, `scripts/demo` and `scripts/lint` share it. Standard library only, and readable by any Python 3.8+, so
that a machine whose `python3` is too old gets a clear word instead of a syntax error.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, NoReturn

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
ENVIRONMENTS = ROOT / ".venvs"

# Which Pythons (3.x) each Airflow runs on, the first that is found is taken.
PYTHONS = {
    "3.3": (11, 12, 13),
    "3.2": (11, 12, 13),
    "3.1": (11, 12, 13),
    "3.0": (11, 12),
    "2.11": (11, 12),
}
NEWEST = "3.3"

# For which of them requirements/ has the lowest that the package asks for.
LOWEST = ("3.3", "3.0", "2.11")

# Prints the minor version of a Python 3 that can make a virtual environment.
PROBE = "import ensurepip, sqlite3, ssl, sys, venv; assert sys.version_info[0] == 3; print(sys.version_info[1])"

# What a caller's shell must not change in here: another Airflow, real credentials, a proxy, other modules; and that
# nothing is kept compiled, so that each process compiles all of Airflow.
FOREIGN_PREFIXES = ("AIRFLOW", "WIRO_", "PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")
PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def stop(message: str) -> NoReturn:
    sys.exit(f"{Path(sys.argv[0]).name}: {message}")


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C, a closed terminal and a plain kill end the command that runs in here too, and without a traceback."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(130)


def isolated(home: Path, **settings: str) -> dict[str, str]:
    """The caller's environment without what belongs to another Airflow, and with this one's home."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(FOREIGN_PREFIXES) and name.lower() not in PROXIES
    }
    return {**kept, "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False", **settings}


def environment(airflow: str, *, extra: str | None = None, pinned: str = "airflow") -> Path:
    """Make (or find) the environment for this Airflow and return its folder of commands.

    `extra` names one more set of pins to install on top, such as "lint"; `pinned` is "airflow", or "lowest" for the
    lowest versions that the package asks for.
    """
    python, minor = find_python(airflow)
    folder = ENVIRONMENTS / f"{pinned}-{airflow}-py3.{minor}"
    commands = folder / "bin"
    ENVIRONMENTS.mkdir(exist_ok=True)
    with only_one(ENVIRONMENTS / f"{folder.name}.lock"):
        pins = [REQUIREMENTS / "installer.txt", REQUIREMENTS / f"{pinned}-{airflow}.txt"]
        if not _is_current(folder / ".pins", pins):
            _make(folder, python, *pins)
        if extra and not _is_current(folder / f".{extra}", [REQUIREMENTS / f"{extra}.txt"]):
            _say(f"adding the {extra} tools")
            _pip(commands, "--no-deps", "-r", REQUIREMENTS / f"{extra}.txt")
            _mark_current(folder / f".{extra}", [REQUIREMENTS / f"{extra}.txt"])
        metadata = [ROOT / "pyproject.toml", ROOT / "airflow_provider_wiro" / "__init__.py"]
        if not _is_current(folder / ".package", metadata):
            _pip(commands, "--no-deps", "--no-build-isolation", "--editable", ROOT)
            _mark_current(folder / ".package", metadata)
    return commands


def find_python(airflow: str) -> tuple[str, int]:
    """A Python that this Airflow runs on: the one running this script if it fits, else one on the PATH."""
    names = [sys.executable, *(f"python3.{minor}" for minor in PYTHONS[airflow]), "python3"]
    seen = []
    for name in filter(None, map(shutil.which, names)):
        probe = subprocess.run([name, "-c", PROBE], capture_output=True, text=True, check=False)
        if probe.returncode == 0 and int(probe.stdout) in PYTHONS[airflow]:
            return name, int(probe.stdout)
        seen.append(f"  {name}: {_why_unfit(probe)}")
    wanted = ", ".join(f"3.{minor}" for minor in PYTHONS[airflow])
    stop(f"Airflow {airflow} needs a Python {wanted} that has venv. Found:\n" + "\n".join(seen))


def _why_unfit(probe: subprocess.CompletedProcess[str]) -> str:
    if probe.returncode == 0:
        return f"is Python 3.{probe.stdout.strip()}"
    last_line = (probe.stderr.strip().splitlines() or ["does not run"])[-1]
    return f"{last_line} (on Debian and Ubuntu: install python3-venv)" if "ensurepip" in last_line else last_line


def _make(folder: Path, python: str, installer: Path, pins: Path) -> None:
    """Build it anew, so that what was pinned before does not linger."""
    started = time.monotonic()
    _say(f"making {folder.relative_to(ROOT)} from {pins.relative_to(ROOT)} (once, about a minute)")
    venv = subprocess.run([python, "-m", "venv", "--clear", str(folder)], capture_output=True, text=True, check=False)
    if venv.returncode != 0:
        stop(f"python -m venv failed:\n{venv.stdout}{venv.stderr}")
    _pip(folder / "bin", "-r", installer)
    # Pinned completely, so nothing is left to resolve; compiled when first imported, which is less than everything.
    _pip(folder / "bin", "--no-deps", "--no-compile", "-r", pins)
    _mark_current(folder / ".pins", [installer, pins])
    _say(f"made in {time.monotonic() - started:.0f} s")


def _pip(commands: Path, *arguments: str | Path) -> None:
    pip = [str(commands / "python"), "-m", "pip", "--disable-pip-version-check", "-qq"]
    result = subprocess.run([*pip, "install", "--no-input", *map(str, arguments)], check=False)
    if result.returncode != 0:
        stop("the installation failed, see above")


def _say(line: str) -> None:
    print(f"[environment] {line}", file=sys.stderr, flush=True)


def _fingerprint(files: list[Path]) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _is_current(stamp: Path, files: list[Path]) -> bool:
    return stamp.exists() and stamp.read_text() == _fingerprint(files)


def _mark_current(stamp: Path, files: list[Path]) -> None:
    stamp.write_text(_fingerprint(files))


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Let two runs in the same checkout not get into each other's way: the second one waits."""
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"another run holds {lock.relative_to(ROOT)}: waiting for its end")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
