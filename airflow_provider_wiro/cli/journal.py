"""``journal``: what is written down of paid generations."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from airflow_provider_wiro.cli.acting import act

SUMMARY = "show, or forget, what is written down of generations; mark the journal's folder"

ABOUT = """
What the tasks of this deployment have written down of their submissions, so that no later try pays again. Run it where
"airflow tasks" commands work, with the settings that the workers have. It asks Wiro nothing, stops nothing there, and
costs nothing; but what "forget" forgets is paid again by the next try.
"""
CODES = """
exit codes: 0 done; 1 a record is not there, or cannot be read or changed, or the answer was no; 2 wrong arguments.
"""
FORGETTING = """
Forget the record of one task instance. This costs nothing by itself, but the next try of that task (a retry, or after a
clear) then pays for a new generation. A Wiro task of it that still runs is not stopped, and is paid as well: look in
the Wiro dashboard first. No try of the task may run meanwhile.
"""


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say, and return the exit code."""
    return act("journal", _parser(), arguments, needs="airflow dags list")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m airflow_provider_wiro journal", description=ABOUT, epilog=CODES)
    acts = parser.add_subparsers(metavar="ACTION")
    parser.set_defaults(act=None)
    listing = acts.add_parser("list", help="one line for each record, oldest first", epilog=CODES)
    listing.add_argument("--dag-id", help="only of this DAG")
    listing.add_argument("--run-id", help="only of this DAG run")
    listing.set_defaults(act="list_records")
    showing = acts.add_parser("show", help="all that the record of one task instance says", epilog=CODES)
    showing.set_defaults(act="show")
    forgetting = acts.add_parser(
        "forget", help="forget one: the next try pays again", description=FORGETTING, epilog=CODES
    )
    forgetting.add_argument("--yes", action="store_true", help="do not ask")
    forgetting.set_defaults(act="forget")
    for one in (showing, forgetting):
        for name in ("DAG_ID", "RUN_ID", "TASK_ID"):
            one.add_argument(name.lower(), metavar=name)
        one.add_argument("--map-index", type=int, default=-1, help="of a mapped task (default: not mapped)")
        one.add_argument("--execution", default="", help="of a task loop (Airflow 3.4 and newer; default: no loop)")
    marking = acts.add_parser(
        "init",
        help="mark the folder of [wiro] journal_path as a journal, so that one not mounted is noticed",
        epilog=CODES,
    )
    marking.set_defaults(act="init")
    return parser
