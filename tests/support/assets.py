"""The events of assets, as they are in Airflow's database."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS


def asset_events(uri: str) -> list[Any]:
    """Return those of one asset (on Airflow 2: a dataset)."""
    from airflow.utils.session import create_session

    if AIRFLOW_V_3_0_PLUS:
        from airflow.models.asset import AssetEvent, AssetModel
    else:
        from airflow.models.dataset import DatasetEvent as AssetEvent
        from airflow.models.dataset import DatasetModel as AssetModel
    with create_session() as session:
        [asset] = session.query(AssetModel).filter_by(uri=uri).all()
        where = {("asset_id" if AIRFLOW_V_3_0_PLUS else "dataset_id"): asset.id}
        return [SimpleNamespace(extra=event.extra) for event in session.query(AssetEvent).filter_by(**where)]


def register_alias(name: str) -> None:
    """Have Airflow know an alias, as its DAG processor does; only Airflow 3 makes it by itself where a DAG is tried."""
    if AIRFLOW_V_3_0_PLUS:
        return
    from airflow.models.dataset import DatasetAliasModel
    from airflow.utils.session import create_session

    with create_session() as session:
        session.add(DatasetAliasModel(name=name))
