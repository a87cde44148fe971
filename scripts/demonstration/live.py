"""What only the live demonstration needs: the caller's keys, their word that it may cost money, and a brake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

REMOTE = Path(__file__).with_name("remote.py")

QUESTION = """
This uploads a picture to Wiro, and runs Runway/image-to-video-gen4-turbo there, once, for a video of 5 seconds.
Wiro charges your account for the video when it succeeds. {price}
Ctrl-C stops it on Wiro too.

Type "yes" to go on: """


def connection() -> str:
    """The caller's connection, as Airflow reads it from the environment."""
    if given := os.environ.get("AIRFLOW_CONN_WIRO_DEFAULT"):
        return given
    key, secret = os.environ.get("WIRO_API_KEY"), os.environ.get("WIRO_API_SECRET", "")
    if not key:
        sys.exit("demo --live: set AIRFLOW_CONN_WIRO_DEFAULT, or WIRO_API_KEY and WIRO_API_SECRET")
    return json.dumps({"conn_type": "wiro", "login": key, "password": secret})


def proxies() -> dict[str, str]:
    """The caller's proxy: the way to Wiro may lead through it."""
    return {name: value for name, value in os.environ.items() if name.lower() in ("http_proxy", "https_proxy")}


def agree(environment: Mapping[str, str]) -> None:
    """See that Wiro can be used, tell what it costs, and go on only after a typed yes."""
    works, said = _ask_wiro(environment, "price")
    if not works:
        sys.exit(f"demo --live: {said or 'Wiro could not be asked, see above'}")
    try:
        answer = input(QUESTION.format(price=said))
    except EOFError:
        print()
        answer = ""
    if answer.strip().lower() != "yes":
        sys.exit("demo --live: nothing was run")


def stop(environment: Mapping[str, str], taskid: str) -> None:
    """Stop the run on Wiro, and say whether that worked."""
    _, said = _ask_wiro(environment, "stop", taskid)
    print(said or f"Task {taskid} could NOT be stopped on Wiro: do it there.")


def _ask_wiro(environment: Mapping[str, str], *what: str) -> tuple[bool, str]:
    answer = subprocess.run(
        [sys.executable, str(REMOTE), *what],
        # Airflow logs to where the answer goes.
        env={**environment, "AIRFLOW__LOGGING__LOGGING_LEVEL": "CRITICAL"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        # The Ctrl-C that leads to a stop must not reach the stop.
        start_new_session=True,
    )
    return answer.returncode == 0, answer.stdout.strip()
