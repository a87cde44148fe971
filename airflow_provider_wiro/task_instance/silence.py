"""Telling an Airflow that does not answer from one that cannot be asked."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request

from airflow.providers.common.compat.sdk import conf
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

KNOCKING = 1.0
"""Seconds for one look whether the API server is there."""

TOO_MANY_REQUESTS, SERVER_ERRORS = 429, 500


def shows_silence(error: Exception) -> bool:
    """Whether the error of a look-up says that Airflow is not there, and nothing of the task.

    True where the channel to the supervisor has broken, where the supervisor reports that the API server could not be
    reached or failed, and, before Airflow 3, where the database could not be reached.
    """
    if isinstance(error, EOFError | OSError):
        return True
    if AIRFLOW_V_3_0_PLUS:
        return _api_failed(error)
    from sqlalchemy.exc import InterfaceError, OperationalError

    return isinstance(error, OperationalError | InterfaceError)


def _api_failed(error: Exception) -> bool:
    """Read what the supervisor passes on: the HTTP status, None where there was no answer."""
    detail = getattr(getattr(error, "error", None), "detail", None)
    if not isinstance(detail, dict) or "status_code" not in detail:
        return False
    status = detail["status_code"]
    return status is None or status == TOO_MANY_REQUESTS or status >= SERVER_ERRORS


def airflow_answers() -> bool:
    """Look whether Airflow's API server is there: a look-up that hangs does not say why.

    The supervisor tries again for many seconds before it says that it reaches nobody. Before Airflow 3, and where
    nothing can be determined, True.
    """
    if not AIRFLOW_V_3_0_PLUS:
        return True
    url = f"{_execution_api().rstrip('/')}/health"
    if not url.startswith(("http://", "https://")):
        return True
    try:
        with urllib.request.urlopen(url, timeout=KNOCKING):
            return True
    except urllib.error.HTTPError as error:
        return error.code < SERVER_ERRORS
    except urllib.error.URLError as error:
        return isinstance(error.reason, ssl.SSLCertVerificationError)
    except OSError:
        return False


def _execution_api() -> str:
    """Return where the supervisor looks for the API server, in the way in which Airflow's executors find it."""
    base = conf.get("api", "base_url", fallback="/") or "/"
    if base.startswith("/"):
        base = f"http://localhost:8080{base}"
    return str(conf.get("core", "execution_api_server_url", fallback=f"{base.rstrip('/')}/execution/"))
