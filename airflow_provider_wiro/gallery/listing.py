"""A page of the gallery: which generations there are, and what they cost together."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from airflow_provider_wiro.gallery import rows, values
from airflow_provider_wiro.gallery.roots import Stored
from airflow_provider_wiro.gallery.rows import SUCCESS, Key, Row, Where
from airflow_provider_wiro.gallery.tiles import NOT_TOLD, UNDER_WAY, cost_of, model_of, outcome_of, tile

# Looked through for a page; older ones are found by a day or a DAG.
MOST = 5000
PER_PAGE = 24
FAILED = "any_failure"


class Seen(NamedTuple):
    """A generation, with what the filters ask for."""

    row: Row
    model: str | None
    outcome: str
    cost: float | None


def listed(
    session: Session,
    readable: Collection[str],
    where: Where,
    *,
    model: str | None,
    outcome: str | None,
    page: int,
    roots: Iterable[Stored],
) -> dict[str, Any]:
    """Return a page of what there is, what is under way first, and what all of it cost."""
    found = rows.newest(session, readable, where, MOST + 1)
    working = rows.at_work(session, readable)
    seen = _seen(found[:MOST], working)
    chosen = sorted((one for one in seen if _fits(one, model, outcome)), key=lambda one: one.outcome != UNDER_WAY)
    part = chosen[page * PER_PAGE : (page + 1) * PER_PAGE]
    costs = list(_costs(chosen))
    return {
        "generations": _tiles(session, part, working, roots),
        "total": len(chosen),
        "page": page,
        "pages": max(1, math.ceil(len(chosen) / PER_PAGE)),
        "first": page * PER_PAGE + 1 if part else 0,
        "cost_usd": math.fsum(costs),
        "costs_known": len(costs),
        "kept_elsewhere": sum(not one.row.is_told for one in chosen),
        "under_way": sum(one.outcome == UNDER_WAY for one in chosen),
        "more": len(found) > MOST,
        "dags": _dags(session, readable, where, found),
        "models": sorted({one.model for one in seen if one.model}),
        "outcomes": sorted({one.outcome for one in seen}),
    }


def _dags(session: Session, readable: Collection[str], where: Where, found: list[Row]) -> list[str]:
    """Return the DAGs that have generated something; asked for only where these are not all of it."""
    is_all = where == Where() and len(found) <= MOST
    return sorted({row.dag_id for row in found}) if is_all else rows.dags(session, readable)


def _seen(found: Iterable[Row], working: Collection[Key]) -> list[Seen]:
    """Return what the filters ask for. Thousands tell of a few models and costs: each is made out once."""
    once = lru_cache(None, typed=True)
    model, outcome, cost = once(model_of), once(outcome_of), once(cost_of)
    return [
        Seen(
            row,
            model(row.model),
            outcome(row.outcome) or (UNDER_WAY if row.key in working else NOT_TOLD),
            cost(row.cost_usd),
        )
        for row in found
    ]


def _fits(one: Seen, model: str | None, outcome: str | None) -> bool:
    if model is not None and one.model != model:
        return False
    if outcome == FAILED:
        return one.outcome not in (SUCCESS, UNDER_WAY, NOT_TOLD)
    return outcome is None or one.outcome == outcome


def _costs(chosen: Iterable[Seen]) -> Iterable[float]:
    """Return the costs, each generation's once: a sensor and the task that has submitted both tell of it."""
    counted: set[str | Key] = set()
    for one in chosen:
        of = one.row.taskid or one.row.key
        if one.cost is not None and of not in counted:
            counted.add(of)
            yield one.cost


def _tiles(
    session: Session, part: list[Seen], working: Collection[Key], roots: Iterable[Stored]
) -> list[dict[str, Any]]:
    states = rows.states(session, [one.row.key for one in part])
    kept = _kept(session, part)
    return [
        tile(
            one.row,
            kept.get((one.row.key, rows.GENERATION), one.row.told),
            kept.get((one.row.key, rows.RESULT)),
            state=states.get(one.row.key),
            at_work=one.row.key in working,
            roots=roots,
        )
        for one in part
    ]


def _kept(session: Session, part: list[Seen]) -> dict[tuple[Key, str], Mapping[str, Any]]:
    """Return the objects that those on the page have in XCom, of which each is of a task and a key."""
    backend = values.asks_backend()
    found = rows.kept(session, [one.row for one in part])
    return {(of, key): value for of, key, kept in found if (value := values.told(kept, backend=backend)) is not None}
