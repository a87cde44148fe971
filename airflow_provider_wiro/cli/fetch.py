"""``fetch``: save what a Wiro task has made."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from airflow_provider_wiro.exceptions import WiroError

SUMMARY = "save the outputs of any Wiro task, with a manifest"

ABOUT = """
Save the outputs of a Wiro task to DIR/TASKID/, and a manifest beside them. It submits nothing and costs nothing: a task
that is paid stays paid. The task is named by its taskid, or by the Airflow task instance that has paid for it: then the
taskid is looked up in the journal's record. Files that are there already are left alone if they are the same; other
files are never replaced.
"""
CODES = """
exit codes: 0 all is saved; 1 not, and the line says why; 2 wrong arguments; 130 interrupted. What is saved is whole.
"""
MOST = 2_000_000_000


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say, and return the exit code."""
    from airflow_provider_wiro.sweep.process import see_the_deployment

    parser = _parser()
    options = parser.parse_args(arguments)
    instance = (options.dag_id, options.run_id, options.task_id)
    if (options.taskid is None) == (instance == (None, None, None)) or (options.taskid is None and None in instance):
        parser.error("give either TASKID, or --dag-id, --run-id and --task-id together")
    see_the_deployment()
    # Airflow looks for its database when it is imported.
    from airflow_provider_wiro.cli.fetch_acts import fetch
    from airflow_provider_wiro.sweep.errors import said

    try:
        return fetch(options)
    except WiroError as error:
        print(f"fetch: {said(error)}", file=sys.stderr)
    except KeyboardInterrupt:
        print("fetch: interrupted; what is saved is whole, and the same command goes on", file=sys.stderr)
        return 130
    except Exception as error:
        print(f'fetch: {said(error)}. Does "airflow connections list" work here?', file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m airflow_provider_wiro fetch", description=ABOUT, epilog=CODES)
    parser.add_argument("taskid", nargs="?", metavar="TASKID", help="the Wiro task")
    parser.add_argument(
        "--to", required=True, metavar="DIR", help="a local folder, or a URL such as s3://conn_id@bucket/x"
    )
    parser.add_argument("--conn-id", help="the Airflow connection (default: the record's, else wiro_default)")
    parser.add_argument("--max-bytes", type=_bytes, default=MOST, help=f"for each file (default: {MOST})")
    parser.add_argument("--dag-id", help="of the task instance that has paid")
    parser.add_argument("--run-id", help="of the task instance that has paid")
    parser.add_argument("--task-id", help="of the task instance that has paid")
    parser.add_argument("--map-index", type=int, default=-1, help="of a mapped task (default: not mapped)")
    parser.add_argument("--execution", default="", help="of a task loop (Airflow 3.4 and newer; default: no loop)")
    return parser


def _bytes(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of bytes from 1 on")
    return int(text)
