"""The exceptions: one tree, free of Airflow, and each says whether a retry can help."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from airflow_provider_wiro import exceptions
from airflow_provider_wiro.exceptions import WiroError

CLASSES = [getattr(exceptions, name) for name in exceptions.__all__]
RETRYABLE = {
    "WiroInterrupted",
    "WiroJournalError",
    "WiroJournalTaken",
    "WiroUnreachable",
    "WiroUploadError",
    "WiroBusy",
    "WiroTaskFailed",
    "WiroTaskCancelled",
    "WiroTaskStuck",
    "WiroTaskTimeout",
    "WiroTaskGaveUp",
    "WiroSaveError",
}


@pytest.mark.parametrize("kind", CLASSES)
def test_each_says_whether_a_retry_can_help_without_paying_twice(kind: type[WiroError]) -> None:
    assert kind("no").retryable is (kind.__name__ in RETRYABLE)
    assert kind("no", retryable=False).retryable is False


def test_what_moderation_refuses_is_a_failure_that_is_not_tried_again() -> None:
    assert issubclass(exceptions.WiroTaskFlagged, exceptions.WiroTaskFailed)
    assert not exceptions.WiroTaskFlagged("no").retryable


def test_every_exception_of_the_module_is_public_and_in_the_tree_of_its_docstring() -> None:
    found = {name for name, item in vars(exceptions).items() if isinstance(item, type)}
    assert found == set(exceptions.__all__)
    for kind in CLASSES:
        assert issubclass(kind, WiroError)
        assert kind.__name__ in str(exceptions.__doc__)


GIVEN: dict[str, Any] = {
    "taskid": "2221",
    "status": "task_start",
    "code": 97,
    "cost_usd": 0.25,
    "outputs": [{"url": "https://x.example/0.mp4", "name": "0.mp4", "content_type": None, "size": 5, "content": None}],
    "retryable": True,
}


def attributes(error: WiroError) -> dict[str, Any]:
    return {name: getattr(error, name) for name in GIVEN}


@pytest.mark.parametrize("kind", CLASSES)
def test_each_has_all_attributes(kind: type[WiroError]) -> None:
    assert attributes(kind("no", **GIVEN)) == GIVEN
    empty = {"taskid": None, "status": None, "code": None, "cost_usd": None, "outputs": []}
    assert attributes(kind("no")) == empty | {"retryable": kind.retryable}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", CLASSES)
def test_an_exception_survives_being_pickled_and_copied(kind: type[WiroError], protocol: int) -> None:
    given = kind("no", **GIVEN)
    for error in (pickle.loads(pickle.dumps(given, protocol)), copy.deepcopy(given)):
        assert type(error) is kind
        assert (str(error), attributes(error)) == ("no", GIVEN)
