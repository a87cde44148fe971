"""Starting, stopping, being used from many threads, and what it imports."""

from __future__ import annotations

import contextlib
import gc
import json
import math
import pkgutil
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from emulator_client import Client

import airflow_provider_wiro.emulator
from airflow_provider_wiro.emulator import WiroEmulator

pytest_plugins = ["pytester"]

BLOCKED = """
import importlib, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        own = name.startswith("airflow_provider_wiro.") and not name.startswith("airflow_provider_wiro.emulator")
        if own or name.split(".")[0] in ("airflow", "requests", "pendulum"):
            raise ImportError(f"{name} must not be imported")

sys.meta_path.insert(0, Blocked())
try:
    import airflow_provider_wiro.core
except ImportError:
    pass
else:
    raise SystemExit("nothing is blocked")
for name in sys.argv[1:]:
    importlib.import_module(name)
    print(name)
"""


def test_it_imports_nothing_of_airflow_requests_or_the_client() -> None:
    package = airflow_provider_wiro.emulator
    names = [module.name for module in pkgutil.iter_modules(package.__path__, package.__name__ + ".")]
    command = [sys.executable, "-W", "error", "-c", BLOCKED, *names]
    result = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.split() == names
    assert f"{package.__name__}.signing" in names


def test_it_can_be_stopped_twice_and_started_again_on_its_port() -> None:
    emulator = WiroEmulator()
    with pytest.raises(RuntimeError, match="no address"):
        _ = emulator.url
    emulator.stop()
    with emulator, Client(emulator.url) as wiro:
        taskid = wiro.run()
        with pytest.raises(RuntimeError, match="already"):
            emulator.start()
        url = emulator.url
    emulator.stop()
    with pytest.raises(requests.ConnectionError):
        requests.post(url, timeout=5)

    with emulator, Client(emulator.url) as wiro:
        assert emulator.url == url
        assert wiro.detail(taskid)["id"] == taskid


def test_stopping_leaves_no_thread_though_clients_stay_connected() -> None:
    before = threading.active_count()
    emulator = WiroEmulator().start()
    with Client(emulator.url) as wiro:
        wiro.run()
        assert threading.active_count() == before + 1
        emulator.stop()
        assert threading.active_count() == before


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", ""])
def test_it_refuses_to_listen_elsewhere_than_on_loopback(host: str) -> None:
    with pytest.raises(ValueError, match="only listens on loopback"):
        WiroEmulator(host=host)


@pytest.mark.parametrize(
    "option",
    [{"duration": -1}, {"duration": math.nan}, {"duration": math.inf}, {"concurrency": 0}, {"concurrency": -3}],
)
def test_it_refuses_what_no_account_can_have(option: dict[str, Any]) -> None:
    [(name, value)] = option.items()
    with pytest.raises(ValueError, match=f"{name} must be .*at least .*, not {value}"):
        WiroEmulator(**option)


def test_a_port_that_is_taken_is_an_os_error_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        emulator = WiroEmulator(port=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            emulator.start()
    assert set(threading.enumerate()) <= before
    with emulator:
        assert requests.post(emulator.url, timeout=5).status_code == 404


def test_a_connection_that_comes_in_while_it_stops_is_closed() -> None:
    came: list[socket.socket] = []

    def knock(address: tuple[str, int], over: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while not over.is_set():
                came.append(socket.create_connection(address, 1))

    for number in range(20):
        over = threading.Event()
        with WiroEmulator() as emulator:
            url = urlsplit(emulator.url)
            assert url.hostname
            assert url.port
            knocking = threading.Thread(target=knock, args=((url.hostname, url.port), over))
            knocking.start()
            time.sleep(0.001 * (number % 10))
        over.set()
        knocking.join()
    for connection in came:
        connection.close()
    gc.collect()  # what it had left open would say so here


def test_many_clients_at_once() -> None:
    with WiroEmulator(duration=60) as emulator:

        def work(number: int) -> str:
            with Client(emulator.url) as wiro:
                taskid = wiro.run(prompt=str(number))
                emulator.outcome(pexit="1")
                assert wiro.detail(taskid)["parameters"]["prompt"] == str(number)
                return taskid

        with ThreadPoolExecutor(16) as pool:
            taskids = list(pool.map(work, range(64)))

        assert len(set(taskids)) == len(emulator.runs) == emulator.peak_active == 64
        assert (emulator.count("Run"), emulator.count("Detail")) == (64, 64)
        assert emulator.duplicate_nonces == []


def test_the_fixture_leads_the_default_connection_to_a_running_emulator(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_WIRO_DEFAULT", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # what other packages' plugins warn of is not ours
    pytester.makeconftest('pytest_plugins = ["airflow_provider_wiro.emulator.pytest_plugin"]')
    pytester.makepyfile(
        """
        import json, os, urllib.request

        def test_one(wiro_emulator):
            connection = json.loads(os.environ["AIRFLOW_CONN_WIRO_DEFAULT"])
            assert connection == wiro_emulator.connection
            with urllib.request.urlopen(connection["host"].removesuffix("/v1") + "/_emulator/state") as state:
                assert json.load(state)["tasks"] == []

        def test_two():
            assert "AIRFLOW_CONN_WIRO_DEFAULT" not in os.environ
        """
    )
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=2)


def test_the_connection_is_json_for_airflow(emulator: WiroEmulator) -> None:
    assert json.loads(json.dumps(emulator.connection)) == {
        "conn_type": "wiro",
        "login": "emulator-key",
        "password": "emulator-secret",
        "host": emulator.url,
    }
    assert emulator.url.startswith("http://127.0.0.1:")
    assert emulator.url.endswith("/v1")
