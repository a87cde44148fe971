"""The link to the gallery."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_1_PLUS

from airflow_provider_wiro.gallery.plugin import PAGE
from airflow_provider_wiro.links.gallery import WiroGalleryLink, gallery_links


def test_it_leads_to_the_task_instance_from_below_a_sub_path_too() -> None:
    key = SimpleNamespace(dag_id="films", run_id="manual__2026-11-27T12:00:00+00:00", task_id="a.b", map_index=2)
    link = WiroGalleryLink().get_link(None, ti_key=key)
    assert link == f"{PAGE}?dag_id=films&run_id=manual__2026-11-27T12%3A00%3A00%2B00%3A00&task_id=a.b&map_index=2"


@pytest.mark.parametrize("key", [None, SimpleNamespace(dag_id=1), SimpleNamespace()])
def test_it_never_fails_a_task(key: Any) -> None:
    assert WiroGalleryLink().get_link(None, ti_key=key) == ""


def test_it_is_there_where_the_gallery_is() -> None:
    assert bool(gallery_links()) == AIRFLOW_V_3_1_PLUS
