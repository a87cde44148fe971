"""The exceptions: one tree, free of Airflow, and each says whether a retry can help."""

from __future__ import annotations

import pickle

import pytest

from airflow_provider_wiro import exceptions
from airflow_provider_wiro.exceptions import WiroError

CLASSES = [getattr(exceptions, name) for name in exceptions.__all__]
RETRYABLE = {
    "WiroInterrupted",
    "WiroJournalError",
    "WiroJournalTaken",
    "WiroUnreachable",
    "WiroBusy",
    "WiroTaskFailed",
    "WiroTaskCancelled",
    "WiroTaskStuck",
    "WiroTaskTimeout",
    "WiroTaskGaveUp",
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


@pytest.mark.parametrize("kind", CLASSES)
def test_an_exception_survives_being_pickled(kind: type[WiroError]) -> None:
    error = pickle.loads(pickle.dumps(kind("no", taskid="2221", status="task_start", code=97, retryable=True)))
    assert type(error) is kind
    assert (str(error), error.taskid, error.status, error.code, error.retryable) == (
        "no",
        "2221",
        "task_start",
        97,
        True,
    )
