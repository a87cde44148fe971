"""What Airflow reads about this package at start-up, before it imports anything else of it."""

from __future__ import annotations

from typing import Any

from airflow_provider_wiro import __version__

CONNECTION_TYPE: dict[str, Any] = {
    "connection-type": "wiro",
    "hook-class-name": "airflow_provider_wiro.hooks.wiro.WiroHook",
    "hook-name": "Wiro",
    "conn-fields": {
        "timeout": {
            "label": "Timeout",
            "description": "Seconds for one whole request.",
            "schema": {"type": ["number", "null"], "default": 30},
        },
        "verify": {
            "label": "Verify TLS",
            "description": "Empty: certificates are verified. Or false, or the path of a CA file.",
            "schema": {"type": ["string", "null"], "default": None},
        },
        "allow_http": {
            "label": "Allow plain http",
            "description": "Send the API key unencrypted to a host that is not this machine.",
            "schema": {"type": ["boolean", "null"], "default": False},
        },
        "max_active": {
            "label": "Max active",
            "description": "How many tasks may run at Wiro at once, before an operator submits. Empty: any number.",
            "schema": {"type": ["integer", "null"], "minimum": 1},
        },
        "socket_url": {
            "label": "Socket URL",
            "description": "Where Wiro says that something has happened to a task, for [wiro] push. "
            "Empty: Wiro's own, where the base URL is Wiro's.",
            "schema": {"type": ["string", "null"], "default": None},
        },
    },
    "ui-field-behaviour": {
        "hidden-fields": ["schema", "port"],
        "relabeling": {"login": "API key", "password": "API secret", "host": "Base URL"},
        "placeholders": {
            "login": "from the project's page in the Wiro dashboard",
            "password": "empty for a project that uses the API key alone",
            "host": "https://api.wiro.ai/v1",
            "extra": '{"verify": "/etc/ssl/certs/our-ca.pem"}',
        },
    },
}

CONFIG: dict[str, Any] = {
    "wiro": {
        "description": "Settings of the Wiro provider.",
        "options": {
            "journal_path": {
                "description": "A folder, local or on an object storage, where each task instance writes down the\n"
                "submission that it pays for, so that a retry does not pay again. All workers must share it, and no\n"
                "other deployment may: records are told apart by dag_id, run_id, task_id and map_index. Without it,\n"
                "Airflow 3.3 and newer use the Task State Store; older versions have none.\n",
                "version_added": "0.1.0",
                "type": "string",
                "example": "s3://aws_default@my-bucket/wiro-journal",
                "default": None,
            },
            "require_marker": {
                "description": "Whether a local journal_path that holds neither a record nor a file .wiro-journal is\n"
                "an error before anything is submitted: it may be the place of a share that is not mounted, and tries\n"
                "that see different folders pay twice. `python -m airflow_provider_wiro journal init` makes the\n"
                "file; an empty one made by hand will do. While this is False it is a warning, until 0.3.0.\n",
                "version_added": "0.2.0",
                "type": "boolean",
                "example": "True",
                "default": "False",
            },
            "journal_mode": {
                "description": "The mode of the files below a local journal_path, in octal digits and whatever the\n"
                "umask, from 0600 to 0666; the folders that are made there get it too, with x for each r. Needed\n"
                "where tasks of one DAG run run as different users (run_as_user). Without it files are 0644, and the\n"
                "umask decides about folders.\n",
                "version_added": "0.2.0",
                "type": "string",
                "example": "0660",
                "default": None,
            },
            "list_polling": {
                "description": "Whether a triggerer looks at many waiting tasks together, by pages of Wiro's list,\n"
                "where that is cheaper than one request each. An end is always confirmed by a request of its own,\n"
                "and each task is asked for by itself every five minutes. False: always one request each.\n",
                "version_added": "0.2.0",
                "type": "boolean",
                "example": "False",
                "default": "True",
            },
            "push": {
                "description": "Whether a triggerer opens a socket to Wiro, on which Wiro says that something has\n"
                "happened to a task: an end is seen at once, and with fewer requests. Requests stay the safety net,\n"
                "every 30 s. It needs the extra socket_url where the connection's base URL is not Wiro's own.\n",
                "version_added": "0.2.0",
                "type": "boolean",
                "example": "True",
                "default": "False",
            },
            "allow_private_hosts": {
                "description": "Hosts, separated by commas, that may have private addresses although Wiro names them\n"
                "as the place of a task's outputs. All other hosts are only asked at public addresses, except the\n"
                "connection's own.\n",
                "version_added": "0.2.0",
                "type": "string",
                "example": "minio.internal,10.0.0.7",
                "default": None,
            },
            "gallery_roots": {
                "description": "Prefixes in object storages, separated by commas, below which the gallery plays saved\n"
                "files, with the connection of the API server: whoever may read a DAG's XComs sees them. Scheme,\n"
                "connection and bucket must be the ones of save_to. Files elsewhere are named, and not played.\n",
                "version_added": "0.2.0",
                "type": "string",
                "example": "s3://aws_default@my-bucket/videos",
                "default": None,
            },
            "gallery_xcom_backend": {
                "description": "Whether the gallery asks the XCom backend for values that are not in Airflow's\n"
                "database. The API server then reads on behalf of anybody what XComs name.\n",
                "version_added": "0.2.0",
                "type": "boolean",
                "example": "True",
                "default": "False",
            },
        },
    },
}


GUIDES = ("files.md", "paying-once.md", "recipes.md", "runbook.md", "sweep.md")


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata, as Airflow's provider schema describes it."""
    return {
        "package-name": "airflow-provider-wiro",
        "name": "Wiro",
        "description": "Run models on Wiro AI: pay once per generation, wait without a worker slot.",
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": "Wiro",
                "external-doc-url": "https://wiro.ai/docs",
                "how-to-guide": [f"/docs/{page}" for page in GUIDES],
                "logo": "/docs/integration-logos/wiro.svg",
                "tags": ["service"],
            },
        ],
        "connection-types": [CONNECTION_TYPE],
        "hooks": _modules("hooks.wiro"),
        "operators": _modules("operators.wiro", "operators.runway"),
        "sensors": _modules("sensors.wiro"),
        "transfers": [
            {
                "how-to-guide": "/docs/files.md",
                "source-integration-name": "Wiro",
                "target-integration-name": "Wiro",
                "python-module": "airflow_provider_wiro.transfers.wiro_to_object_storage",
            },
        ],
        "triggers": _modules("triggers.wiro", "triggers.wake_up", "triggers.room"),
        "extra-links": [
            f"airflow_provider_wiro.links.{name}"
            for name in ("wiro.WiroModelLink", "wiro.WiroOutputLink", "gallery.WiroGalleryLink")
        ],
        "task-decorators": [{"name": "wiro", "class-name": "airflow_provider_wiro.decorators.wiro.wiro_task"}],
        "config": CONFIG,
    }


def _modules(*names: str) -> list[dict[str, Any]]:
    return [{"integration-name": "Wiro", "python-modules": [f"airflow_provider_wiro.{name}" for name in names]}]
