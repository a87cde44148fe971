"""Who sees what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from generations import Kept, generation, output, result

Visit = Callable[..., Any]
RUN = "manual__2026-11-27T12:00:00+00:00"
MEDIA = {"run_id": RUN, "task_id": "video"}


@pytest.fixture(autouse=True)
def two_dags(kept: Kept) -> None:
    for dag_id in ("films", "secret"):
        saved = output(uri="s3://aws@media/videos/0.mp4")
        kept.task(dag_id, wiro_generation=generation(taskid=dag_id), return_value=result(saved, taskid=dag_id))


@pytest.mark.parametrize(
    ("user", "dag_id", "status", "seen"),
    [
        ("editor", None, 200, {"films", "secret"}),
        ("editor", "secret", 200, {"secret"}),
        ("guest", None, 200, {"films"}),
        ("guest", "films", 200, {"films"}),
        ("guest", "secret", 403, set()),
        ("guest", "~", 403, set()),
        ("editor", "~", 200, set()),
        ("editor", "no_such_dag", 200, set()),
        ("blind", None, 403, set()),
        ("blind", "films", 403, set()),
        (None, None, 401, set()),
        ("stranger", None, 403, set()),
    ],
)
def test_a_user_sees_what_he_may_see(
    visit: Visit, user: str | None, dag_id: str | None, status: int, seen: set[str]
) -> None:
    answer = visit(user=user, **({} if dag_id is None else {"dag_id": dag_id}))
    assert answer.status_code == status
    if status == 200:
        told = answer.json()
        assert {tile["dag_id"] for tile in told["generations"]} == seen
        assert (told["total"], told["cost_usd"]) == (len(seen), 0.5 * len(seen))
        assert set(told["dags"]) <= ({"films"} if user == "guest" else {"films", "secret"})
    else:
        assert "films" not in answer.text


@pytest.mark.parametrize(
    ("user", "dag_id", "status"),
    [
        ("guest", "secret", 403),
        ("blind", "films", 403),
        (None, "films", 401),
        ("stranger", "films", 403),
        ("editor", "films", 404),  # there are no roots
    ],
)
def test_so_it_is_with_files(visit: Visit, user: str | None, dag_id: str, status: int) -> None:
    assert visit("media", user=user, dag_id=dag_id, **MEDIA).status_code == status


def test_a_second_dag_id_is_not_another_question(visit: Visit) -> None:
    answer = visit("media?dag_id=films&dag_id=secret&run_id=x&task_id=video", user="guest")
    assert answer.status_code == 403
    assert visit("generations?dag_id=films&dag_id=secret", user="guest").status_code == 403
    told = visit("generations?dag_id=secret&dag_id=films", user="guest").json()
    assert {tile["dag_id"] for tile in told["generations"]} == {"films"}
