"""What the tests of the sweep share: a deployment with journals, whose Wiro tasks run on until they are stopped."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_wiro.compat import AIRFLOW_V_3_3_PLUS
from airflow_provider_wiro.core.journal import Identity, Record
from airflow_provider_wiro.core.work import digests
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.hooks.caller import Caller
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.journals import STATE_KEY, file_name

# Airflow 2 makes the paths of an ObjectStoragePath in a way that its library is going to end.
OLD_PATHS = pytest.mark.filterwarnings("ignore:in a future version of UPath:PendingDeprecationWarning")

MODEL = "owner/any-model"
INPUTS = digests({"prompt": "A kite 0"})
Swept = Callable[..., tuple[int, str]]
PLACES: list[Any] = [
    "folder",
    pytest.param("store", marks=pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason="no state store before 3.3")),
]
IN_THE_FOLDER = pytest.mark.parametrize("deployment", PLACES[:1], indirect=True)
IN_THE_STORE = pytest.mark.parametrize("deployment", PLACES[1:], indirect=True)


class Deployment:
    """A DAG with a mapped task, `video`, and the journals that its task instances have written."""

    def __init__(self, place: str, folder: Path, instances: list[Any], wiro: WiroEmulator) -> None:
        self.place, self.folder, self.instances, self.wiro = place, folder, instances, wiro
        self.dag_id, self.run_id = instances[0].dag_id, instances[0].run_id

    def runs_on(self, map_index: int, state: str | None, **fields: Any) -> Record:
        """Give one of the task instances a state, and a Wiro task that runs."""
        submission = WiroHook().run(MODEL, {"prompt": f"A kite {map_index}"})
        self.set_state(map_index, state)
        return self.write(self.record(map_index, **fields).submitted(submission.taskid, time.time()))

    def record(self, map_index: int, **fields: Any) -> Record:
        identity = Identity(self.dag_id, self.run_id, "video", map_index)
        caller = Caller("wiro_default", logging.getLogger(__name__))
        intent = Record(identity, "fingerprint", MODEL, {}, time.time(), "wiro_default")
        return replace(intent, **({"base_url": caller.base_url, "account": caller.account} | fields))

    def write(self, record: Record) -> Record:
        self.write_text(record.identity, json.dumps(record.to_json()))
        return record

    def write_text(self, identity: Identity, text: str, key: str = STATE_KEY) -> None:
        if self.place == "folder":
            path = self.folder / file_name(identity)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            return
        from airflow.models.dagrun import DagRun
        from airflow.models.task_state_store import TaskStateStoreModel
        from airflow.utils.session import create_session

        with create_session() as session:
            run = session.query(DagRun.id).filter_by(dag_id=identity.dag_id, run_id=identity.run_id).scalar()
            where = {name: value for name, value in asdict(identity).items() if name != "execution"}
            session.query(TaskStateStoreModel).filter_by(**where, key=key).delete()
            session.add(TaskStateStoreModel(**where, dag_run_id=run, key=key, value=text))

    def set_state(self, map_index: int, state: str | None) -> None:
        from airflow.models.taskinstance import TaskInstance
        from airflow.utils.session import create_session

        with create_session() as session:
            one = session.query(TaskInstance).filter_by(dag_id=self.dag_id, run_id=self.run_id, map_index=map_index)
            one.update({"state": state})


def lose(deployment: Deployment, **fields: Any) -> Record:
    """Write down a Run of the same inputs whose answer was lost; nobody waits for it any more."""
    record = deployment.record(-1, inputs=INPUTS, at=time.time() - 100, **fields)
    return deployment.write(replace(record, identity=replace(record.identity, task_id="lost")))


def empty_the_store() -> None:
    from airflow.models.task_state_store import TaskStateStoreModel
    from airflow.utils.session import create_session

    with create_session() as session:
        session.query(TaskStateStoreModel).delete()
