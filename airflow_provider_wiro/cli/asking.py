"""A question to whoever has started the command."""

from __future__ import annotations

import sys


def agreed(question: str) -> bool:
    """Ask on the terminal, and return whether the answer was yes; no where there is nobody to ask."""
    if not sys.stdin.isatty():
        print("There is nobody to ask here: repeat the command with --yes.", file=sys.stderr)
        return False
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
