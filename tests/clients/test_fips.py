"""A Python whose OpenSSL allows only what FIPS does: no BLAKE2, no MD5, no SHA-1 for signatures."""

from __future__ import annotations

import json
import subprocess
import sys

from airflow_provider_wiro.emulator import WiroEmulator

SCRIPT = """
import hashlib, sys

def forbidden(*args, **kwargs):
    raise ValueError("[digital envelope routines] unsupported")

allowed = hashlib.new
hashlib.new = lambda name, *args, **kwargs: (
    forbidden() if name.lower().startswith(("blake2", "md5", "sha1")) else allowed(name, *args, **kwargs)
)
for name in ("blake2b", "blake2s", "md5", "sha1"):
    setattr(hashlib, name, forbidden)
try:
    hashlib.blake2b(b"", key=b"key")
except ValueError:
    pass
else:
    sys.exit("nothing is forbidden")

import json, logging
from airflow_provider_wiro.clients import throttle
from airflow_provider_wiro.clients.sync import Client
from airflow_provider_wiro.core.calls import detail, submit
from airflow_provider_wiro.core.credentials import Credentials

client = Client(Credentials(**json.loads(sys.argv[1])), logging.getLogger())
taskid = client.drive(submit("owner/model", {"prompt": "x"})).taskid
print(client.drive(detail(taskid=taskid)).taskid)
print(len(throttle._opens))
"""


def test_a_task_is_submitted_and_read_and_throttled() -> None:
    with WiroEmulator() as emulator:
        emulator.script("Run", "429", retry_after=1)
        connection = emulator.connection
        credentials = {"api_key": connection["login"], "api_secret": connection["password"]}
        command = [sys.executable, "-c", SCRIPT, json.dumps(credentials | {"base_url": connection["host"]})]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.stdout.split(), done.returncode) == ([*emulator.tasks, "1"], 0), done.stderr
        assert len(emulator.runs) == 1
