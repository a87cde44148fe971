"""The sweep: on a migrated database, and an emulated Wiro whose tasks run on until they are stopped."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import pytest
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_3_PLUS

from airflow_provider_wiro.core.landing import Landed
from airflow_provider_wiro.journals import mark
from airflow_provider_wiro.sweep import sweep
from airflow_provider_wiro.sweep.__main__ import main
from doubles import statuses, wait_until
from sweeping import IN_THE_FOLDER, IN_THE_STORE, OLD_PATHS, Deployment, Swept

pytestmark = OLD_PATHS


def test_a_dry_run_lists_what_runs_on_and_stops_nothing(deployment: Deployment, swept: Swept) -> None:
    record = deployment.runs_on(2, "failed")
    code, said = swept()
    assert code == 3
    assert re.fullmatch(
        f"would stop: dag_id={deployment.dag_id} run_id={re.escape(deployment.run_id)} task_id=video map_index=2 "
        rf"state=failed taskid={record.taskid} conn_id=wiro_default age=\dmin \(task_start\)",
        said.splitlines()[0],
    )
    assert said.splitlines()[-1].endswith(": 1 would stop")
    assert statuses(deployment.wiro) == ["task_start"]


def test_stop_stops_it_and_then_nothing_is_left(deployment: Deployment, swept: Swept) -> None:
    deployment.runs_on(0, "failed")
    code, said = swept("--stop")
    assert (code, statuses(deployment.wiro)) == (0, ["task_cancel"])
    assert said.startswith("stopped: ")
    assert "task_start; stopped by Kill" in said
    code, said = swept()
    assert code == 0
    assert said.splitlines()[-1].endswith(": 1 over")


@pytest.mark.parametrize("state", ["success", "skipped", "upstream_failed", "removed"])
def test_every_way_to_end_counts(deployment: Deployment, swept: Swept, state: str) -> None:
    deployment.runs_on(0, state)
    assert swept("--stop")[0] == 0
    assert statuses(deployment.wiro) == ["task_cancel"]


@pytest.mark.parametrize(
    "state",
    ["deferred", "running", "queued", "scheduled", "up_for_retry", "up_for_reschedule", "restarting", None],
)
def test_what_a_task_instance_still_waits_for_is_left_alone(
    deployment: Deployment, swept: Swept, state: str | None
) -> None:
    deployment.runs_on(1, state)
    code, said = swept("--stop")
    assert (code, statuses(deployment.wiro)) == (0, ["task_start"])
    assert said.splitlines()[-1].endswith(": 1 wanted")
    assert deployment.wiro.count("Detail") == 0


def test_each_mapped_task_instance_is_looked_up_for_itself(deployment: Deployment, swept: Swept) -> None:
    for map_index, state in enumerate(["deferred", "failed", None, "success"]):
        deployment.runs_on(map_index, state)
    assert swept()[1].splitlines()[-1].endswith(": 2 wanted, 2 would stop")
    assert swept("--stop")[0] == 0
    assert statuses(deployment.wiro) == ["task_start", "task_cancel", "task_start", "task_cancel"]


def test_what_ended_in_the_triggerer_is_over(deployment: Deployment, swept: Swept) -> None:
    """A trigger does not touch the journal: the record says *submitted*, and Detail the rest."""
    record = deployment.runs_on(0, "success")
    assert (record.phase, record.taskid) == ("submitted", deployment.wiro.runs[0].taskid)
    deployment.wiro.release(deployment.wiro.runs[0].taskid)
    wait_until(lambda: statuses(deployment.wiro) == ["task_postprocess_end"])
    code, said = swept("--stop")
    assert (code, said.splitlines()[-1].endswith(": 1 over")) == (0, True)
    assert deployment.wiro.count("Kill") == deployment.wiro.count("Cancel") == 0


def test_what_was_told_to_outlive_its_task_is_left_alone(deployment: Deployment, swept: Swept) -> None:
    deployment.runs_on(0, "success", stop_when_ended=False)
    assert swept("--stop")[0] == 0
    assert statuses(deployment.wiro) == ["task_start"]


def test_a_run_that_is_older_than_hours_is_left_alone(deployment: Deployment, swept: Swept) -> None:
    record = deployment.runs_on(0, "failed")
    long_ago = time.time() - 7200
    deployment.write(replace(record, identity=replace(record.identity, map_index=1), submitted_at=long_ago))
    deployment.set_state(1, "failed")
    assert swept("--hours", "1")[1].count("would stop:") == 1
    assert swept("--hours", "3")[1].count("would stop:") == 2


def test_a_task_instance_that_is_gone_wants_nothing(deployment: Deployment, swept: Swept) -> None:
    deployment.runs_on(77, None)
    code, said = swept()
    assert code == 3
    assert "map_index=77 state=gone" in said


def test_a_submission_that_wiro_has_not_accepted_needs_nobody(deployment: Deployment, swept: Swept) -> None:
    deployment.set_state(0, "failed")
    deployment.write(deployment.record(0))
    code, said = swept("--stop")
    assert (code, said.splitlines()[-1].partition(": ")[2]) == (0, "1 not accepted by Wiro")
    deployment.set_state(0, "running")
    assert swept("--stop")[0] == 0


def test_a_user_who_clears_the_task_at_the_last_moment_keeps_it(
    deployment: Deployment, swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.runs_on(0, "failed")
    ask = sweep.detail

    def clear_meanwhile(*, taskid: str) -> Any:
        deployment.set_state(0, None)
        return ask(taskid=taskid)

    monkeypatch.setattr(sweep, "detail", clear_meanwhile)
    code, said = swept("--stop")
    assert (code, statuses(deployment.wiro)) == (0, ["task_start"])
    assert said.startswith("wanted again: ")


def test_a_task_instance_that_goes_at_the_last_moment_still_wants_nothing(
    deployment: Deployment, swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.runs_on(0, "failed")
    look = sweep.states_of
    answers = iter([look, lambda identities: dict.fromkeys(identities, "gone")])
    monkeypatch.setattr(sweep, "states_of", lambda identities: next(answers)(identities))
    assert swept("--stop")[0] == 0
    assert statuses(deployment.wiro) == ["task_cancel"]


def test_a_record_that_cannot_be_read_does_not_hold_up_the_others(deployment: Deployment, swept: Swept) -> None:
    deployment.write_text(deployment.record(3).identity, '{"version": 99}')
    deployment.runs_on(0, "failed")
    code, said = swept("--stop")
    assert (code, statuses(deployment.wiro)) == (1, ["task_cancel"])
    assert said.startswith("UNREADABLE: the ")
    assert "version 99" in said


def test_a_connection_that_is_broken_does_not_hold_up_the_others(deployment: Deployment, swept: Swept) -> None:
    for map_index in (1, 2, 3):
        deployment.runs_on(map_index, "failed", conn_id="nowhere")
    deployment.runs_on(0, "failed")
    code, said = swept("--stop")
    assert (code, statuses(deployment.wiro)) == (1, ["task_start"] * 3 + ["task_cancel"])
    assert said.count("COULD NOT BE ASKED: ") == 3
    assert said.count("(The conn_id `nowhere` isn't defined)") == 3


def test_a_connection_that_fails_again_and_again_is_given_up(
    deployment: Deployment, swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "FAILURES_IN_A_ROW", 2)
    for map_index in range(4):
        deployment.runs_on(map_index, "failed")
    deployment.wiro.script("Detail", "5xx", times=-1, status=503)
    code, said = swept("--stop")
    assert (code, deployment.wiro.count("Detail")) == (1, 2)
    assert "COULD NOT BE ASKED: 2 more of connection wiro_default" in said


def test_what_cannot_be_stopped_is_told(deployment: Deployment, swept: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_wiro.core.calls.STOP_PAUSES", ())
    deployment.runs_on(0, "failed")
    for call in ("Kill", "Cancel"):
        deployment.wiro.script(call, "5xx", times=-1, status=503)
    code, said = swept("--stop")
    assert (code, statuses(deployment.wiro)) == (1, ["task_start"])
    assert said.startswith("COULD NOT BE STOPPED: ")


def test_no_secret_is_printed(deployment: Deployment, swept: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = json.dumps(deployment.wiro.connection | {"login": "key-of-nobody", "password": "secret-of-nobody"})
    monkeypatch.setenv("AIRFLOW_CONN_REVOKED", broken)
    monkeypatch.setenv("AIRFLOW_CONN_GARBLED", "wiro://key-of-nobody:secret-of-nobody@[")
    deployment.runs_on(0, "failed", conn_id="revoked")
    deployment.runs_on(1, "failed", conn_id="garbled")
    code, said = swept("--stop")
    assert code == 1
    assert said.count("COULD NOT BE ASKED: ") == 2
    assert "of-nobody" not in said


@IN_THE_FOLDER
def test_a_folder_that_is_not_mounted_here_is_an_error(deployment: Deployment, swept: Swept) -> None:
    deployment.folder.rmdir()
    code, said = swept()
    assert code == 1
    assert "mount the share" in said


@IN_THE_FOLDER
def test_old_files_are_not_even_read(deployment: Deployment, swept: Swept) -> None:
    mark(deployment.folder)
    path = deployment.folder / "old.json"
    path.write_text("garbage")
    assert swept()[0] == 1
    os.utime(path, (time.time() - 100 * 3600,) * 2)
    assert swept()[0] == 0


@IN_THE_STORE
def test_a_reference_to_another_store_is_not_taken_for_nothing(deployment: Deployment, swept: Swept) -> None:
    deployment.write_text(deployment.record(0).identity, '"s3://bucket/state/wiro_journal"')
    code, said = swept()
    assert code == 1
    assert "[workers] state_store_backend" in said


@IN_THE_STORE
def test_what_others_keep_in_the_state_store_is_none_of_ours(deployment: Deployment, swept: Swept) -> None:
    deployment.write_text(deployment.record(0).identity, '"a cursor"', key="cursor")
    code, said = swept()
    assert (code, said.split()[0]) == (0, "0")


@pytest.mark.skipif(AIRFLOW_V_3_3_PLUS, reason="there is a state store")
def test_without_any_journal_it_says_so(airflow_database: None, swept: Swept) -> None:
    code, said = swept()
    assert code == 1
    assert "[wiro] journal_path is not set" in said


@pytest.mark.parametrize("hours", ["0", "-1", "nan", "inf", "soon"])
def test_hours_must_make_sense(hours: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--hours", hours])
    assert ended.value.code == 2


@IN_THE_FOLDER
def test_as_a_process_it_reads_connections_that_are_kept_in_the_database(deployment: Deployment) -> None:
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session

    with create_session() as session:
        session.add(Connection(conn_id="in_the_database", **deployment.wiro.connection))
    deployment.runs_on(0, "failed", conn_id="in_the_database")
    command = [sys.executable, "-m", "airflow_provider_wiro.sweep", "--stop"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stopped: " in done.stdout
    assert statuses(deployment.wiro) == ["task_cancel"]
    assert "Connection Retrieved" not in done.stdout + done.stderr


def test_where_the_database_is_out_of_reach_it_says_so_in_one_line() -> None:
    command = [sys.executable, "-m", "airflow_provider_wiro.sweep"]
    url = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "airflow-db-not-allowed://user:password-of-nobody@"}
    done = subprocess.run(command, env={**os.environ, **url}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith('Does "airflow dags list" work here?')
    assert "Traceback" not in done.stderr
    assert "of-nobody" not in done.stdout + done.stderr


def test_what_was_only_uploaded_is_no_submission(deployment: Deployment, swept: Swept) -> None:
    deployment.set_state(0, "failed")
    deployment.write(deployment.record(0, sent=False, uploads={"ab" * 32: "https://cdn.wiro.ai/a.png"}))
    code, said = swept("--stop")
    assert (code, said.splitlines()[-1].split(" of the")[0]) == (0, "0 submissions")
    assert deployment.wiro.requests == []


def test_what_is_saved_runs_no_more_and_wiro_is_not_asked(deployment: Deployment, swept: Swept) -> None:
    deployment.set_state(0, "failed")
    file = Landed("s3://media/2221/0.mp4", "0.mp4", 9, "cd" * 32)
    deployment.write(replace(deployment.record(0).submitted("2221", time.time()), landed=(file,)))
    code, said = swept()
    assert code == 0
    assert "0 submissions" in said
    assert deployment.wiro.requests == []
