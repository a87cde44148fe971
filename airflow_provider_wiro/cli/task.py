"""``task``: one Wiro task, by its taskid."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from airflow_provider_wiro.cli.acting import act

SUMMARY = "show, stop, or delete the files of, one Wiro task"

ABOUT = """
Show one Wiro task, stop it, or delete its files at Wiro. Run it where "airflow connections" commands work. It submits
nothing, costs nothing, and changes no journal: an Airflow task that waits for the Wiro task sees it stopped.
"""
CODES = """
exit codes: 0 done; 1 not, and the line says why; 2 wrong arguments.
"""
DELETING = """
Delete the files that a Wiro task was given and has made. They cannot be brought back. The task must be over.
"""


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say, and return the exit code."""
    return act("task", _parser(), arguments, needs="airflow connections list")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m airflow_provider_wiro task", description=ABOUT, epilog=CODES)
    acts = parser.add_subparsers(metavar="ACTION")
    parser.set_defaults(act=None)
    showing = acts.add_parser("show", help="what Wiro says of it, as the operator returns it, in JSON", epilog=CODES)
    stopping = acts.add_parser("stop", help="stop it, whether it is queued or runs", epilog=CODES)
    deleting = acts.add_parser(
        "delete", help="delete its files: they cannot be brought back", description=DELETING, epilog=CODES
    )
    deleting.add_argument("--yes", action="store_true", help="do not ask")
    for one, name in ((showing, "show"), (stopping, "stop"), (deleting, "delete")):
        one.set_defaults(act=name)
        one.add_argument("taskid", metavar="TASKID")
        one.add_argument("--conn-id", help="the Airflow connection (default: wiro_default)")
    return parser
