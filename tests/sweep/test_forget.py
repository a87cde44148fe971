"""A record that a person forgets, wherever it is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_provider_wiro.exceptions import WiroJournalError
from airflow_provider_wiro.sweep.recorded import open_recorded
from sweeping import OLD_PATHS, Deployment

pytestmark = OLD_PATHS


def test_only_the_record_that_was_read_is_forgotten(deployment: Deployment) -> None:
    forgotten, kept = deployment.runs_on(0, "failed"), deployment.runs_on(1, "failed")
    recorded = open_recorded()
    recorded.forget(forgotten)
    assert recorded.of(forgotten.identity) is None
    assert recorded.of(kept.identity) == kept
    with pytest.raises(WiroJournalError, match="changed"):
        recorded.forget(replace(kept, taskid="1"))
    assert recorded.of(kept.identity) == kept
