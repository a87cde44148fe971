"""Who pays, with task instances as each version of Airflow makes them; 3.4's as its source has them (read, not run)."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from airflow_provider_wiro.core.journal import Identity
from airflow_provider_wiro.exceptions import WiroInputError
from airflow_provider_wiro.task_instance import identity_of

ROOT = UUID(int=0)
OUTSIDE = Identity("videos", "manual__2026-01-01", "video", -1)


def task_instance(**fields: Any) -> Any:
    given = {"dag_id": "videos", "run_id": "manual__2026-01-01", "task_id": "video", "map_index": -1} | fields
    return SimpleNamespace(**given)


class TaskGroup(SimpleNamespace):
    parent_group: Any = None


class LoopTaskGroup(TaskGroup):
    """Named as upstream's."""


def in_a_loop(**fields: Any) -> Any:
    inner = TaskGroup(parent_group=LoopTaskGroup(parent_group=TaskGroup()))
    return task_instance(task=SimpleNamespace(task_group=inner), **fields)


@pytest.mark.parametrize(
    "ti",
    [
        task_instance(),
        task_instance(map_index=None),
        task_instance(region_id=None, region_index=None),
        task_instance(region_id=ROOT, region_index=-1),
        task_instance(region_id=str(ROOT), region_index=-1),
        task_instance(region_id=ROOT, region_index=-1, task=SimpleNamespace(task_group=TaskGroup())),
        task_instance(region_id=ROOT, region_index=-1, task=SimpleNamespace(task_group=None)),
    ],
    ids=["3.3", "3.3, no index", "3.4, older server", "3.4", "3.4, as text", "3.4, in a group", "3.4, in no group"],
)
def test_outside_of_loops_a_task_is_who_it_was_on_3_3(ti: Any) -> None:
    assert identity_of(ti) == OUTSIDE


def test_a_mapped_task_outside_of_loops_is_who_it_was_on_3_3() -> None:
    ti = task_instance(map_index=3, region_id=ROOT, region_index=3)
    assert identity_of(ti) == dataclasses.replace(OUTSIDE, map_index=3)


def test_each_iteration_of_a_loop_pays_for_itself_and_its_tries_share_it() -> None:
    region = uuid4()
    tries = [
        in_a_loop(id=uuid4(), region_id=region, region_index=index, try_number=n)
        for index, n in [(0, 1), (1, 1), (1, 2)]
    ]
    first, second, again = (identity_of(ti, {"loop": object()}) for ti in tries)
    assert first != second == again
    assert second == dataclasses.replace(OUTSIDE, execution=f"{region}.1")


def test_a_loop_that_is_executed_once_more_pays_anew() -> None:
    assert identity_of(in_a_loop(region_id=uuid4(), region_index=0)) != identity_of(
        in_a_loop(region_id=uuid4(), region_index=0)
    )


def test_a_mapped_task_within_a_loop_is_told_apart_by_the_region_of_its_expansion() -> None:
    one, two = uuid4(), uuid4()
    identities = {identity_of(in_a_loop(map_index=0, region_id=region, region_index=0)) for region in (one, two)}
    assert len(identities) == 2
    assert all(identity.mapped for identity in identities)


@pytest.mark.parametrize(
    ("ti", "context"),
    [
        (in_a_loop(), None),
        (in_a_loop(region_id=ROOT, region_index=-1), None),
        (in_a_loop(region_id=uuid4(), region_index=None), None),
        (task_instance(), {"loop": object()}),
    ],
    ids=["no region", "the root region", "no index", "only the context tells"],
)
def test_a_loop_whose_iteration_cannot_be_told_is_refused(ti: Any, context: Any) -> None:
    with pytest.raises(WiroInputError, match=r"task video is in a task loop.*Nothing was submitted.*durable=False"):
        identity_of(ti, context)
