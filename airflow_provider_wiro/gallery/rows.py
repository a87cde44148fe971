"""All that the gallery asks Airflow's database, in one file: the tables are Airflow's, and change with it.

Everything is looked for by an XCom's key that only this package pushes; there is an index on it. Airflow 3.4 has other
tables behind ``XComModel``, with the same columns.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.state import State
from sqlalchemy import DateTime, and_, case, null, select, tuple_, type_coerce
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, aliased

from airflow_provider_wiro.core.reading import read_taskid
from airflow_provider_wiro.gallery.values import plain

SUCCESS = "success"
GENERATION, RESULT = "wiro_generation", "return_value"
# What 0.1.0 pushed at the end, and other packages do not.
BEFORE = "output_urls"
# What is read of each generation, whether it is on the page or not; the first is in all of them.
TOLD = ("taskid", "model", "outcome", "cost_usd")
# Of results, which may have 1 MB each.
AT_ONCE = 4


class Key(NamedTuple):
    """A task instance."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int


class Row(NamedTuple):
    """What XCom holds of a generation: one tuple each, for there are thousands.

    :ivar changed: when it was pushed: at the submission, or at the end.
    :ivar is_told: whether the rest is known; it is not where that is kept elsewhere.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    dag_run_id: int
    changed: datetime
    taskid: str | None
    model: Any
    outcome: Any
    cost_usd: Any
    is_told: bool = True

    @property
    def key(self) -> Key:
        """Return whose it is."""
        return Key(*self[:4])

    @property
    def told(self) -> dict[str, Any] | None:
        """Return what it says."""
        return {name: getattr(self, name) for name in TOLD} if self.is_told else None


@dataclass(frozen=True, slots=True)
class Where:
    """What is looked for; None: any."""

    dag_id: str | None = None
    run_id: str | None = None
    task_id: str | None = None
    map_index: int | None = None
    since: datetime | None = None
    until: datetime | None = None


def newest(session: Session, readable: Collection[str], where: Where, most: int) -> list[Row]:
    """Return what changed last, newest first, at most *most* of it."""
    ask = partial(_newest, session, readable, where, most)
    try:
        return ask(_short)
    except OperationalError:
        if session.get_bind().dialect.name != "sqlite":
            raise
        session.rollback()
        return ask(_whole)  # SQLite looks for nothing in a value with NaN


def _newest(
    session: Session, readable: Collection[str], where: Where, most: int, told: Callable[[Any], list[Any]]
) -> list[Row]:
    """Return it, with what 0.1.0 left.

    :param told: returns what is read of a model's values, for ``_row``.
    """
    asked = select(*_columns(XComModel), *told(XComModel)).where(XComModel.key == GENERATION)
    rows = [_row(found) for found in session.execute(_asked(asked, XComModel, readable, where, most))]
    if not (before := _before(session, readable, where, most, told)):
        return rows
    rows = sorted([*rows, *before], key=lambda row: row.changed, reverse=True)
    return list({row.key: row for row in reversed(rows)}.values())[::-1][:most]


def _row(found: Any) -> Row:
    is_told, values = True, found[6:-1]
    if found[6] is None:
        told = plain(found[-1])
        is_told, values = told is not None, [(told or {}).get(name) for name in TOLD]
    taskid, *short = map(_word, values)
    return Row._make((*found[:6], read_taskid(taskid), *short, is_told))


def _word(value: object) -> str | float | None:
    """Return text or a number; None for an object or an array, which a database may give as text."""
    compound = isinstance(value, str) and value.startswith(("{", "["))
    return value if isinstance(value, str | int | float) and not compound else None


def _before(
    session: Session, readable: Collection[str], where: Where, most: int, told: Callable[[Any], list[Any]]
) -> list[Row]:
    """Return what 0.1.0 left, as much like a generation as it says.

    The results are joined only where there is any: PostgreSQL may read those of all tasks there are for it.
    """
    urls, result, now = aliased(XComModel), aliased(XComModel), aliased(XComModel)
    told_now = select(now.key).where(_beside(urls, now), now.key == GENERATION).exists()
    left = _asked(select(*_columns(urls)).where(urls.key == BEFORE, ~told_now), urls, readable, where, most)
    if session.execute(left).first() is None:
        return []
    joined = left.join(result, and_(_beside(urls, result), result.key == RESULT)).add_columns(*told(result))
    rows = (_row(found) for found in session.execute(joined))
    return [row._replace(model=None, outcome=SUCCESS) for row in rows if row.taskid is not None]


def dags(session: Session, readable: Collection[str]) -> list[str]:
    """Return the DAGs that have generated something."""
    asked = select(XComModel.dag_id).where(XComModel.key.in_((GENERATION, BEFORE))).distinct()
    return sorted(set(session.scalars(asked)) & set(readable))


def at_work(session: Session, readable: Collection[str]) -> set[Key]:
    """Return the task instances with a generation that Airflow has not ended."""
    instance = TaskInstance
    asked = (
        select(instance.dag_id, instance.run_id, instance.task_id, instance.map_index)
        .join(XComModel, and_(*(getattr(instance, name) == getattr(XComModel, name) for name in Key._fields)))
        .where(instance.state.in_([state for state in State.unfinished if state]), XComModel.key == GENERATION)
    )
    return {Key(*found) for found in session.execute(asked) if found[0] in readable}


def states(session: Session, keys: Sequence[Key]) -> dict[Key, str | None]:
    """Return the states of task instances."""
    instance = TaskInstance
    columns = (instance.dag_id, instance.run_id, instance.task_id, instance.map_index)
    asked = select(*columns, instance.state).where(*_among(columns[:2], keys), tuple_(*columns).in_(keys))
    return {Key(*one[:4]): one[4] for one in session.execute(asked)}


def kept(session: Session, rows: Sequence[Row]) -> Iterator[tuple[Key, str, Any]]:
    """Return what the tasks told and returned, a few at a time: the key of each XCom, and its value."""
    columns = (XComModel.dag_run_id, XComModel.task_id, XComModel.map_index, XComModel.key)
    keys = [(row.dag_run_id, row.task_id, row.map_index, key) for row in rows for key in (GENERATION, RESULT)]
    asked = select(*_columns(XComModel)[:4], XComModel.key, XComModel.value)
    asked = asked.where(*_among(columns[:1], keys), tuple_(*columns).in_(keys))
    for found in session.execute(asked.execution_options(yield_per=AT_ONCE)):
        yield Key(*found[:4]), found[4], found[5]


def result(session: Session, key: Key) -> Any:
    """Return what one task returned; None where there is nothing."""
    columns = _columns(XComModel)[:4]
    same = (column == value for column, value in zip(columns, key, strict=True))
    return session.scalar(select(XComModel.value).where(XComModel.key == RESULT, *same))


def _among(columns: Sequence[Any], keys: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Return what SQLite needs besides a condition on whole keys, for which it uses no index: the first part of it."""
    return [column.in_({key[number] for key in keys}) for number, column in enumerate(columns)]


