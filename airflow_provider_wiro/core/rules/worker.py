"""What still needs a worker at the end of a task with ``end_from_trigger=True``.

The first row that holds decides. It is asked twice: before the task defers, of what is known then, and in the trigger,
of the verdict. Where no row holds, the task ends in the triggerer.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a task; what nobody has looked at yet is False.

    :param xcoms_as_text: whether it pushes XComs, and this Airflow keeps those of an event as text.
    :param saves: whether its outputs are saved.
    :param outlets: whether it has outlets.
    :param on_success_callback: whether it has one.
    :param post_execute: whether it has one.
    :param multiple_outputs: whether each item of what it returns is an XCom of its own.
    :param mapped_over: whether another task is mapped over what it returns.
    :param dag_result: whether what it returns is the result of the DAG run.
    :param map_index_template: whether its name in the grid is rendered at the end.
    :param xcom_backend: whether XCom values go through another class than Airflow's own.
    :param unrecorded: whether there is a journal that does not hold the taskid yet.
    :param unsuccessful: whether the verdict is another one than a success.
    :param no_output: whether there is no file where one is required.
    :param text_in_files: whether the text of a text model is in files, which have to be read.
    :param too_large: whether its XComs are more than an event holds.
    """

    xcoms_as_text: bool = False
    saves: bool = False
    outlets: bool = False
    on_success_callback: bool = False
    post_execute: bool = False
    multiple_outputs: bool = False
    mapped_over: bool = False
    dag_result: bool = False
    map_index_template: bool = False
    xcom_backend: bool = False
    unrecorded: bool = False
    unsuccessful: bool = False
    no_output: bool = False
    text_in_files: bool = False
    too_large: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """One row.

    :param fact: the field of ``Known`` that it is about.
    :param asked: when it is asked.
    """

    name: str
    fact: str
    asked: str
    why: str


_DEFERS, _VERDICT = "before it defers", "of the verdict"

NEEDS: tuple[Need, ...] = (
    Need(
        "it pushes XComs before Airflow 3.3",
        "xcoms_as_text",
        _DEFERS,
        "Airflow 3.0 to 3.2 keep an event's XComs as text",
    ),
    Need("it has `save_to`", "saves", _DEFERS, "a trigger downloads nothing"),
    Need("it has outlets", "outlets", _DEFERS, "Airflow sends their events from a worker"),
    Need("it has an `on_success_callback`", "on_success_callback", _DEFERS, "Airflow 3 calls it in a worker only"),
    Need("it has a `post_execute`", "post_execute", _DEFERS, "Airflow calls it in a worker only"),
    Need("it has `multiple_outputs`", "multiple_outputs", _DEFERS, "Airflow takes what is returned apart in a worker"),
    Need("another task is mapped over it", "mapped_over", _DEFERS, "only a worker tells Airflow how many there are"),
    Need("it returns the DAG's result", "dag_result", _DEFERS, "only a worker tells Airflow so"),
    Need("it has a `map_index_template`", "map_index_template", _DEFERS, "Airflow renders it in a worker"),
    Need("`[core] xcom_backend` is not Airflow's own", "xcom_backend", _DEFERS, "Airflow 3 does not use it there"),
    Need("its taskid is not recorded yet", "unrecorded", _DEFERS, "a trigger does not touch the journal"),
    Need("it is no success", "unsuccessful", _VERDICT, "a worker raises the error, and retries where that helps"),
    Need("there is no file where one is required", "no_output", _VERDICT, "a worker raises the error"),
    Need("its text is in files", "text_in_files", _VERDICT, "a trigger downloads nothing"),
    Need("its XComs are more than 16 kB", "too_large", _VERDICT, "an event holds no more"),
)


def need_of(known: Known) -> Need | None:
    """Return the row that decides; None where no worker is needed."""
    return next((need for need in NEEDS if getattr(known, need.fact)), None)
