"""Where a task instance leads to: the model's page, and what was made.

Airflow 3 asks for a link in the worker, when the task has deferred and again when it has ended, and keeps the answer
in XCom. Airflow 2 asks in its web server, when a person looks. So what a link says comes from the operator there, and
from XCom here. Nothing may be raised: it fails the task on Airflow 3.0.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from airflow_provider_wiro.compat import AIRFLOW_V_3_0_PLUS, AIRFLOW_V_3_1_PLUS, BaseOperatorLink
from airflow_provider_wiro.core.pages import file_page, model_page, shown_url
from airflow_provider_wiro.core.result import ResultDict, uris_of, urls_of
from airflow_provider_wiro.links.gallery import gallery_page


class WiroModelLink(BaseOperatorLink):
    """Leads to the model's page at Wiro, as soon as the task has deferred or ended."""

    name = "Wiro model"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the page's address; empty where no model is known."""
        with suppress(Exception):
            if AIRFLOW_V_3_0_PLUS:
                return model_page(operator.model)
            return model_page(_xcom(ti_key, "wiro_generation")["model"])
        return ""


class WiroOutputLink(BaseOperatorLink):
    """Leads to what was made: to the saved file's page where its storage has one, else to Wiro.

    Of several outputs it leads to the gallery, which shows them all, and to the first one where there is no gallery:
    before Airflow 3.1, and with ``do_xcom_push=False``. Never to an address that holds what may be a secret, such as a
    signature.
    """

    name = "Output"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address; empty as long as there is none."""
        with suppress(Exception):
            if _is_in_the_gallery(operator) and _made(operator.told) > 1:
                return gallery_page(ti_key)
            for uri, url in _outputs(operator, ti_key):
                with suppress(Exception):  # the storage's connection cannot be read
                    if page := page_of(uri):
                        return page
                return shown_url(url)
        return ""


def at_the_deferral(links: Iterable[BaseOperatorLink]) -> list[BaseOperatorLink]:
    """Return the links that say something when the task defers: Airflow 3 keeps each with a request of its own."""
    return [link for link in links if not isinstance(link, WiroOutputLink)]


def at_the_end(links: Iterable[BaseOperatorLink]) -> list[BaseOperatorLink]:
    """Return the links that say something new when a task that has deferred ends."""
    return [link for link in links if isinstance(link, WiroOutputLink)]


def page_of(uri: str | None) -> str:
    """Return the page of a saved file; empty where its storage has none, or is only like S3."""
    page = file_page(uri)
    return page if uri and (not uri.startswith(("s3://", "s3a://")) or _is_aws(uri)) else ""


def _is_aws(uri: str) -> bool:
    """Whether what speaks S3 there is Amazon's, in its public regions."""
    if any(os.environ.get(name) for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")):
        return False
    conn_id, at, _ = uri.partition("://")[2].partition("/")[0].rpartition("@")
    if not at:
        return True
    from airflow_provider_wiro.compat import AirflowNotFoundException, BaseHook

    try:
        connection = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return True
    extra = connection.extra or ""
    return not (connection.host or "endpoint_url" in extra or '"cn-' in extra or '"us-gov-' in extra)


def _outputs(operator: Any, ti_key: Any) -> list[tuple[str | None, str | None]]:
    """Return of each output where it is saved, and its address at Wiro."""
    if not AIRFLOW_V_3_0_PLUS:
        return [(_xcom(ti_key, "output_uri"), _xcom(ti_key, "output_url"))]
    told = operator.told
    if told is None:
        return []
    return [(next(iter(uris_of(told)), None), next(iter(urls_of(told)), None))]


def _is_in_the_gallery(operator: Any) -> bool:
    return AIRFLOW_V_3_1_PLUS and operator.do_xcom_push and operator.told is not None


def _made(told: ResultDict) -> int:
    """Return how many outputs are files."""
    return max(len(urls_of(told)), len(uris_of(told)))


def _xcom(ti_key: Any, key: str) -> Any:
    from airflow_provider_wiro.compat import XCom

    return XCom.get_value(ti_key=ti_key, key=key)
