"""How a command that has several actions carries out the one that is named."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from airflow_provider_wiro.exceptions import WiroError


def act(command: str, parser: argparse.ArgumentParser, arguments: Sequence[str], *, needs: str) -> int:
    """Do what the arguments say, and return the exit code.

    :param command: the module ``<command>_acts`` has a function for each action.
    :param needs: Airflow's command that works where this one does.
    """
    from airflow_provider_wiro.sweep.process import see_the_deployment

    options = parser.parse_args(arguments)
    if options.act is None:
        parser.print_help(sys.stderr)
        return 2
    see_the_deployment()
    # Airflow looks for its database when it is imported.
    from airflow_provider_wiro.sweep.errors import said

    acts = import_module(f"airflow_provider_wiro.cli.{command}_acts")
    carry_out: Callable[[argparse.Namespace], int] = getattr(acts, options.act)
    try:
        return carry_out(options)
    except WiroError as error:
        print(f"{command}: {said(error)}", file=sys.stderr)
    except Exception as error:
        print(f'{command}: {said(error)}. Does "{needs}" work here?', file=sys.stderr)
    return 1
