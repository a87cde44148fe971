"""``python -m airflow_provider_wiro``: the command line."""

from __future__ import annotations

import sys

from airflow_provider_wiro.cli import main

if __name__ == "__main__":
    sys.exit(main())
