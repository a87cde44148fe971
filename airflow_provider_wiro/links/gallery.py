"""Where a task instance leads to in the gallery: who has no right to plugins has no tab of it, but has this link."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import quote

from airflow_provider_wiro.compat import AIRFLOW_V_3_1_PLUS, BaseOperatorLink


class WiroGalleryLink(BaseOperatorLink):
    """Leads to what the task instance has generated, in the gallery. Airflow 3.1 and newer."""

    name = "Wiro gallery"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address, without a leading slash: Airflow may be below a sub-path."""
        with suppress(Exception):  # an error fails the task on Airflow 3.0
            return gallery_page(ti_key)
        return ""


def gallery_page(ti_key: Any) -> str:
    """Return the address of what a task instance has generated, in the gallery."""
    ids = {"dag_id": ti_key.dag_id, "run_id": ti_key.run_id, "task_id": ti_key.task_id}
    told = [*ids.items(), ("map_index", str(ti_key.map_index))]
    return "wiro-ui/?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in told)


def gallery_links() -> tuple[BaseOperatorLink, ...]:
    """Return the link where there is a gallery."""
    return (WiroGalleryLink(),) if AIRFLOW_V_3_1_PLUS else ()