def _columns(model: Any) -> tuple[Any, ...]:
    # Airflow's own type would make every moment anew.
    changed = type_coerce(model.timestamp, DateTime(timezone=True))
    return (model.dag_id, model.run_id, model.task_id, model.map_index, model.dag_run_id, changed)


def _short(model: Any) -> list[Any]:
    """Return only what counts, for there may be thousands.

    All is read of what is there in another way: as text, as Airflow's REST API puts it there, or in an XCom backend.
    """
    told = [model.value[name].as_string() for name in TOLD]
    return [*told, case((told[0].is_(None), model.value))]


def _whole(model: Any) -> list[Any]:
    return [*(null().label(name) for name in TOLD), model.value]


def _beside(one: Any, other: Any) -> Any:
    """Return the condition that two XComs are of one task instance: by what their primary key begins with."""
    return and_(*(getattr(one, name) == getattr(other, name) for name in ("dag_run_id", "task_id", "map_index")))


def _asked(told: Any, model: Any, readable: Collection[str], where: Where, most: int) -> Any:
    """Return the query with what is looked for, among the DAGs that may be read."""
    ids = [where.dag_id] if where.dag_id is not None else readable
    told = told.where(model.dag_id.in_([dag_id for dag_id in ids if dag_id in readable]))
    for name in ("run_id", "task_id", "map_index"):
        if (value := getattr(where, name)) is not None:
            told = told.where(getattr(model, name) == value)
    if where.since is not None:
        told = told.where(model.timestamp >= where.since)
    if where.until is not None:
        told = told.where(model.timestamp < where.until)
    return told.order_by(model.timestamp.desc()).limit(most)
