"""What a process needs to see a deployment as its scheduler does."""

from __future__ import annotations

import logging
import os


def see_the_deployment() -> None:
    """Prepare this process, before Airflow is imported, to read the deployment's database and connections."""
    os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"  # else Airflow 3.1+ reads no connection from its database
    logging.disable(logging.INFO)
