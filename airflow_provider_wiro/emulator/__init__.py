"""
A Wiro API on loopback, for demos and tests without an account.

It shares no code with the client side of this package, and imports nothing but aiohttp and the standard library.

    with WiroEmulator(duration=0.5) as emulator:
        emulator.script("Run", "429", retry_after=1)
        ...
        assert emulator.count("Run") == 2
"""

from airflow_provider_wiro.emulator.account import RecordedRequest
from airflow_provider_wiro.emulator.emulator import WiroEmulator
from airflow_provider_wiro.emulator.exchange import Fault
from airflow_provider_wiro.emulator.faults import FAULTS
from airflow_provider_wiro.emulator.outcomes import Outcome
from airflow_provider_wiro.emulator.tasks import EmulatedTask

__all__ = ["FAULTS", "EmulatedTask", "Fault", "Outcome", "RecordedRequest", "WiroEmulator"]
