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
            "description": "true, false, or the path of a CA file.",
            "schema": {"type": ["string", "null"], "default": "true"},
        },
        "allow_http": {
            "label": "Allow plain http",
            "description": "Send the API key unencrypted to a host that is not this machine.",
            "schema": {"type": ["boolean", "null"], "default": False},
        },
    },
    "ui-field-behaviour": {
        "hidden-fields": ["schema", "port"],
        "relabeling": {"login": "API key", "password": "API secret", "host": "Base URL"},
        "placeholders": {
            "login": "from the project's page in the Wiro dashboard",
            "password": "empty for a project that uses the API key alone",
            "host": "https://api.wiro.ai/v1",
            "extra": '{"timeout": 30, "verify": true}',
        },
    },
}


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata, as Airflow's provider schema describes it."""
    return {
        "package-name": "airflow-provider-wiro",
        "name": "Wiro",
        "description": "Run models on Wiro AI: pay once per generation, wait without a worker slot.",
        "versions": [__version__],
        "integrations": [
            {"integration-name": "Wiro", "external-doc-url": "https://wiro.ai", "tags": ["service"]},
        ],
        "connection-types": [CONNECTION_TYPE],
        "hooks": _modules("hooks.wiro"),
        "operators": _modules("operators.wiro", "operators.runway"),
        "triggers": _modules("triggers.wiro"),
    }


def _modules(*names: str) -> list[dict[str, Any]]:
    return [{"integration-name": "Wiro", "python-modules": [f"airflow_provider_wiro.{name}" for name in names]}]
