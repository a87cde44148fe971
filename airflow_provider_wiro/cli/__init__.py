"""
``python -m airflow_provider_wiro COMMAND``: what an operator of Airflow does by hand.

A command is a module of this folder: ``SUMMARY``, one line for the list of commands, and ``main(arguments)``, which
returns the exit code. Importing it imports neither Airflow nor what it works with.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

PROGRAM = "python -m airflow_provider_wiro"
ABOUT = """
What an operator of Airflow does by hand. No command submits anything at Wiro, and so none costs money by itself.
"""
AFTER = f'"{PROGRAM} COMMAND --help" says what a command does, what follows from it, and what its exit codes mean.'

COMMANDS = (
    "emulator",
    "fetch",
    "journal",
    "sweep",
    "task",
    "verify",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says, and return the exit code.

    :param arguments: the command line without the program's name; None: the process's own.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    modules = {name: import_module(f"airflow_provider_wiro.cli.{name}") for name in COMMANDS}
    parser = argparse.ArgumentParser(prog=PROGRAM, description=ABOUT, epilog=AFTER)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, module in modules.items():
        commands.add_parser(name, help=module.SUMMARY, add_help=False)
    name = parser.parse_args(given[:1]).command
    if name is None:
        parser.print_help(sys.stderr)
        return 2
    code: int = modules[name].main(given[1:])
    return code
