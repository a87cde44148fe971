"""The values of XComs: of a backend only where the deployment says so, for the API server asks it for anybody."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from airflow.configuration import conf

from airflow_provider_wiro.core.text import in_words

log = logging.getLogger(__name__)


def asks_backend() -> bool:
    """Whether values are asked of the XCom backend."""
    return bool(conf.getboolean("wiro", "gallery_xcom_backend", fallback=False))


def plain(value: Any) -> Mapping[str, Any] | None:
    """Return an object that is in the database, as tasks put it there, or as text, as Airflow's REST API does."""
    if isinstance(value, str) and value.startswith("{"):
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    return value if isinstance(value, Mapping) else None


def told(value: Any, *, backend: bool) -> Mapping[str, Any] | None:
    """Return an object that is in an XCom; None where there is none, or it is kept elsewhere and may not be read."""
    if (found := plain(value)) is not None or value is None or not backend:
        return found
    from airflow_provider_wiro.compat import XCom

    try:
        found = XCom.deserialize_value(SimpleNamespace(value=value))
    except Exception as error:
        log.warning("The XCom backend cannot be read for the Wiro gallery: %s", in_words(error))
        return None
    return found if isinstance(found, Mapping) else None
