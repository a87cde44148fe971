"""The command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from airflow_provider_wiro.exceptions import WiroError
from airflow_provider_wiro.sweep.errors import said
from airflow_provider_wiro.sweep.process import see_the_deployment

PROGRAM = "python -m airflow_provider_wiro.sweep"

ABOUT = """
Airflow does not tell a triggerer that has just died that its task was marked failed, and so the Wiro task runs on. This
command reads what the tasks of this deployment have written into their journals, looks up in the metadata database
which of them have ended, asks Wiro (free of charge) whether their Wiro tasks run on, and lists those. With --stop it
stops them. Run it where "airflow tasks" commands work, with the settings and connections that the workers have.
"""
CODES = """
exit codes: 0 nothing is left to stop; 1 something could not be read, asked or stopped, is unknown (a submission
whose outcome is not known: look in the Wiro dashboard), or was sent to another service than its connection leads to
now; 2 wrong arguments; 3 (never with --stop)
something runs on that --stop would stop.
"""


def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Sweep once, and return the exit code.

    :param arguments: the command line without the program's name; None: the process's own.
    :param prog: how the program is called, for its help.
    """
    options = _parser(prog).parse_args(arguments)
    try:
        # Airflow looks for its database when it is imported.
        from airflow_provider_wiro.sweep.recorded import open_recorded
        from airflow_provider_wiro.sweep.sweep import Sweep

        return Sweep(open_recorded(), hours=options.hours, stop=options.stop).run()
    except WiroError as error:
        print(f"sweep: {said(error)}", file=sys.stderr)
    except Exception as error:
        print(f'sweep: {said(error)}. Does "airflow dags list" work here?', file=sys.stderr)
    return 1


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= 24 * 365:
        raise argparse.ArgumentTypeError(f"{text!r}; allowed: a number of hours above 0 and up to {24 * 365}")
    return hours


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, description=ABOUT, epilog=CODES)
    parser.add_argument("--stop", action="store_true", help="stop them; without it, nothing is changed")
    parser.add_argument(
        "--hours", type=_hours, default=72.0, help="look at submissions that are at most so old (default %(default)g)"
    )
    return parser


if __name__ == "__main__":
    see_the_deployment()
    sys.exit(main())
