"""The look whether an earlier try's outputs are still there: a courtesy that must cost neither hours nor a result."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from airflow_provider_wiro.clients import outputs
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroInterrupted
from airflow_provider_wiro.hooks.wiro import WiroHook
from small_servers import socket_server


@pytest.fixture
def hook(wiro_emulator: WiroEmulator) -> WiroHook:
    return WiroHook()


@contextmanager
def silent_urls(count: int) -> Iterator[list[str]]:
    """Addresses at which nobody ever answers."""
    over = threading.Event()
    with socket_server(lambda _: bool(over.wait(20)) or None) as port:
        try:
            yield [f"http://127.0.0.1:{port}/{number}.mp4" for number in range(count)]
        finally:
            over.set()


def test_the_first_output_that_is_lost_is_the_last_that_is_looked_at(
    hook: WiroHook, wiro_emulator: WiroEmulator
) -> None:
    urls = [f"{wiro_emulator.url}/Output/gone/{number}.mp4" for number in range(3)]
    assert hook.lost_output(urls) == urls[0]
    assert wiro_emulator.count("Output") == 1
    assert hook.lost_output([]) is None


def test_all_looks_together_end_in_time_and_what_is_left_is_taken_as_there(
    hook: WiroHook, wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "TIMEOUT", 0.4)
    monkeypatch.setattr(outputs, "ALL_TIMEOUT", 1.0)
    begun = time.monotonic()
    with silent_urls(20) as urls:
        assert hook.lost_output([*urls, f"{wiro_emulator.url}/Output/gone/0.mp4"]) is None
        assert 0.9 < time.monotonic() - begun < 1.5


def test_an_interrupt_ends_the_looks(hook: WiroHook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "TIMEOUT", 0.4)
    interrupting = threading.Timer(0.1, hook.interrupt)
    begun = time.monotonic()
    with silent_urls(20) as urls:
        interrupting.start()
        with pytest.raises(WiroInterrupted):
            hook.lost_output(urls)
        assert time.monotonic() - begun < 1.5
    interrupting.join()


def test_an_interrupt_before_the_first_look_sends_nothing(hook: WiroHook, wiro_emulator: WiroEmulator) -> None:
    hook.interrupt()
    with pytest.raises(WiroInterrupted):
        hook.lost_output([f"{wiro_emulator.url}/Output/gone/0.mp4"])
    assert wiro_emulator.requests == []


def test_a_proxy_that_cannot_be_used_for_an_output_proves_nothing(
    hook: WiroHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1080")
    assert hook.lost_output(["https://cdn1.wiro.ai/6a6af820/0.mp4"]) is None
