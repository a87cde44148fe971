"""Carries out the recall on a script, late enough after the intent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from airflow_provider_wiro.core.fields import OnUnknown
from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.protocol import Flow, NoReply, Send
from airflow_provider_wiro.core.recalled import Decision
from airflow_provider_wiro.exceptions import WiroError, WiroJournalError
from airflow_provider_wiro.stages.recall import recall
from fake_driver import START, FakeDriver, Outcome
from records import ACCOUNT, BASE_URL, intent

T = TypeVar("T")
PLACE = "the file /journal/1.json"
Script = list[Outcome] | Callable[[Send, float], Outcome]
Others = Sequence[Record | WiroJournalError] | None
# Any other one, so that the records of others can be listed.
ALONE: Others = ()


@dataclass
class FakeCaller:
    """A caller over a driver without sockets; it sends nothing where its connection leads elsewhere.

    :param services: the base URL of the connection, as a function of the seconds since `START`.
    """

    driver: FakeDriver
    services: Callable[[float], str] = lambda _: BASE_URL
    account: str = ACCOUNT

    def __post_init__(self) -> None:
        self._script, self._service = self.driver._answer, ""
        self.driver._answer = self._answer

    def drive(self, flow: Flow[T], *, service: str | None = None, to_the_end: bool = False) -> T:
        self._service = service or ""
        return self.driver.drive(flow)

    def _answer(self, step: Send, age: float) -> Outcome:
        leads_to = self.services(age)
        if self._service not in ("", leads_to):
            self.driver.sent.pop()
            reason = f"the connection leads to {leads_to}, but this is for {self._service}"
            return NoReply(False, reason, elsewhere=True)
        return self._script(step, age)


@dataclass
class FakeJournal:
    """A journal that shows the records of others."""

    shown: Others = ALONE
    place: str = PLACE

    def others(self) -> Others:
        return self.shown


def recalled(
    script: Script,
    found: Record,
    wanted: Record | None = None,
    *,
    on_unknown: OnUnknown = "fail",
    missed: str | None = None,
    late: float = 3600.0,
    deadline: float | None = None,
    others: Others = ALONE,
    services: Callable[[float], str] = lambda _: BASE_URL,
    account: str = ACCOUNT,
    drivers: list[FakeDriver] | None = None,
) -> tuple[Decision, FakeDriver]:
    """Recall *late* seconds after the intent."""

    def answer(step: Send, age: float) -> Outcome:
        assert not step.path.startswith("/Run")
        return script(step, age) if callable(script) else script.pop(0)

    driver = FakeDriver(answer, time=START + late)
    if drivers is not None:
        drivers.append(driver)
    caller: Any = FakeCaller(driver, services, account)
    journal: Any = FakeJournal(others)
    decision = recall(
        caller, journal, found, wanted or intent(), on_unknown=on_unknown, missed=missed, deadline=deadline
    )
    return decision, driver


recovered = recalled


def refused(kind: type[WiroError], script: Script, found: Record, **options: Any) -> tuple[WiroError, FakeDriver]:
    """Recall in vain: nothing may be submitted."""
    drivers: list[FakeDriver] = []
    with pytest.raises(kind) as caught:
        recalled(script, found, drivers=drivers, **options)
    assert type(caught.value) is kind
    return caught.value, drivers[0]
